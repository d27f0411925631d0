"""Zip files with entries that programs unpack in different ways are refused."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from cicd_templates.functions.scan_gate.artifacts import read_entries
from cicd_templates.functions.scan_gate.reading import UnusableError
from cicd_templates.functions.zip_names import ambiguous_entry, differing_local_name, unclear_directory

FILE = "services/basket/Dockerfile"


def entry(name: str, kind: int = stat.S_IFREG, extra: bytes = b"") -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = kind << 16
    made.extra = extra
    return made


SECOND_NAME = struct.pack("<HHI", 9, 4, 0) + struct.pack("<HH", 0x7075, 8) + b"\x01abcdxyz"


@pytest.mark.parametrize(
    ("names", "unclear"),
    [
        ([FILE, f"./{FILE}"], f"./{FILE}"),
        ([FILE, "services//basket/Dockerfile"], "services//basket/Dockerfile"),
        ([FILE, "services/./basket/Dockerfile"], "services/./basket/Dockerfile"),
        ([FILE, FILE], FILE),
        ([f"/{FILE}"], f"/{FILE}"),
        (["a/../b"], "a/../b"),
        ([r"services\basket\Dockerfile"], r"services\basket\Dockerfile"),
        ([f"{FILE}\0.txt"], f"{FILE}\0.txt"),
        ([FILE, f"{FILE}/"], f"{FILE}/"),
        ([f"{FILE}/", FILE], FILE),
        (["services", FILE], "services"),
        ([f"{FILE}/x", FILE], FILE),
        (["services/", "services/basket/", FILE, "services/", "./other"], ""),
        (["Dockerfile", "dockerfile"], ""),
        (["a..b", "...", "c/..d"], ""),
    ],
)
def test_an_entry_that_can_be_unpacked_to_another_place_or_twice_is_ambiguous(names: list[str], unclear: str) -> None:
    assert ambiguous_entry([entry(name) for name in names]) == unclear


@pytest.mark.parametrize(("extra", "unclear"), [(SECOND_NAME, "a"), (SECOND_NAME[:8], ""), (b"\1", "")])
def test_an_entry_with_a_second_name_is_ambiguous(extra: bytes, unclear: str) -> None:
    assert ambiguous_entry([entry("a", extra=extra)]) == unclear


def zipped(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        for name in names:
            written.writestr(name, "{}")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "unclear"),
    [
        (zipped("a.json", "caf\xe9.json", "services/"), ""),
        (b"text before the archive" + zipped("a.json", "b.json"), ""),
        (zipped("a.json", "b.json").replace(b"b.json", b"a.json", 1), "b.json"),
        (zipped("caf\xe9.json").replace(b"\xc3\xa9", b"\xc3\xa8", 1), "caf\xe9.json"),
        (zipped("a.json").replace(b"PK\3\4", b"PK\3\5", 1), "a.json"),
    ],
    ids=["the same names", "a text before", "the name of another entry", "another letter", "no header"],
)
def test_a_name_before_the_content_that_differs_from_the_directory_is_found(data: bytes, unclear: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert differing_local_name(archive) == unclear
    if unclear:
        with pytest.raises(UnusableError, match="unpack in different ways"):
            read_entries(data, ["a.json"])


def streamed(data: bytes) -> bytes:
    """Return an archive whose entries have their sizes after their contents, as in CodePipeline's artifacts."""
    target = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return target.write(data)

    with zipfile.ZipFile(io.BytesIO(data)) as read, zipfile.ZipFile(Pipe(), "w") as written:
        for name in read.namelist():
            written.writestr(name, read.read(name))
    return target.getvalue()


def with_end(data: bytes, *full: int, large: Mapping[int, int] = MappingProxyType({})) -> bytes:
    """Return an archive with a ZIP64 record. The ordinary record has no values at `full`.

    `large` has values of the ZIP64 record that are not the real ones.
    """
    end = list(struct.unpack("<4s4H2LH", data[-22:]))
    values = [large.get(number, value) for number, value in enumerate(end[1:7])]
    for number in full:
        end[number + 1] = 0xFFFF if number < 4 else 0xFFFFFFFF
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, *values)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    return data[:-22] + record + locator + struct.pack("<4s4H2LH", *end)


def with_comment(data: bytes, comment: bytes) -> bytes:
    return data[:-2] + struct.pack("<H", len(comment)) + comment


PLAIN = zipped("a.json", "b/c.json")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN, zipped(), streamed(PLAIN), with_comment(PLAIN, b"a" * 40),
        with_end(PLAIN, 2, 3), with_end(PLAIN, 4, 5), with_end(PLAIN, 2, 3, 4, 5),
    ],
    ids=["plain", "empty", "streamed", "of git", "many entries", "large", "many and large"],
)  # fmt: skip
def test_an_archive_whose_end_names_its_directory_is_clear(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert unclear_directory(archive) == ""
    read_entries(data, [])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (with_end(PLAIN), "two different directories"),
        (with_end(PLAIN, 2, 3, large={0: 1}), "two different directories"),
        (PLAIN[:-12] + b"\xff\xff" + PLAIN[-10:], "two different directories"),
        (b"text before" + PLAIN, "two different directories"),
        (PLAIN + b"text", "text after the end"),
        (with_comment(PLAIN, b"x" + zipped()), "two different directories"),
        (with_comment(PLAIN, b"x" + zipped() + b"more"), "text after the end"),
    ],
    ids=[
        "a record that is not needed",
        "another disk",
        "a number that only a ZIP64 record could have",
        "text before",
        "text after",
        "an end in a comment",
        "an end with text after it in a comment",
    ],
)
def test_an_archive_in_which_programs_find_different_directories_is_refused(data: bytes, problem: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert unclear_directory(archive) == problem
    with pytest.raises(UnusableError, match=problem):
        read_entries(data, ["a.json"])


def test_two_names_that_are_one_in_utf_8_are_ambiguous() -> None:
    # Without the flag for UTF-8, zipfile reads a name as code page 437, and other programs read it as UTF-8.
    entries = [entry("caf\xe9.json"), entry("caf\u251c\u2310.json")]
    entries[0].flag_bits = 0x800

    assert ambiguous_entry(entries) == "caf\u251c\u2310.json"
    assert ambiguous_entry(entries[:1]) == ambiguous_entry(entries[1:]) == ""


def test_an_artifact_with_two_entries_for_a_report_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        written.writestr("report.json", "{}")
        written.writestr("./report.json", "[]")

    with pytest.raises(UnusableError, match="unpack in different ways"):
        read_entries(target.getvalue(), ["report.json"])
