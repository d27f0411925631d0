"""What the checks require of releases and of their evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed, LocalCoverage, State
from cicd_templates.acceptance.checks import questions, releases
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.journal import Entry, new_journal
from cicd_templates.acceptance.pipeline_runs import PipelineRun
from cicd_templates.acceptance.run import run_checks
from tests.unit.acceptance.check_context import PEOPLE, check_context, render_pipeline

PASSED = {
    "Source/App": "succeeded",
    "Gate/Gate": "succeeded",
    "Staging-Migration/MigrateStaging": "succeeded",
    "Production/Approve": "succeeded",
    "Production/MigrateProduction": "succeeded",
}
REFUSED = {"Source/App": "succeeded", "Gate/Gate": "failed", "Build/Image": "not reached"}


def running(monkeypatch: pytest.MonkeyPatch, states: dict[str, str], **errors: str) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []

    def run(context: Any, archive: str, name: str) -> PipelineRun:
        asked.append((archive, name))
        return PipelineRun(states, {path.replace("_", "/"): text for path, text in errors.items()})

    monkeypatch.setattr(releases, "run_pipeline", run)
    return asked


def test_a_release_passes_every_stage_and_has_its_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = running(monkeypatch, PASSED)
    made = check_context(tmp_path)

    assert releases.release(made).startswith("5 actions succeeded")
    assert asked == [("application.zip", "good")]
    assert releases.see_migrations(made).startswith("the migration of the release ran once in each of staging")
    assert made.facts["states"] == PASSED


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        pytest.param(PASSED | {"Build/Sign": "failed"}, "the release did not pass: Build/Sign: no key", id="failed"),
        pytest.param({"Source/App": "succeeded"}, "did not reach production", id="short"),
        pytest.param({"Production/Execute": "succeeded"}, "nobody was asked to approve", id="without approval"),
    ],
)
def test_a_release_that_is_not_whole_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], problem: str
) -> None:
    running(monkeypatch, states, Build_Sign="no key")
    with pytest.raises(CheckFailed, match=problem):
        releases.release(made := check_context(tmp_path))
    assert made.facts["states"] == states, "the questions can be answered"


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        pytest.param(
            {"Staging-Migration/MigrateStaging": "succeeded"}, "production: 0 of 0 migrations ran", id="in one alone"
        ),
        pytest.param(
            {"Staging-Migration/MigrateStaging": "succeeded", "Staging/MigrateAgain": "succeeded"},
            "staging: 2 of 2 migrations ran",
            id="twice in one",
        ),
        pytest.param({"Staging-Migration/MigrateStaging": "failed"}, "staging: 0 of 1 migrations ran", id="failed"),
        pytest.param({"Staging2/MigrateStaging": "succeeded"}, "staging: 0 of 0 migrations ran", id="of another"),
    ],
)
def test_a_migration_that_did_not_run_once_in_each_environment_is_a_failure(
    tmp_path: Path, states: dict[str, str], problem: str
) -> None:
    with pytest.raises(CheckFailed, match=problem):
        releases.see_migrations(check_context(tmp_path, facts={"states": states}))


@pytest.mark.parametrize(
    ("states", "errors", "problem"),
    [
        pytest.param(REFUSED, {"Gate_Gate": "1 finding"}, "", id="stopped"),
        pytest.param(REFUSED | {"Gate/Gate": "succeeded"}, {}, "the gate succeeded", id="a gate that passes all"),
        pytest.param({"Source/App": "failed"}, {}, "the gate did not run", id="no gate"),
        pytest.param(REFUSED, {"Verify_Bandit": "denied"}, "failed before the gate: Verify/Bandit", id="another cause"),
        pytest.param(REFUSED | {"Build/Image": "succeeded"}, {}, "then these ran: Build/Image", id="not waited for"),
        pytest.param(REFUSED | {"Build/Image": "failed"}, {}, "then these ran: Build/Image", id="tried to build"),
        pytest.param(REFUSED | {"Production/Execute": "inprogress"}, {}, "ran: Production/Execute", id="deploys"),
        pytest.param(REFUSED | {"Verify/Bandit": "succeeded"}, {}, "", id="before the gate"),
    ],
)
def test_a_planted_vulnerability_is_stopped_by_the_gate_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], errors: dict[str, str], problem: str
) -> None:
    asked = running(monkeypatch, states, **errors)
    render_pipeline(tmp_path, "Source", "Verify", "Gate", "Build", "Production")
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            releases.stop_planted(check_context(tmp_path))
    else:
        assert "none of the actions in the 2 later stages ran" in releases.stop_planted(check_context(tmp_path))
        assert asked == [("planted.zip", "planted")]


@pytest.mark.parametrize(
    ("stages", "problem"), [((), "no template of tools has a pipeline"), (("Source",), "pipeline has no stage Gate")]
)
def test_without_a_stage_of_the_gate_nothing_is_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stages: tuple[str, ...], problem: str
) -> None:
    running(monkeypatch, REFUSED)
    if stages:
        render_pipeline(tmp_path, *stages)
    with pytest.raises(CheckFailed, match=problem):
        releases.stop_planted(check_context(tmp_path))


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param(Answer(1, "evidence/verdict.json: changed"), "", id="found"),
        pytest.param(Answer(0, "every file matches"), "a changed byte was accepted", id="accepted"),
        pytest.param(Answer(1, "VERIFY.md: changed"), "a changed byte was accepted", id="found elsewhere"),
    ],
)
def test_evidence_is_verified_and_a_changed_byte_is_found(
    tmp_path: Path, local: bool, changed: Answer, problem: str
) -> None:
    folder = tmp_path / "runs/good/evidence"

    def collect(*words: str) -> Answer:
        (folder / "evidence").mkdir(parents=True, exist_ok=True)
        (folder / "evidence/verdict.json").write_text("{}")
        return Answer(0, "")

    made = check_context(
        tmp_path, {"evidence": collect, "verify-evidence": [Answer(0, ""), changed]}, PEOPLE, local=local
    )
    if local:
        collect()
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            releases.verify_evidence(made)
    else:
        assert "fails if one byte is changed" in releases.verify_evidence(made)
        assert (tmp_path / "runs/good/changed-evidence/evidence/verdict.json").read_text() == "z}"
        assert (folder / "evidence/verdict.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"Build/Image": "succeeded", "Gate/Gate": "failed"}, "yes: Build/Image succeeded"),
        ({"Build/Image": "failed"}, "no: Build/Image did not succeed"),
        ({"Gate/Gate": "succeeded"}, "inconclusive: the release ran no action Build/Image"),
        (None, "inconclusive: this run has not finished a release"),
    ],
)
def test_a_question_is_answered_by_the_actions_of_the_release(
    tmp_path: Path, states: dict[str, str] | None, expected: str
) -> None:
    check = questions.question("docker", "Does it build?", "It builds.", "Build/Image", "nothing is built here")
    made = check_context(tmp_path, facts={} if states is None else {"states": states})

    assert check.local_coverage is LocalCoverage.NOT_POSSIBLE
    if expected.startswith("yes"):
        assert check.run(made) == expected
    else:
        with pytest.raises(CheckFailed, match=expected):
            check.run(made)


def test_a_question_is_also_asked_of_a_release_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, {"Source/App": "succeeded", "Verify/UnitTests": "failed"}, Verify_UnitTests="denied")
    journal = new_journal(tmp_path / "journal.json", {}, "now", local=False)
    journal.end("permissions", Entry(State.PASSED, ""))
    made = check_context(tmp_path, facts=journal.facts)
    run_checks([releases.RELEASED, *questions.QUESTIONS], made, journal, lambda check, entry: None)

    states = {name: entry.state for name, entry in journal.entries.items()}
    assert states["released"] is State.FAILED
    assert states["pipeline-trust"] is State.PASSED
    assert journal.entries["report-group"].answer == "no: Verify/UnitTests did not succeed"
