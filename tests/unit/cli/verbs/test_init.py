"""`init` writes a new configuration from options or answers, and replaces no edited configuration."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Mapping
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
        (
            {"environments": "tools,preprod,live"},
            "error: --environments: the environment tools is always added; leave it",
        ),
        ({"services": "till, till"}, "error: --services: the services contain a name twice: till"),
        ({"services": " , "}, "error: --services: name at least one service, such as billing-api"),
        (
            {"services": "till,,desk"},
            "error: --services: 'till,,desk' has an empty entry; separate the entries with one",
        ),
        ({"environments": "live,"}, "error: --environments: 'live,' has an empty entry; separate the entries with one"),
        ({"accounts": f",{'1' * 12}"}, "error: --accounts: ',111111111111' has an empty entry; separate the entries"),
        ({"project": 'a"b'}, "error: --project: 'a\"b' is not allowed; use lower-case letters"),
        ({"services": "a]\nb"}, "error: --services: 'a]\\nb' has a character that cannot be printed; type the answer"),
        ({"services": 'a"]["b'}, "error: --services: 'a\"][\"b' is not allowed as a name; use at most 24"),
        ({"environments": "a.b"}, "error: --environments: 'a.b' is not allowed as a name; use at most 12"),
        ({"email": "team"}, "--email: 'team' is not allowed"),
        (
            {"accounts": "1" * 12 + ",2"},
            "error: --accounts: 2 accounts are given; name one for all environments, or one",
        ),
        ({"source": "gitlab"}, "error: --source: use s3 or github, not 'gitlab'"),
        ({"source": ""}, "error: --source: use s3 or github, not ''"),
        ({"region": "eu-west-9"}, "error: --region: eu-west-9 is not an AWS region; did you mean eu-west-"),
        ({"region": "moon"}, "error: --region: moon is not an AWS region; use one such as eu-central-1"),
        (
            {"region": "us-iso-east-1"},
            "error: --region: us-iso-east-1 is in the partition aws-iso, which this tool does not know",
        ),
        ({"region": "ca-west-1"}, "error: --region: ca-west-1 has no CodeBuild, which every pipeline needs; choose"),
        (
            {"region": "us-gov-west-1", "source": "github"},
            "error: --source: us-gov-west-1 has no CodeConnections, so a pipeline there cannot read from GitHub; use",
        ),
        (
            {"environments": "pre-live,prelive"},
            "error: --environments: pre-live and prelive differ only by a hyphen; choose another",
        ),
    ],
)
def test_a_mistake_writes_nothing(changed: dict[str, str], message: str) -> None:
    result = typed(**changed)

    assert (result.exit_code, CONFIGURATION.read_text()) == (2, "# the example\n")
    assert message in result.output


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("changed", "options"),
    [
        ({"email": "team"}, ["--email"]),
        ({"region": "eu-west-9"}, ["--region"]),
        ({"project": "Team", "email": "team"}, ["--project", "--email"]),
        ({"services": "pipeline"}, ["--services"]),
        ({"environments": "Live"}, ["--environments"]),
        ({"services": "a" * 60, "email": "team"}, ["--services", "--email"]),
        (
            {
                "project": "A",
                "services": "B",
                "environments": "C",
                "accounts": "4,5,6,7",
                "region": "moon",
                "email": "f",
            },
            ["--project", "--services", "--environments", *["--accounts"] * 4, "--region", "--email"],
        ),
        ({"environments": "A", "accounts": ",".join(["1" * 12] * 20)}, ["--environments"]),
        ({"region": "moon", "source": "svn"}, ["--region", "--source"]),
    ],
)
def test_each_wrong_answer_is_one_line_that_names_it(changed: dict[str, str], options: list[str]) -> None:
    lines = typed(**changed).output.removeprefix("error: ").splitlines()

    assert [line.partition(": ")[0].strip() for line in lines] == options


def test_a_wrong_argument_and_what_is_missing_without_a_terminal_are_listed_together() -> None:
    assert typed(without="--region", email="team", services="").output.splitlines() == [
        "error: --services: required, because there is no terminal to ask on: Services, such as billing-api,ledger",
        "  --region: required, because there is no terminal to ask on: AWS region, such as eu-central-1",
        "  --email: 'team' is not allowed; write an e-mail address, such as team@example.com",
    ]


def at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], given: Mapping[str, str | None], source: str = "s3"
) -> None:
    """Run the command as if `answers` were typed one after the other. All of them must be asked for."""
    monkeypatch.setattr(terminal, "ask", lambda question: answers.pop(0))
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    assert init.init.callback is not None
    init.init.callback(source=source, yes=True, **{**dict.fromkeys(name[2:] for name in GIVEN), **given})
    assert answers == []


@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        (["", "eu-north-1"], ["an answer is needed"]),
        (["eu-nort-1", " eu-north-1 "], ["eu-nort-1 is not an AWS region; did you mean eu-north-1?"]),
        (
            ["ca-west-1", "eu-north-1"],
            ["ca-west-1 has no CodeBuild, which every pipeline needs; choose another region"],
        ),
    ],
)
def test_a_wrong_answer_is_asked_for_again_with_the_reason(
    answers: list[str], reasons: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_a_terminal(monkeypatch, answers, {name[2:]: value for name, value in GIVEN.items()} | {"region": None})

    assert 'region = "eu-north-1"' in CONFIGURATION.read_text()
    assert capsys.readouterr().out.splitlines()[:-3] == [f"    {reason}" for reason in reasons]


def test_each_answer_is_checked_beside_those_that_came_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = ",".join(["1" * 12, "2" * 12, "3" * 12])
    answers = ["Nord", "nord", "till, till", "till", "dev", "dev,live", "us-gov-west-1", "us-gov-east-1", "a@b.example"]
    at_a_terminal(monkeypatch, answers, {"accounts": accounts}, source="github")

    reasons = [line.strip().partition(";")[0] for line in capsys.readouterr().out.splitlines()[:-3]]
    assert reasons == [
        "'Nord' is not allowed",
        "the services contain a name twice: till",
        "3 accounts are given",
        "us-gov-west-1 has no CodeConnections, so a pipeline there cannot read from GitHub",
    ]
    assert 'path = ["dev", "live"]' in CONFIGURATION.read_text()
