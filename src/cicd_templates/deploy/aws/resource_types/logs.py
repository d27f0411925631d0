"""Finds log groups by name, and deletes them."""

from __future__ import annotations

from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    tags_or_none,
)


def _group(clients: Clients, name: str) -> Any:
    """Return the log group with exactly this name, or None. CloudWatch Logs can search only for a prefix."""
    pages = clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)


def _find(clients: Clients, name: str) -> ExistingResource | None:
    group = _group(clients, name)
    if group is None:
        return None
    arn = group["arn"].removesuffix(":*")
    return ExistingResource(arn, tags_or_none(lambda: clients.logs.list_tags_for_resource(resourceArn=arn)["tags"]))


OPERATIONS = {
    "AWS::Logs::LogGroup": ResourceOperations(
        find=_find,
        delete_command="logs delete-log-group --log-group-name {name}",
        leftover=Leftover(
            why="A protected environment keeps its logs. Lambda, CodeBuild and Container Insights create a missing log"
            " group when they write to it.",
            removal="`aws logs delete-log-group --region {region} --log-group-name {name}`",
            state=lambda clients, name: EXISTS if _group(clients, name) else "",
            delete=lambda clients, name: clients.logs.delete_log_group(logGroupName=name),
        ),
    ),
}
