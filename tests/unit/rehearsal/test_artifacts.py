"""Archives that a rehearsal unpacks: their file modes, and archives that are refused before anything is written."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal import artifacts


def archive(*entries: tuple[str, int], content: bytes = b"x") -> zipfile.ZipFile:
    """Return a zip whose entries have the given names and modes."""
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


def test_an_artifact_is_named_to_a_function_and_in_a_list_in_the_forms_of_the_api() -> None:
    artifact = artifacts.Artifact("BanditReport", "store", "pay/BanditRepo/1a2b3c4")

    assert artifact.location["location"]["s3Location"] == {"bucketName": "store", "objectKey": "pay/BanditRepo/1a2b3c4"}
    assert artifact.detail == {
        "name": "BanditReport",
        "s3location": {"bucket": "store", "key": "pay/BanditRepo/1a2b3c4"},
    }


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

    with pytest.raises(CicdError, match=f"the entry {re.escape(repr(name))}, whose path leads out of the folder"):
        artifacts.unpack(archive(("first", 0o100644), (name, mode)), folder)
    assert outside.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(CicdError, match="'link', which is a link or another special file"):
        artifacts.unpack(archive(("link", kind | 0o777), content=b"/etc/passwd"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def entry(name: str, **values: object) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


def unicode_path(name: str) -> bytes:
    """Return the extra field that gives an entry a second name."""
    data = b"\x01" + b"\0\0\0\0" + name.encode()
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(data)) + data


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param(["app.py", "app.py"], "'app.py' twice", id="duplicate"),
        pytest.param(["src/app.py", "src\\app.py"], "twice", id="backslash"),
        pytest.param(["src//app.py", "src/./app.py"], "twice", id="another spelling"),
        pytest.param(["src", "src/app.py"], "'src/app.py' twice, or as a file and as a folder", id="file and folder"),
        pytest.param(["src/", "src"], "twice, or as a file and as a folder", id="folder and file"),
        pytest.param(
            [entry("app.py", extra=unicode_path("evil.py"))],
            "has two names; programs may use either name",
            id="0x7075",
        ),
    ],
)
def test_a_name_that_programs_read_in_different_ways_is_refused(
    entries: list[str | zipfile.ZipInfo], reason: str, tmp_path: Path
) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        for each in entries:
            written.writestr(each, b"x")

    with pytest.raises(CicdError, match=re.escape(reason)):
        artifacts.unpack(zipfile.ZipFile(data), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_entry_whose_two_headers_differ_is_refused(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        written.writestr("good.py", b"x")
    changed = io.BytesIO(data.getvalue().replace(b"good.py", b"evil.py", 1))

    with pytest.raises(CicdError, match=r"'good\.py', which cannot be read: File name in directory"):
        artifacts.unpack(zipfile.ZipFile(changed), tmp_path)


def test_other_extra_fields_are_none_of_our_business(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        written.writestr(entry("a", extra=struct.pack("<HH", 0x5455, 5) + b"\x03\0\0\0\0"), b"x")
    artifacts.unpack(zipfile.ZipFile(data), tmp_path)

    assert (tmp_path / "a").read_bytes() == b"x"


def test_too_many_entries_and_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = archive(("a", 0), ("b", 0), content=b"12")
    monkeypatch.setattr(artifacts, "MOST_BYTES", 3)
    with pytest.raises(CicdError, match="an archive has 4 bytes in total, but at most 3 are unpacked"):
        artifacts.unpack(many, tmp_path)
    monkeypatch.setattr(artifacts, "MOST_ENTRIES", 1)
    with pytest.raises(CicdError, match="an archive has 2 entries, but at most 1 are unpacked"):
        artifacts.unpack(many, tmp_path)
    assert list(tmp_path.iterdir()) == []
