"""`rehearse` refuses an impossible request before it starts anything."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.cli.verbs.rehearse import finish
from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.result import ActionProgress, ActionState, RehearsalResult
from tests.conftest import PROJECT, ROOT
from tests.projects.rendering import EXAMPLE, SETTLEMENT_WEB


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        ("", 2, "a folder or a .zip file with --app, or an example with --example"),
        ("--app . --yes --refuse", 2, "--yes and --refuse exclude each other: an approval is either given or refused"),
        (
            "--app . --yes --tools nowhere",
            2,
            "nowhere: not a virtual environment; with --tools, name one that contains the tools of the checks",
        ),
        (
            "--app . --yes --token NO_SUCH_TOKEN",
            2,
            "--token NO_SUCH_TOKEN: the environment variable NO_SUCH_TOKEN is missing or empty",
        ),
        ("--app {app}", 2, "there is no terminal for questions; add --yes to execute without asking"),
        ("--app nowhere --yes", 2, "nowhere: no such folder"),
        ("--app nowhere", 2, "nowhere: no such folder"),
        ("--app . --yes --suffix pr9", 2, "no rendered templates; run `make render SUFFIX=pr9` first"),
        ("--app {app} --refuse --token HOME --service other", 2, "no pipeline of 'other'; there are parcel-dispatcher"),
        (
            "--app {app} --yes --service parcel-dispatcher,other",
            2,
            "no pipeline of 'other'; there are parcel-dispatche",
        ),
        (
            f"--example settlement --yes --json --service settlement,{SETTLEMENT_WEB}",
            2,
            "--json can print the result of only one service; choose the service with --service",
        ),
        (
            "--app {app} --yes --service parcel-dispatcher,parcel-dispatcher",
            2,
            "--service parcel-dispatcher,parcel-dispatcher names parcel-dispatcher more than once;",
        ),
        ("--app {app} --yes --service a,,b", 2, "--service a,,b has an empty name; separate the names with one comma"),
        ("--app {app} --yes --service ,", 2, "--service , has an empty name; separate the names with one comma"),
        ("--example settlement --app . --yes", 2, "--example settlement has a source and templates of its own; omit"),
        ("--example settlement --suffix pr9 --yes", 2, "--example settlement has a source and templates of its own"),
        ("--example none --yes", 2, "no example 'none'; examples/ has settlement"),
        (
            f"--example {EXAMPLE.name} --yes",
            2,
            f"examples/{EXAMPLE.name} has no environments.toml; to rehearse this example with your own templates, use"
            f" make rehearse APP=examples/{EXAMPLE.name}",
        ),
        ("--example ../examples/settlement --yes", 2, "no example '../examples/settlement'; examples/ has settlement"),
    ],
)
@pytest.mark.usefixtures("commands_render_once")
def test_a_wrong_call_is_a_line(
    options: str, code: int, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = tmp_path_factory.mktemp("app")
    (app / "a").write_text("1")
    monkeypatch.chdir(PROJECT)
    answer = CliRunner().invoke(main, ["rehearse", *options.format(app=app).split()])

    assert (answer.exit_code, answer.output.count("Traceback")) == (code, 0), answer.output
    assert expected in answer.output
    assert len(answer.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("state", "as_json"), [(ActionState.SUCCEEDED, True), (ActionState.SUCCEEDED, False), (ActionState.FAILED, False)]
)
def test_a_result_is_reported_and_kept(
    tmp_path: Path, state: ActionState, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    step = ActionProgress("S/A", "Manual", state, error="why")
    found = RehearsalResult("p", "e", "v", 1.0, {}, (step,), "", (), (), ())
    messages: list[str] = []
    stale = tmp_path / "deep/result/reports/old/report.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")

    signed = ["qa", "production"] if as_json else None
    with pytest.raises(CicdError, match="p failed at S/A") if state is ActionState.FAILED else contextlib.nullcontext():
        finish(found, {"bandit/run.json": "{}"}, tmp_path / "deep/result", messages.append, as_json, signed=signed)
    kept_evidence = tmp_path / "deep/result/evidence"
    assert (
        messages[2:]
        == [
            f"verified the signed evidence of the release and wrote it to {kept_evidence};"
            f" make verify-evidence FOLDER={kept_evidence} NOT_ATTESTED=qa,production"
        ]
        * as_json
    ), messages
    assert messages[1] == (
        f"wrote rehearsal.json, rehearsal.xml, grants.md and the reports of the checks in {tmp_path}/deep/result;"
        f" make gate REPORTS={tmp_path}/deep/result/reports"
    )
    assert [path.name for path in (tmp_path / "deep/result/reports").iterdir()] == ["bandit"]
    assert (tmp_path / "deep/result/reports/bandit/run.json").read_text() == "{}"
    kept = (tmp_path / "deep/result/rehearsal.json").read_text()
    assert json.loads(kept)["succeeded"] is (state is ActionState.SUCCEEDED)
    assert capsys.readouterr().out == (kept if as_json else "")


@pytest.mark.parametrize("as_json", [False, True])
def test_each_action_is_shown_as_it_ends_and_a_refusal_answers_every_question(
    as_json: bool, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = ActionProgress("Source/App", "S3", ActionState.SUCCEEDED)
    waiting = ActionProgress("Production/Approve", "Manual", ActionState.NOT_REACHED)
    outcome = RehearsalResult("p", "e", "v", 1.0, {}, (ended,), "", (), (), ())
    answers: list[bool] = []

    @contextlib.contextmanager
    def run_rehearsal(engine: object, *_: object, **options: Any) -> Iterator[Any]:
        assert engine == "engine"
        options["on_start"](SimpleNamespace(pipeline=SimpleNamespace(name="shipping")), 1.5)
        options["on_progress"](waiting)
        options["on_progress"](ended)
        answers.append(options["confirm"]("approve?"))
        setup = SimpleNamespace(endpoint="http://127.0.0.1:1", account="1" * 12, region="eu-central-1", secret="s")
        yield SimpleNamespace(result=outcome, run=SimpleNamespace(artifacts={}, setup=setup))

    monkeypatch.setattr("cicd_templates.rehearsal.rehearse.run_rehearsal", run_rehearsal)
    monkeypatch.setattr("cicd_templates.rehearsal.release_evidence.write_release_evidence", lambda run, folder: None)
    monkeypatch.setattr(
        "cicd_templates.local.engine_process.running", lambda **options: contextlib.nullcontext("engine")
    )
    (in_project / "app").mkdir()
    (in_project / "app/a").write_text("1")
    shutil.copytree(PROJECT / "out", in_project / "out")
    words = ["rehearse", "--app", "app", "--refuse", "--output", "kept", *(["--json"] if as_json else [])]
    answer = CliRunner().invoke(main, words)

    assert (answer.exit_code, answers) == (0, [False])
    lines = (answer.stderr if as_json else answer.stdout).splitlines()
    assert lines[0].startswith("rehearsed templates: ")
    assert lines[1] == "Rehearsing shipping"
    assert "Source/App" in lines[3]
    assert not [line for line in lines if "Production/Approve" in line]
    assert (json.loads(answer.stdout)["succeeded"] if as_json else answer.stderr == "") is True


def pretend(monkeypatch: pytest.MonkeyPatch, *states: ActionState) -> list[tuple[object, ...]]:
    """Let rehearsals end with an action in each of `states`, one after the other. Return what is rehearsed."""
    rehearsed: list[tuple[object, ...]] = []
    left = list(states)

    @contextlib.contextmanager
    def run_rehearsal(engine: object, stacks: Any, service: str, archive: Any, **options: Any) -> Iterator[Any]:
        from_example = b"settlement/web.py" in archive.data
        rehearsed.append((engine, stacks[-1].name, service, from_example, options["deploy"]))
        step = ActionProgress("Source/App", "S3", left.pop(0), error="why")
        outcome = RehearsalResult("p", "e", "v", 1.0, {}, (step,), "", (), (), ())
        setup = SimpleNamespace(endpoint="http://127.0.0.1:1", account="1" * 12, region="eu-central-1", secret="s")
        options["on_start"](SimpleNamespace(pipeline=SimpleNamespace(name=service)), 1.5)
        yield SimpleNamespace(result=outcome, run=SimpleNamespace(artifacts={}, setup=setup))

    monkeypatch.setattr("cicd_templates.rehearsal.rehearse.run_rehearsal", run_rehearsal)
    monkeypatch.setattr("cicd_templates.rehearsal.release_evidence.write_release_evidence", lambda run, folder: None)
    monkeypatch.setattr(
        "cicd_templates.local.engine_process.running", lambda **options: contextlib.nullcontext("engine")
    )
    return rehearsed


@pytest.mark.usefixtures("commands_render_once")
def test_the_services_of_an_example_are_released_one_after_the_other(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsed = pretend(monkeypatch, *[ActionState.SUCCEEDED] * 4)
    monkeypatch.setattr("cicd_templates.rehearsal.postgresql.find_programs", lambda: None)
    shutil.copytree(ROOT / "examples/settlement", in_project / "examples/settlement")
    answer = CliRunner().invoke(main, ["rehearse", "--example", "settlement", "--refuse"])

    assert answer.exit_code == 0, answer.output
    services = [SETTLEMENT_WEB, "settlement", "settlement-report"]
    assert [row[2:4] for row in rehearsed] == [(service, True) for service in services]
    # The first rehearsal deploys the stacks of all services.
    assert [row[4] for row in rehearsed] == [True, False, False]
    assert {(row[0], str(row[1]).partition("-")[0]) for row in rehearsed} == {("engine", "clearing")}
    assert sorted(path.name for path in in_project.glob(".state/rehearsal/*")) == services
    assert not (in_project / "out").exists()
    lines = answer.output.splitlines()
    assert lines[0].startswith("PostgreSQL is not installed on this machine, so no task can connect to a database")
    assert lines[1].endswith("the templates are rendered for the example settlement")
    for service in services:
        reports = f".state/rehearsal/{service}/reports"
        judged = f"make gate REPORTS={reports} SERVICE={service} EXAMPLE=settlement"
        assert [line for line in lines if line.endswith(f"; {judged}")], lines
        # The printed command expects the reports of the example's checks.
        (in_project / reports).mkdir()
        judged_words = ["gate", "--reports", reports, "--service", service]
        shown = CliRunner().invoke(main, [*judged_words, "--example", "settlement"])
        assert shown.exit_code == 1
        assert "**unit-tests**" in shown.output
        assert "snyk" not in shown.output
    assert lines[-1] == f"released one after the other in the same local AWS: {', '.join(services)}"

    deployments = [line.split(" to ")[0] for line in lines if "deployed" in line]
    assert [line.split(maxsplit=1)[1] for line in deployments] == [
        "stacks deployed in 1.5 s",
        *["stacks were already deployed"] * 2,
    ]
    # The policy of the example counts, not the user's.
    (in_project / "scan-policy.toml").write_text("")
    (in_project / "examples/settlement/scan-policy.toml").write_text("")
    shown = CliRunner().invoke(main, [*judged_words, "--example", "settlement"])
    assert shown.output.splitlines()[-1] == "Judged by the policy examples/settlement/scan-policy.toml."

    # One of them alone, as JSON.
    words = ["rehearse", "--example", "settlement", "--refuse", "--service", "settlement", "--json"]
    answer = CliRunner().invoke(main, words)
    assert (answer.exit_code, json.loads(answer.stdout)["succeeded"]) == (0, True)
    assert rehearsed[-1][2] == "settlement"
    assert (in_project / ".state/rehearsal/rehearsal.json").is_file()


@pytest.mark.parametrize(
    ("state", "last"),
    [
        (ActionState.SUCCEEDED, "error: .state/rehearsal/evidence: a statement is missing"),
        (ActionState.FAILED, "error: p failed at Source/App"),
    ],
)
def test_the_result_is_shown_although_the_evidence_cannot_be_verified(
    in_project: Path, monkeypatch: pytest.MonkeyPatch, state: ActionState, last: str
) -> None:
    def refuse(run: Any, folder: Path) -> None:
        raise CicdError(f"{folder}: a statement is missing")

    pretend(monkeypatch, state)
    monkeypatch.setattr("cicd_templates.rehearsal.release_evidence.write_release_evidence", refuse)
    (in_project / "app").mkdir()
    (in_project / "app/a").write_text("1")
    shutil.copytree(PROJECT / "out", in_project / "out")
    answer = CliRunner().invoke(main, ["rehearse", "--app", "app", "--refuse"])

    assert (answer.exit_code, answer.output.splitlines()[-1]) == (1, last)
    assert "wrote rehearsal.json, rehearsal.xml, grants.md and the reports of the checks" in answer.output
    assert "verified the signed evidence" not in answer.output


@pytest.mark.usefixtures("commands_render_once")
@pytest.mark.no_cover
def test_no_service_is_released_after_one_that_failed(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsed = pretend(monkeypatch, ActionState.SUCCEEDED, ActionState.FAILED)
    shutil.copytree(ROOT / "examples/settlement", in_project / "examples/settlement")
    services = f"settlement, {SETTLEMENT_WEB} ,settlement-report"
    answer = CliRunner().invoke(main, ["rehearse", "--example", "settlement", "--yes", "--service", services])

    assert (answer.exit_code, [row[2] for row in rehearsed]) == (1, ["settlement", SETTLEMENT_WEB])
    assert answer.output.splitlines()[-1] == "error: p failed at Source/App"
