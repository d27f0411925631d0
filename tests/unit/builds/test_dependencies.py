"""Dependencies of Python that a source declares: what a scanner can see is copied for it, the rest is listed."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "src/cicd_templates/builds/scripts/dependencies.py"
EVERY = "*requirements*.txt"


def read(
    files: dict[str, str | bytes],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    wanted: str = EVERY,
) -> tuple[dict[str, str], list[str]]:
    """The copies, by name, and what they lack."""
    for name, content in files.items():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "source").mkdir(exist_ok=True)
    copy = folder / "copy"
    monkeypatch.setattr(sys, "argv", ["dependencies.py", str(folder / "source"), str(copy), wanted])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    copies = {str(path.relative_to(copy)): path.read_text() for path in copy.rglob("*") if path.is_file()}
    missing: list[str] = json.loads(capsys.readouterr().out)
    return copies, missing


FLASK = "flask==3.1.0 --hash=sha256:ab\n"
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
            {"sub/dev-requirements.txt": "a==1\n", "requirements/base-requirements.txt": "b==2\n"},
            id="other names",
        ),
        pytest.param(
            {"requirements.txt": f"-r requirements/base.txt\n-c x.txt\n{FLASK}", "requirements/base.txt": "b==2\n"},
            {"requirements.txt": "flask==3.1.0\n", "requirements/base-requirements.txt": "b==2\n"},
            id="included",
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
        {"pylock.toml": '[[packages]]\nname = "flask"\nversion = "3.1.0"\n'},
        {"pyproject.toml": "[project]\ndependencies = ['flask>=3; a > \"3\"']\n[build-system]\nrequires = ['x']\n"},
        {"pyproject.toml": "[tool.bandit]\nskips = []\n"},
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.13"\nflask = "^3"\n'},
        {"Pipfile": '[packages]\nflask = "*"\n', "Pipfile.lock": '{"default": {"flask": {"version": "==3.1.0"}}}'},
        {"setup.cfg": "[options]\ninstall_requires =\n  flask\n[bandit]\nskips = x\n"},
        {"setup.py": "from setuptools import setup\nsetup(name='x', install_requires=['flask>=3'])\n"},
        {"me.egg-info/PKG-INFO": "Name: me\n"},
        {"vendor/readme.md": "x"},
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
        ({"setup.py": "setup(install_requires=read('x'))"}, ["setup.py: install_requires, which is computed"]),
        ({"setup.py": "setup(extras_require={'a': ['x']}, setup_requires=['y'])"}, ["setup.py: x", "setup.py: y"]),
        ({"setup.py": "setuptools.setup(**values())"}, ["setup.py: the arguments of setup, which are computed"]),
        ({"setup.py": "print 1"}, ["setup.py: SyntaxError"]),
        ({"poetry.lock": "["}, ["poetry.lock: TOMLDecodeError"]),
        ({"poetry.lock": "package = 1"}, ["poetry.lock: TypeError"]),
        ({"poetry.lock": "package = [1]"}, ["poetry.lock: AttributeError"]),
        ({"Pipfile.lock": "{"}, ["Pipfile.lock: JSONDecodeError"]),
        ({"setup.cfg": "x"}, ["setup.cfg: MissingSectionHeaderError"]),
        ({"requirements.txt": b"a==1\xff"}, ["requirements.txt: UnicodeDecodeError"]),
        ({"environment.yml": "dependencies: [x]"}, ["environment.yml"]),
        ({"requirements.txt": "# coding: utf-7\n"}, ["requirements.txt: # coding: utf-7"]),
        ({"requirements.txt": "# reviewed \\\nx==1\n"}, ["requirements.txt: # reviewed \\"]),
        ({"requirements.txt": "x>=1\n"}, ["requirements.txt: x>=1"]),
        ({"requirements.txt": "x @ https://evil\n-e .\ngit+https://evil\n"},
         ["requirements.txt: x @ https://evil", "requirements.txt: -e .", "requirements.txt: git+https://evil"]),
        ({"requirements.txt": "-r base.txt\n--requirement=../requirements.txt\n"},
         ["requirements.txt: -r base.txt", "requirements.txt: --requirement=../requirements.txt"]),
        ({"lib/x-1-py3-none-any.whl": "x", "y.EGG": "x"}, ["lib/x-1-py3-none-any.whl", "y.EGG"]),
        ({"lib/x-1.dist-info/METADATA": "x"}, ["lib/x-1.dist-info/METADATA: x 1"]),
        ({"src/_vendor/x/a.py": "", "src/_vendor/x/b.py": ""}, ["src/_vendor/x"]),
        ({"venv/lib/site-packages/x.so": ""}, ["venv/lib/site-packages"]),
    ],
)  # fmt: skip
def test_what_no_requirements_file_pins_is_listed(
    files: dict[str, str | bytes],
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, missing = read(files, tmp_path, monkeypatch, capsys)

    assert sorted(missing) == sorted(expected)


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
    assert (len(missing), missing[-1]) == (21, "5 more")
