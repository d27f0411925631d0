"""Builds the policies for a principal that deploys an environment.

The policies have no wildcard actions. If one document would exceed IAM's size limit, there are several documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cicd_templates.deploy.permissions.action_resources import (
    PASS_ROLE,
    TYPE_OF_KIND,
    EnvironmentNames,
    condition,
    scope,
)
from cicd_templates.deploy.permissions.handler_actions import handler_actions, is_action, resource_kinds
from cicd_templates.deploy.permissions.own_calls import DEPLOY_ACTIONS, DESTROY_ACTIONS, UNLOCKING_ACTIONS
from cicd_templates.template.intrinsics import values_at
from cicd_templates.template.stack_template import StackTemplate

# The maximum number of characters in a managed policy, not counting white space:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
SIZE_LIMIT = 6_144
CLOUDFORMATION_PRINCIPAL = "cloudformation.amazonaws.com"
PASS_CONNECTION = ("codeconnections:PassConnection", "codestar-connections:PassConnection")

Document = dict[str, Any]
PolicyStatementDocument = dict[str, Any]


def policies(stacks: Sequence[StackTemplate], *, destroying: bool = False) -> dict[str, Document]:
    """Return the policies that a principal needs to deploy the environment, keyed by policy name.

    - If `destroying` is true, the policies also allow `destroy`, `sweep` and `adopt`.
    - CloudFormation deploys some stacks with a role. The policies allow passing this role, but not the actions on the
      resources of these stacks.
    """
    # A sweep destroys copies of the environment; their suffixes are not known here.
    names = replace(EnvironmentNames.of(stacks), copies=destroying)
    deployed_by_principal = [stack for stack in stacks if stack.deployed_as is None]
    types = {resource["Type"] for stack in deployed_by_principal for resource in stack.resources.values()}
    # Handlers also list actions of services that no template uses, such as S3 Tables or VPC Lattice. Leave them out.
    services = {service for service, _ in TYPE_OF_KIND} | {"ec2"} | {name.split("::")[1].lower() for name in types}
    called_by_handlers = {
        action for action in handler_actions(types, names.region) if action.partition(":")[0] in services
    }
    unlocking = UNLOCKING_ACTIONS if any(map(_deletes_locked_objects, stacks)) else ()
    called_by_deployer = (*DEPLOY_ACTIONS, *DESTROY_ACTIONS, *unlocking) if destroying else DEPLOY_ACTIONS
    actions = {action for action in (*called_by_deployer, *called_by_handlers) if is_action(action)}
    statements = [
        *_scoped_statements(actions - {PASS_ROLE}, names),
        *_connection_statements(deployed_by_principal),
        _pipeline_statement(names),
        _pass_role_statement(stacks, names),
    ]
    documents = [{"Version": "2012-10-17", "Statement": group} for group in _documents_within_limit(statements)]
    return {f"{names.prefix}-deploy-{number}": document for number, document in enumerate(documents, 1)}


def _scoped_statements(actions: set[str], names: EnvironmentNames) -> Iterator[PolicyStatementDocument]:
    """Yield the statements that allow `actions`.

    Actions of one service are in the same statement if they have the same resources and the same condition.
    """
    actions_by_scope: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for action in sorted(actions):
        resources = scope(action, resource_kinds(action), names)
        narrowed = json.dumps(condition(action, resources))
        actions_by_scope.setdefault((action.partition(":")[0], resources, narrowed), []).append(action)
    for (_, resources, narrowed), allowed in sorted(actions_by_scope.items()):
        statement = {"Effect": "Allow", "Action": allowed, "Resource": list(resources)}
        holds = json.loads(narrowed)
        yield statement | ({"Condition": holds} if holds else {})


def _deletes_locked_objects(stack: StackTemplate) -> bool:
    """Return whether the deletion of the stack also deletes a bucket with Object Lock."""
    return any(
        resource["Type"] == "AWS::S3::Bucket"
        and "ObjectLockConfiguration" in resource["Properties"]
        and resource.get("DeletionPolicy") == "Delete"
        for resource in stack.resources.values()
    )


def _connection_statements(stacks: Sequence[StackTemplate]) -> Iterator[PolicyStatementDocument]:
    """Yield a statement that allows a deployer to use the pipelines' connections to source providers.

    Yield nothing if no template has the ARN of a connection. The statement has two actions, because IAM checks
    different actions for old and for newer connections:
    https://docs.aws.amazon.com/codepipeline/latest/userguide/connections-permissions.html
    """
    connections = {
        arn
        for stack in stacks
        for resource in stack.resources.values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline"
        for arn in values_at(resource["Properties"], "Stages", "Actions", "Configuration", "ConnectionArn")
        if isinstance(arn, str)
    }
    if connections:
        yield {"Effect": "Allow", "Action": list(PASS_CONNECTION), "Resource": sorted(connections)}


def _pass_role_statement(stacks: Sequence[StackTemplate], names: EnvironmentNames) -> PolicyStatementDocument:
    """Return a statement that allows passing the environment's roles to the AWS services that assume these roles."""
    trusted = {CLOUDFORMATION_PRINCIPAL} if any(stack.deployed_as for stack in stacks) else set()
    for stack in stacks:
        for resource in stack.resources.values():
            if resource["Type"] == "AWS::IAM::Role":
                trusted.update(_trusted_services(resource["Properties"]["AssumeRolePolicyDocument"]))
    return {
        "Effect": "Allow",
        "Action": [PASS_ROLE],
        "Resource": list(scope(PASS_ROLE, ("role",), names)),
        "Condition": {"StringEquals": {"iam:PassedToService": sorted(trusted)}},
    }


def _pipeline_statement(names: EnvironmentNames) -> PolicyStatementDocument:
    """Return a statement that forbids the deployer to create, execute or delete change sets of pipelines.

    A pipeline executes its approved change set by name, so nobody else may replace it. The names of these change sets
    end with `-release`.
    """
    own = f"{names.prefix}-*-release"
    actions = [f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Delete", "Execute")]
    return {
        "Effect": "Deny",
        "Action": actions,
        "Resource": list(scope(actions[0], resource_kinds(actions[0]), names)),
        "Condition": {"StringLike": {"cloudformation:ChangeSetName": [own, f"arn:*:changeSet/{own}/*"]}},
    }


def _trusted_services(trust_policy: Mapping[str, Any]) -> Iterator[str]:
    services = values_at(trust_policy, "Statement", "Principal", "Service")
    yield from (service for service in services if isinstance(service, str))


def _documents_within_limit(statements: Sequence[PolicyStatementDocument]) -> list[list[PolicyStatementDocument]]:
    """Distribute the statements over documents that fit IAM's size limit. Statements that are too long are split."""
    documents: list[list[PolicyStatementDocument]] = [[]]
    queue = list(statements)
    while queue:
        statement = queue.pop(0)
        if size([*documents[-1], statement]) <= SIZE_LIMIT:
            documents[-1].append(statement)
        elif documents[-1]:
            documents.append([])
            queue.insert(0, statement)
        else:
            actions = statement["Action"]
            half = len(actions) // 2
            queue[:0] = [{**statement, "Action": part} for part in (actions[:half], actions[half:])]
    return documents


def size(statements: Sequence[PolicyStatementDocument]) -> int:
    """Return the size of a document with these statements, in characters as IAM counts them."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":")))
