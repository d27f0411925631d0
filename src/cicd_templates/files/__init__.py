"""Names the files of a user's project, and writes them so that an interruption leaves the old file or the new one.

- `paths` names the folders and files of a project, relative to its folder.
- `private_files` writes state files that only their owner can read.
- `project_files` writes the files that are committed to git.
"""
