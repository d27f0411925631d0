"""The Python dependencies that a source declares: readable ones are copied for the scanner, others are listed."""

from __future__ import annotations

import gzip
import io
import json
import runpy
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.builds.scripts.package_files import is_file_of
from cicd_templates.builds.scripts.requirements_grammar import PINNED, for_another_system
from tests.conftest import ROOT

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
EVERY = "*requirements*.txt"
# A compressed tar archive of 20,001 empty files: `addfile` would take a second for them.
MANY_MEMBERS = gzip.compress(tarfile.TarInfo("a").tobuf() * 20_001)


def zipped(*names: str) -> bytes:
    """Return a zip file with empty files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return data.getvalue()


def tarred(*names: str, mode: str = "w") -> bytes:
    """Return a tar archive with empty files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is a variable
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return data.getvalue()


def read(
    files: dict[str, str | bytes],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    wanted: str = EVERY,
) -> tuple[dict[str, str], list[str]]:
    """Return the copies by name, and the dependencies that could not be copied."""
    for name, content in files.items():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "source").mkdir(exist_ok=True)
    copy = folder / "copy"
    monkeypatch.setattr(sys, "argv", ["packaged_archives.py", str(folder / "source")])
    runpy.run_path(str(SCRIPTS / "packaged_archives.py"), run_name="__main__")
    monkeypatch.setattr(sys, "stdin", io.StringIO(capsys.readouterr().out))
    monkeypatch.setattr(sys, "argv", ["dependencies.py", str(folder / "source"), str(copy), wanted])
    runpy.run_path(str(SCRIPTS / "dependencies.py"), run_name="__main__")
    copies = {str(path.relative_to(copy)): path.read_text() for path in copy.rglob("*") if path.is_file()}
    missing: list[str] = json.loads(capsys.readouterr().out)
    return copies, missing


FLASK = "flask==3.1.0 --hash=sha256:ab\n"
UV = '[[package]]\nname = "x"\nversion = "1"\nsource = {}\n{}\n'
INDEX, FILES = (f"https://{host}.org/" for host in ("pypi", "files.pythonhosted"))
POETRY = '[[package]]\nname = "{}"\nversion = "{}"\n'


