"""The function that deploys a service again after a secret has changed, against the deployments that ECS would list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cicd_templates.functions import rotation
from tests.unit.functions.test_functions import Aws

CHANGED = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SECRET = "arn:aws:secretsmanager:eu-central-1:222222222222:secret:database-Ab12Cd"
# The documented shapes of the two events:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
# https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
SECRET_EVENT = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "Secret Label Updated",
    "source": "aws.secretsmanager",
    "account": "222222222222",
    "time": "2026-11-24T12:00:00Z",
    "region": "eu-central-1",
    "resources": [SECRET],
    "detail": {"name": "database", "labelUpdated": "AWSCURRENT", "versionId": "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"},
}
PARAMETER_EVENT = {
    "version": "0",
    "id": "6a7e4feb-b491-4cf7-a9f1-bf3703497718",
    "detail-type": "Parameter Store Change",
    "source": "aws.ssm",
    "account": "222222222222",
    "time": "2026-11-24T12:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:ssm:eu-central-1:222222222222:parameter/pay/staging/features"],
    "detail": {"operation": "Update", "name": "/pay/staging/features", "type": "SecureString", "description": ""},
}
SERVICE = {"cluster": "pay-staging-cluster", "service": "pay-staging-web"}
FORCED = ("UpdateService", {**SERVICE, "forceNewDeployment": True})


class Deployments:
    """The deployments of one service, listed with ECS's filters, two on a page. Each ends after some seconds.

    `deployments` are pairs of the seconds from the event to the beginning, and the state. A number as the state is
    the number of seconds from now until the deployment has succeeded.
    """

    def __init__(self, deployments: Sequence[tuple[float, str | int]]) -> None:
        self.deployments = deployments
        self.slept = 0

    def sleep(self, seconds: int) -> None:
        self.slept += seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the 900 seconds of the function, as Lambda's context does."""
        return (900 - self.slept) * 1000

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        listed = []
        for begun, state in self.deployments:
            if isinstance(state, int):
                state = "SUCCESSFUL" if self.slept >= state else "IN_PROGRESS"
            created = CHANGED + timedelta(seconds=begun)
            after = request.get("createdAt", {}).get("after")
            if state in request["status"] and (after is None or created >= after):
                listed.append({"status": state, "createdAt": created})
        first = int(request.get("nextToken", "0"))
        more = {"nextToken": str(first + 2)} if len(listed) > first + 2 else {}
        return {"serviceDeployments": listed[first : first + 2], **more}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    fake = Aws()
    monkeypatch.setattr("boto3.client", fake.client)
    monkeypatch.setenv("CLUSTER", SERVICE["cluster"])
    monkeypatch.setenv("SERVICE", SERVICE["service"])
    fake.answer("UpdateService", {"service": {}})
    return fake


def run(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    *deployments: tuple[float, str | int],
    event: dict[str, Any] = SECRET_EVENT,
) -> Deployments:
    """Run the function with the deployments that exist, and return them."""
    existing = Deployments(deployments)
    monkeypatch.setattr("time.sleep", existing.sleep)
    aws.answers.setdefault("ListServiceDeployments", [existing.page])
    rotation.handler(event, existing)
    return existing


def updates(aws: Aws) -> list[tuple[str, dict[str, Any]]]:
    return [call for call in aws.calls if call[0] == "UpdateService"]


@pytest.mark.parametrize("event", [SECRET_EVENT, PARAMETER_EVENT], ids=["secret", "parameter"])
@pytest.mark.parametrize(
    "deployments",
    [
        [],
        [(-86400, "SUCCESSFUL")],
        [(-1, "SUCCESSFUL")],
        # The time of the event has no fractions, so this deployment may have begun before the change.
        [(0.9, "SUCCESSFUL")],
        # Its tasks were replaced by those of the older deployment, or are not all there.
        [(60, "ROLLBACK_SUCCESSFUL"), (-60, "SUCCESSFUL")],
        [(60, "ROLLBACK_FAILED")],
        [(60, "STOPPED")],
    ],
    ids=["no history", "older", "just before", "the same second", "rolled back", "failed", "stopped"],
)
def test_the_service_is_deployed_again_if_no_newer_deployment_has_succeeded(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, deployments: list[tuple[float, str | int]], event: dict[str, Any]
) -> None:
    existing = run(aws, monkeypatch, *deployments, event=event)

    assert updates(aws) == [FORCED]
    assert existing.slept == 0


def test_nothing_is_deployed_if_a_newer_deployment_has_started_all_tasks(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The one that counts is on the second page.
    run(aws, monkeypatch, (0, "SUCCESSFUL"), (0.5, "SUCCESSFUL"), (1, "SUCCESSFUL"), (-60, "SUCCESSFUL"))

    assert updates(aws) == []
    assert "a newer deployment has succeeded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("begun", "forced"), [(-30, [FORCED]), (30, [])], ids=["a release from before the change", "a later release"]
)
def test_a_release_in_progress_is_awaited_and_not_replaced(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, begun: int, forced: list[Any]
) -> None:
    existing = run(aws, monkeypatch, (-3600, "SUCCESSFUL"), (begun, 300))

    assert existing.slept == 300
    assert updates(aws) == forced


@pytest.mark.parametrize("state", rotation.NOT_ENDED)
def test_a_deployment_that_does_not_end_raises_an_error_before_the_function_times_out(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    with pytest.raises(TimeoutError, match="pay-staging-web: another deployment is still in progress"):
        run(aws, monkeypatch, (-30, state))

    assert updates(aws) == []


def test_the_states_of_a_deployment_that_has_not_ended_are_those_of_the_model() -> None:
    shape: Any = boto3.client(
        "ecs", aws_access_key_id="1", aws_secret_access_key="2", region_name="eu-central-1"
    ).meta.service_model.shape_for("ServiceDeploymentStatus")
    ended = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}

    assert set(shape.enum) - ended == set(rotation.NOT_ENDED)


@pytest.mark.parametrize("error", ["ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException"])
@pytest.mark.parametrize("operation", ["ListServiceDeployments", "UpdateService"])
def test_a_service_that_does_not_run_needs_no_deployment(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], operation: str, error: str
) -> None:
    aws.answers[operation] = [error]
    run(aws, monkeypatch)

    assert "no deployment is needed, because the service is not active" in capsys.readouterr().out


@pytest.mark.parametrize("operation", ["ListServiceDeployments", "UpdateService"])
@pytest.mark.parametrize("error", ["AccessDeniedException", "ServerException", "InvalidParameterException"])
def test_every_other_error_is_raised_so_that_lambda_tries_again(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, operation: str, error: str
) -> None:
    aws.answers[operation] = [error]
    with pytest.raises(ClientError, match=error):
        run(aws, monkeypatch)


@pytest.mark.parametrize("missing", ["time", "resources"])
def test_an_event_without_a_time_or_a_resource_is_refused(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    event = {key: value for key, value in SECRET_EVENT.items() if key != missing}
    with pytest.raises(KeyError, match=missing):
        run(aws, monkeypatch, event=event)

    assert aws.calls == []


def test_the_log_names_the_secret_but_nothing_else_of_the_event(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(aws, monkeypatch)

    assert capsys.readouterr().out == (
        f"pay-staging-web: {SECRET} changed at 2026-11-24T12:00:00+00:00; a new deployment has started\n"
    )
