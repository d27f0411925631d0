"""Runs git safely in a work tree that may be hostile: git starts no program that the repository's configuration names,
and opens no connection.

For example, a repository's configuration can name filters, which git runs by default.
"""

from __future__ import annotations

import os
import re
import subprocess
from itertools import takewhile
from pathlib import Path

from cicd_templates.errors import ConfigurationError

GIT_SECONDS = 60
# Inside a hook, git sets these variables. If they were passed on, git would read the hook's repository instead.
HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}
# Options that keep git from running programs that the configuration of a foreign repository names. OFFLINE keeps git
# from fetching missing objects.
# https://git-scm.com/docs/git-config
HARMLESS = (
    "--no-optional-locks",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
    *("-c", "safe.bareRepository=explicit"),
)
OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
# Settings of a repository that name a program, as `git config` lists them. Options cannot switch them off, because the
# repository chooses a part of their names. Since git 2.54, the configuration itself can name hooks. If a user has
# installed Git LFS, its filter starts the extensions and transfers that the repository names.
RUNS_PROGRAM = re.compile(
    r"filter\..*\.(?:clean|smudge|process)|diff\.(?:.*\.)?(?:command|textconv|external)|tar\..*\.command"
    r"|remote\..*\.(?:uploadpack|receivepack|vcs)|core\.alternaterefscommand|hook\..*\.command"
    r"|lfs\.extension\..*\.(?:clean|smudge)|lfs\.customtransfer\..*\.path",
    re.DOTALL | re.IGNORECASE,
)


def run_git(folder: Path, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run any git command in `folder`.

    Raises `ConfigurationError` if the repository's configuration could make git start a program. In that case, the
    command does not run. Also raises `ConfigurationError` if git cannot run.
    """
    parents = (folder.resolve(), *folder.resolve().parents)
    for each in takewhile(lambda parent: not (parent / ".git").exists(), parents):
        # Git takes a folder with such names for a repository, and obeys the file `config` in it.
        if (each / "HEAD").exists() and any((each / name).exists() for name in ("objects", "commondir")):
            raise ConfigurationError(
                f"{each}: looks like a bare git repository, so git would run the programs in its "
                "configuration; rename its HEAD file"
            )
    settings = read_with_git(folder, "config", "--list", "--show-scope", "--includes", "--name-only", "-z")
    if settings.returncode != 0:
        return settings
    words = settings.stdout.decode(errors="replace").split("\0")[:-1]
    own = [name for scope, name in zip(words[::2], words[1::2], strict=True) if scope in ("local", "worktree")]
    programs = [name for name in own if RUNS_PROGRAM.fullmatch(name)]
    if programs:
        raise ConfigurationError(
            f"{folder}: a setting of this git repository makes git run a program ({programs[0]!a}); if you trust the"
            " program, move the setting to your own settings with `git config --global`; if not, use a fresh clone"
        )
    return read_with_git(folder, *arguments, text=text)


def read_with_git(folder: Path, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a git command that reads only settings, references or objects. Such a command starts no filters.

    Git runs in `folder` and gets `text` as its input. Raises `ConfigurationError` if git cannot run.
    """
    here = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES} | OFFLINE
    # Replacement refs exist only in this clone, and would show other content under the id of a commit.
    here["GIT_NO_REPLACE_OBJECTS"] = "1"
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the folder is an argument
            ["git", *HARMLESS, "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            input=text,
            capture_output=True,
            check=False,
            timeout=GIT_SECONDS,
            env=here,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{folder}: git did not answer: {error}") from None
