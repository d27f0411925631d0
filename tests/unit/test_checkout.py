"""A checkout has the committed bytes on every machine, because checksums and scripts depend on the bytes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf"])
def test_a_clone_on_windows_has_the_committed_bytes(setting: str, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    shutil.copy(ROOT / ".gitattributes", origin)
    (origin / "Makefile").write_bytes(b"all:\n\techo done\n")
    (origin / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    git(origin, "init", "--quiet")
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "--message", "a script and a picture")

    git(tmp_path, "-c", setting, "clone", "--quiet", "--config", setting, str(origin), "clone")

    for name in ("Makefile", "logo.png"):
        assert (tmp_path / "clone" / name).read_bytes() == (origin / name).read_bytes()
