"""Approve a deployment only if its image is in the pipeline's repository and the registry's scan allows it.

ECS calls this hook before it starts the first task of a new release:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

Environment variables: `BOOTSTRAP` is the image that the service runs before its first release. The module
`registry_scan` describes the others. If the hook fails without an answer, ECS rolls the release back.
"""

from __future__ import annotations

import json
import os
from typing import Any

from cicd_templates.functions.registry_scan import image_problem


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Return `hookStatus` SUCCEEDED or FAILED, and write the reasons to the log."""
    import boto3

    # AWS documents the details at the top of the event, but AWS's samples read them from this member.
    details = event.get("executionDetails", event)
    ecs = boto3.client("ecs")
    revisions = ecs.describe_service_revisions(serviceRevisionArns=[details["targetServiceRevisionArn"]])
    definition = revisions["serviceRevisions"][0]["taskDefinition"]
    containers = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    ecr = boto3.client("ecr")
    problems = [problem for container in containers if (problem := find_problem(ecr, container["image"], context))]
    approved = bool(containers) and not problems
    print(
        json.dumps(
            {"approved": approved, "images": [container["image"] for container in containers], "problems": problems}
        )
    )
    return {"hookStatus": "SUCCEEDED" if approved else "FAILED"}


def find_problem(ecr: Any, image: str, context: Any) -> str:
    """Return the reason why `image` must not run, or an empty string. The bootstrap image may always run."""
    return "" if image == os.environ["BOOTSTRAP"] else image_problem(ecr, image, context)
