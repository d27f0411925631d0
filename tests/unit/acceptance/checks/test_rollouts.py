"""Releases that are rolled out blue/green, taken back by an alarm, or held by a deployment window."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks import rollouts, windows
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.pipeline_runs import PipelineRun
from tests.unit.acceptance.check_context import check_context

WHOLE = {"Source/App": "succeeded", "Staging/ExecuteStaging": "succeeded", "Production-Window/Scan": "succeeded"}
STOPPED = {"Source/App": "succeeded", "Staging/ExecuteStaging": "failed", "Production/Approve": "not reached"}
DAY = datetime(2026, 1, 1, tzinfo=UTC)
Release = tuple[str, str]


def pipeline(monkeypatch: pytest.MonkeyPatch, module: Any, states: dict[str, str], polls: int = 0) -> list[Release]:
    """Replace the pipeline by one that ends with `states`, after calling what is to be done at each poll."""
    released: list[Release] = []

    def run(context: Any, archive: str, name: str, at_each_poll: Any = lambda: None) -> PipelineRun:
        released.append((archive, name))
        for _ in range(polls):
            at_each_poll()
        return PipelineRun(states, {path: "an error" for path, state in states.items() if state == "failed"})

    monkeypatch.setattr(module, "run_pipeline", run)
    return released


def deployment(
    number: int, status: str, *, strategy: str = "BLUE_GREEN", alarms: tuple[str, ...] = (), hooks: int = 2
) -> Any:
    functions = [{"hookTargetArn": f"arn:aws:lambda:eu-central-1:1:function:{hook}"} for hook in range(hooks)]
    return {
        "serviceDeploymentArn": f"deployment-{number}",
        "status": status,
        "createdAt": DAY.replace(minute=number),
        "deploymentConfiguration": {"strategy": strategy, "lifecycleHooks": functions},
        "alarms": {"status": "MONITORING", "triggeredAlarmNames": list(alarms)},
    }


def ecs(*deployments: Any, running: str = "task:1") -> dict[str, Any]:
    """Return the answers of ECS, which lists one deployment on a page."""
    by_arn = {each["serviceDeploymentArn"]: each for each in deployments}

    def listed(**request: Any) -> Any:
        assert request["createdAt"]["after"].tzinfo is UTC
        number = int(request.get("nextToken", 0))
        more = {"nextToken": str(number + 1)} if number + 1 < len(deployments) else {}
        return {"serviceDeployments": [{"serviceDeploymentArn": arn} for arn in [*by_arn][number : number + 1]], **more}

    return {
        "ecs.list_service_deployments": listed,
        "ecs.describe_service_deployments": lambda **request: {
            "serviceDeployments": [by_arn[arn] for arn in request["serviceDeploymentArns"]]
        },
        "ecs.describe_services": {"services": [{"taskDefinition": running}]},
        "ssm.get_parameter": {"Parameter": {"Value": "https://balancer.example.com"}},
    }


@pytest.mark.parametrize("local", [True, False])
def test_a_release_is_rolled_out_blue_green_while_the_window_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    released = pipeline(monkeypatch, rollouts, WHOLE)
    old = deployment(1, "SUCCESSFUL", strategy="ROLLING")
    made = check_context(tmp_path, aws=ecs(old, deployment(2, "SUCCESSFUL")), local=local)
    answer = rollouts.release_blue_green(made)

    assert answer.startswith(
        "1 actions of staging succeeded" if local else "ECS deployed the release blue/green, after 2 hooks"
    )
    assert released == [("second.zip", "blue-green")]
    assert [words for words in made.commands.typed if not words.startswith("render")] == [
        "deploy staging --yes", "plan staging --detailed-exitcode", "deploy tools --yes --hand-over",
    ]  # fmt: skip
    assert made.facts["blue-green states"] == WHOLE
    written = (tmp_path / "templates/environments.toml").read_text()
    assert 'rollout = "blue-green"' in written
    # The clock of the test shows a Friday.
    assert 'deployment_window = "* * * ? * MON"' in written


@pytest.mark.parametrize(
    ("states", "deployments", "problem"),
    [
        pytest.param(STOPPED, [], "did not pass staging: Staging/ExecuteStaging: an error", id="failed"),
        pytest.param({"Source/App": "succeeded"}, [], "did not pass staging: no action", id="short"),
        pytest.param(
            {"Staging/ExecuteStaging": "inprogress"}, [], "did not pass staging: Staging/Exec", id="not ended"
        ),
        pytest.param(WHOLE, [], "no successful blue/green deployment: none began", id="no deployment"),
        pytest.param(WHOLE, [deployment(1, "SUCCESSFUL", strategy="ROLLING")], "none began", id="rolling"),
        pytest.param(WHOLE, [deployment(1, "SUCCESSFUL", hooks=0)], "but without hooks", id="no hooks"),
        pytest.param(WHOLE, [deployment(1, "ROLLBACK_SUCCESSFUL")], "deployment: ROLLBACK_SUCCESSFUL", id="back"),
    ],
)
def test_a_release_that_is_not_rolled_out_blue_green_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], deployments: list[Any], problem: str
) -> None:
    pipeline(monkeypatch, rollouts, states)
    with pytest.raises(CheckFailed, match=problem):
        rollouts.release_blue_green(check_context(tmp_path, aws=ecs(*deployments)))


def test_staging_that_would_change_again_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="staging would change again"):
        rollouts.release_blue_green(check_context(tmp_path, {"plan": Answer(4, "")}))


BACK = deployment(2, "ROLLBACK_SUCCESSFUL", alarms=("shop-errors",))
FACTS: dict[str, Any] = {"settings": {"trusted": "PEM of the run"}}


def test_a_release_whose_orders_fail_is_taken_back_by_its_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, bytes, str]] = []

    def post(url: str, body: bytes, trusted: str) -> int:
        sent.append((url, body, trusted))
        # An order without a response does not end the check.
        if len(sent) == 3:
            raise ConnectionResetError
        return 201 if len(sent) < 10 else 500

    released = pipeline(monkeypatch, rollouts, STOPPED, polls=2)
    made = check_context(tmp_path, aws=ecs(deployment(1, "SUCCESSFUL"), BACK), facts=dict(FACTS), post=post)

    assert rollouts.take_back(made) == (
        "1 alarms caused the rollback, and staging returned to the old release; the application answered orders with"
        " 201, 500, no response (ConnectionResetError)"
    )
    assert released == [("failing.zip", "failing")]
    assert set(sent) == {("https://balancer.example.com/orders", b'{"items": 1}', "PEM of the run")}
    assert len(sent) == 2 * rollouts.ORDERS


def test_an_interrupted_check_still_knows_what_ran_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline(monkeypatch, rollouts, STOPPED)
    facts = {**FACTS, "before failing": [1.0, "task:0"]}
    made = check_context(tmp_path, aws=ecs(BACK, running="task:0"), facts=facts)

    assert rollouts.take_back(made).endswith("the application answered orders with nothing")


def test_on_the_local_aws_the_smoke_test_stops_a_release_whose_orders_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(monkeypatch, rollouts, STOPPED)
    assert "the smoke test stopped the defective release" in rollouts.take_back(check_context(tmp_path, local=True))


@pytest.mark.parametrize(
    ("states", "aws", "problem"),
    [
        pytest.param(WHOLE, ecs(BACK), "the release did not fail in staging: it succeeded", id="succeeded"),
        pytest.param(
            STOPPED | {"Production/Approve": "succeeded"}, ecs(BACK), "then these ran: Production/Approve", id="went on"
        ),
        pytest.param(
            STOPPED, ecs(deployment(1, "STOPPED", alarms=("a",))), "no alarm caused a rollback", id="no rollback"
        ),
        pytest.param(STOPPED, ecs(deployment(1, "ROLLBACK_SUCCESSFUL")), "no alarm took it|no alarm", id="no alarm"),
    ],
)
def test_a_release_that_no_alarm_takes_back_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], aws: dict[str, Any], problem: str
) -> None:
    pipeline(monkeypatch, rollouts, states)
    with pytest.raises(CheckFailed, match=problem):
        rollouts.take_back(check_context(tmp_path, aws=aws, facts=dict(FACTS)))


def test_a_service_that_does_not_run_the_old_release_again_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(monkeypatch, rollouts, STOPPED)
    facts = {**FACTS, "before failing": [1.0, "task:0"]}
    with pytest.raises(CheckFailed, match="did not return to the old release"):
        rollouts.take_back(check_context(tmp_path, aws=ecs(BACK), facts=facts))


def test_a_machine_that_cannot_reach_the_service_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def post(url: str, body: bytes, trusted: str) -> int:
        raise ConnectionRefusedError("refused")

    pipeline(monkeypatch, rollouts, STOPPED, polls=1)
    made = check_context(tmp_path, aws=ecs(), facts=dict(FACTS), post=post)
    with pytest.raises(CheckFailed, match=r"no alarm .* answered orders with no response \(ConnectionRefusedError\)"):
        rollouts.take_back(made)


def rules(*states: str) -> dict[str, Any]:
    def detail(provider: str, status: str) -> dict[str, Any]:
        kind = {"category": "Rule", "provider": provider}
        return {"status": status, "startTime": DAY, "input": {"ruleTypeId": kind}}

    details = [detail("VariableCheck", "Succeeded"), *(detail("DeploymentWindow", state) for state in states)]
    return {"codepipeline.list_rule_executions": [{"ruleExecutionDetails": details}]}


@pytest.mark.parametrize(
    ("states", "aws", "expected"),
    [
        pytest.param(WHOLE, rules("Failed"), "the stage failed at once", id="fails"),
        pytest.param(WHOLE, rules("Abandoned"), "the stage waited until the run was stopped", id="holds"),
        pytest.param({"Staging/Execute": "succeeded"}, rules(), "inconclusive: the release did not reach", id="short"),
        pytest.param(WHOLE, rules(), "inconclusive: CodePipeline did not evaluate the window", id="no rule"),
        pytest.param(
            WHOLE | {"Production/Approve": "succeeded"}, rules("Failed"), "these actions ran: Production", id="entered"
        ),
    ],
)
def test_a_closed_window_keeps_a_release_out_of_production(
    tmp_path: Path, states: dict[str, str], aws: dict[str, Any], expected: str
) -> None:
    made = check_context(tmp_path, aws=aws, facts={"blue-green states": states, "run blue-green": ["shop", "exec-1"]})
    if expected.startswith("the stage"):
        assert windows.stay_out(made) == expected
    else:
        with pytest.raises(CheckFailed, match=expected):
            windows.stay_out(made)


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        pytest.param(WHOLE | {"Production/Execute": "succeeded"}, "", id="reached"),
        pytest.param(WHOLE, "the release did not reach production", id="only the window"),
        pytest.param(STOPPED, "the release did not pass: Staging/ExecuteStaging", id="failed"),
    ],
)
def test_an_open_window_lets_a_release_into_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], problem: str
) -> None:
    released = pipeline(monkeypatch, windows, states)
    made = check_context(tmp_path)
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            windows.go_in(made)
    else:
        assert "reached production" in windows.go_in(made)
        assert released == [("third.zip", "open")]
        written = (tmp_path / "templates/environments.toml").read_text()
        assert 'deployment_window = "* * * ? * *"' in written
        assert "blue-green" not in written
