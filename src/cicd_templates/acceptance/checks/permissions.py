"""Creates roles with the policies that `make deploy-policy` prints. All later commands run with these roles."""

from __future__ import annotations

import json
from typing import Any

from cicd_templates.acceptance.check import Check, CheckContext, CheckFailed, LocalCoverage, require
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.commands import CommandFailed
from cicd_templates.acceptance.project import BLUE_GREEN, ENVIRONMENTS, ROLLING
from cicd_templates.acceptance.roles import ATTEMPTS, PAUSE_SECONDS, create_role, delete_role, unless_exists


def use_printed_policies(context: CheckContext) -> str:
    """Create a role for each environment with the policies that `deploy-policy` prints. Later commands use these roles.

    The check prints the policies for a project with blue/green rollouts. The templates of this project have the most
    resources, because each deployment hook adds a Lambda function.
    """
    roles, documents = {}, 0
    render_with(context, rollout=BLUE_GREEN)
    for environment in ENVIRONMENTS:
        printed = context.commands.run(
            "deploy-policy", "--env", environment, "--suffix", context.project.suffix, "--destroying"
        )
        policies = json.loads(printed.output)
        roles[environment] = _make_role(context, environment, policies)
        documents += len(policies)
    render_with(context, roles=roles, rollout=ROLLING)
    try:
        for environment in ENVIRONMENTS:
            _wait_until_it_deploys(context, environment)
    except CheckFailed:
        # Let the last checks of the run use the user's credentials, because these roles cannot be used.
        render_with(context, roles={})
        raise
    return (
        f"{documents} printed policies of {len(roles)} environments are attached to {len(roles)} roles; all later "
        "commands run with these roles"
    )


def _make_role(context: CheckContext, environment: str, policies: dict[str, Any]) -> str:
    for policy, document in policies.items():
        create = context.clients(environment).iam.create_policy
        unless_exists(create, PolicyName=policy, PolicyDocument=json.dumps(document))
    return create_role(context, environment, context.project.deployer(environment), policies)


def _wait_until_it_deploys(context: CheckContext, environment: str) -> None:
    """Run `doctor` until it can assume the role that deploys `environment`.

    Require that `doctor` used the credentials of this role.
    """
    attempt = 1
    while (rows := _examined(context, environment)) is None:
        require(attempt < ATTEMPTS, f"the role that deploys {environment} cannot be assumed")
        attempt += 1
        context.pause(PAUSE_SECONDS)
    callers = [row["finding"] for row in rows if row["subject"] == "credentials"]
    role = f"assumed-role/{context.project.deployer(environment)}/"
    require(
        any(role in caller for caller in callers),
        f"`doctor` did not use the credentials of the role that deploys {environment}",
    )


def _examined(context: CheckContext, environment: str) -> list[dict[str, str]] | None:
    """Run `doctor` and return its findings. Return None if `doctor` fails or does not print them as JSON."""
    try:
        answer = context.commands.on("doctor", environment, "--json", expected=(0, 1))
        rows: list[dict[str, str]] = json.loads(answer.output)[f"{environment}-{context.project.suffix}"]
    except (CommandFailed, ValueError, KeyError):
        return None
    return rows


def remove_roles(context: CheckContext, environment: str) -> int:
    """Remove an environment's role and the role's policies. Return the number of removed roles and policies."""
    iam = context.clients(environment).iam
    removed = int(delete_role(context, environment, context.project.deployer(environment)))
    pages = iam.get_paginator("list_policies").paginate(Scope="Local")
    for policy in [policy for page in pages for policy in page["Policies"]]:
        if policy["PolicyName"].startswith(f"{context.project.name(environment)}-deploy-"):
            iam.delete_policy(PolicyArn=policy["Arn"])
            removed += 1
    return removed


PERMISSIONS = Check(
    "permissions",
    "The IAM policies that `make deploy-policy` prints allow everything that deploying and destroying needs.",
    use_printed_policies,
    needs=("certificates",),
    safe_to_continue=False,
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="the local AWS checks permissions if a command sends a request, but not if CloudFormation sends a "
    "request",
)
