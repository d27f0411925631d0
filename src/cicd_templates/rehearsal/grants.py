"""What the roles of a run may do beside what they did: the granted actions of each, and the calls that used them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cicd_templates.rehearsal.unused_grants import reason_for
from cicd_templates.template.arn import Arn

ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
ALLOWED = "allowed"
# Services whose roles the local AWS gives to nobody: what they do with them is not asked for.
UNMEASURED = ("cloudformation", "ecs-tasks", "ecs", "vpc-flow-logs")


class Use(StrEnum):
    """What is known of a grant after a run."""

    USED = "used"
    UNUSED = "unused"
    NOT_MEASURED = "not measured"
    NOT_PART = "not part of a run"


@dataclass(frozen=True)
class Grant:
    """One action in one statement of one role; `reason` says why an unused one is granted."""

    environment: str
    role: str
    statement: str
    action: str
    calls: int
    use: Use
    reason: str = ""


@dataclass(frozen=True)
class Role:
    """A role of the templates, who may assume it, and the actions of its statements by Sid."""

    environment: str
    name: str
    services: tuple[str, ...]
    statements: tuple[tuple[str, tuple[str, ...]], ...]


def roles_of(template: Mapping[str, Any], environment: str) -> list[Role]:
    """The roles of a template that have a name, each with its own policies and those attached to it there."""
    resources = template["Resources"]
    attached: dict[str, list[Any]] = {}
    for resource in resources.values():
        if resource["Type"] == POLICY:
            for role in resource["Properties"].get("Roles", ()):
                attached.setdefault(str(role.get("Ref", "")), []).append(resource["Properties"])
    return [
        _role(resource["Properties"], attached.get(logical, []), environment)
        for logical, resource in resources.items()
        if resource["Type"] == ROLE and "RoleName" in resource["Properties"]
    ]


def _role(properties: Mapping[str, Any], attached: Iterable[Any], environment: str) -> Role:
    trusted = properties["AssumeRolePolicyDocument"]["Statement"]
    policies = [*properties.get("Policies", ()), *attached]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return Role(
        environment,
        str(properties["RoleName"]),
        tuple(
            service.removesuffix(".amazonaws.com")
            for statement in trusted
            for service in _listed(statement["Principal"].get("Service", ()))
        ),
        tuple(
            (str(statement["Sid"]), tuple(_listed(statement["Action"])))
            for statement in statements
            if statement["Effect"] == "Allow"
        ),
    )


def _listed(value: Any) -> Iterator[str]:
    yield from (value,) if isinstance(value, str) else value


def grants(roles: Iterable[Role], rows: Iterable[Sequence[str]]) -> list[Grant]:
    """Every granted action with the number of calls that it allowed, of the rows that the local AWS has kept."""
    calls: Counter[tuple[str, str, str]] = Counter()
    at_work: set[str] = set()
    for principal, action, _, decision, statement in rows:
        role = role_name(principal)
        at_work.add(role)
        if decision == ALLOWED:
            calls[role, statement, action] += 1
    return [
        _grant(role, statement, action, calls[role.name, statement, action], role.name in at_work)
        for role in roles
        for statement, actions in role.statements
        for action in actions
    ]


def role_name(principal: str) -> str:
    """The name of the role behind the ARN of a session, or of the role itself."""
    parts = Arn.parse(principal).resource.split("/")
    return parts[1] if parts[0] == "assumed-role" else parts[-1]


def _grant(role: Role, statement: str, action: str, calls: int, at_work: bool) -> Grant:
    use, reason = Use.USED, ""
    if not calls:
        use = Use.UNUSED if at_work else Use.NOT_PART
        if not at_work and set(role.services) & set(UNMEASURED):
            use = Use.NOT_MEASURED
        if use is Use.UNUSED:
            reason = reason_for(role.name, statement, action)
    return Grant(role.environment, role.name, statement, action, calls, use, reason)


def unexplained(found: Iterable[Grant]) -> list[Grant]:
    """The unused grants of roles at work for which no reason is known."""
    return [grant for grant in found if grant.use is Use.UNUSED and not grant.reason]
