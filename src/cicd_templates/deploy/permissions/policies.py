"""The policies of whoever deploys an environment: as few as IAM's limit allows, without one wildcard action."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cicd_templates.deploy.change_sets.stacks import Stack
from cicd_templates.deploy.permissions.handlers import handler_actions, is_action, kinds
from cicd_templates.deploy.permissions.own_calls import CALLS, DESTROYING
from cicd_templates.deploy.permissions.scopes import OURS, PASSING, Names, scope

# Characters of a managed policy without white space:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LIMIT = 6_144
CLOUDFORMATION = "cloudformation.amazonaws.com"

Document = dict[str, Any]
Statement = dict[str, Any]


def policies(stacks: Sequence[Stack], *, destroying: bool = False) -> dict[str, Document]:
    """The documents by the name to give them, all of which the principal needs.

    `destroying` adds what one needs who also destroys, sweeps and adopts. A stack that CloudFormation is given a role
    for needs nothing of its own but that the role may be passed.
    """
    names = Names.of(stacks)
    own = [stack for stack in stacks if stack.deployed_as is None]
    types = {resource["Type"] for stack in own for resource in stack.template["Resources"].values()}
    # Handlers also ask for what properties would need that no template has: tables of S3, lattices of VPC.
    services = {service for service, _ in OURS} | {"ec2"} | {each.split("::")[1].lower() for each in types}
    of_handlers = {each for each in handler_actions(types, names.region) if each.partition(":")[0] in services}
    calls = (*CALLS, *DESTROYING) if destroying else CALLS
    actions = {action for action in (*calls, *of_handlers) if is_action(action)}
    statements = [*_allowing(actions - {PASSING}, names), _passing(stacks, names)]
    documents = [{"Version": "2012-10-17", "Statement": group} for group in _packed(statements)]
    return {f"{names.name}-deploy-{number}": document for number, document in enumerate(documents, 1)}


def _allowing(actions: set[str], names: Names) -> Iterator[Statement]:
    """A statement for each service and place."""
    by_place: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for action in sorted(actions):
        by_place.setdefault((action.partition(":")[0], scope(action, kinds(action), names)), []).append(action)
    for (_, resources), allowed in sorted(by_place.items()):
        yield {"Effect": "Allow", "Action": allowed, "Resource": list(resources)}


def _passing(stacks: Sequence[Stack], names: Names) -> Statement:
    """Roles of the environment may be handed to the services that the templates let assume them, and to no other."""
    trusted = {CLOUDFORMATION} if any(stack.deployed_as for stack in stacks) else set()
    for stack in stacks:
        for resource in stack.template["Resources"].values():
            if resource["Type"] == "AWS::IAM::Role":
                trusted.update(_services(resource["Properties"]["AssumeRolePolicyDocument"]))
    return {
        "Effect": "Allow",
        "Action": [PASSING],
        "Resource": list(scope(PASSING, ("role",), names)),
        "Condition": {"StringEquals": {"iam:PassedToService": sorted(trusted)}},
    }


def _services(trust: Mapping[str, Any]) -> Iterator[str]:
    for statement in trust["Statement"]:
        principal = statement["Principal"]
        services = principal.get("Service", ()) if isinstance(principal, dict) else ()
        yield from [services] if isinstance(services, str) else services


def _packed(statements: Sequence[Statement]) -> list[list[Statement]]:
    """The statements in as many groups as the limit needs, those that are too long alone cut in two."""
    groups: list[list[Statement]] = [[]]
    waiting = list(statements)
    while waiting:
        statement = waiting.pop(0)
        if size([*groups[-1], statement]) <= LIMIT:
            groups[-1].append(statement)
        elif groups[-1]:
            groups.append([])
            waiting.insert(0, statement)
        else:
            actions = statement["Action"]
            half = len(actions) // 2
            waiting[:0] = [{**statement, "Action": part} for part in (actions[:half], actions[half:])]
    return groups


def size(statements: Sequence[Statement]) -> int:
    """Characters of a document with these statements, as IAM counts them."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":")))
