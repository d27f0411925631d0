"""What the checks require of releases and of their evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed, Here
from cicd_templates.acceptance.checks import questions, releases
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.pipeline_runs import PipelineRun
from tests.unit.acceptance.bench import bench

PASSED = {
    "Source/App": "succeeded",
    "Staging-Migration/MigrateStaging": "succeeded",
    "Production/Approve": "succeeded",
    "Production/MigrateProduction": "succeeded",
}
REFUSED = {"Source/App": "succeeded", "Gate/Gate": "failed", "Build/Image": "not reached"}


def running(monkeypatch: pytest.MonkeyPatch, states: dict[str, str], **errors: str) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []

    def run(bench: Any, archive: str, name: str) -> PipelineRun:
        asked.append((archive, name))
        return PipelineRun(states, {path.replace("_", "/"): text for path, text in errors.items()})

    monkeypatch.setattr(releases, "run_pipeline", run)
    return asked


def test_a_release_passes_every_stage_and_has_its_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = running(monkeypatch, PASSED)
    made = bench(tmp_path)

    assert releases.release(made).startswith("4 actions succeeded")
    assert asked == [("application.zip", "good")]
    assert releases.see_migrations(made).startswith("the migration of the release ran in 2 environments")


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
        releases.release(bench(tmp_path))


def test_a_migration_that_ran_in_one_environment_alone_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="1 migrations ran in 2 environments"):
        releases.see_migrations(bench(tmp_path, facts={"migrations": 1}))


@pytest.mark.parametrize(
    ("states", "errors", "problem"),
    [
        pytest.param(REFUSED, {"Gate_Gate": "1 finding"}, "", id="stopped"),
        pytest.param(REFUSED | {"Gate/Gate": "succeeded"}, {}, "it succeeded", id="a gate that passes all"),
        pytest.param({"Source/App": "failed"}, {}, "it did not run", id="no gate"),
        pytest.param(REFUSED, {"Verify_Bandit": "denied"}, "failed before the gate: Verify/Bandit", id="another cause"),
        pytest.param(REFUSED | {"Build/Image": "succeeded"}, {}, "an image was built", id="not waited for"),
    ],
)
def test_a_planted_vulnerability_is_stopped_by_the_gate_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], errors: dict[str, str], problem: str
) -> None:
    asked = running(monkeypatch, states, **errors)
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            releases.stop_planted(bench(tmp_path))
    else:
        assert "nothing was built or deployed" in releases.stop_planted(bench(tmp_path))
        assert asked == [("planted.zip", "planted")]


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

    made = bench(tmp_path, {"evidence": collect, "verify-evidence": [Answer(0, ""), changed]}, local=local)
    if local:
        collect()
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            releases.verify_evidence(made)
    else:
        assert "a changed byte was found" in releases.verify_evidence(made)
        assert (tmp_path / "runs/good/changed-evidence/evidence/verdict.json").read_text() == "z}"
        assert (folder / "evidence/verdict.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"Build/Image": "succeeded", "Gate/Gate": "failed"}, "yes: Build/Image succeeded"),
        ({"Build/Image": "failed"}, "no: Build/Image did not succeed"),
        ({"Gate/Gate": "succeeded"}, "the release has no action Build/Image"),
    ],
)
def test_a_question_is_answered_by_the_actions_of_the_release(
    tmp_path: Path, states: dict[str, str], expected: str
) -> None:
    check = questions.question("docker", "It builds.", "Build/Image", "nothing is built here")
    made = bench(tmp_path, facts={"states": states})

    assert check.here is Here.NOT_POSSIBLE
    if expected.startswith("yes"):
        assert check.run(made) == expected
    else:
        with pytest.raises(CheckFailed, match=expected):
            check.run(made)
