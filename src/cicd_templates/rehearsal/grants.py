"""Finds out which granted IAM actions were used in a rehearsal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cicd_templates.rehearsal.unused_grants import reason_for
from cicd_templates.template.arn import Arn
from cicd_templates.template.granted_access import as_list

ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
ALLOWED = "allowed"
# The local AWS assumes roles of these services rarely or never: of ECS, only those of tasks and hooks that a rehearsal
# runs. So a rehearsal cannot show whether the grants of the other roles are used.
UNMEASURED = ("cloudformation", "ecs-tasks", "ecs", "vpc-flow-logs")


class GrantUse(StrEnum):
    """Whether a granted action was used in a rehearsal.

    - `UNUSED` means that the role made calls, but none that needed this grant.
    - `NOT_MEASURED` means that an AWS service uses the role, and a rehearsal cannot measure the service's calls.
    - `NOT_PART` means that the role made no calls, although a rehearsal could have measured them.
    """

    USED = "used"
    UNUSED = "unused"
    NOT_MEASURED = "not measured"
    NOT_PART = "not part of a run"


@dataclass(frozen=True)
class GrantedAction:
    """An action that a role's policies allow. `reason` says why the rehearsal did not use the action, or is empty."""

    environment: str
    role: str
    statement: str
    action: str
    calls: int
    use: GrantUse
    reason: str = ""


@dataclass(frozen=True)
class Role:
    """A role in the templates, with the services that may assume it and the actions that each statement allows."""

    environment: str
    name: str
    services: tuple[str, ...]
    statements: tuple[tuple[str, tuple[str, ...]], ...]


def read_roles(template: Mapping[str, Any], environment: str) -> list[Role]:
    """Return a `Role` for each IAM role of the template that has a `RoleName`.

    The `Role` contains the statements of all policies of the IAM role.
    """
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
            for service in as_list(statement["Principal"].get("Service", []))
        ),
        tuple(
            (str(statement["Sid"]), tuple(as_list(statement["Action"])))
            for statement in statements
            if statement["Effect"] == "Allow"
        ),
    )


def measure_grants(roles: Iterable[Role], rows: Iterable[Sequence[str]]) -> list[GrantedAction]:
    """Return each action that a statement grants to a role, with the number of calls that this statement allowed.

    `rows` are the decisions of IAM in the local AWS during the run.
    """
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
    """Return the name of the role in the ARN of a role or of a role session."""
    parts = Arn.parse(principal).resource.split("/")
    return parts[1] if parts[0] == "assumed-role" else parts[-1]


def _grant(role: Role, statement: str, action: str, calls: int, at_work: bool) -> GrantedAction:
    use, reason = GrantUse.USED, ""
    if not calls:
        use = GrantUse.UNUSED if at_work else GrantUse.NOT_PART
        if not at_work and set(role.services) & set(UNMEASURED):
            use = GrantUse.NOT_MEASURED
        if use is GrantUse.UNUSED:
            reason = reason_for(role.name, statement, action)
    return GrantedAction(role.environment, role.name, statement, action, calls, use, reason)


def unexplained_grants(found: Iterable[GrantedAction]) -> list[GrantedAction]:
    """Return the unused grants for which no reason is known. The grants of roles that made no call are left out."""
    return [grant for grant in found if grant.use is GrantUse.UNUSED and not grant.reason]
