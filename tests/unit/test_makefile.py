"""The Makefile hands on what a user says as it is, and takes yes and no for what they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

PRINTS_ITS_ARGUMENTS = """#!/usr/bin/env python3
import json, sys
print(json.dumps(sys.argv[3:]))
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with the Makefile, whose Python only prints what it is called with."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PRINTS_ITS_ARGUMENTS)
    python.chmod(0o755)
    for stamp in ("requirements.lock", "setup.cfg", "pyproject.toml", ".venv/.locked", ".venv/.done"):
        (tmp_path / stamp).touch()
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", *words], cwd=folder, capture_output=True, text=True, check=False)


def arguments(folder: Path, *words: str) -> list[str]:
    answer = make(folder, *words)
    assert answer.returncode == 0, answer.stderr
    found: list[str] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("staging production", id="a space"),
        pytest.param("staging;touch made-it", id="another command"),
        pytest.param("$(shell touch made-it)", id="a function of make"),
        pytest.param("`touch made-it`$(touch made-it)", id="a substitution"),
        pytest.param('it\'s "quoted" $HOME $$ \\ # * ~', id="characters of the shell and of make"),
        pytest.param("two\nlines", id="a line break"),
        pytest.param("--yes", id="an option"),
    ],
)
def test_what_a_user_says_arrives_as_one_argument_and_as_it_was_said(made: Path, value: str) -> None:
    assert arguments(made, "status", f"ENV={value}") == ["status", "--env", value]
    assert arguments(made, "waive", f"OWNER={value}") == ["gate", "waive", "--all-current", "--owner", value]
    assert arguments(made, "inspect", f"REPORT={value}") == ["gate", "inspect", "--", value]
    assert not (made / "made-it").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "destroy ENV=a LAYER=b SERVICE=c SUFFIX=d LOCAL=1 YES=1 FORMAT=json ALLOW=e",
            "destroy --env a --layer b --service c --suffix d --local --yes --json --allow e",
        ),
        ("render ENV=a SUFFIX=d FORMAT=json", "render --env a --suffix d --format json"),
        ("release APP=. SERVICE=c SUFFIX=d WAIT=1", "release --app . --service c --suffix d --wait"),
        ("secret ENV=a NAME=n LOCAL=1", "secret --env a --local --name n"),
        ("gate REPORTS=r POLICY=p FORMAT=json", "gate --reports r --policy p --json"),
        (
            "waive REPORTS=r EXPIRES=x OWNER=o SERVICE=c POLICY=p",
            "gate waive --all-current --reports r --expires x --owner o --service c --policy p",
        ),
        ("inspect TOOL=t REPORT=f FORMAT=json", "gate inspect --tool t --json -- f"),
        ("deploy-policy ENV=a SUFFIX=d PART=p", "deploy-policy --env a --suffix d --part p"),
        ("fuzz", ""),
    ],
)
def test_each_variable_is_an_option(made: Path, words: str, expected: str) -> None:
    assert " ".join(arguments(made, *words.split())) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(value, ["--yes"]) for value in ("1", "yes", "true")] + [(value, []) for value in ("0", "no", "false", "", " ")],
)
def test_yes_is_yes_and_no_is_no(made: Path, value: str, expected: list[str]) -> None:
    assert arguments(made, "deploy", f"YES={value}") == ["deploy", *expected]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["deploy", "YES=maybe"], "YES=maybe says nothing: write YES=1 or 0."),
        (["deploy", "LOCAL=1 0"], "LOCAL=1 0 says nothing: write LOCAL=1 or 0."),
        (["release", "WAIT=y"], "WAIT=y says nothing: write WAIT=1 or 0."),
        (["status", "FORMAT=xml"], "FORMAT=xml says nothing: write FORMAT=json or yaml."),
    ],
    ids=["word", "two words", "letter", "format"],
)
def test_what_says_neither_is_refused_in_a_line(made: Path, words: list[str], expected: str) -> None:
    answer = make(made, *words)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert re.fullmatch(rf"Makefile:\d+: \*\*\* {re.escape(expected)}  Stop\.\n", answer.stderr)


def test_no_recipe_names_a_variable_of_the_user_bare() -> None:
    text = (ROOT / "Makefile").read_text()
    (said,) = re.findall(r"^SAID +:= (.*)$", text, re.MULTILINE)
    recipes = [line for line in text.splitlines() if line.startswith("\t")]

    assert [line for line in recipes for name in said.split() if f"$({name})" in line] == []
