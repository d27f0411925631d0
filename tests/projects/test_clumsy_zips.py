"""Every source of a release that somebody names is packed, or is refused in one line without a traceback."""

from __future__ import annotations

import io
import os
import random
import warnings
import zipfile
from pathlib import Path

import pytest

from cicd_templates.deploy.releases.archives import source_archive
from cicd_templates.errors import CicdError
from tests.projects.rendering import EXAMPLE

NAMES = (
    *("a.txt", "Dockerfile", "folder/", "folder/a", "smoke\\smoke.py", "../x", "/etc/passwd", "C:\\x", "a/../../b", ""),
    *(".", "..", "a//b", "a\nb", "é.py", "x" * 300, "a" + "/a" * 200, "con", "a\0b", ".git/config", "-rf", "\u202egpj"),
)
SYMBOLIC_LINK, DEVICE = 0o120777 << 16, 0o060666 << 16


def archive(chance: random.Random) -> bytes:
    """Return a zip file of the example with some odd entries, and often with damage."""
    target = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(target, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as file,
    ):
        if chance.random() < 0.7:
            file.write(EXAMPLE / "Dockerfile", "Dockerfile")
        for name in chance.sample(NAMES, chance.randint(0, 3)):
            entry = zipfile.ZipInfo(name or "empty")
            entry.filename = name
            entry.external_attr = chance.choice((0, 0, SYMBOLIC_LINK, DEVICE))
            file.writestr(entry, chance.choice((b"", b"x", b"\r\n" * 100, b"../../etc/passwd")))
    data = bytearray(target.getvalue())
    place = chance.randrange(len(data))
    match chance.randrange(6):
        case 0:
            del data[place:]
        case 1:
            data[place] ^= 1 << chance.randrange(8)
        case 2:
            data[place:place] = os.urandom(10)
        case 3:
            # Bit 0 of the flags of an entry says that it is encrypted.
            directory = data.rfind(b"PK\x01\x02")
            if directory >= 0:
                data[directory + 8] |= 1
        case _:
            pass
    return bytes(data)


def refused(seed: int, folder: Path) -> bool:
    """Return whether a source was refused. Any error but a `CicdError` of one line fails the test."""
    chance = random.Random(seed)  # noqa: S311 - situations, no secrets
    path = folder / chance.choice(("app.zip", "app.ZIP", "app", "app.tar.gz"))
    if chance.random() < 0.1:
        path.mkdir()
    else:
        path.write_bytes(archive(chance))
    try:
        source_archive(path)
    except CicdError as error:
        assert str(error).strip(), seed
        assert len(str(error).splitlines()) == 1, (seed, str(error))
        return True
    return False


def test_an_odd_source_is_an_archive_or_is_refused(tmp_path: Path) -> None:
    folders = [tmp_path / str(seed) for seed in range(40)]
    for folder in folders:
        folder.mkdir()

    assert sum(refused(int(folder.name), folder) for folder in folders) > 20


@pytest.mark.long
def test_many_odd_sources_are_archives_or_are_refused(tmp_path: Path) -> None:
    folders = [tmp_path / str(seed) for seed in range(100, 1100)]
    for folder in folders:
        folder.mkdir()

    assert sum(refused(int(folder.name), folder) for folder in folders) > 500
