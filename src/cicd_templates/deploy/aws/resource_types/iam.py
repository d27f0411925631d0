"""Finds IAM roles and managed policies by name."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    ExistingResource,
    ResourceOperations,
    first_of,
    tags_as_mapping,
)


def _find_role(clients: Clients, name: str) -> ExistingResource | None:
    role = clients.iam.get_role(RoleName=name)["Role"]
    return ExistingResource(role["Arn"], tags_as_mapping(role.get("Tags", ())))


def _find_managed_policy(clients: Clients, name: str) -> ExistingResource | None:
    pages = clients.iam.get_paginator("list_policies").paginate(Scope="Local")
    return first_of([policy for page in pages for policy in page["Policies"] if policy["PolicyName"] == name], "Arn")


OPERATIONS = {
    "AWS::IAM::ManagedPolicy": ResourceOperations(
        find=_find_managed_policy, delete_command="iam delete-policy --policy-arn {arn}"
    ),
    "AWS::IAM::Role": ResourceOperations(find=_find_role, delete_command="iam delete-role --role-name {name}"),
}
