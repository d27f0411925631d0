"""Reads the templates or all files of a git revision. The work tree stays unchanged."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import yaml

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.git_commands import read_with_git
from cicd_templates.files.git_objects import LINK, SUBMODULE, ListedFile, batch_contents, batch_input, listed_files
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate, parse_template, read_template

# If there is no such revision, `git rev-parse --verify --quiet` exits with this status and prints no message.
NO_SUCH_REVISION = 1
TEMPLATE_SUFFIXES = (".yaml", ".json")


class GitRefusedError(CicdError):
    """Raised if git failed. `status` is git's exit code, and the message is git's message."""

    def __init__(self, command: str, status: int, reason: str) -> None:
        super().__init__(f"git {command}: {reason or 'failed'}")
        self.status = status


def templates_in(folder: Path) -> list[StackTemplate]:
    """Return the templates below `folder` in the work tree. Raises `ConfigurationError` if there are none."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix in TEMPLATE_SUFFIXES)
    if not paths:
        raise ConfigurationError(f"{folder}: no rendered templates; run `make render` first")
    return [read_template(path) for path in paths]


def _parse_foreign(path: Path, content: bytes, revision: str) -> StackTemplate:
    """Parse the text of a template from another revision. The text may be hostile.

    Raises `ConfigurationError` if the template cannot be read, or if reading it could exhaust time or memory.
    """
    try:
        text = content.decode()
        cloudformation_yaml.refuse_hostile(text)
    except (ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"{path} of {revision}: cannot be compared: {reason}") from None
    return parse_template(path, text)


def templates_at(revision: str, folder: str) -> list[StackTemplate]:
    """Return the templates below `folder` in `revision`, or an empty list if the revision has no such folder."""
    templates = []
    listed = _listed(revision, "--", folder)
    for file in listed:
        if file.mode in (LINK, SUBMODULE):
            raise ConfigurationError(
                f"{file.path} of {revision}: is a link or a submodule, so it cannot be compared; name a revision that"
                " has the file"
            )
    for file, content in _read_files(revision, listed):
        path = file.path.removeprefix(f"{folder}/")
        if path.count("/") == 1 and path.endswith(TEMPLATE_SUFFIXES):
            templates.append(_parse_foreign(Path(path), content, revision))
    return templates


def unpack_revision(revision: str, folder: Path) -> None:
    """Write all files of `revision` into `folder`. A symbolic link becomes a file that contains the link's target."""
    listed = [file for file in _listed(revision) if file.mode != SUBMODULE]
    for file in listed:
        if ".." in PurePosixPath(file.path).parts or file.path.startswith("/"):
            raise ConfigurationError(f"{file.path!a} of {revision} is outside the repository; name another revision")
    for file, content in _read_files(revision, listed):
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _listed(revision: str, *arguments: str) -> list[ListedFile]:
    return listed_files(_git("ls-tree", "-r", "-z", commit_of(revision), *arguments))


def _read_files(revision: str, listed: list[ListedFile]) -> list[tuple[ListedFile, bytes]]:
    files = []
    answer = _git("cat-file", "--batch", text=batch_input(listed))
    for file, content in zip(listed, batch_contents(listed, answer), strict=True):
        if content is None:
            raise ConfigurationError(
                f"{file.path} of {revision}: the git repository has no intact object of the file; use a fresh and full"
                " clone"
            )
        files.append((file, content))
    return files


def commit_of(revision: str) -> str:
    """Return the commit to which `revision` refers.

    Raises `ConfigurationError` if there is no such commit. Raises the same error with git's message if git fails, for
    example because the work tree belongs to another user.
    """
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except CicdError as error:
        if not isinstance(error, GitRefusedError) or error.status != NO_SUCH_REVISION:
            raise ConfigurationError(str(error)) from None
        raise ConfigurationError(
            f"{revision!r} is not a revision of this repository; name a commit, branch or tag"
        ) from None


def _git(*arguments: str, text: bytes = b"") -> bytes:
    result = read_with_git(Path(), *arguments, text=text)
    if result.returncode:
        raise GitRefusedError(arguments[0], result.returncode, " ".join(result.stderr.decode(errors="replace").split()))
    return result.stdout
