"""Reads the templates, or all files, of a git revision without touching the work tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import yaml

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate, parse_template, read_template

GIT_TIMEOUT_SECONDS = 60
# If there is no such revision, `git rev-parse --verify --quiet` exits with this status and prints no message.
NO_SUCH_REVISION = 1
TEMPLATE_SUFFIXES = (".yaml", ".json")


class GitRefusedError(CicdError):
    """Raised if git failed. `status` is its exit code; the message is git's own."""

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
    commit = commit_of(revision)
    if not _git("ls-tree", "--name-only", commit, "--", folder):
        return []
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, "--", folder))) as archive:
        templates = []
        for member in archive:
            path = member.name.removeprefix(f"{folder}/")
            if member.isfile() and path.count("/") == 1 and path.endswith(TEMPLATE_SUFFIXES):
                content = archive.extractfile(member)
                assert content is not None, "a file has content"
                templates.append(_parse_foreign(Path(path), content.read(), revision))
    return templates


def unpack_revision(revision: str, folder: Path) -> None:
    """Extract all files of `revision` into `folder`. A symbolic link becomes a file that contains the link's target."""
    # Not a tar file: before Python 3.11.4, tarfile can extract files outside `folder`.
    with zipfile.ZipFile(io.BytesIO(_git("archive", "--format=zip", commit_of(revision)))) as archive:
        archive.extractall(folder)  # noqa: S202 - zipfile leaves out `..` and the root of names


def commit_of(revision: str) -> str:
    """Return the commit that `revision` names. Raises `ConfigurationError` if there is no such commit.

    Raises it with git's reason if git refuses to answer, for example in the work tree of another user.
    """
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except CicdError as error:
        if not isinstance(error, GitRefusedError) or error.status != NO_SUCH_REVISION:
            raise ConfigurationError(str(error)) from None
        raise ConfigurationError(
            f"{revision!r} is not a revision of this repository; name a commit, branch or tag"
        ) from None


def _git(*arguments: str) -> bytes:
    try:
        result = subprocess.run(["git", *arguments], capture_output=True, timeout=GIT_TIMEOUT_SECONDS, check=False)  # noqa: S603, S607
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CicdError(f"git {arguments[0]}: {error}") from None
    if result.returncode:
        raise GitRefusedError(arguments[0], result.returncode, " ".join(result.stderr.decode(errors="replace").split()))
    return result.stdout
