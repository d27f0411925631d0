"""The deployments that the local AWS lists are those of the service, with the filters of ECS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local import ecs_deployments

ARN = "arn:aws:ecs:eu-central-1:1:service/c/web"
TIMES = [datetime(2026, 11, 24, 12, minute, tzinfo=UTC) for minute in (2, 1, 0)]
STATES = ["IN_PROGRESS", "COMPLETED", "FAILED"]
SERVICE = {
    "serviceArn": ARN,
    "clusterArn": "arn:aws:ecs:eu-central-1:1:cluster/c",
    "deployments": [
        {"id": f"ecs-svc/{number}", "createdAt": time.isoformat().replace("+00:00", "Z"), "rolloutState": state}
        for number, (time, state) in enumerate(zip(TIMES, STATES, strict=True))
    ],
}


def call(**request: Any) -> tuple[int, dict[str, Any]]:
    """Send a request to the handler that is registered in an engine with the cluster `c` and the service `web`."""

    def describe(described: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if described["cluster"] != "c":
            return 400, {}, json.dumps({"__type": "ClusterNotFoundException"}).encode()
        found = [SERVICE] if described["services"] == ["web"] else []
        return 200, {}, json.dumps({"services": found}).encode()

    engine = SimpleNamespace(_ACTION_MAP={"DescribeServices": describe})
    ecs_deployments.register(engine)
    status, _, body = engine._ACTION_MAP["ListServiceDeployments"](request)
    return status, json.loads(body)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [0, 1, 2]),
        ({"status": []}, [0, 1, 2]),
        ({"status": ["SUCCESSFUL"]}, [1]),
        ({"status": ["PENDING", "IN_PROGRESS", "ROLLBACK_FAILED"]}, [0, 2]),
        ({"status": ["STOPPED"]}, []),
        ({"createdAt": {"after": TIMES[1].timestamp()}}, [0, 1]),
        ({"createdAt": {"before": TIMES[1].timestamp()}}, [1, 2]),
        ({"createdAt": {"after": TIMES[1].timestamp()}, "status": ["IN_PROGRESS"]}, [0]),
    ],
)
def test_deployments_are_listed_by_state_and_time(filters: dict[str, Any], numbers: list[int]) -> None:
    status, answer = call(cluster="c", service="web", **filters)

    assert status == 200
    assert [each["serviceDeploymentArn"] for each in answer["serviceDeployments"]] == [
        f"arn:aws:ecs:eu-central-1:1:service-deployment/c/web/{number}" for number in numbers
    ]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"cluster": "c", "service": "other"}, "ServiceNotFoundException"),
        ({"cluster": "d", "service": "web"}, "ClusterNotFoundException"),
        ({"service": "web"}, "ClusterNotFoundException"),
    ],
)
def test_a_service_or_cluster_that_does_not_exist_is_an_error(request_: dict[str, str], error: str) -> None:
    status, answer = call(**request_)

    assert (status, answer["__type"]) == (400, error)
