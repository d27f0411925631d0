"""Lists the deployments of an ECS service. The engine's own ListServiceDeployments returns none.

ECS lists the deployments of the last 90 days. The engine forgets a deployment when a newer deployment has replaced it,
so this module lists only the current deployments.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

# The state in ListServiceDeployments for each state of a deployment in DescribeServices.
STATES = {"COMPLETED": "SUCCESSFUL", "IN_PROGRESS": "IN_PROGRESS", "FAILED": "ROLLBACK_FAILED"}

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]


def list_deployments(describe: Handler) -> Handler:
    """Return a handler of ListServiceDeployments. `describe` is the engine's handler of DescribeServices.

    The newest deployment comes first:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
    """

    def handle(request: dict[str, Any]) -> Response:
        status, headers, body = describe(
            {"cluster": request.get("cluster", "default"), "services": [request["service"]]}
        )
        if status != 200:
            return status, headers, body
        services = json.loads(body)["services"]
        if not services:
            error = {"__type": "ServiceNotFoundException", "message": "Service not found."}
            return 400, headers, json.dumps(error).encode()
        listed = [_brief(services[0], deployment) for deployment in services[0]["deployments"]]
        wanted = [deployment for deployment in listed if _is_wanted(deployment, request)]
        return 200, headers, json.dumps({"serviceDeployments": wanted}).encode()

    return handle


def _brief(service: dict[str, Any], deployment: dict[str, Any]) -> dict[str, Any]:
    arn = service["serviceArn"].replace(":service/", ":service-deployment/")
    return {
        "serviceDeploymentArn": f"{arn}/{deployment['id'].rpartition('/')[2]}",
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "createdAt": deployment["createdAt"],
        "status": STATES[deployment["rolloutState"]],
    }


def _is_wanted(deployment: dict[str, Any], request: dict[str, Any]) -> bool:
    created = datetime.fromisoformat(deployment["createdAt"]).timestamp()
    between = request.get("createdAt") or {}
    return deployment["status"] in (request.get("status") or STATES.values()) and between.get(
        "after", created
    ) <= created <= between.get("before", created)


def register(engine: Any) -> None:
    """Replace the engine's handler of ListServiceDeployments with the handler of this module."""
    handlers = engine._ACTION_MAP
    handlers["ListServiceDeployments"] = list_deployments(handlers["DescribeServices"])
