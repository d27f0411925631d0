"""Options come from the command line or from make's variables, and messages name what the user typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cicd_templates import hints
from cicd_templates.cli import main
from cicd_templates.deploy.plans import document as plans
from tests.unit.deploy.plans.test_document import PLAN


def run(command: str, **variables: str) -> tuple[int, str]:
    """Run a command with environment variables. `MAKE` lists the variables that a target of make uses."""
    result = CliRunner().invoke(main, command.split(), env={f"{hints.PREFIX}{k}": v for k, v in variables.items()})
    return result.exit_code, result.output


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Record the options with which a verb selects its environments, and return them."""
    asked: list[dict[str, object]] = []

    def targets(**target: object) -> list[object]:
        asked.append(target)
        return []

    monkeypatch.setattr("cicd_templates.cli.selection.targets", targets)
    return asked


def test_without_make_every_variable_of_a_verb_counts(asked: list[dict[str, object]]) -> None:
    assert run("outputs --layer keys", ENV="staging", LAYER="network", LOCAL="yes", OUT="", PLAN="x")[0] == 0
    assert asked == [
        {"default": "all", "env": "staging", "suffix": None, "layer": "keys", "service": None, "local": True}
    ]


def test_under_make_only_the_variables_of_the_target_count(asked: list[dict[str, object]]) -> None:
    assert run("outputs", MAKE="LAYER LOCAL", ENV="staging", LAYER="network", LOCAL="0")[0] == 0
    assert asked == [
        {"default": "all", "env": None, "suffix": None, "layer": "network", "service": None, "local": False}
    ]


@pytest.mark.parametrize(
    ("command", "variables", "expected"),
    [
        ("deploy", {"MAKE": "YES", "YES": "maybe"}, "error: `YES=maybe` is not a boolean; use 1 or 0\n"),
        ("deploy", {"MAKE": "LOCAL", "LOCAL": "1 0"}, "error: `LOCAL=1 0` is not a boolean; use 1 or 0\n"),
        ("release", {"MAKE": "WAIT", "WAIT": "y"}, "error: `WAIT=y` is not a boolean; use 1 or 0\n"),
        ("deploy", {"YES": "maybe"}, "error: `CICD_TEMPLATES_YES=maybe` is not a boolean; use 1 or 0\n"),
        ("status", {"MAKE": "FORMAT", "FORMAT": "xml"}, "error: `FORMAT=xml` is not a format; use json or text\n"),
        (
            "render",
            {"MAKE": "FORMAT", "FORMAT": "xml"},
            "Error: Invalid value for FORMAT=: 'xml' is not one of 'yaml', 'json'.\n",
        ),
        (
            "deploy-policy --part x",
            {"MAKE": ""},
            "Error: Invalid value for PART=: 'x' is not a valid integer range.\n",
        ),
        (
            "gate inspect --tool sarif",
            {"MAKE": "REPORT", "REPORT": ""},
            "error: which report? Name its file with REPORT=\n",
        ),
        (
            "rehearse --app .",
            {"MAKE": "TOKENS", "TOKENS": "A B"},
            "error: TOKENS=A B: the environment variable A B is missing or empty\n",
        ),
    ],
)
def test_under_make_a_wrong_value_is_one_line(command: str, variables: dict[str, str], expected: str) -> None:
    assert run(command, **variables) == (2, expected)


def test_without_make_a_wrong_option_shows_the_usage() -> None:
    code, output = run("render --format xml")

    assert code == 2
    assert output.startswith("Usage: ")
    assert "Invalid value for '--format': 'xml' is not one of" in output


@pytest.mark.parametrize(
    ("spell", "under_make", "without"),
    [
        (lambda: hints.option("ENV"), "ENV=", "--env"),
        (lambda: hints.option("OLDER_THAN", "7d"), "OLDER_THAN=7d", "--older-than 7d"),
        (lambda: hints.option("YES", value=True), "YES=1", "--yes"),
        (lambda: hints.option("TOKENS", "A", name="--token"), "TOKENS=A", "--token A"),
    ],
    ids=["name", "value", "flag", "another name"],
)
def test_messages_spell_an_option_as_the_user_types_it(
    monkeypatch: pytest.MonkeyPatch, spell: Callable[[], str], under_make: str, without: str
) -> None:
    assert spell() == without
    monkeypatch.setenv(hints.TAKEN_BY_TARGET, "")
    assert spell() == under_make


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert run("--version") == (0, f"cicd-templates, version {version('cicd-templates')}\n")


@pytest.mark.parametrize("verb", ["deploy", "destroy"])
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DIGEST": "a" * 64}, "error: --digest can be used only with --plan\n"),
        ({"DIGEST": ""}, "error: --digest can be used only with --plan\n"),
        ({"DIGEST": "", "MAKE": "DIGEST PLAN"}, "error: DIGEST= can be used only with PLAN=\n"),
    ],
    ids=["without a plan", "an empty variable", "an empty variable of make"],
)
def test_a_digest_without_a_plan_is_refused_even_an_empty_one(
    verb: str, variables: dict[str, str], expected: str
) -> None:
    assert run(f"{verb} --env staging" if "MAKE" not in variables else verb, **variables) == (2, expected)


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        pytest.param("destroy", {"SUFFIX": ""}, "CICD_TEMPLATES_SUFFIX=", id="a copy"),
        pytest.param("destroy", {"SUFFIX": "", "MAKE": "ENV SUFFIX"}, "SUFFIX=", id="a copy, for make"),
        pytest.param("destroy", {"SUFFIX": " "}, "CICD_TEMPLATES_SUFFIX=", id="a space"),
        pytest.param("deploy", {"LAYER": ""}, "CICD_TEMPLATES_LAYER=", id="a layer"),
        pytest.param("deploy", {"PLAN": ""}, "CICD_TEMPLATES_PLAN=", id="a plan"),
        pytest.param("plan-discard", {"PLAN": ""}, "CICD_TEMPLATES_PLAN=", id="a plan to discard"),
        pytest.param("plan", {"SERVICE": ""}, "CICD_TEMPLATES_SERVICE=", id="a service"),
        pytest.param("status", {"LOCAL": ""}, "CICD_TEMPLATES_LOCAL=", id="the local AWS"),
    ],
)
def test_an_empty_variable_does_not_make_a_command_work_on_more(
    arguments: str, variables: dict[str, str], expected: str
) -> None:
    refused = f"error: `{expected}` has no value; write a value directly after the =, or leave out `{expected}`\n"

    assert run(arguments, ENV="staging", **variables) == (2, refused)


def test_a_variable_that_the_target_does_not_take_may_be_empty() -> None:
    assert run("plan-discard --env nope", SUFFIX="", MAKE="ENV")[1].startswith("error: no environment 'nope'")


def test_a_plan_of_an_environment_that_is_not_here_is_refused_in_a_line(
    asked: list[dict[str, object]], tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    plans.write(replace(PLAN, environment="all", suffix="", local=False), path, "")

    assert run(f"deploy --plan {path}") == (
        3,
        f"error: {path}: its environment 'all' is not in the configuration; plan again\n",
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            "--env staging --confirm staging",
            "error: --confirm can be used only with --plan; for a disposable environment, use --yes\n",
            id="a confirmation without a plan",
        ),
        pytest.param(
            "--plan p.json --env staging --layer keys",
            "error: the plan already names the environments to destroy; leave out --env, --layer\n",
            id="a plan and what it says already",
        ),
    ],
)
def test_what_does_not_fit_a_plan_of_a_destruction_is_refused_in_a_line(words: str, expected: str) -> None:
    assert run(f"destroy {words}") == (2, expected)
