"""Archives that a rehearsal unpacks: their bits, and what is refused before anything is written."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal import artifacts


def archive(*entries: tuple[str, int], content: bytes = b"x") -> zipfile.ZipFile:
    """A zip with entries of a name and a mode."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        for name, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            written.writestr(entry, content)
    return zipfile.ZipFile(data)


def test_files_are_unpacked_with_their_executable_bits(tmp_path: Path) -> None:
    artifacts.unpack(archive(("a/run.sh", 0o100755), ("a/..b", 0), ("empty/", stat.S_IFDIR | 0o755)), tmp_path)

    assert (tmp_path / "a/run.sh").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "a/..b").stat().st_mode & 0o111 == 0
    assert (tmp_path / "empty").is_dir()


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../outside", 0o100777),
        ("a/../../outside", 0o100777),
        ("a/..", 0o100777),
        ("..\\outside", 0o100777),
        ("/outside", 0o100777),
        ("C:/outside", 0o100777),
    ],
)
def test_a_name_that_leads_out_is_refused_and_changes_no_mode(tmp_path: Path, name: str, mode: int) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.touch(0o600)
    folder.mkdir()

    with pytest.raises(CicdError, match=f"the entry {re.escape(repr(name))}, which leads out of its folder"):
        artifacts.unpack(archive(("first", 0o100644), (name, mode)), folder)
    assert outside.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(CicdError, match="'link', which is a link or another special file"):
        artifacts.unpack(archive(("link", kind | 0o777), content=b"/etc/passwd"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_many_entries_and_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = archive(("a", 0), ("b", 0), content=b"12")
    monkeypatch.setattr(artifacts, "MOST_BYTES", 3)
    with pytest.raises(CicdError, match="an archive has 4 bytes in total; at most 3 are unpacked"):
        artifacts.unpack(many, tmp_path)
    monkeypatch.setattr(artifacts, "MOST_ENTRIES", 1)
    with pytest.raises(CicdError, match="an archive has 2 entries; at most 1 are unpacked"):
        artifacts.unpack(many, tmp_path)
    assert list(tmp_path.iterdir()) == []
