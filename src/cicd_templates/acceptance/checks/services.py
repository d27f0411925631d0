"""Reads from AWS what an acceptance run has deployed: the service from ECS, and its address from Parameter Store.

The calls use the user's credentials.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cicd_templates.acceptance.check import CheckContext
from cicd_templates.acceptance.project import NAME, SERVICE


def deployments_since(context: CheckContext, environment: str, seconds: float) -> list[dict[str, Any]]:
    """Return the service's deployments that began after the time `seconds`, newest first.

    `seconds` is the number of seconds since the epoch.
    """
    ecs, request = context.clients(environment).ecs, _service(context, environment)
    request["createdAt"] = {"after": datetime.fromtimestamp(seconds, UTC)}
    arns: list[str] = []
    # boto3 has no paginator for this call.
    while True:
        page = ecs.list_service_deployments(**request)
        arns += [deployment["serviceDeploymentArn"] for deployment in page["serviceDeployments"]]
        if not page.get("nextToken"):
            break
        request["nextToken"] = page["nextToken"]
    # A call describes at most 20 deployments:
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    described = [
        deployment
        for first in range(0, len(arns), 20)
        for deployment in ecs.describe_service_deployments(serviceDeploymentArns=arns[first : first + 20])[
            "serviceDeployments"
        ]
    ]
    return sorted(described, key=lambda deployment: deployment["createdAt"], reverse=True)


def task_definition(context: CheckContext, environment: str) -> str:
    """Return the ARN of the task definition that the service runs."""
    request = _service(context, environment)
    found = context.clients(environment).ecs.describe_services(
        cluster=request["cluster"], services=[request["service"]]
    )
    return str(found["services"][0]["taskDefinition"])


def _service(context: CheckContext, environment: str) -> dict[str, Any]:
    name = context.project.name(environment)
    return {"cluster": f"{name}-cluster", "service": f"{name}-{SERVICE}"}


def output(context: CheckContext, environment: str, layer: str, name: str) -> str:
    """Return a value that a layer has published in Parameter Store."""
    path = f"{parameter_root(context, environment)}{layer}/{name}"
    return str(context.clients(environment).ssm.get_parameter(Name=path)["Parameter"]["Value"])


def parameter_root(context: CheckContext, environment: str) -> str:
    """Return the path of the parameters of an environment."""
    return f"/{NAME}/{environment}-{context.project.suffix}/"
