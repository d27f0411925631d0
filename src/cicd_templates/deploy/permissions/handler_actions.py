"""Looks up IAM actions in two data sets of the cfn-lint package.

- The schemas of the CloudFormation registry: which actions CloudFormation needs for resources of a type.
- The service authorization reference: which types of resources a policy can name for an action.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

# Types whose schema lists no handlers, although CloudFormation calls their APIs with the caller's permissions:
# https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html
ACTIONS_WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": (
        "codebuild:BatchGetProjects",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    ),
}


def handler_permissions(resource_type: str, region: str) -> dict[str, list[str]]:
    """Return the permissions in the registry schema of a resource type, keyed by handler, such as `create`."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    return {name: list(handler.get("permissions", ())) for name, handler in schema.get("handlers", {}).items()}


def handler_actions(types: Iterable[str], region: str) -> set[str]:
    """Return every IAM action that CloudFormation may need for operations on these resource types."""
    actions: set[str] = set()
    for resource_type in types:
        actions.update(ACTIONS_WITHOUT_HANDLERS.get(resource_type, ()))
        for permissions in handler_permissions(resource_type, region).values():
            actions.update(permissions)
    return actions


@cache
def _authorization_reference() -> Any:
    text = resources.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8")
    return json.loads(text)


def is_action(action: str) -> bool:
    """Return whether IAM knows the action. Some registry schemas still list actions that no longer exist."""
    service, _, name = action.partition(":")
    return name.lower() in _authorization_reference().get(service, {}).get("Actions", {})


def resource_kinds(action: str) -> tuple[str, ...]:
    """Return the types of resources to which an IAM policy can limit an action. The result is empty if IAM accepts
    only `*`.
    """
    service, _, name = action.partition(":")
    kinds = _authorization_reference()[service]["Actions"][name.lower()].get("Resources", ())
    return tuple(kind.lower() for kind in kinds)
