"""The templates of two releases are compared file by file. No archive causes a traceback."""

from __future__ import annotations

import io
import zipfile

import pytest

from cicd_templates.evidence import templates_difference
from cicd_templates.evidence.templates_difference import compare_templates
from tests.fakes.signed_evidence import templates


def test_only_files_that_differ_are_named_in_order() -> None:
    before = templates(staging__a="x: 1\n", staging__b="y: 1\nz: 1\n", staging__c="gone\n")
    after = templates(staging__b="y: 1\nz: 2\n", staging__a="x: 1\n", production__d="new\n")
    difference = compare_templates(before, after)

    assert list(difference.files) == ["production/d.yaml", "staging/b.yaml", "staging/c.yaml"]
    assert difference.text.splitlines() == [
        "--- /dev/null", "+++ production/d.yaml", "@@ -0,0 +1 @@", "+new",
        "--- staging/b.yaml", "+++ staging/b.yaml", "@@ -1,2 +1,2 @@", " y: 1", "-z: 1", "+z: 2",
        "--- staging/c.yaml", "+++ /dev/null", "@@ -1 +0,0 @@", "-gone",
    ]  # fmt: skip


def test_the_same_files_have_no_difference() -> None:
    assert compare_templates(templates(a="1"), templates(a="1")).text == ""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\n", "a\r\n", "--- a.yaml\n+++ a.yaml\n@@ only the line endings differ @@\n"),
        ("a\n", "a\n" * 20, "--- a.yaml\n+++ a.yaml\n@@ the file differs, and is too long to be compared @@\n"),
    ],
    ids=["ends of lines", "a long file"],
)
def test_a_difference_without_lines_says_so(
    before: str, after: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates_difference, "LONGEST_COMPARED", 10)

    assert compare_templates(templates(a=before), templates(a=after)).text == expected


def damaged() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a" * 1000)
    content = bytearray(target.getvalue())
    content[35] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize("archive", [b"", b"none", damaged()], ids=["empty", "no archive", "damaged"])
def test_an_archive_that_cannot_be_read_is_a_sentence(archive: bytes) -> None:
    assert compare_templates(templates(), archive).text.startswith("The templates cannot be compared: ")


def test_an_archive_that_is_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates_difference, "MOST_BYTES", 3)

    assert compare_templates(templates(a="aa", b="bb"), templates()).problem == (
        "The templates cannot be compared: ValueError: an archive has 4 bytes in total, but at most 3 are read"
    )


def test_an_archive_with_two_files_of_one_name_is_not_compared() -> None:
    twice = templates(aaaa="1", bbbb="2").replace(b"bbbb", b"aaaa")

    assert compare_templates(templates(), twice).problem == (
        "The templates cannot be compared: ValueError: an archive has two files with the same name"
    )
