"""Templates as they stood at a git revision, and the whole tool at one, read without touching the work tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.template.stack_template import StackTemplate, parse_template, read_template

SECONDS = 60
FORMS = (".yaml", ".json")


def templates_in(folder: Path) -> list[StackTemplate]:
    """The templates below `folder` now. Raises `ConfigurationError` where there are none."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix in FORMS)
    if not paths:
        raise ConfigurationError(f"{folder}: no rendered templates; run `make render` first")
    return [read_template(path) for path in paths]


def templates_at(revision: str, folder: str) -> list[StackTemplate]:
    """The templates below `folder` as `revision` has them; none where it has no such folder."""
    commit = commit_of(revision)
    if not _git("ls-tree", "--name-only", commit, "--", folder):
        return []
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, "--", folder))) as archive:
        found = []
        for member in archive:
            path = member.name.removeprefix(f"{folder}/")
            if member.isfile() and path.count("/") == 1 and path.endswith(FORMS):
                content = archive.extractfile(member)
                assert content is not None, "a file has content"
                found.append(parse_template(Path(path), content.read().decode()))
    return found


def unpack(revision: str, folder: Path) -> None:
    """Everything that `revision` has, below `folder`."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit_of(revision)))) as archive:
        archive.extractall(folder, filter="data")


def commit_of(revision: str) -> str:
    """The commit that `revision` names. Raises `ConfigurationError` where it names none."""
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except CicdError:
        raise ConfigurationError(f"{revision!r} is no revision here; name a commit, branch or tag") from None


def _git(*arguments: str) -> bytes:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603, S607
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CicdError(f"git {arguments[0]}: {error}") from None
    if answer.returncode:
        raise CicdError(f"git {arguments[0]}: {answer.stderr.decode(errors='replace').strip() or 'failed'}")
    return answer.stdout
