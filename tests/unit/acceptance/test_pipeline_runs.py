"""A release as the checks see it: rehearsed on this machine, or followed and approved in AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.pipeline_runs import PipelineRun, run_pipeline
from cicd_templates.errors import CicdError
from tests.unit.acceptance.check_context import PEOPLE, check_context, render_pipeline

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
    made = check_context(tmp_path, {"rehearse": rehearsal(steps)}, local=True)
    run = run_pipeline(made, "application.zip", "good")

    assert run.states == {"Source/App": "succeeded", "Gate/Gate": "failed"}
    assert (run.succeeded, run.problem, run.count("Source")) == (False, "Gate/Gate: # FAIL", 1)
    assert made.commands.typed[0].startswith("rehearse --suffix abcde --service shop --app application.zip --yes")


def test_a_rehearsal_that_cannot_begin_is_a_failure(tmp_path: Path) -> None:
    made = check_context(tmp_path, {"rehearse": Answer(1, "", "error: the pipeline cannot run")}, local=True)
    (tmp_path / "runs/good").mkdir(parents=True)
    (tmp_path / "runs/good/rehearsal.json").write_text("of an earlier attempt")

    with pytest.raises(CheckFailed, match="did not begin: error: the pipeline cannot run"):
        run_pipeline(made, "application.zip", "good")


def test_no_action_is_no_success() -> None:
    assert not PipelineRun({}, {}).succeeded
    assert PipelineRun({"Source/App": "succeeded"}, {}).succeeded


UNREACHED = EndpointConnectionError(endpoint_url="https://codepipeline")


def summary(version: str, execution: str) -> dict[str, Any]:
    """Return an execution as ListPipelineExecutions has it; one without a version, if that is empty."""
    revisions = [{"actionName": "Templates", "revisionId": "t"}, {"actionName": "App", "revisionId": version}]
    sources = revisions if version else [{"actionName": "App"}]
    return {"pipelineExecutionId": execution, "status": "Failed", "sourceRevisions": sources}


def codepipeline(
    statuses: list[Any], approved: list[dict[str, Any]], listed: list[list[dict[str, Any]] | Exception] | None = None
) -> dict[str, Any]:
    listings = listed or [[]]

    def executions(**request: Any) -> Any:
        found = listings[0] if len(listings) == 1 else listings.pop(0)
        return found if isinstance(found, Exception) else {"pipelineExecutionSummaries": found}

    def status(**request: Any) -> Any:
        found = statuses[0] if len(statuses) == 1 else statuses.pop(0)
        return found if isinstance(found, Exception) else {"pipelineExecution": {"status": found}}

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
        **PEOPLE,
        "codepipeline.get_pipeline_execution": status,
        "codepipeline.list_pipeline_executions": executions,
        "codepipeline.get_pipeline_state": state,
        "codepipeline.put_approval_result": approve,
        "codepipeline.list_action_executions": [{"actionExecutionDetails": details}],
        "codepipeline.list_rule_executions": [{"ruleExecutionDetails": []}],
    }


def test_in_aws_a_release_is_followed_and_its_approval_is_given_and_that_of_another_refused(tmp_path: Path) -> None:
    render_pipeline(tmp_path, "Source")
    approved: list[dict[str, Any]] = []
    made = check_context(tmp_path, {"release": STARTED}, codepipeline(["InProgress", "Succeeded"], approved))
    run = run_pipeline(made, "application.zip", "good")

    answers = {request["token"]: (request["stageName"], request["result"]["status"]) for request in approved}
    assert answers == {"0": ("Staging", "Rejected"), "2": ("Production", "Approved")}
    assert run.states == {"Production/Execute": "succeeded", "Gate/Gate": "failed", "Verify/Bandit": "failed"}
    assert run.errors == {"Gate/Gate": "2 findings", "Verify/Bandit": "a build failed"}
    assert made.facts["run good"] == ["shop-acceptance", "exec-1"]


@pytest.mark.parametrize(
    ("seconds", "provider", "state", "stopped"),
    [
        pytest.param(601, "DeploymentWindow", "InProgress", True, id="held"),
        pytest.param(599, "DeploymentWindow", "InProgress", False, id="not yet"),
        pytest.param(601, "DeploymentWindow", "Succeeded", False, id="open"),
        pytest.param(601, "CloudWatchAlarm", "InProgress", False, id="another rule"),
    ],
)
def test_a_run_that_waits_for_its_window_is_stopped_after_ten_minutes(
    tmp_path: Path, seconds: int, provider: str, state: str, stopped: bool
) -> None:
    polls: list[str] = []
    aws = codepipeline(["InProgress", "Stopped"], [])
    made = check_context(tmp_path, aws=aws, facts={"run good": ["shop-acceptance", "exec-1"]})
    rule = {
        "input": {"ruleTypeId": {"category": "Rule", "provider": provider}},
        "status": state,
        "startTime": datetime.fromtimestamp(made.clock() - seconds, UTC),
    }
    aws["codepipeline.list_rule_executions"] = [{"ruleExecutionDetails": [rule]}]
    aws["codepipeline.stop_pipeline_execution"] = {}
    run_pipeline(made, "application.zip", "good", at_each_poll=lambda: polls.append("polled"))

    calls = [request for call, request in made.clients("tools").calls if call == "codepipeline.stop_pipeline_execution"]
    assert [call["pipelineExecutionId"] for call in calls] == ["exec-1"] * stopped
    assert polls == ["polled"]


def test_the_execution_with_which_a_stage_rolls_back_is_waited_for_and_not_approved(tmp_path: Path) -> None:
    approved: list[dict[str, Any]] = []
    working = summary("v0", "exec-2") | {"status": "InProgress"}
    listings: list[Any] = [[working], UNREACHED, [working], [summary("v0", "exec-2")]]
    made = check_context(
        tmp_path, aws=codepipeline(["Failed"], approved, listings), facts={"run good": ["shop-acceptance", "exec-1"]}
    )
    began = made.clock()
    run_pipeline(made, "application.zip", "good")

    assert made.clock() - began == 4 * 30
    assert {request["result"]["status"] for request in approved} == {"Rejected"}


def test_a_check_that_was_interrupted_follows_the_same_run(tmp_path: Path) -> None:
    facts = {"run good": ["shop-acceptance", "exec-1"]}
    made = check_context(tmp_path, aws=codepipeline(["Failed"], []), facts=facts)
    run_pipeline(made, "application.zip", "good")

    assert made.commands.typed == []


OLD, NEW = summary("v1", "exec-0"), summary("v2", "exec-1")


def test_a_release_that_is_killed_is_not_repeated(tmp_path: Path) -> None:
    render_pipeline(tmp_path, "Source")
    facts: dict[str, Any] = {}

    def killed(*words: str) -> Answer:
        assert facts["versions before good"] == ["v1"], "it is in the journal before the upload"
        raise KeyboardInterrupt

    first = check_context(
        tmp_path, {"release": killed}, codepipeline([], [], [[summary("", "exec-n"), OLD]]), facts=facts
    )
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(first, "application.zip", "good")
    listings: list[Any] = [UNREACHED, [OLD], [NEW, OLD]]
    made = check_context(tmp_path, aws=codepipeline(["Succeeded"], [], listings), facts=facts)
    run_pipeline(made, "application.zip", "good")

    assert made.facts["run good"] == ["shop-acceptance", "exec-1"]
    assert made.commands.typed == []


@pytest.mark.parametrize(
    ("listed", "again"),
    [
        pytest.param([OLD], True, id="no execution"),
        pytest.param(UNREACHED, False, id="no answer"),
    ],
)
def test_a_release_is_repeated_only_if_codepipeline_lists_no_execution_of_it(
    tmp_path: Path, listed: Any, again: bool
) -> None:
    render_pipeline(tmp_path, "Source")
    facts = {"versions before good": ["v1"]}
    made = check_context(tmp_path, {"release": STARTED}, codepipeline(["Succeeded"], [], [listed]), facts=facts)
    if again:
        run_pipeline(made, "application.zip", "good")
    else:
        with pytest.raises(CicdError, match="the search for the execution of an interrupted release has not finished"):
            run_pipeline(made, "application.zip", "good")

    assert [words.split()[0] for words in made.commands.typed] == ["release"] * again


def test_a_minute_without_network_does_not_end_the_wait_for_a_release(tmp_path: Path) -> None:
    facts = {"run good": ["shop-acceptance", "exec-1"]}
    made = check_context(tmp_path, aws=codepipeline([UNREACHED, UNREACHED, "Succeeded"], []), facts=facts)

    assert run_pipeline(made, "application.zip", "good").states
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "Call")
    with pytest.raises(ClientError, match="not yours"):
        run_pipeline(check_context(tmp_path, aws=codepipeline([denied], []), facts=facts), "application.zip", "good")


def test_a_release_that_never_ends_or_does_not_begin_is_a_failure(tmp_path: Path) -> None:
    render_pipeline(tmp_path, "Source")
    made = check_context(tmp_path, {"release": STARTED}, codepipeline(["InProgress"], []))
    with pytest.raises(CicdError, match="the run of the pipeline has not finished within 180 minutes"):
        run_pipeline(made, "application.zip", "good")
    made = check_context(tmp_path, {"release": Answer(0, "released")}, codepipeline([], []))
    with pytest.raises(CheckFailed, match="does not contain the id of the run"):
        run_pipeline(made, "application.zip", "good")
