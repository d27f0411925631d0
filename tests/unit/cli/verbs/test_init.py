"""`init` writes a new configuration from options or answers, and replaces no edited configuration."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, terminal
from cicd_templates.cli.verbs import init
from cicd_templates.files.paths import CONFIGURATION, EXAMPLE_CONFIGURATION
from tests.conftest import ROOT

GIVEN = {
    "--project": "acme",
    "--services": "billing-api, ledger",
    "--environments": "preprod,production",
    "--accounts": "111111111111",
    "--region": "eu-west-1",
    "--email": "team@example.com",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder that still has the example configuration."""
    for path in (CONFIGURATION, EXAMPLE_CONFIGURATION):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("# the example\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*more: str, without: str = "", **changed: str) -> Result:
    given = {**GIVEN, **{f"--{name}": value for name, value in changed.items()}}
    words = [word for name, value in given.items() if name != without for word in (name, value)]
    return CliRunner().invoke(main, ["init", *words, *more])


def test_the_example_is_replaced_by_what_was_named() -> None:
    result = typed()

    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        "wrote templates/environments.toml; read it, then:",
    )
    text = CONFIGURATION.read_text()
    assert 'name = "acme"' in text
    assert 'path_pattern = "/ledger/*"' in text
    assert [path.name for path in CONFIGURATION.parent.iterdir()] == ["environments.toml"]


def test_the_example_of_the_repository_is_replaced_without_a_question() -> None:
    shipped, example = (tomllib.loads((ROOT / path).read_text()) for path in (CONFIGURATION, EXAMPLE_CONFIGURATION))
    if shipped["project"] != example["project"]:
        pytest.skip("templates/environments.toml is no longer the example, but the configuration of another project")
    for path in (CONFIGURATION, EXAMPLE_CONFIGURATION):
        shutil.copyfile(ROOT / path, path)

    result = typed()

    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        "wrote templates/environments.toml; read it, then:",
    ), f"{CONFIGURATION} and {EXAMPLE_CONFIGURATION} must have the same bytes"


def test_what_is_no_longer_the_example_is_replaced_only_on_request() -> None:
    CONFIGURATION.write_text("# my own\n")

    refused = typed()
    assert (refused.exit_code, CONFIGURATION.read_text()) == (3, "# my own\n")
    assert "has been edited; add --yes to overwrite it" in refused.output
    assert typed("--yes").exit_code == 0


def test_a_configuration_that_is_not_there_is_written() -> None:
    CONFIGURATION.unlink()
    assert typed().exit_code == 0

    EXAMPLE_CONFIGURATION.unlink()
    assert typed().exit_code == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"project": "Acme"}, "--project: 'Acme' is not allowed; use lower-case letters"),
        ({"accounts": "1"}, "--accounts: '1' is not allowed; write the AWS account id as 12 digits"),
        ({"region": "eu-west-9"}, "eu-west-9"),
        ({"environments": "tools,preprod,live"}, "error: the environment tools is always added; leave it out of"),
        ({"services": "till, till"}, "error: given more than once among the services: till"),
        ({"project": 'a"b'}, "a name has a character that is not allowed"),
        ({"email": "team"}, "--email: 'team' is not allowed"),
    ],
)
def test_a_mistake_writes_nothing(changed: dict[str, str], message: str) -> None:
    result = typed(**changed)

    assert (result.exit_code, CONFIGURATION.read_text()) == (2, "# the example\n")
    assert message in result.output


@pytest.mark.parametrize(
    ("changed", "options"),
    [
        ({"email": "team"}, ["--email"]),
        ({"region": "eu-west-9"}, ["--region"]),
        ({"project": "Team", "email": "team"}, ["--project", "--email"]),
        ({"services": "pipeline"}, ["--services"]),
        ({"environments": "Live"}, ["--environments"]),
        ({"services": "a" * 60, "email": "team"}, ["--services", "--email"]),
    ],
)
def test_each_wrong_answer_is_one_line_that_names_it(changed: dict[str, str], options: list[str]) -> None:
    lines = typed(**changed).output.removeprefix("error: ").splitlines()

    assert [line.partition(": ")[0].strip() for line in lines] == options


def test_what_is_missing_is_asked_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "error: there is no terminal for questions; add --region: AWS region" in typed(without="--region").output

    answers = ["eu-north-1", ""]
    monkeypatch.setattr(terminal, "ask", lambda question: answers.pop(0))
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    assert init.init.callback is not None
    init.init.callback(source="s3", yes=True, **{name[2:]: value for name, value in GIVEN.items()} | {"region": None})
    assert 'region = "eu-north-1"' in CONFIGURATION.read_text()
    with pytest.raises(Exception, match="--region is needed: AWS region"):
        init._ask("REGION", "AWS region")
