"""Creates and removes the roles of a run: roles for deployments, and roles for users of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import CheckContext, require
from cicd_templates.acceptance.project import SERVICE, TOOLS, settings_of

# The groups whose policies are in the layer `access`. The role that deploys may neither release nor read evidence.
DEVELOPERS, AUDITORS = "developers", "auditors"
# A new role can be assumed only after some seconds, and its policies take effect even later:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
ATTEMPTS, PAUSE_SECONDS = 12, 10.0


def create_role(context: CheckContext, environment: str, name: str, policies: Iterable[str]) -> str:
    """Create a role that the user may assume, attach the `policies` to it, and return the ARN of the role.

    If an interrupted attempt has already created the role, the function uses that role.
    """
    iam, access = context.clients(environment).iam, context.access[environment]
    # The checks also assume the role, with the user's `role_arn` in the account of the environment.
    callers = sorted({access.caller_account or access.account, access.account})
    principals = [f"arn:{access.partition}:iam::{account}:root" for account in callers]
    trust = {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"}
    unless_exists(
        iam.create_role,
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    for policy in policies:
        arn = f"arn:{access.partition}:iam::{access.account}:policy/{policy}"
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return f"arn:{access.partition}:iam::{access.account}:role/{name}"


def unless_exists(create: Callable[..., Any], **request: Any) -> None:
    """Call `create`, and ignore the error if an interrupted attempt has already created the resource."""
    try:
        create(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise


def delete_role(context: CheckContext, environment: str, name: str) -> bool:
    """Detach the policies of a role, and delete the role. Return whether the role existed."""
    iam = context.clients(environment).iam
    try:
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return False
    for policy in attached:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    return True


@contextmanager
def acting_as(context: CheckContext, group: str) -> Iterator[None]:
    """Within the `with` block, run commands for the tools environment as a user of the group `group`.

    The commands assume a role with the permissions of this group, such as developers. At the first use, the function
    creates the role, and waits until the role can be assumed.
    """
    role = create_role(context, TOOLS, _name(context, group), [f"{context.project.name(TOOLS)}-{SERVICE}-{group}"])
    _wait_until_usable(context, role)
    settings = settings_of(context.facts)
    context.project.write(replace(settings, roles={**settings.roles, TOOLS: role}))
    try:
        yield
    finally:
        context.project.write(settings)


def _wait_until_usable(context: CheckContext, role: str) -> None:
    known = context.facts.setdefault("usable roles", [])
    if role in known:
        return
    attempt = 1
    while not _can_be_assumed(context, role):
        require(attempt < ATTEMPTS, "cannot assume a new role that was created for users of the pipeline")
        attempt += 1
        context.pause(PAUSE_SECONDS)
    # The role's policies take effect later than its trust policy.
    context.pause(PAUSE_SECONDS)
    known.append(role)
    context.save()


def _can_be_assumed(context: CheckContext, role: str) -> bool:
    try:
        context.clients(TOOLS).sts.assume_role(RoleArn=role, RoleSessionName="acceptance")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def remove_people(context: CheckContext) -> None:
    """Delete the roles that the run created for users of the pipeline.

    The policies of these roles belong to a stack. The stack cannot be deleted before the roles, because CloudFormation
    cannot delete a policy that is attached to a role.
    """
    for group in (DEVELOPERS, AUDITORS):
        delete_role(context, TOOLS, _name(context, group))
    context.facts.pop("usable roles", None)
    context.save()


def _name(context: CheckContext, group: str) -> str:
    return f"{context.project.name(TOOLS)}-{group}"
