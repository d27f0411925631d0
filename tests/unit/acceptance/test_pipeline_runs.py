"""A release as the checks see it: rehearsed on this machine, or followed and approved in AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.pipeline_runs import MOST_POLLS, PipelineRun, run_pipeline
from tests.unit.acceptance.bench import bench

STARTED = Answer(0, "released shop\n  version  v1\n  run      exec-1 of shop-acceptance\n")


def rehearsal(steps: list[dict[str, str]]) -> Any:
    def run(*words: str) -> Answer:
        output = Path(words[words.index("--output") + 1])
        output.mkdir(parents=True, exist_ok=True)
        (output / "rehearsal.json").write_text(json.dumps({"steps": steps}))
        return Answer(0, "")

    return run


def test_on_the_local_aws_a_release_is_rehearsed_and_its_result_is_read(tmp_path: Path) -> None:
    steps = [
        {"path": "Source/App", "state": "succeeded", "error": ""},
        {"path": "Gate/Gate", "state": "failed", "error": "\n# FAIL\nfindings"},
    ]
    made = bench(tmp_path, {"rehearse": rehearsal(steps)}, local=True)
    run = run_pipeline(made, "application.zip", "good")

    assert run.states == {"Source/App": "succeeded", "Gate/Gate": "failed"}
    assert (run.succeeded, run.problem, run.count("Source")) == (False, "Gate/Gate: # FAIL", 1)
    assert made.commands.typed[0].startswith("rehearse --suffix abcde --service shop --app application.zip --yes")


def test_a_rehearsal_that_cannot_begin_is_a_failure(tmp_path: Path) -> None:
    made = bench(tmp_path, {"rehearse": Answer(1, "", "error: the pipeline cannot run")}, local=True)
    (tmp_path / "runs/good").mkdir(parents=True)
    (tmp_path / "runs/good/rehearsal.json").write_text("of an earlier attempt")

    with pytest.raises(CheckFailed, match="did not begin: error: the pipeline cannot run"):
        run_pipeline(made, "application.zip", "good")


def test_no_action_is_no_success() -> None:
    assert not PipelineRun({}, {}).succeeded
    assert PipelineRun({"Source/App": "succeeded"}, {}).succeeded


def codepipeline(statuses: list[str], approved: list[dict[str, Any]]) -> dict[str, Any]:
    def state(**request: Any) -> dict[str, Any]:
        def action(name: str, **latest: str) -> dict[str, Any]:
            return {"actionName": name, "latestExecution": latest}

        def stage(name: str, execution: str, *actions: dict[str, Any]) -> dict[str, Any]:
            latest = {"pipelineExecutionId": execution, "status": "InProgress"}
            return {"stageName": name, "latestExecution": latest, "actionStates": list(actions)}

        return {
            "stageStates": [
                {"stageName": "Later"},
                stage("Staging", "another", action("Approve", status="InProgress", token="0")),
                stage(
                    "Production",
                    "exec-1",
                    {"actionName": "Never"},
                    action("Prepare", status="Succeeded"),
                    action("Former", status="Succeeded", token="1"),
                    action("Approve", status="InProgress", token="2"),
                ),
            ]
        }

    def approve(**request: Any) -> dict[str, Any]:
        approved.append(request)
        return {}

    def detail(stage: str, action: str, status: str, **result: Any) -> dict[str, Any]:
        output = {"output": {"executionResult": result}} if result else {}
        return {"stageName": stage, "actionName": action, "status": status, **output}

    details = [
        detail("Production", "Execute", "Succeeded"),
        detail("Production", "Execute", "Failed"),
        detail("Gate", "Gate", "Failed", errorDetails={"message": "2 findings"}),
        detail("Verify", "Bandit", "Failed", externalExecutionSummary="a build failed"),
    ]
    return {
        "codepipeline.get_pipeline_execution": lambda **request: {"pipelineExecution": {"status": statuses.pop(0)}},
        "codepipeline.get_pipeline_state": state,
        "codepipeline.put_approval_result": approve,
        "codepipeline.list_action_executions": [{"actionExecutionDetails": details}],
    }


def test_in_aws_a_release_is_followed_and_only_its_own_approval_is_given(tmp_path: Path) -> None:
    approved: list[dict[str, Any]] = []
    made = bench(tmp_path, {"release": STARTED}, codepipeline(["InProgress", "Succeeded"], approved))
    run = run_pipeline(made, "application.zip", "good")

    assert [(request["actionName"], request["token"]) for request in approved] == [("Approve", "2")]
    assert run.states == {"Production/Execute": "succeeded", "Gate/Gate": "failed", "Verify/Bandit": "failed"}
    assert run.errors == {"Gate/Gate": "2 findings", "Verify/Bandit": "a build failed"}
    assert made.facts["run good"] == ["shop-acceptance", "exec-1"]


def test_a_check_that_was_interrupted_follows_the_same_run(tmp_path: Path) -> None:
    facts = {"run good": ["shop-acceptance", "exec-1"]}
    made = bench(tmp_path, aws=codepipeline(["Failed"], []), facts=facts)
    run_pipeline(made, "application.zip", "good")

    assert made.commands.typed == []


def test_a_release_that_never_ends_or_does_not_begin_is_a_failure(tmp_path: Path) -> None:
    made = bench(tmp_path, {"release": STARTED}, codepipeline(["InProgress"] * MOST_POLLS, []))
    with pytest.raises(CheckFailed, match="did not end in three hours"):
        run_pipeline(made, "application.zip", "good")
    with pytest.raises(CheckFailed, match="did not say which run"):
        run_pipeline(bench(tmp_path, {"release": Answer(0, "released")}), "application.zip", "good")
