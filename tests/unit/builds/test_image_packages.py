"""The packages in an image are read from its files, and Python packages that no check has judged are refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import runpy
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
SITE = "usr/local/lib/python3.13/site-packages"
Run = Callable[..., str]


def exported(files: dict[str, Any]) -> bytes:
    """Return the tar of `docker export`. A text that begins with `->` is a symbolic link, with `=>` a hard link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
            elif content[:2] in ("->", "=>"):
                member.type = tarfile.SYMTYPE if content[:2] == "->" else tarfile.LNKTYPE
                member.linkname = content[2:]
            body = content.encode() if isinstance(content, str) else content or b""
            body = body if member.isfile() else b""
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return data.getvalue()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def called(script: str, *arguments: str, stdin: bytes = b"") -> str:
        monkeypatch.setattr(sys, "argv", [f"{script}.py", *arguments])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        try:
            runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
        except SystemExit as error:
            return f"exit: {error.code}"
        return capsys.readouterr().out

    return called


def listed(files: dict[str, Any], run: Run, target: Path) -> list[tuple[str, str]]:
    assert "listed" in run("image_packages", str(target), stdin=exported(files))
    bill = json.loads(target.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    return [(each["purl"], each["properties"][0]["value"]) for each in bill["components"]]


def python(name: str, version: str, place: str = SITE) -> dict[str, str]:
    return {
        f"{place}/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nx"
    }


def forged(name: str, version: str) -> dict[str, str]:
    """Return the files of a package that claims to be installed from a folder."""
    return {
        **python(name, version),
        f"{SITE}/{name}-{version}.dist-info/direct_url.json": '{"url": "file:///app"}',
    }


def own(name: str) -> dict[str, str]:
    """Return the files of a package that was installed from the source's folder."""
    return forged(name, "1")


def digest(content: bytes | str) -> str:
    """Return the digest of a file as a package's record states it."""
    data = content.encode() if isinstance(content, str) else content
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"


def zipped(*names: str, prefix: bytes = b"", comment: bytes = b"") -> bytes:
    """Return a zip file with empty files, and with other bytes before and after it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.comment = comment
    return prefix + data.getvalue()


@pytest.mark.parametrize(
    ("files", "purls"),
    [
        pytest.param(python("flask", "0.12"), ["pkg:pypi/flask@0.12"], id="wheel"),
        pytest.param({f"{SITE}/a-1.dist-info/METADATA": "->/x"}, ["pkg:pypi/a@1"], id="metadata that is a link"),
        pytest.param({f"{SITE}/a-1.dist-info/METADATA": "=>/x"}, ["pkg:pypi/a@1"], id="metadata that is a hard link"),
        pytest.param({f"{SITE}/a-1.dist-info/RECORD": ""}, ["pkg:pypi/a@1"], id="no metadata"),
        pytest.param(
            {f"{SITE}/a-1.dist-info": None, f"{SITE}/a-1.dist-info/METADATA": ""}, ["pkg:pypi/a@1"], id="empty"
        ),
        pytest.param(
            {f"{SITE}/a-1.dist-info/METADATA": "Name: b\nVersion: 2\n"},
            ["pkg:pypi/a@1", "pkg:pypi/b@2"],
            id="metadata of another name",
        ),
        pytest.param({"srv/x.egg-info/PKG-INFO": "Name: x\nVersion: 3\n"}, ["pkg:pypi/x@3"], id="egg-info"),
        pytest.param({"srv/y-1.0-py3.13.egg-info": ""}, ["pkg:pypi/y@1.0"], id="egg-info as a file"),
        pytest.param({"srv/z.DIST-INFO/x": ""}, ["pkg:pypi/z@"], id="no version and no metadata"),
        pytest.param(
            {"srv/z.dist-info/x": "", "srv/z.dist-info/PKG-INFO": "Name: y\r\nVersion: 2\r\n\r\nVersion: 3"},
            ["pkg:pypi/y@2"],
            id="metadata in another file",
        ),
        pytest.param({"opt/q-2.1-py3.13.egg/EGG-INFO/PKG-INFO": ""}, ["pkg:pypi/q@2.1"], id="an egg"),
        pytest.param({"opt/q/egg-info/PKG-INFO": "Name: q\nVersion: 2"}, [], id="no egg"),
        pytest.param(
            {"app/node_modules/@a/b/package.json": '{"name": "@a/b", "version": "1.2"}'}, ["pkg:npm/@a/b@1.2"], id="npm"
        ),
        pytest.param({"node_modules/c/package.json": "[]"}, ["pkg:npm/c@"], id="npm without names"),
        pytest.param({"node_modules/c/package.json": "{"}, ["pkg:npm/c@"], id="npm that is not JSON"),
        pytest.param({"node_modules/c/package.json": "[" * 99_999}, ["pkg:npm/c@"], id="npm that is too deep"),
        pytest.param({"opt/log4j-core-2.14.1.jar": "x"}, ["pkg:maven/log4j-core@2.14.1"], id="jar"),
        pytest.param({"opt/own.war": "x"}, ["pkg:maven/own@"], id="jar without a version"),
        pytest.param({"gems/specifications/rack-1.6.4.gemspec": "x"}, ["pkg:gem/rack@1.6.4"], id="gem"),
        pytest.param(
            {
                "var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nA: x\n y: z\n\n"
                "Package: gone\nStatus: purge ok not-installed\n\n"
            },
            ["pkg:deb/a@1:2-3"],
            id="Debian",
        ),
        pytest.param({"var/lib/dpkg/status.d/b": "Package: b\nVersion: 1\n"}, ["pkg:deb/b@1"], id="distroless"),
        pytest.param({"lib/apk/db/installed": "P:musl\nV:1.2\n\nC:x\n"}, ["pkg:apk/musl@1.2"], id="Alpine"),
        pytest.param(
            {"var/lib/rpm/rpmdb.sqlite": "x"}, ["pkg:rpm/rpm-database@its packages are not listed"], id="a database"
        ),
        pytest.param({"./a/b": "x", "node_modules/d": None}, [], id="nothing"),
    ],
)
def test_the_packages_are_read_from_the_files(
    files: dict[str, Any], purls: list[str], run: Run, tmp_path: Path
) -> None:
    assert [purl for purl, _ in listed(files, run, tmp_path / "image.json")] == purls


def test_a_description_that_is_too_large_is_refused(run: Run, tmp_path: Path) -> None:
    member = tarfile.TarInfo("var/lib/dpkg/status")
    member.size = 64_000_001
    answer = run("image_packages", str(tmp_path / "x.json"), stdin=member.tobuf())

    assert answer == "exit: 'var/lib/dpkg/status' describes packages, but is too large to read: 64000001 bytes"


def judged(image: dict[str, Any], base: dict[str, Any], source: dict[str, Any], run: Run, folder: Path) -> str:
    listed(image, run, folder / "image.json")
    listed(base, run, folder / "base.json")
    for name, text in source.items():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "source").mkdir(exist_ok=True)
    return run("image_judgement", str(folder / "image.json"), str(folder / "source"), str(folder / "base.json"))


@pytest.mark.parametrize(
    ("image", "source"),
    [
        pytest.param(python("pip", "25.1"), {}, id="of the base image"),
        pytest.param(python("Flask_Login", "1.0.0"), {"requirements.txt": "flask-login==1.0 --hash=x"}, id="pinned"),
        pytest.param(python("uvicorn", "0.30"), {"app/requirements-prod.txt": "uvicorn[standard]==0.30"}, id="extras"),
        pytest.param(python("tzdata", "2024.1"), {"requirements.txt": "x==1\ntzdata == 2024.01 # y"}, id="zeros"),
        pytest.param(own("pay-app"), {"pyproject.toml": '[project]\nname = "pay_app"\n'}, id="itself"),
        pytest.param(
            own("pay-app"),
            {"pyproject.toml": '[project]\nname = "pay_app"\nversion = "1.0"'},
            id="itself, at its version",
        ),
        pytest.param(own("pay-app"), {"setup.cfg": "[metadata]\nname = pay-app\n"}, id="itself, in setup.cfg"),
        pytest.param(python("pip", "25.1"), {"pyproject.toml": "[tool.x]"}, id="beside a source without a name"),
        pytest.param(python("a", "1"), {"requirements/base.txt": "a==1 ; python_version > '3'"}, id="a marker"),
        pytest.param({"node_modules/c/package.json": '{"version": "1"}'}, {}, id="another language"),
    ],
)
def test_a_package_that_a_check_could_judge_is_accepted(
    image: dict[str, Any], source: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    answer = judged(image, python("pip", "25.1"), source, run, tmp_path)

    assert "Python packages of the image and its stages are pinned or are in a base image" in answer


@pytest.mark.parametrize(
    ("image", "source"),
    [
        pytest.param(python("flask", "0.12"), {}, id="of nowhere"),
        pytest.param(python("flask", "0.12"), {"requirements.txt": "flask==3.1"}, id="another version"),
        pytest.param(
            python("flask", "0.12"), {"requirements.txt": "flask-x==0.12\n#flask==0.12"}, id="another package"
        ),
        pytest.param(python("flask", "0.12"), {"pins.txt": "flask==0.12"}, id="a file that no check reads"),
        pytest.param(python("flask", "0.12", "srv/hidden"), {}, id="in another place"),
        pytest.param(python("flask", "0.12", f"{SITE}/setuptools/_vendor"), {}, id="in a folder of libraries"),
        pytest.param(python("flask", "0.12"), {"pyproject.toml": 'name = "flask"'}, id="by the name of the source"),
        pytest.param(
            {**python("flask", "0.12"), f"{SITE}/flask-0.12.dist-info/direct_url.json": '{"url": "https://evil"}'},
            {"pyproject.toml": 'name = "flask"'},
            id="by the name of the source, from an address",
        ),
        pytest.param(
            forged("flask", "0.12"), {"pyproject.toml": 'name = "flask"\nversion = "3.1"'}, id="by another version"
        ),
        pytest.param(
            forged("flask", "0.12"),
            {"pyproject.toml": 'name = "flask"', "sub/dev-requirements.txt": "flask>=3"},
            id="by the name of a dependency",
        ),
        pytest.param(python("flask", "0.12"), {"requirements.txt": "flask==0-12\nflask==0+12"}, id="another separator"),
        pytest.param(
            python("flask", "0.12"), {"requirements.txt": "flask==0.12 ; sys_platform == 'win32'"}, id="for Windows"
        ),
        pytest.param(python("flask", "0.12"), {"requirements.txt": "# x \\\nflask==0.12"}, id="behind a comment"),
        pytest.param(
            python("flask", "0.12"),
            {"requirements.txt": b"\x0c# x \\\rflask==0.12\n"},
            id="where a carriage return ends a comment for pip alone",
        ),
        pytest.param(python("flask", "0.12"), {"requirements.txt": "flask==0.12 @ https://evil"}, id="an address"),
        pytest.param(python("flask", "0.12"), {"sub/pyproject.toml": 'name = "flask"'}, id="a project within"),
        pytest.param(
            {f"{SITE}/flask-0.12.dist-info/METADATA": "Name: pip\nVersion: 25.1\n"}, {}, id="under a false name"
        ),
    ],
)
def test_a_package_that_no_check_judged_is_refused_by_its_place(
    image: dict[str, Any], source: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    answer = judged({**image, **python("pip", "25.1")}, python("pip", "25.1"), source, run, tmp_path)

    assert answer.startswith("exit: error: 'flask' '0.12' in '")
    assert "has 1 Python packages that no check has examined" in answer


def test_no_link_of_the_source_pins_a_package(run: Run, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "pins").write_text("flask==0.12")
    (tmp_path / "source/requirements.txt").symlink_to("../pins")

    assert "'flask' '0.12'" in judged(python("flask", "0.12"), {}, {}, run, tmp_path)


ARCHIVE = zipped("flask/__init__.py")
# The beginning of a compiled module says whether Python compares it with its source.
BY_TIME, BY_DIGEST, UNCOMPARED = (b"magc" + bytes([flags, 0, 0, 0]) + b"x" * 8 for flags in (0, 3, 1))
PINS = {"requirements.txt": "flask==3.1"}
FLASK = python("flask", "3.1")
RECORDS = f"{SITE}/flask-3.1.dist-info/RECORD"


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("image", "source"),
    [
        pytest.param(
            {"usr/local/lib/python313.zip": ARCHIVE}, {"src/assets.bin": ARCHIVE}, id="an archive on the path"
        ),
        pytest.param({"app/data": zipped("a/B.PYC", comment=b"x" * 65_535)}, {}, id="behind a long comment"),
        pytest.param(
            {"app/tool": zipped("__main__.py", prefix=b"#!/usr/bin/env python3\n")}, {}, id="behind a program"
        ),
        pytest.param({"app/x": zipped("a.txt") + ARCHIVE}, {}, id="behind another archive"),
        pytest.param({"app/x": ARCHIVE[:-10] + b"\xff\xff\xff\xff" + ARCHIVE[-6:]}, {}, id="of 64 bits"),
        pytest.param({f"{SITE}/flask/app.py": "x = 1"}, {}, id="a module without metadata"),
        pytest.param({f"{SITE}/flask.so": "x"}, {}, id="a compiled module"),
        pytest.param({f"{SITE}/flask/app.pyc": "x"}, {}, id="a compiled module without its source"),
        pytest.param(
            {f"{SITE}/b.py": "x", f"{SITE}/__pycache__/b.cpython-313.pyc": UNCOMPARED},
            {"b.py": "x"},
            id="a compiled module that Python does not compare with its source",
        ),
        pytest.param({f"{SITE}/__pycache__/b.cpython-313.pyc": BY_TIME}, {}, id="a compiled module and no source"),
        pytest.param({f"{SITE}/__pycache__/b.cpython-313.pyc": "->/opt/b.pyc"}, {}, id="a link to a compiled module"),
        pytest.param({"usr/local/lib/python3.13": "->/app/py"}, {}, id="a link in the place of a library"),
        pytest.param({"usr/local/lib": "->/app/lib"}, {}, id="a link in the place of the folder of libraries"),
        pytest.param({"usr/lib/python3/dist-packages": "->/app/sp"}, {}, id="a link in the place of packages"),
        pytest.param({f"{SITE}/__pycache__/evil.pyc": BY_TIME}, {}, id="a compiled module that a path could name"),
        pytest.param({f"{SITE}/a/__pycache__/evil.py": "x"}, {}, id="a module where only Python writes"),
        pytest.param({"usr/local/lib/python3.13t/evil.py": "x"}, {}, id="in the library of another build of Python"),
        pytest.param({f"{SITE}/x.pth": "import os"}, {}, id="what Python runs when it starts"),
        pytest.param({f"{SITE}/flask": "->/opt/flask"}, {}, id="a link to a folder"),
        pytest.param({"usr/local/lib/python3.13/sitecustomize.py": "x"}, {}, id="in the library of Python"),
        pytest.param(
            {"var/lib/dpkg/info/x.list": "/app/x.zip\n", "app/x.zip": ARCHIVE},
            {},
            id="an archive in a list of the system",
        ),
        pytest.param({f"{SITE}/flask.py": "=>opt/flask.txt"}, {}, id="a hard link"),
        pytest.param(
            {**FLASK, RECORDS: f"flask/app.py,{digest('y')}\n", f"{SITE}/flask/app.py": "x"},
            PINS,
            id="a changed module",
        ),
        pytest.param(
            {**python("flask", "3.1", "srv/lib"), "srv/lib/flask/app.py": "x"}, PINS, id="in a folder of another name"
        ),
        pytest.param(
            {**own("me"), f"{SITE}/me-1.dist-info/RECORD": f"me.py,{digest('x')}", f"{SITE}/me.py": "x"},
            {"pyproject.toml": 'name = "me"'},
            id="in a record that the source wrote",
        ),
    ],
)
def test_code_that_no_check_judged_is_refused_by_its_place(
    image: dict[str, Any], source: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    answer = judged(image, {f"{SITE}/pip/x.py": "x"}, source, run, tmp_path)

    assert answer.startswith(f"exit: error: '{list(image)[-1]}'"), answer
    assert "the image has 1 importable Python files that no check has examined" in answer


@pytest.mark.parametrize(
    ("image", "source"),
    [
        pytest.param({"lib/ensurepip.whl": ARCHIVE, f"{SITE}/pip/x.py": "x"}, {}, id="of the base image"),
        pytest.param(
            {**FLASK, RECORDS: f'flask/app.py,{digest("x")}\n"flask/a.zip",{digest(ARCHIVE)}\nflask/RECORD,,\n',
             f"{SITE}/flask/app.py": "x", f"{SITE}/flask/a.zip": ARCHIVE},
            PINS,
            id="in the record of a pinned package",
        ),
        pytest.param({**own("me"), f"{SITE}/me.py": "x"}, {"setup.cfg": "name=me", "src/me.py": "x"}, id="the source"),
        pytest.param({"app/src/main.py": "x", "app/x.so": "y"}, {}, id="beside no package"),
        pytest.param({f"{SITE}/a.txt": "x", "app/__pycache__/evil.pyc": "x"}, {}, id="no module of a package"),
        pytest.param(
            {f"{SITE}/b.py": "x", f"{SITE}/__pycache__/b.cpython-313.pyc": BY_TIME,
             "usr/lib/pypy3.11/b.py": "x", "usr/lib/pypy3.11/__pycache__/b.pypy311.opt-1.pyc": BY_DIGEST},
            {"src/b.py": "x"},
            id="compiled from a module beside it",
        ),
        pytest.param({"app/report.docx": zipped("word/document.xml")}, {}, id="an archive without code"),
        pytest.param({"app/x": ARCHIVE + b"x" * 66_000}, {}, id="no archive any more"),
        pytest.param(
            {"usr/lib/python3/dist-packages/apt.py": "x",
             "var/lib/dpkg/info/apt.list": "/.\n/usr/lib/python3/dist-packages/apt.py\n"},
            {},
            id="of a package of Debian",
        ),
        pytest.param(
            {"usr/lib/python3.12/os.py": "x", "lib/apk/db/installed": "P:x\nV:3\nF:usr/lib/python3.12\nR:os.py\n"},
            {},
            id="of a package of Alpine",
        ),
    ],
)  # fmt: skip
def test_code_that_was_judged_is_accepted(
    image: dict[str, Any], source: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    base = {"lib/ensurepip.whl": ARCHIVE, f"{SITE}/pip/x.py": "x"}
    answer = judged(image, base, source, run, tmp_path)

    assert answer.startswith("all "), answer


RECORDED = {**FLASK, RECORDS: f"flask/app.py,{digest('x')}\n", f"{SITE}/flask/app.py": "x"}
LISTED = {
    "var/lib/dpkg/info/a.list": "/usr/lib/python3/dist-packages/a.py\n",
    "usr/lib/python3/dist-packages/a.py": "x",
}
INSTALLED = {"lib/apk/db/installed": "F:usr/lib/python3.12\nR:a.py\n", "usr/lib/python3.12/a.py": "x"}


@pytest.mark.parametrize(
    ("image", "others", "refused"),
    [
        pytest.param(RECORDED, [{}], f"{SITE}/flask/app.py", id="a record that a command wrote"),
        pytest.param(RECORDED, [], f"{SITE}/flask/app.py", id="a record without any other image"),
        pytest.param(
            RECORDED,
            [{f"venv/{RECORDS}": f"flask/app.py,{digest('y')}\n"}],
            f"{SITE}/flask/app.py",
            id="a record that a command changed",
        ),
        pytest.param(RECORDED, [{}, {f"venv/{RECORDS}": RECORDED[RECORDS]}], "", id="a record of a stage, copied"),
        pytest.param(
            {**FLASK, "srv/x-1.dist-info/RECORD": f"../{SITE}/a.py,{digest('x')}\n", f"{SITE}/a.py": "x"},
            [{"srv/x-1.dist-info/RECORD": f"../{SITE}/a.py,{digest('x')}\n"}],
            f"{SITE}/a.py",
            id="a record for the folder of another package",
        ),
        pytest.param(
            {"a-1.dist-info/RECORD": f"a.py,{digest('x')}\n", "a.py": "x", **python("flask", "3.1")},
            [{"a-1.dist-info/RECORD": f"a.py,{digest('x')}\n"}],
            "",
            id="a record at the top",
        ),
        pytest.param(LISTED, [{}], "usr/lib/python3/dist-packages/a.py", id="a list of Debian that a command wrote"),
        pytest.param(LISTED, [LISTED], "", id="a list of Debian"),
        pytest.param(INSTALLED, [{}], "usr/lib/python3.12/a.py", id="a list of Alpine that a command wrote"),
        pytest.param(INSTALLED, [INSTALLED], "", id="a list of Alpine"),
    ],
)
def test_a_list_of_an_installer_counts_only_if_an_image_has_it_in_which_nothing_of_the_source_ran(
    image: dict[str, Any], others: list[dict[str, Any]], refused: str, run: Run, tmp_path: Path
) -> None:
    places = []
    for number, files in enumerate(others):
        places.append(str(tmp_path / f"{number}.json"))
        run("image_packages", places[-1], stdin=exported(files))
    listing = str(tmp_path / "image.json")
    run("image_packages", listing, "--lists-of", *places, stdin=exported(image))
    (tmp_path / "source").mkdir()
    (tmp_path / "source/requirements.txt").write_text("flask==3.1\nx==1\na==1\n")
    run("image_packages", str(tmp_path / "base.json"), stdin=exported({}))
    base = str(tmp_path / "base.json")
    answer = run("image_judgement", listing, str(tmp_path / "source"), base, "--stages", *places)

    assert answer.startswith(f"exit: error: '{refused}'" if refused else "all "), answer


@pytest.mark.parametrize(
    ("installed", "changed"),
    [
        (LISTED, "usr/lib/python3/dist-packages/a.py"),
        (INSTALLED, "usr/lib/python3.12/a.py"),
    ],
)
def test_a_file_of_a_system_package_must_be_as_it_was_installed(
    installed: dict[str, Any], changed: str, run: Run, tmp_path: Path
) -> None:
    stage, listing, base = (str(tmp_path / f"{name}.json") for name in ("stage", "image", "base"))
    (tmp_path / "source").mkdir()
    run("image_packages", stage, stdin=exported(installed))
    run("image_packages", base, stdin=exported({}))
    for content, answer in (("x", "all "), ("evil", f"exit: error: '{changed}'")):
        run("image_packages", listing, "--lists-of", stage, stdin=exported({**installed, changed: content}))
        judgement = run("image_judgement", listing, str(tmp_path / "source"), base, "--stages", stage)

        assert judgement.startswith(answer), judgement


def test_a_large_file_is_read_in_parts_and_judged_by_its_end(run: Run, tmp_path: Path) -> None:
    large, exporting, listing, base = (tmp_path / name for name in ("large", "image.tar", "image.json", "base.json"))
    with large.open("wb") as file:
        file.writelines(b"x" * 1_000_000 for _ in range(64))
        file.write(ARCHIVE)
    with tarfile.open(exporting, "w") as archive:
        archive.add(large, "app/large")
    # In a process of its own, whose memory is free afterwards.
    with exporting.open("rb") as image:
        command = [sys.executable, str(SCRIPTS / "image_packages.py"), str(listing)]
        assert b"listed" in subprocess.run(command, stdin=image, capture_output=True, check=True).stdout
    listed({}, run, base)
    large.unlink()
    exporting.unlink()
    (tmp_path / "source").mkdir()

    answer = run("image_judgement", str(listing), str(tmp_path / "source"), str(base))

    assert answer.startswith("exit: error: 'app/large'")


HIDDEN = python("flask", "0.12", "opt/lib")
DEBIAN = "usr/lib/python3/dist-packages"
OF_DEBIAN = {
    f"{DEBIAN}/flask-0.12.egg-info/PKG-INFO": "Name: flask\nVersion: 0.12\n",
    "var/lib/dpkg/info/python3-flask.list": f"/{DEBIAN}/flask-0.12.egg-info\n/{DEBIAN}/flask-0.12.egg-info/PKG-INFO\n",
}
OF_ALPINE = {
    f"{SITE}/flask-0.12.dist-info/METADATA": "Name: flask\nVersion: 0.12\n",
    "lib/apk/db/installed": f"P:py3-flask\nV:1\nF:{SITE}/flask-0.12.dist-info\nR:METADATA\n",
}


@pytest.mark.parametrize(
    ("stages", "source", "refused"),
    [
        pytest.param([HIDDEN], {}, "opt/lib/flask-0.12.dist-info", id="whose metadata is not in the image"),
        pytest.param(
            [{}, HIDDEN], {"requirements.txt": "flask==3.1"}, "opt/lib/flask-0.12.dist-info", id="another pin"
        ),
        pytest.param([own("flask")], {"pyproject.toml": 'name = "flask"'}, f"{SITE}/flask-1.dist-info", id="as itself"),
        pytest.param([{"srv/z.dist-info/x": ""}], {}, "srv/z.dist-info", id="without a version"),
        pytest.param([HIDDEN], {"requirements.txt": "flask==0.12"}, "", id="pinned"),
        pytest.param([python("pip", "25.1"), {}], {}, "", id="of the base image"),
        pytest.param([OF_DEBIAN], {}, "", id="of Debian"),
        pytest.param([OF_ALPINE], {}, "", id="of Alpine"),
    ],
)
def test_a_package_that_a_stage_installs_is_judged_even_if_a_command_removes_its_metadata(
    stages: list[dict[str, Any]], source: dict[str, str], refused: str, run: Run, tmp_path: Path
) -> None:
    judged({}, python("pip", "25.1"), source, run, tmp_path)
    places = [str(tmp_path / f"stage-{number}.json") for number, _ in enumerate(stages)]
    for place, files in zip(places, stages, strict=True):
        run("image_packages", place, stdin=exported(files))
    folder = [str(tmp_path / name) for name in ("image.json", "source", "base.json")]
    answer = run("image_judgement", *folder, "--stages", *places)

    assert answer.startswith("exit: error: ") is bool(refused), answer
    assert f"in '{refused}" in answer or not refused


SYSTEM = {
    "etc/os-release": "->../usr/lib/os-release",
    "usr/lib/os-release": "12",
    "var/lib/dpkg/status": "Package: a\n",
}
UPDATED = {**SYSTEM, "var/lib/dpkg/status": "Package: a\n\nPackage: b\n"}
MODULE = f"{DEBIAN}/django/__init__.py"
EMPTY = f"{DEBIAN}/d/__init__.py"
DJANGO = {MODULE: "django", "var/lib/dpkg/info/django.list": f"/{MODULE}\n/{EMPTY}\n", EMPTY: ""}


@pytest.mark.parametrize(
    ("image", "base", "stages", "source", "refused"),
    [
        pytest.param(SYSTEM, SYSTEM, [], {}, "", id="of the base image"),
        pytest.param(UPDATED, SYSTEM, [{}, UPDATED], {}, "", id="of a stage"),
        pytest.param({}, SYSTEM, [], {}, "", id="no system, which the registry cannot scan"),
        pytest.param({**SYSTEM, "usr/lib/os-release": "13"}, SYSTEM, [], {}, "usr/lib/os-release", id="another system"),
        pytest.param({**SYSTEM, "etc/os-release": "13"}, SYSTEM, [], {}, "etc/os-release", id="a file for a link"),
        pytest.param(SYSTEM, UPDATED, [UPDATED], {}, "var/lib/dpkg/status", id="an entry that is gone"),
        pytest.param({"usr/lib/os-release": "12"}, {**SYSTEM}, [], {}, "etc/os-release", id="a database that is gone"),
        pytest.param(
            {**SYSTEM, "lib/apk/db/installed": "P:a"}, SYSTEM, [], {}, "lib/apk/db/installed", id="another database"
        ),
        pytest.param(
            {"usr/lib/apk/db/installed": "P:a"}, {"usr/lib/apk/db/installed": "P:b"}, [], {},
            "usr/lib/apk/db/installed", id="of Alpine",
        ),
        pytest.param(
            {"var/lib/dpkg/status.d/a": "2"}, {"var/lib/dpkg/status.d/a": "1"}, [], {}, "var/lib/dpkg/status.d/a",
            id="of an image without a package manager",
        ),
        pytest.param(
            {"var/lib/rpm/Packages": "2"}, {"var/lib/rpm/Packages": "1"}, [], {}, "var/lib/rpm/Packages", id="of RPM"
        ),
        pytest.param({"etc/alpine-release": "4"}, {}, [], {}, "etc/alpine-release", id="a version"),
        pytest.param({"app/lib/x.py": "django"}, {}, [{}, DJANGO], {}, "app/lib/x.py", id="a copy of a module"),
        pytest.param({f"{SITE}/x.py": "django"}, {}, [DJANGO], {"x.py": "django"}, "", id="in the source as well"),
        pytest.param({"app/x.py": "django"}, {"usr/y/x.py": "django"}, [DJANGO], {}, "", id="in the base image"),
        pytest.param({"app/x/__init__.py": "", "app/y.py": "other"}, {}, [DJANGO], {}, "", id="other files"),
        pytest.param(DJANGO, {}, [DJANGO], {}, "", id="installed in the image itself"),
    ],
)  # fmt: skip
def test_the_registry_scans_the_packages_of_the_system_that_the_image_has(
    image: dict[str, Any],
    base: dict[str, Any],
    stages: list[dict[str, Any]],
    source: dict[str, str],
    refused: str,
    run: Run,
    tmp_path: Path,
) -> None:
    judged({}, base, source, run, tmp_path)
    places = [str(tmp_path / f"stage-{number}.json") for number, _ in enumerate(stages)]
    for place, files in zip(places, stages, strict=True):
        run("image_packages", place, stdin=exported(files))
    paths = [str(tmp_path / name) for name in ("image.json", "source", "base.json")]
    run("image_packages", paths[0], "--lists-of", paths[2], *places, stdin=exported(image))
    answer = run("image_judgement", *paths, "--stages", *places)

    assert answer.startswith(f"exit: error: '{refused}'" if refused else "all "), answer


def test_a_package_of_the_system_that_is_in_the_image_must_be_pinned_or_in_a_base_image(
    run: Run, tmp_path: Path
) -> None:
    assert "'flask' '0.12'" in judged(OF_DEBIAN, {}, {}, run, tmp_path)
