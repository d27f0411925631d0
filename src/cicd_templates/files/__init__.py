"""Names the files of a user's project, reads them from git, and writes them.

An interrupted write leaves the old file or the new one.

- `paths` names the folders and files of a project, relative to its folder.
- `private_files` writes state files that only their owner can read.
- `project_files` writes the files that are committed to git.
- `git_commands` runs git in a work tree that may be hostile, and `git_objects` reads what git prints.
"""
