"""Locates the files of a user's project, reads them from git, and writes them.

After an interrupted write, the path has either the complete old file or the complete new file.

- `paths` has the paths of the folders and files of a project, relative to the project's folder.
- `ordinary_files` finds links and special files, such as named pipes.
- `replacement` replaces a file in one step. `private_files`, `project_files` and the archives of evidence use it.
- `private_files` writes state files that only their owner can read.
- `project_files` writes the files that are committed to git.
- `git_commands` runs git in a work tree that may be hostile, and `git_objects` parses the output of git.
"""
