"""Starts a new deployment of a service after the value of a secret or parameter has changed.

The containers of the service get this value as a variable, and ECS reads the value only when a task starts. The new
deployment starts the current task definition, so the image and all settings stay the same. The hooks of the service run
again.

The function waits until no other deployment, such as a release, is in progress. If the function cannot wait longer, it
raises an error. Lambda then invokes the function twice more, and finally sends the event to the dead-letter queue:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

# All states of a deployment that has not ended:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
NOT_ENDED = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]
POLL_SECONDS = 20
# The function stops waiting when it has less time than this left, so that it ends with its own error.
RESERVED_MILLISECONDS = 60_000
# EventBridge gives the time of an event without fractions of a second.
PRECISION = timedelta(seconds=1)


def handler(event: dict[str, Any], context: Any) -> None:
    """Deploy the service again. Do nothing if a deployment that began after the event has already succeeded."""
    import boto3

    client = boto3.client("ecs")
    service = {"cluster": os.environ["CLUSTER"], "service": os.environ["SERVICE"]}
    changed = datetime.fromisoformat(event["time"]).astimezone(UTC)
    subject = f"{service['service']}: {', '.join(event['resources'])} changed at {changed.isoformat()}"
    errors = client.exceptions
    try:
        wait_until_settled(client, service, context)
        if is_deployed_since(client, service, changed):
            print(f"{subject}; a newer deployment has succeeded, so its tasks already have the new value")
            return
        client.update_service(**service, forceNewDeployment=True)
    except (errors.ClusterNotFoundException, errors.ServiceNotFoundException, errors.ServiceNotActiveException):
        print(f"{subject}; no deployment is needed, because the service is not active; new tasks get the new value")
        return
    print(f"{subject}; a new deployment has started")


def wait_until_settled(client: Any, service: dict[str, str], context: Any) -> None:
    """Wait until no deployment of the service is in progress. Raise `TimeoutError` shortly before Lambda's timeout."""
    while any(list_deployments(client, service, NOT_ENDED)):
        if context.get_remaining_time_in_millis() < RESERVED_MILLISECONDS:
            raise TimeoutError(f"{service['service']}: another deployment is still in progress")
        time.sleep(POLL_SECONDS)


def is_deployed_since(client: Any, service: dict[str, str], changed: datetime) -> bool:
    """Return whether a deployment that began after the time `changed` has succeeded.

    If one has succeeded, all tasks have the new value of the secret. A deployment that was rolled back does not count,
    because the tasks of the older deployment keep running.
    """
    newer = list_deployments(client, service, ["SUCCESSFUL"], createdAt={"after": changed})
    return any(deployment["createdAt"] >= changed + PRECISION for deployment in newer)


def list_deployments(client: Any, service: dict[str, str], states: list[str], **filters: Any) -> list[dict[str, Any]]:
    """Return the service's deployments whose state is in `states`."""
    page = client.list_service_deployments(**service, status=states, **filters)
    deployments: list[dict[str, Any]] = list(page["serviceDeployments"])
    while page.get("nextToken"):
        page = client.list_service_deployments(**service, status=states, nextToken=page["nextToken"], **filters)
        deployments += page["serviceDeployments"]
    return deployments
