"""An acceptance run from the command line: asked for once, continued after a stop, and what it says at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.acceptance import local_aws
from cicd_templates.acceptance.check import Check, CheckContext, CheckFailed, CheckMustWait, State
from cicd_templates.acceptance.checks.certificates import CERTIFICATES
from cicd_templates.acceptance.commands import Answer, Commands
from cicd_templates.acceptance.journal import FOLDER, Entry, new_journal, read_journal
from cicd_templates.cli import acceptance_run, main
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.errors import CicdError, DetachedError
from cicd_templates.local.engine_process import Engine
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws, denied
from tests.unit.config.problems import AUTHORITY

RUN = Commands.run
ZONES = {"ec2.describe_availability_zones": {"AvailabilityZones": [{"ZoneName": f"eu-central-1{x}"} for x in "bc"]}}


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Make a project's folder the working folder. The list has the local AWS of the run while it works."""
    running: list[Engine] = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/environments.toml").write_text((PROJECT / "templates/environments.toml").read_text())
    monkeypatch.setattr(local_aws, "find", lambda project: next(iter(running), None))
    monkeypatch.setattr(
        local_aws, "start", lambda project, python: running.append(Engine(1, 1, tmp_path, "secret", auth=True))
    )
    monkeypatch.setattr(local_aws, "stop", lambda project: running.clear())
    monkeypatch.setattr(acceptance_run, "aws_clients", lambda access: FakeAws(ZONES))
    monkeypatch.setattr(acceptance_run, "local_clients", LocalFake)
    monkeypatch.setattr(Commands, "run", lambda *arguments, **options: Answer(0, ""))
    return running


class LocalFake(FakeAws):
    """The clients of a local AWS, which answers with its zones."""

    def __init__(self, url: str, *arguments: str) -> None:
        super().__init__(ZONES)
        self.endpoint_url = url


def use(monkeypatch: pytest.MonkeyPatch, *runs: Callable[[CheckContext], str], last: bool = True) -> None:
    checks = [Check(f"check-{number}", "It works.", run) for number, run in enumerate(runs)]
    monkeypatch.setattr(acceptance_run, "CHECKS", tuple(checks))


def passes(context: CheckContext) -> str:
    return "34 stacks"


def fails(context: CheckContext) -> str:
    raise CheckFailed("a bucket is left")


def type_it(*words: str) -> Result:
    return CliRunner().invoke(main, ["acceptance", *words])


@pytest.mark.usefixtures("engines")
def test_a_run_is_described_and_asked_for_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, passes)
    result = type_it("--local")

    assert result.exit_code == 2
    assert "1 checks on a local AWS" in result.output
    assert "add --yes to execute without asking" in result.output
    assert not (FOLDER / "journal.json").exists()


@pytest.mark.usefixtures("engines")
def test_a_run_that_is_declined_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, passes)
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)

    result = type_it()
    assert (result.exit_code, "declined; nothing was made" in result.output) == (3, True)
    assert "USD" in result.output


def test_a_run_on_the_local_aws_leaves_a_report_and_nothing_else(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def look(context: CheckContext) -> str:
        seen.append((context.clients("staging"), context.clients("staging"), len(engines)))
        return "seen"

    use(monkeypatch, look)
    result = type_it("--local", "--yes")

    assert result.exit_code == 0, result.output
    assert "  check-0: passed" in result.output
    assert result.output.endswith("nothing of the run is left\n")
    ((first, second, running),) = seen
    assert first is second
    assert (first.endpoint_url, running, engines) == ("http://127.0.0.1:1", 1, [])
    assert sorted(path.name for path in FOLDER.iterdir()) == ["acceptance-report.json", "acceptance-report.md", "lock"]
    assert json.loads((FOLDER / "acceptance-report.json").read_text())["checks"][0]["answer"] == "seen"


@pytest.mark.usefixtures("engines")
def test_the_first_check_of_a_run_on_aws_finds_a_rendered_project_in_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = ["222222222222", "333333333333"]
    answers = {
        **ZONES,
        "acm.list_certificates": [{"CertificateSummaryList": []}],
        "acm.import_certificate": lambda **request: {
            "CertificateArn": f"arn:aws:acm:eu-central-1:{accounts.pop(0)}:certificate/1"
        },
        "acm.describe_certificate": {"Certificate": {"Status": "ISSUED"}},
        "acm.get_certificate": {"Certificate": AUTHORITY},
    }
    monkeypatch.setattr(acceptance_run, "aws_clients", lambda access: FakeAws(answers))
    monkeypatch.setattr(Commands, "run", RUN)
    project = FOLDER / "project"
    seen: list[Any] = []

    def look(context: CheckContext) -> str:
        seen.append((project.stat().st_mode & 0o777, len([*project.glob("build/*/*/*.yaml")])))
        seen.append((project / "templates/environments.toml").read_text())
        return CERTIFICATES.run(context)

    use(monkeypatch, look)
    result = type_it("--yes")

    assert result.exit_code == 0, result.output
    (mode, stacks), configuration = seen
    assert mode == 0o700
    assert stacks > 30
    assert 'zones = ["eu-central-1b", "eu-central-1c"]' in configuration


def test_a_run_that_cannot_begin_leaves_neither_a_journal_nor_a_local_aws(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, passes)
    monkeypatch.setattr(
        acceptance_run, "local_clients", lambda *arguments: FakeAws({"ec2.describe_availability_zones": denied()})
    )
    result = type_it("--local", "--yes")

    assert result.exit_code == 1
    assert "not yours" in result.output
    assert (engines, (FOLDER / "journal.json").exists()) == ([], False)


@pytest.mark.usefixtures("engines")
def test_a_failed_check_is_named_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fails, passes)
    result = type_it("--local", "--yes")

    assert result.exit_code == 1
    assert "error: 1 of 2 checks failed: check-0" in result.output