@pytest.mark.parametrize(
    ("files", "copies"),
    [
        pytest.param({"requirements.txt": FLASK}, {"requirements.txt": "flask==3.1.0\n"}, id="pinned"),
        pytest.param(
            {"requirements.txt": "# x\n--index-url https://x\na[b]==1 \\\n  --hash=sha256:1 \\\n  --hash=sha256:2\n"},
            {"requirements.txt": "a[b]==1\n"},
            id="as pip-compile writes",
        ),
        pytest.param(
            {"requirements.txt": "a==1 ; python_version < '3'\nb==2; sys_platform == 'darwin'\n"},
            {"requirements.txt": "a==1\n"},
            id="markers",
        ),
        pytest.param(
            {"sub/dev-requirements.txt": "a==1\n", "requirements/base.txt": "b==2\n"},
            {"2-requirements.txt": "a==1\n", "1-requirements.txt": "b==2\n"},
            id="other names",
        ),
        pytest.param(
            {
                "requirements.txt": f"-r requirements/base.txt\n-c requirements/base.txt\n{FLASK}",
                "requirements/base.txt": "b==2\n",
            },
            {"requirements.txt": "flask==3.1.0\n", "2-requirements.txt": "b==2\n"},
            id="included",
        ),
        pytest.param(
            {"requirements/base.txt": "a==1\n", "requirements/base-requirements.txt": "b==2\n"},
            {"1-requirements.txt": "b==2\n", "2-requirements.txt": "a==1\n"},
            id="names that one name would hide",
        ),
        pytest.param(
            {"requirements-prod.txt": "a==1\n", "a/b/c/d/e/f/g/h/requirements.lock.txt": "b==2\n"},
            {"2-requirements.txt": "a==1\n", "1-requirements.txt": "b==2\n"},
            id="names and folders that Safety does not open",
        ),
        pytest.param({}, {}, id="none"),
    ],
)
def test_requirements_files_are_copied_without_markers(
    files: dict[str, str | bytes],
    copies: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read(files, tmp_path, monkeypatch, capsys) == (copies, [])


@pytest.mark.parametrize(
    "files",
    [
        {"poetry.lock": POETRY.format("Flask", "3.1.0")},
        {"uv.lock": '[[package]]\nname = "me"\nversion = "1"\nsource = { virtual = "." }\n'},
        {"uv.lock": '[[package]]\nname = "me"\nversion = "1"\nsource = { editable = "." }\n'},
        {
            "uv.lock": POETRY.format("flask", "3.1.0") + f'source = {{ registry = "{INDEX}simple" }}\n'
            f'wheels = [{{ url = "{FILES}packages/flask-3.1.0-py3-none-any.whl" }}]\n'
        },
        {
            "poetry.lock": POETRY.format("flask", "3.1.0")
            + 'files = [{ file = "flask-3.1.0-py3-none-any.whl" }]\n[package.source]\ntype = "legacy"\nurl = "https://x"\n'
        },
        {"pylock.toml": '[[packages]]\nname = "flask"\nversion = "3.1.0"\n'},
        {"pyproject.toml": "[project]\ndependencies = ['flask>=3; a > \"3\"']\n[build-system]\nrequires = ['x']\n"},
        {"pyproject.toml": "[tool.bandit]\nskips = []\n"},
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"\nflask = "^3"\n'},
        {"Pipfile": '[packages]\nflask = "*"\n', "Pipfile.lock": '{"default": {"flask": {"version": "==3.1.0"}}}'},
        {"setup.cfg": "[options]\ninstall_requires =\n  flask\n[bandit]\nskips = x\n"},
        {"setup.py": "from setuptools import setup\nsetup(name='x', install_requires=['flask>=3'])\n"},
        {"setup.cfg": "[metadata]\nname = me\n", "src/me.egg-info/PKG-INFO": "Name: Me\nVersion: 2\n\nx"},
        {"src/me_2.egg-info/SOURCES.txt": "", "setup.py": "setup(name='me-2')"},
        {"flask-3.1.0.dist-info/METADATA": "Name: Flask\nVersion: 3.1.0\n"},
        {
            "pyproject.toml": "[project]\ndynamic = ['version', 'dependencies']\n"
            "[tool.setuptools.dynamic]\ndependencies = { file = ['requirements.txt'] }\n"
        },
        {"vendor/readme.md": "x"},
        {"report.docx": zipped("word/document.xml"), "a.jar": zipped("A.class"), "x.zip": b"PK", "long": b"x" * 99},
        {"fixture.tar": tarred("a.py", "METADATA"), "cut.tar.gz": b"\x1f\x8b\x08\x00"},
        {"notes.txt": "evil==1"},
    ],
)
def test_what_a_requirements_file_pins_may_be_declared_elsewhere_too(
    files: dict[str, str | bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, missing = read({"requirements.txt": FLASK, **files}, tmp_path, monkeypatch, capsys)

    assert missing == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        *(
            ({"dev-requirements.txt": line}, [f"dev-requirements.txt: {line}"])
            for line in (
                "-r https://evil.example/requirements.txt", "-r file:///tmp/requirements.txt",
                "-r ${X}requirements.txt",
                "--requirement=https:/evil.example/requirements.txt", "-r nowhere/requirements.txt",
                "-c ../requirements.txt", "-r /requirements.txt", "--only-binary=:none:", "--only-binary flask",
            )
        ),
        ({"poetry.lock": POETRY.format("flask", "0.12")}, ["poetry.lock: flask 0.12"]),
        ({"sub/uv.lock": POETRY.format("flask", "0.12")}, ["sub/uv.lock: flask 0.12"]),
        ({"pdm.lock": POETRY.format("x", "1")}, ["pdm.lock: x 1"]),
        ({"pylock.dev.toml": '[[packages]]\nname = "x"\n'}, ["pylock.dev.toml: x"]),
        ({"Pipfile.lock": '{"develop": {"x": {"version": "==1"}, "y": 1}}'}, ["Pipfile.lock: x 1", "Pipfile.lock: y"]),
        ({"Pipfile": '[dev-packages]\nx = "*"\n'}, ["Pipfile: x"]),
        ({"pyproject.toml": '[project]\ndependencies = ["x @ https://e"]\n'}, ["pyproject.toml: x"]),
        ({"pyproject.toml": '[project.optional-dependencies]\na = ["x[y]>1"]\n'}, ["pyproject.toml: x"]),
        ({"pyproject.toml": '[dependency-groups]\na = ["x", {include-group = "b"}]\n'}, ["pyproject.toml: x"]),
        ({"pyproject.toml": '[tool.poetry.group.a.dependencies]\nx = "1"\n'}, ["pyproject.toml: x"]),
        ({"pyproject.toml": '[tool.uv]\ndev-dependencies = ["./x.whl"]\n'}, ["pyproject.toml: ./x.whl"]),
        ({"setup.cfg": "[options]\ninstall_requires = x; y>1\n[options.extras_require]\na =\n  z\n"},
         ["setup.cfg: x", "setup.cfg: y", "setup.cfg: z"]),
        ({"setup.py": "setup(install_requires=read('x'))"}, ["setup.py: computed install_requires"]),
        ({"setup.py": "setup(extras_require={'a': ['x']}, setup_requires=['y'])"}, ["setup.py: x", "setup.py: y"]),
        ({"setup.py": "setuptools.setup(**values())"}, ["setup.py: computed arguments of a call"]),
        ({"setup.py": "print 1"}, ["setup.py: SyntaxError"]),
        ({"poetry.lock": "["}, ["poetry.lock: TOMLDecodeError"]),
        ({"poetry.lock": "package = 1"}, ["poetry.lock: TypeError"]),
        ({"poetry.lock": "package = [1]"}, ["poetry.lock: AttributeError"]),
        ({"Pipfile.lock": "{"}, ["Pipfile.lock: JSONDecodeError"]),
        ({"setup.cfg": "x"}, ["setup.cfg: MissingSectionHeaderError"]),
        ({"environment.yml": "dependencies: [x]"}, ["environment.yml"]),
        ({"requirements.txt": "x>=1\n"}, ["requirements.txt: x>=1"]),
        ({"requirements.txt": "x @ https://evil\n-e .\ngit+https://evil\n"},
         ["requirements.txt: x @ https://evil", "requirements.txt: -e .", "requirements.txt: git+https://evil"]),
        ({"requirements.txt": "-r base.txt\n--requirement=../requirements.txt\n"},
         ["requirements.txt: -r base.txt", "requirements.txt: --requirement=../requirements.txt"]),
        ({"lib/x-1-py3-none-any.whl": "x", "y.EGG": "x"}, ["lib/x-1-py3-none-any.whl", "y.EGG"]),
        ({"lib/x-1.dist-info/METADATA": "x"}, ["lib/x-1.dist-info: x 1"]),
        ({"lib/x-1.dist-info/METADATA": "Name: y\nVersion: 2\n"}, ["lib/x-1.dist-info: x 1", "lib/x-1.dist-info: y 2"]),
        ({"lib/x-1.DIST-INFO/RECORD": ""}, ["lib/x-1.DIST-INFO: x 1"]),
        ({"x.egg-info/PKG-INFO": "Name: x\nVersion: 1\n"}, ["x.egg-info: x", "x.egg-info: x 1"]),
        ({"x-1-py3.13.egg-info": "Name: x\nVersion: 1\n"}, ["x-1-py3.13.egg-info: x 1"]),
        ({"x.egg-info/PKG-INFO": "Name: y", "pyproject.toml": "[project]\nname = 'x'\n"}, ["x.egg-info: y"]),
        ({"x-1.egg-info/top_level.txt": "", "pyproject.toml": "[project]\nname = 'x'\n"}, ["x-1.egg-info: x 1"]),
        ({"EGG-INFO/PKG-INFO": "Name: x\nVersion: 1\n"}, ["EGG-INFO/PKG-INFO: x 1"]),
        ({"x-1/PKG-INFO": ""}, ["x-1/PKG-INFO: a package"]),
        ({"src/_vendor/x/a.py": "", "src/_vendor/x/b.py": ""}, ["src/_vendor/x"]),
        ({"Third-Party/x.pyd": "", "thirdparty/x.PYC": ""}, ["Third-Party", "thirdparty"]),
        ({"venv/lib/site-packages/x.so": ""}, ["venv/lib/site-packages"]),
        ({"conda-env.yaml": "", "pixi.lock": ""}, ["conda-env.yaml", "pixi.lock"]),
        ({"requirements.txt": "--no-binary flask\n"}, ["requirements.txt: --no-binary flask"]),
        ({"requirements.txt": "-i https://x --no-binary :all:\n--pre -e .\n"},
         ["requirements.txt: -i https://x --no-binary :all:", "requirements.txt: --pre -e ."]),
        ({"requirements.txt": "-f x -r https://evil/r.txt\n-c https://evil/c.txt\n"},
         ["requirements.txt: -f x -r https://evil/r.txt", "requirements.txt: -c https://evil/c.txt"]),
        ({"requirements.txt": "--constraint pins.txt\n", "pins.txt": "x @ https://evil\n"},
         ["requirements.txt: --constraint pins.txt"]),
        ({"requirements.txt": "x==1", "uv.lock": UV.format('{ url = "https://evil/x.whl" }', "")},
         ["uv.lock: x from https://evil/x.whl"]),
        ({"requirements.txt": "x==1",
          "uv.lock": UV.format('{ url = "https://evil/x" }', "").replace("package", "distribution")},
         ["uv.lock: x from https://evil/x"]),
        ({"requirements.txt": "x==1",
          "uv.lock": UV.format('{ url = "https://evil/x" }', "").replace("package", "parcel")},
         ["uv.lock: packages that the lock file does not list", "uv.lock: parcel, which is not known in a lock file"]),
        ({"requirements.txt": "x==1", "uv.lock": UV.format('{ git = "https://evil/x" }', "")},
         ["uv.lock: x from https://evil/x"]),
        ({"requirements.txt": "x==1", "uv.lock": UV.format(f'{{ registry = "{INDEX}simple", virtual = "." }}',
          'wheels = [{ url = "https://evil/x-1-py3-none-any.whl" }]')},
         ["uv.lock: x from https://evil/x-1-py3-none-any.whl"]),
        ({"requirements.txt": "x==1", "poetry.lock": UV.format('{ type = "git", url = "https://evil/x" }', "")},
         ["poetry.lock: x from https://evil/x"]),
        ({"requirements.txt": "x==1", "pdm.lock": POETRY.format("x", "1") + 'path = "./x.whl"'},
         ["pdm.lock: x from ./x.whl"]),
        ({"requirements.txt": "x==1", "pylock.toml": '[[packages]]\nname = "x"\nvcs = { url = "https://evil" }\n'},
         ["pylock.toml: x from {'url': 'https://evil'}"]),
        *(
            ({"requirements.txt": f"x=={version}", "uv.lock": POETRY.format("x", version)
              + f'source = {{ registry = "{INDEX}simple" }}\nsdist = {{ url = "{FILES}packages/1/{file}" }}'},
             [f"uv.lock: x from {file}"])
            for version, file in (
                ("1", "x-2-py3-none-any.whl"), ("1", "y-1-py3-none-any.whl"), ("1", "x-2.tar.gz"), ("1", "x-y-1.zip"),
                ("1", "x-1"), ("1.0", "x-1.0.post1.tar.gz"), ("1.0", "x-1!1.0-py3-none-any.whl"),
                ("1.0+cpu", "x-1.0-py3-none-any.whl"), ("1.0rc1", "x-1.0-1-cp313-cp313-linux_x86_64.whl"),
            )
        ),
        ({"requirements.txt": "x==1",
          "uv.lock": '[[package]]\nname = "x"\nwheels = [{ url = "x-2-py3-none-any.whl" }]'},
         ["uv.lock: x from x-2-py3-none-any.whl"]),
        ({"requirements.txt": "x==1", "poetry.lock": POETRY.format("x", "1")
          + 'files = [{ file = "x-1-py3-none-any.whl" }, { file = "x-2.tar.gz", hash = "sha256:1" }]'},
         ["poetry.lock: x from x-2.tar.gz"]),
        ({"requirements.txt": "x==1", "poetry.lock": POETRY.format("x", "1")
          + '[metadata.files]\nx = [{ file = "y-1.zip" }]'},
         ["poetry.lock: x from y-1.zip"]),
        ({"requirements.txt": "x==1",
          "Pipfile.lock": '{"default": {"x": {"file": "https://evil/x-1.zip", "version": "==1"}}}'},
         ["Pipfile.lock: x from https://evil/x-1.zip"]),
        ({"setup.py": "from setuptools import setup as s\ns(**k)"},
         ["setup.py: computed arguments of a call"]),
        ({"pyproject.toml": "[project]\ndynamic = ['optional-dependencies']\n"},
         ["pyproject.toml: computed optional-dependencies"]),
        ({"pyproject.toml": "[project]\ndynamic = ['dependencies']\n"
          "[tool.setuptools.dynamic.dependencies]\nfile = ['a.in']\n"},
         ["pyproject.toml: computed dependencies"]),
        ({"assets.bin": zipped("flask/__init__.py")}, ["assets.bin"]),
        ({"assets.bin": zipped("x-1.dist-info/RECORD")}, ["assets.bin"]),
        ({"logo": b"#!/bin/sh\n" + zipped("a.PYC") + b""}, ["logo"]),
        ({"two": zipped("a.py") + zipped("a.txt")}, ["two"]),
        ({"x": b"PK\x05\x06" + zipped("a.so")}, ["x"]),
        ({"a.tar": tarred("x-1/PKG-INFO")}, ["a.tar"]),
        ({"b": tarred("x.egg-info/SOURCES.txt", mode="w:xz")}, ["b"]),
        ({"c.tgz": MANY_MEMBERS}, ["c.tgz"]),
    ],
)  # fmt: skip
def test_a_dependency_that_no_requirements_file_pins_is_listed(
    files: dict[str, str | bytes],
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, missing = read(files, tmp_path, monkeypatch, capsys)

    assert sorted(missing) == sorted(expected)


HIDDEN = [
    pytest.param(b"\x0c# reviewed \\\rx==1", 2, id="a form feed and a carriage return"),
    pytest.param(b"\x0c# reviewed \\\nx==1", 2, id="a comment after a form feed"),
    pytest.param(b"a==1 # reviewed \\\nx==1", 2, id="a comment behind a package"),
    pytest.param(b"# reviewed \\\r\nx==1", 2, id="a comment in lines of Windows"),
    pytest.param(b"# reviewed\x0bx==1", 2, id="a vertical tab"),
    pytest.param(b"# reviewed\x1cx==1", 2, id="a separator of files"),
    pytest.param("# reviewed\u2028x==1".encode(), 2, id="a separator of lines"),
    pytest.param("# \xc5x==1".encode(), 2, id="a line end in Latin-1"),
    pytest.param(b"a==1\n# coding: utf-7", 3, id="another encoding"),
    pytest.param(b"\xff", 2, id="no encoding at all"),
]


@pytest.mark.parametrize(("line", "number"), HIDDEN)
def test_a_package_that_pip_and_scanners_could_read_differently_stops_a_release(
    line: bytes, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, missing = read({"requirements.txt": FLASK.encode() + line + b"\nz>1\n"}, tmp_path, monkeypatch, capsys)

    assert len(missing) == 1
    assert missing[0].startswith(f"requirements.txt: line {number}: ")
    assert missing[0].isascii()


def test_a_scanner_of_one_file_does_not_see_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, Any] = {
        "requirements.txt": FLASK,
        "dev-requirements.txt": "flask==3.1.0\nx==1\n",
        "sub/requirements.txt": "y==2",
    }
    copies, missing = read(files, tmp_path, monkeypatch, capsys, wanted="requirements.txt")

    assert list(copies) == ["requirements.txt"]
    assert sorted(missing) == ["dev-requirements.txt: x 1", "sub/requirements.txt: y 2"]


def test_links_are_not_followed_and_a_long_list_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/requirements.txt").symlink_to("/etc/hostname")
    lock = "".join(POETRY.format(f"p{number}", "1") for number in range(25))
    copies, missing = read({"poetry.lock": lock}, tmp_path, monkeypatch, capsys)

    assert copies == {}
    assert (len(missing), missing[-1]) == (21, "6 more")


@pytest.mark.parametrize(
    ("link", "listed"),
    [
        ("requirements", ["requirements, which is a link"]),
        ("sub/requirements", ["sub/requirements, which is a link"]),
        ("dev-requirements.txt", ["dev-requirements.txt, which is a link"]),
        ("uv.lock", ["uv.lock, which is a link"]),
        ("docs", []),
        ("README.txt", []),
    ],
)
def test_a_link_through_which_an_installer_could_read_is_listed(
    link: str, listed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "source" / link
    path.parent.mkdir(parents=True)
    path.symlink_to("conf")

    assert read({"conf/base.txt": "x==1"}, tmp_path, monkeypatch, capsys)[1] == listed


MARKERS = [
    ("sys_platform == 'win32'", True),
    (' os_name=="nt" and python_version >= "3.9" ', True),
    ('python_version < "4" and platform_system == "Darwin"', True),
    ("", False),
    ("sys_platform != 'win32'", False),
    ("sys_platform == 'win32' or os_name == 'posix'", False),
    ("(sys_platform == 'win32')", False),
    ("sys_platform == 'linux'", False),
    ("platform_machine != \"x and sys_platform == 'win32' and x\"", False),
    ("platform_machine != 'x' and 'a\" and sys_platform == \"win32' != ''", False),
    ("platform_machine != \"${X}\" and sys_platform == 'win32'", False),
    ("sys_platform == 'win32' # x", False),
    ("'win32' == sys_platform", False),
]


@pytest.mark.parametrize(("marker", "other"), MARKERS)
def test_a_package_is_left_out_only_by_a_plain_marker_of_another_system(marker: str, other: bool) -> None:
    assert for_another_system(marker) is other


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("https://files.example/a/Flask_Login-0.6.3-py3-none-any.whl#sha256=1", "flask-login", "0.6.3"),
        ("torch-2.0.0%2Bcpu-cp313-cp313-linux_x86_64.whl", "torch", "2.0.0+cpu"),
        ("torch-2.0.0_cpu-cp313-cp313-linux_x86_64.whl", "torch", "2.0.0+cpu"),
        ("x-1!2.0-1build-py2.py3-none-any.whl", "x", "1!2.0.0"),
        ("wheels/regex-2024.05.15.tar.gz", "regex", "2024.5.15"),
        ("zope.interface-5.4.0.zip", "zope-interface", "5.4"),
        ("python-dateutil-2.9.0-1.tar.bz2", "python_dateutil", "2.9.0.post1"),
        ("a-1.0-beta.2.tgz", "a", "1.0b2"),
        ("a-1.0C1.tar.gz", "a", "1rc1"),
        ("a-1.0.dev3+local-1.tar.gz", "a", "1.dev3+local.1"),
        ("pytz-2013b-py2-none-any.whl", "pytz", "2013b0"),
        ("a-snapshot.zip", "a", "SNAPSHOT"),
    ],
)
def test_a_file_has_the_version_of_its_package_in_any_spelling(file: str, name: str, version: str) -> None:
    assert is_file_of(file, name, version)


@pytest.mark.parametrize(
    "line",
    [
        "idna==3.7 ; python_version < '3.11' and (platform_machine == 'x86_64' or extra == \"a\") --hash=sha256:ab",
        "idna==3.7;'linux' in sys_platform or sys_platform not  in 'win32 cygwin,darwin'",
        "idna==3.7 ; '3.8' <= python_full_version  --hash=sha256:ab  --hash=sha256:cd",
        "idna==3.7 ; os.name === 'x'",
    ],
)
def test_a_marker_is_comparisons(line: str) -> None:
    assert PINNED.fullmatch(line)


@pytest.mark.parametrize(
    "marker",
    [
        *("", "#", "#\\", "# urllib3==1.24.1", "urllib3==1.24.1", "x", "a == 'b' c == 'd'", "a == 'b' --index-url=x"),
        *(
            "a == 'b --index-url=x'",
            "a == 'b' # --hash=x",
            "a == 'b';",
            "a == 'b' or",
            "ain 'b'",
            "a == 'b\"",
            "a == 'b@c'",
        ),
    ],
)
def test_what_follows_a_version_is_a_marker_or_no_pin(marker: str) -> None:
    assert not PINNED.fullmatch(f"idna==3.7 ;{marker}")
