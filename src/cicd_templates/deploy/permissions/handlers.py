"""What CloudFormation calls for a resource, and on what an action can be allowed: from the lists that cfn-lint has.

The registry's schemas name the permissions of each type's handlers; the service authorization reference names the kinds
of resources of each action.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

# Types whose schema lists no handlers. CloudFormation calls their APIs as the caller all the same:
# https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html
WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": (
        "codebuild:BatchGetProjects",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    ),
}


def handler_actions(types: Iterable[str], region: str) -> set[str]:
    """Every action that the handlers of these types ask for, in all their operations."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found: set[str] = set()
    for resource_type in types:
        schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
        found.update(WITHOUT_HANDLERS.get(resource_type, ()))
        for handler in schema.get("handlers", {}).values():
            found.update(handler.get("permissions", ()))
    return found


@cache
def _reference() -> Any:
    text = resources.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8")
    return json.loads(text)


def is_action(action: str) -> bool:
    """Whether IAM has that action; some schemas still list ones that it has no more."""
    service, _, name = action.partition(":")
    return name.lower() in _reference().get(service, {}).get("Actions", {})


def kinds(action: str) -> tuple[str, ...]:
    """The kinds of resources on which an action can be allowed; none where IAM takes `*` alone."""
    service, _, name = action.partition(":")
    return tuple(kind.lower() for kind in _reference()[service]["Actions"][name.lower()].get("Resources", ()))
