"""The Makefile passes on the user's variables unchanged, and refuses variables that a target does not use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from cicd_templates.cli import main
from cicd_templates.cli.options import Option
from cicd_templates.hints import PREFIX
from tests.conftest import ROOT

# A mark, the number of arguments, the arguments and the variables, each ended by a NUL, which neither can contain.
CALL = "\x1e"
PRINTS_ITS_CALL = """#!/bin/sh
if [ $# -ge 2 ]; then shift 2; else shift $#; fi
printf '\\036%s\\0' $#
for argument; do printf '%s\\0' "$argument"; done
env -0
"""
MAKEFILE = (ROOT / "Makefile").read_text()
STACKS = re.findall(r"^STACKS := (.*)$", MAKEFILE, re.MULTILINE)[0]
TAKES = {
    target: set(words.replace("$(STACKS)", STACKS).replace("$(lint.takes)", "SUFFIX FORMAT").split())
    for target, words in re.findall(r"^([a-z-]+)\.takes := (.*)$", MAKEFILE, re.MULTILINE)
}
VARIABLES = sorted(set().union(*TAKES.values()))
SCRIPTS = ["soak", "fuzz", "fuzz-rules", "mutate"]
# Targets that take every variable between them, one of which takes the name of a folder as an argument.
EVERY_VARIABLE = [
    *("plan", "deploy", "destroy", "status", "sweep", "unlock", "release", "rehearse", "secret", "waive", "inspect"),
    *("evidence", "verify-evidence"),
    *("review", "upgrade-check", "deploy-policy", "init", *SCRIPTS),
]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, whose Python only prints its arguments and variables."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/refuse", tmp_path / ".ci")
    locks = ("requirements.lock", "requirements-local.lock", "setup.cfg", "pyproject.toml")
    for lock in locks:
        (tmp_path / lock).touch()
    for program in ("python", "ruff", "mypy"):
        path = tmp_path / ".venv/bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PRINTS_ITS_CALL if program == "python" else "#!/bin/sh\n")
        path.chmod(0o755)
    (tmp_path / ".venv-local").mkdir()
    for stamp in (".venv/.locked", ".venv/.done", ".venv-local/.done"):
        (tmp_path / stamp).touch()
    return tmp_path


def make(folder: Path, *words: str, **shell: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | shell
    return subprocess.run(
        ["make", "-s", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def calls(folder: Path, *words: str, **shell: str) -> list[tuple[list[str], dict[str, str]]]:
    """Return the arguments and the variables of each call of Python."""
    answer = make(folder, *words, **shell)
    assert (answer.returncode, answer.stderr) == (0, "")
    return [call(text) for text in answer.stdout.split(CALL)[1:]]


def call(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments after `-m cicd_templates` and the variables, as the program printed them."""
    number, *words = text.split("\0")
    arguments, variables = words[: int(number)], words[int(number) : -1]
    pairs = [variable.partition("=") for variable in variables if variable.startswith(PREFIX)]
    return arguments, {name: value for name, _, value in pairs}


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the parameters of a verb, or of the command of a verb, as click parses them."""
    command = main.get_command(click.Context(main), arguments[0])
    assert command
    rest = arguments[1:]
    if isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    return command.make_context("verb", list(rest)).params


def parameters(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    """Return the parameters with which the program runs when make is called with these words."""
    ((arguments, variables),) = calls(folder, *words)
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return parsed(arguments)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("staging", id="a word"),
        pytest.param("staging production", id="a space"),
        pytest.param("staging \t", id="blanks at the end"),
        pytest.param("", id="nothing"),
        pytest.param("staging;touch made-it", id="another command"),
        pytest.param("a | touch made-it && touch made-it &", id="operators of the shell"),
        pytest.param("$(shell touch made-it)${shell touch made-it}$(error no)", id="functions of make"),
        pytest.param("`touch made-it`$(touch made-it)", id="substitutions of the shell"),
        pytest.param('it\'s "quoted" $HOME $$ $@ \\ # * ~', id="characters of the shell and of make"),
        pytest.param("'; touch made-it; '", id="the end of a quotation"),
        pytest.param("two\nlines\n\ttouch made-it", id="line breaks"),
        pytest.param("a SUFIX=b\nSUFIX=c", id="what looks like a variable"),
        pytest.param("--yes", id="an option"),
        pytest.param("%\\", id="a pattern and a backslash at the end"),
    ],
)
def test_what_a_user_types_arrives_as_it_was_typed(made: Path, value: str) -> None:
    called = calls(made, *EVERY_VARIABLE, *(f"{variable}={value}" for variable in VARIABLES))

    assert len(called) == len(EVERY_VARIABLE) + 1  # soak has two commands
    for arguments, variables in called:
        variables.pop(f"{PREFIX}MAKE", None)
        assert variables == {f"{PREFIX}{variable}": value for variable in VARIABLES}
        assert arguments == [value] or value in ("", "staging") or value not in arguments
    assert not (made / "made-it").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "destroy ENV=a LAYER=b SERVICE=c SUFFIX=d LOCAL=1 YES=1 FORMAT=json ALLOW=e",
            "destroy --env a --layer b --service c --suffix d --local --yes --json --allow e",
        ),
        ("destroy PLAN=p CONFIRM=a,b DIGEST=d", "destroy --plan p --confirm a,b --digest d"),
        (
            "deploy ENV=a PLAN=p DIGEST=d ALLOW=s/B OUT=o WAIT=1 YES=1 HAND_OVER=1",
            "deploy --env a --plan p --digest d --allow s/B --out o --wait --yes --hand-over",
        ),
        ("plan ENV=a OUT=o WAIT=1 FORMAT=json", "plan --env a --out o --wait --json"),
        ("render ENV=a SUFFIX=d FORMAT=json", "render --env a --suffix d --format json"),
        ("lint SUFFIX=d FORMAT=sarif", "lint --suffix d --format sarif"),
        ("release APP=. SERVICE=c SUFFIX=d WAIT=1", "release --app . --service c --suffix d --wait"),
        ("secret ENV=a NAME=n LOCAL=1", "secret --env a --local --name n"),
        ("gate REPORTS=r POLICY=p FORMAT=json", "gate --reports r --policy p --json"),
        (
            "waive REPORTS=r EXPIRES=x OWNER=o SERVICE=c POLICY=p",
            "gate waive --all-current --reports r --expires x --owner o --service c --policy p",
        ),
        ("verify-evidence FOLDER=f KEY=k", "verify-evidence --key k f"),
        (
            "evidence SERVICE=c SUFFIX=d LOCAL=1 EXECUTION=e RELEASE=r DIGEST=x OUT=o",
            "evidence --service c --suffix d --local --execution e --release r --digest x --out o",
        ),
        ("inspect TOOL=t REPORT=--f FORMAT=json", "gate inspect --tool t --json -- --f"),
        ("status LEFT=1 LOCAL=no", "status --left"),
        ("sweep ENV=all OLDER_THAN=7d YES=yes", "sweep --env all --older-than 7d --yes"),
        ("unlock ENV=a SUFFIX=d LOCAL=1 HOLDER=h", "unlock --env a --suffix d --local --holder h"),
        ("plan ENV=all PREVIEW=1", "plan --env all --preview"),
        ("review BASE=main", "review --base main"),
        ("comment BASE=main PLAN=a,b OUT=c LOCAL=1", "comment --base main --plan a,b --out c --local"),
        ("upgrade-check REF=v2 YES=1", "upgrade-check --ref v2 --yes"),
        ("deploy-policy ENV=a SUFFIX=d PART=2 DESTROYING=1", "deploy-policy --env a --suffix d --part 2 --destroying"),
        (
            "rehearse APP=. SERVICE=c SUFFIX=d YES=1 REFUSE=1 TOOLS=t TOKENS=A,B FORMAT=json",
            "rehearse --app . --service c --suffix d --yes --refuse --tools t --token A,B --json",
        ),
    ],
)
def test_each_variable_is_an_option(made: Path, monkeypatch: pytest.MonkeyPatch, words: str, expected: str) -> None:
    assert parameters(made, monkeypatch, *words.split()) == parsed(expected.split())


def test_a_target_takes_the_variables_of_its_verb(made: Path) -> None:
    for target in TAKES.keys() - {"verify", *SCRIPTS}:
        ((arguments, _),) = calls(made, target)
        command = main.get_command(click.Context(main), arguments[0])
        assert command
        if isinstance(command, click.Group) and arguments[1:]:
            command = command.commands[arguments[1]]
        variables = {option.variable for option in command.params if isinstance(option, Option)} - {None}
        arguments_of = {"inspect": {"REPORT"}, "verify-evidence": {"FOLDER"}}
        assert TAKES[target] == variables | arguments_of.get(target, set()), target


@pytest.mark.parametrize(
    ("value", "expected"),
    [(value, True) for value in ("1", "yes", "true", "True")]
    + [(value, False) for value in ("0", "no", "false", "", " ")],
)
def test_yes_is_yes_and_no_is_no(made: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    assert parameters(made, monkeypatch, "deploy", f"YES={value}")["yes"] is expected


def test_a_variable_of_the_shell_steers_nothing(made: Path) -> None:
    shell = {"YES": "1", "ENV": "production", "FORMAT": "json", "LOCAL": "1", "SUFIX": "pr1", f"{PREFIX}YES": "1"}
    ((arguments, variables),) = calls(made, "deploy", "ENV=staging", **shell)

    assert (arguments, sorted(variables)) == (["deploy"], [f"{PREFIX}ENV", f"{PREFIX}MAKE"])
    assert variables[f"{PREFIX}ENV"] == "staging"


def test_the_variables_of_a_make_above_count(made: Path) -> None:
    ((_, variables),) = calls(made, "status", MAKEFLAGS=" -- ENV=staging")

    assert variables[f"{PREFIX}ENV"] == "staging"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["deploy", "SUFIX=pr1"], "`make deploy` does not take SUFIX=; the nearest variable that it takes is SUFFIX="),
        (["deploy", "env=staging"], "`make deploy` does not take env=; the nearest variable that it takes is ENV="),
        (["init", "SERVICE=a"], "`make init` does not take SERVICE=; the nearest variable that it takes is SERVICES="),
        (["render", "PLAN=x"], "`make render` does not take PLAN=; it takes ENV=, FORMAT=, SUFFIX="),
        (["render", "lint", "XYZ=x"], "`make render lint` does not take XYZ=; it takes ENV=, FORMAT=, SUFFIX="),
        (["clean", "ENV=a"], "`make clean` does not take ENV=; it takes no variables"),
        (["ENV=a"], "`make help` does not take ENV=; it takes no variables"),
        (["check", "FORMAT=json"], "`make check` does not take FORMAT=; it takes no variables"),
        (["review", "q;'`id>made-it`=x"], "`make review` does not take q;"),
        (["deploy", "PYTHON=python0", "SUFIX=pr1"], "`make deploy` does not take SUFIX="),
    ],
)
def test_a_variable_that_no_target_takes_is_refused_in_a_line(made: Path, words: list[str], expected: str) -> None:
    answer = make(made, *words)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert re.fullmatch(rf"Makefile:\d+: \*\*\* {re.escape(expected)}.*\.  Stop\.", answer.stderr.splitlines()[-1])
    assert not (made / "made-it").exists()


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        (["deploy", "ENV=staging", "SUFFIX=", "pr1", "YES=1"], "pr1"),
        (["pr1", "deploy"], "pr1"),
        (["render", "templates"], "templates"),
        (["q;`id>made-it`"], "q;`id>made-it`"),
    ],
)
def test_a_word_that_is_no_target_stops_the_others(made: Path, words: list[str], unknown: str) -> None:
    answer = make(made, *words)

    assert (answer.returncode, answer.stdout) == (2, "")
    expected = f"there is no target {unknown}, so nothing ran; a value follows its variable without a space"
    assert expected in answer.stderr
    assert not (made / "made-it").exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("deplyo", "deploy"), ("int", "lint or init"), ("verfy", "verify"), ("plan-discrad", "plan-discard")],
)
def test_a_mistyped_target_is_named(made: Path, typed: str, meant: str) -> None:
    answer = make(made, typed)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"there is no target {typed}, so nothing ran; did you mean {meant}?" in answer.stderr


def test_a_variable_is_taken_where_one_of_the_targets_takes_it(made: Path) -> None:
    (_, render), (_, deploy) = calls(made, "render", "deploy", "PLAN=p")

    assert render[f"{PREFIX}MAKE"].split() == ["ENV", "SUFFIX", "FORMAT"]
    assert deploy[f"{PREFIX}PLAN"] == "p"
    assert "PLAN" in deploy[f"{PREFIX}MAKE"].split()


@pytest.mark.parametrize("setting", ["PYTHON=python3", "AUDIT_VENV=x", "SHELL=/bin/sh"])
def test_what_make_itself_knows_can_be_set(made: Path, setting: str) -> None:
    assert [arguments for arguments, _ in calls(made, "deploy", setting)] == [["deploy"]]


def test_lint_with_a_format_prints_only_that(made: Path) -> None:
    assert make(made, "lint").stdout.rpartition("\0")[2] == "ruff: clean\n"
    assert make(made, "lint", "FORMAT=sarif").stdout.rpartition("\0")[2] == ""


def test_no_recipe_names_a_variable_of_the_user() -> None:
    recipes = [line for line in MAKEFILE.splitlines() if line.startswith("\t")]

    assert [line for line in recipes for name in VARIABLES if f"$({name})" in line] == []