def test_a_run_that_stops_continues_where_it_was(engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def stop(context: CheckContext) -> str:
        order.append("second")
        if len(order) < 3:
            raise DetachedError("still under way")
        return "done"

    def begin(context: CheckContext) -> str:
        order.append("first")
        return "done"

    use(monkeypatch, begin, stop)
    assert type_it("--local", "--yes").exit_code == 75
    first = read_journal(FOLDER / "journal.json")
    assert first is not None
    assert first.running == "check-1"
    assert type_it("--local", "--yes").exit_code == 0
    assert order == ["first", "second", "second"]


def test_a_run_whose_local_aws_is_gone_begins_again(engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def stop(context: CheckContext) -> str:
        order.append(context.project.suffix)
        if len(order) == 1:
            raise DetachedError("still under way")
        return "done"

    use(monkeypatch, stop)
    assert type_it("--local", "--yes").exit_code == 75
    engines.clear()
    assert type_it("--local", "--yes").exit_code == 0
    assert order[0] != order[1]


@pytest.mark.usefixtures("engines")
def test_a_run_that_was_killed_while_it_cleaned_up_only_cleans_up(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fails)
    places = {"staging": "222222222222 eu-central-1", "production": "333333333333 eu-central-1"}
    journal = new_journal(FOLDER / "journal.json", {**places, "tools": "111111111111 eu-central-1"}, "now", local=True)
    journal.facts["finished"] = True
    journal.end("check-0", Entry(State.PASSED, "done"))

    assert type_it("--local", "--yes").exit_code == 0
    assert not journal.path.exists()


@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize(
    ("local", "places", "words"),
    [
        (False, {}, "a run on AWS is not finished; continue it with `make acceptance`"),
        (True, {}, "and continue the run with `make acceptance LOCAL=1`"),
    ],
)
def test_another_run_that_is_not_finished_is_not_mixed_with_this_one(
    monkeypatch: pytest.MonkeyPatch, local: bool, places: dict[str, str], words: str
) -> None:
    use(monkeypatch, passes)
    new_journal(FOLDER / "journal.json", places, "now", local=local).save()
    result = type_it("--local", "--yes")

    assert (result.exit_code, words in result.output) == (3, True), result.output


@pytest.mark.usefixtures("engines")
def test_a_run_on_aws_that_waits_or_leaves_something_says_how_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def open_clients(access: Any) -> Any:
        opened.append(access)
        return FakeAws(ZONES)

    monkeypatch.setattr(acceptance_run, "aws_clients", open_clients)

    def wait(context: CheckContext) -> str:
        context.clients("tools")
        raise CheckMustWait("look again in 60 minutes with the same command")

    use(monkeypatch, wait)
    waiting = type_it("--yes")
    use(monkeypatch, fails)
    failed = type_it("--yes")

    assert waiting.exit_code == 75
    assert "check-0 waits: look again in 60 minutes" in waiting.output
    assert len(opened) == 3
    assert failed.exit_code == 1
    assert "resources with `" in failed.output
    assert "`make acceptance` tries again to remove these resources" in failed.output


@pytest.mark.usefixtures("engines")
def test_a_local_aws_that_stops_during_a_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(context: CheckContext) -> str:
        monkeypatch.setattr(local_aws, "find", lambda project: None)
        clients: Clients = context.clients("tools")
        return clients.region

    use(monkeypatch, look)
    result = type_it("--local", "--yes")
    assert result.exit_code == CicdError.exit_code
    assert "the local AWS of the run has stopped" in result.output


@pytest.mark.usefixtures("engines")
def test_the_roles_of_a_run_trust_the_account_whose_credentials_assume_the_users_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "templates/environments.toml"
    table = "[environments.staging]\n"
    role = 'role_arn = "arn:aws:iam::222222222222:role/deployer"\n'
    path.write_text(path.read_text().replace(table, f"{table}{role}"))
    identity = SimpleNamespace(get_caller_identity=lambda: {"Account": "999999999999"})
    ec2 = FakeAws(ZONES).ec2
    monkeypatch.setattr(acceptance_run, "aws_clients", lambda access: SimpleNamespace(sts=identity, ec2=ec2))
    seen: dict[str, str] = {}

    keys = {"AccessKeyId": "AKIA", "SecretAccessKey": "secret", "SessionToken": "token"}

    def look(context: CheckContext) -> str:
        connected = context.connect("staging", keys)
        assert (connected.region, connected.local) == ("eu-central-1", False)
        seen.update({name: place.caller_account for name, place in context.access.items()})
        return "seen"

    use(monkeypatch, look)
    assert type_it("--yes").exit_code == 0
    assert seen == {"staging": "999999999999", "production": "", "tools": ""}


def test_the_help_says_that_a_run_has_a_local_aws_of_its_own() -> None:
    shown = " ".join(CliRunner().invoke(main, ["acceptance", "--help"]).output.split())

    assert "--local Use a local AWS, which the run starts and stops, instead of your accounts." in shown
    assert "make local" not in shown
