"""A file of a zip file is read only if every program that unpacks the zip file finds the same one."""

from __future__ import annotations

import re
import stat
import zipfile

import pytest

from cicd_templates.functions.archived_files import only_file

FILE = "services/basket/Dockerfile"


def entry(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = kind << 16
    return made


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [entry(FILE), entry(f".//{FILE}")],
            "'.//services/basket/Dockerfile', which programs unpack in different ways",
        ),
        ([entry("services", stat.S_IFLNK), entry(FILE)], "the zip file has the entry 'services'"),
        ([entry("other")], f"the zip file has 0 files named {FILE}"),
        ([entry(f"{FILE}/", stat.S_IFDIR)], f"the zip file has 0 files named {FILE}"),
        ([entry(FILE, stat.S_IFLNK)], f"{FILE} is a link or another special file in the zip file"),
        ([entry(FILE, stat.S_IFIFO)], f"{FILE} is a link or another special file in the zip file"),
    ],
)
def test_a_zip_file_must_have_one_plain_file_at_a_path(entries: list[zipfile.ZipInfo], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        only_file(entries, FILE)


@pytest.mark.parametrize("name", [FILE, f"./{FILE}"])
def test_the_only_file_at_a_path_is_found(name: str) -> None:
    listed = [entry("services/", stat.S_IFDIR), entry("link", stat.S_IFLNK), entry(name), entry("x", 0)]

    assert only_file(listed, FILE).filename == name
