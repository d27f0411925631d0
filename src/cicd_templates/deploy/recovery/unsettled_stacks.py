"""Finds the stacks that prevent the next deployment of an environment, with the reasons and the repair commands.

This module changes nothing. Most commands are commands of the AWS CLI; the user decides whether to run them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cicd_templates import hints
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.aws_commands import for_caller, revert_commands, unprotect_commands
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.change_sets.drift import DRIFTED, drifted_resources
from cicd_templates.deploy.change_sets.drift_reversal import reason_to_keep
from cicd_templates.deploy.change_sets.ownership import Owner, list_change_sets, owner_of
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, STATES, Next, commands
from cicd_templates.deploy.diagnosis.diagnose import Diagnosis, diagnose
from cicd_templates.deploy.plans.name_collisions import find_collisions
from cicd_templates.deploy.recovery.claims import Claim
from cicd_templates.template.source_lines import locate
from cicd_templates.template.stack_template import StackTemplate

NOT_CHECKED = "NOT_CHECKED"
# For each stack status: the option that skips resources which cannot be repaired, and the status of these resources.
# Skipping is the last resort, because a skipped resource no longer matches its template.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
_SKIPS = {
    "UPDATE_ROLLBACK_FAILED": ("--resources-to-skip", "UPDATE_FAILED"),
    "DELETE_FAILED": ("--retain-resources", "DELETE_FAILED"),
}


@dataclass(frozen=True)
class Unsettled:
    """A stack that a person must repair. `facts` describe the problem. The user runs `commands` in the given order."""

    stack: str
    state: str
    means: str
    facts: tuple[str, ...]
    commands: tuple[str, ...]
    diagnosis: Diagnosis | None = None


def unsettled(
    clients: Clients,
    stacks: Sequence[StackTemplate],
    claims: Mapping[str, Claim],
    environment: Sequence[StackTemplate] = (),
) -> Iterator[Unsettled]:
    """Yield an `Unsettled` for each problem of `stacks` that a person must solve before the next deployment.

    The problems of existing stacks come first. Then come new resources that would get a name that is already taken.

    - `claims` has the plans and interrupted runs that still need a stack, keyed by the name of the stack.
    - `environment` has all stacks of the environment. It can be empty if `stacks` already has all stacks.
    """
    for stack in stacks:
        for each in _unsettled(clients, stack, claims.get(stack.name), environment or stacks):
            yield replace(each, commands=_for_caller(clients, stack, each.commands))
    yield from _name_collisions(clients, stacks)


def _for_caller(clients: Clients, stack: StackTemplate, commands: Sequence[str]) -> tuple[str, ...]:
    return tuple(for_caller(command, clients, stack.account) for command in commands)


def _unsettled(
    clients: Clients, stack: StackTemplate, claim: Claim | None, environment: Sequence[StackTemplate]
) -> Iterator[Unsettled]:
    existing = describe_stack(clients, stack.name)
    if existing is None:
        return
    if owner_of(clients, existing, stack) is Owner.OTHERS:
        means = f"a stack named {stack.name} exists, but this project did not create it"
        yield Unsettled(stack.label, existing["StackStatus"], means, (), ("choose another project name or suffix",))
    elif state := _state(clients, stack, existing, claim):
        yield state
    elif existing.get("DriftInformation", {}).get("StackDriftStatus") == DRIFTED:
        yield from _drift(clients, stack, environment, existing["StackId"])


def _state(
    clients: Clients, stack: StackTemplate, existing: Mapping[str, Any], claim: Claim | None
) -> Unsettled | None:
    status, stack_id = existing["StackStatus"], existing["StackId"]
    alive = live_resources(clients, stack_id)
    # A deployment continues from these statuses by itself. A deleted stack can still be described for a while.
    stands = NEXT[status] is Next.UPDATE or status == "DELETE_COMPLETE"
    if stands or (NEXT[status] is Next.RECREATE and not alive):
        return None
    means = STATES[status].means
    exact = commands(status, stack.region, stack.name)
    diagnosis: Diagnosis | None = None
    match status:
        case "REVIEW_IN_PROGRESS":
            facts = _pending_change_sets(clients, stack.name, claim)
            exact = claim.commands if claim else exact
        case "UPDATE_ROLLBACK_FAILED" | "DELETE_FAILED":
            option, failed = _SKIPS[status]
            stuck = [each for each in alive if each["ResourceStatus"] == failed]
            names = " ".join(each["LogicalResourceId"] for each in stuck)
            facts = _stuck_resources(stack, stuck)
            exact += (f"{exact[0]} {option} {names}",) if stuck else ()
            exact = (*unprotect_commands(status, stack.region, alive), *exact)
            diagnosis = diagnose(clients, stack, stack_id, status)
        case _ if NEXT[status] is Next.WAIT:
            facts = ()
        case _:
            facts = _stuck_resources(stack, alive)
            exact = (*unprotect_commands(status, stack.region, alive), *exact)
            diagnosis = diagnose(clients, stack, stack_id, status)
    return Unsettled(stack.label, status, means, facts, exact, diagnosis)


def _stuck_resources(stack: StackTemplate, resources: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"{each['LogicalResourceId']} ({each['ResourceType']}) is {each['ResourceStatus']}"
        f" at {locate(stack, each['LogicalResourceId'])}{_reason(each)}"
        for each in resources
    )


def _reason(resource: Mapping[str, Any]) -> str:
    reason = resource.get("ResourceStatusReason")
    return f": {reason}" if reason else ""


def _pending_change_sets(clients: Clients, name: str, claim: Claim | None) -> tuple[str, ...]:
    sets = [
        f"change set {each['ChangeSetName']} of {each['CreationTime']:%Y-%m-%d %H:%M} is"
        f" {each.get('ExecutionStatus', each['Status'])}"
        for each in list_change_sets(clients, name)
    ]
    if claim:
        return (*sets, claim.fact)
    if sets:
        return (*sets, "no plan on this machine lists these change sets, but a plan on another machine may list them")
    return ("the stack has no change set, and no plan on this machine contains the stack",)


def _drift(
    clients: Clients, stack: StackTemplate, environment: Sequence[StackTemplate], stack_id: str
) -> Iterator[Unsettled]:
    """Yield the stack if its resources were changed outside CloudFormation."""
    facts = tuple(
        each.fact for each in drifted_resources(clients, stack, environment, stack_id, ("MODIFIED", "DELETED"))
    )
    if not facts:
        return
    means = "drift detection found resources that were changed outside CloudFormation; put the change into templates/,"
    if kept := reason_to_keep(stack):
        means = f"{means} or undo this change by hand; do not use a change set, because {kept}"
        yield Unsettled(stack.label, DRIFTED, means, facts, ())
        return
    if stack.protected and stack.deployed_as:
        # Only the pipeline deploys this stack, so plans leave it out.
        yield Unsettled(stack.label, DRIFTED, f"{means} or revert it", facts, revert_commands(stack))
        return
    plan = hints.make("plan", **stack.make_variables, REVERT_DRIFT=True, LOCAL=clients.local)
    yield Unsettled(stack.label, DRIFTED, f"{means} or plan to revert it", facts, (plan,))


def _name_collisions(clients: Clients, stacks: Sequence[StackTemplate]) -> Iterator[Unsettled]:
    by_remedy: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for taken in find_collisions(clients, stacks).taken:
        fact = f"{taken.logical_id} ({taken.resource_type}) {taken.name}: {taken.owner}"
        by_remedy.setdefault((taken.stack, taken.remedy), []).append(fact)
    for (stack, remedy), facts in by_remedy.items():
        yield Unsettled(
            stack, "NAME TAKEN", "the stack would create a resource whose name is already taken", tuple(facts), remedy
        )


def never_checked_for_drift(clients: Clients, stacks: Sequence[StackTemplate]) -> bool:
    """Return whether at least one of `stacks` is deployed but was never checked for drift."""
    return any(
        existing.get("DriftInformation", {}).get("StackDriftStatus", NOT_CHECKED) == NOT_CHECKED
        and NEXT[existing["StackStatus"]] is Next.UPDATE
        for stack in stacks
        if (existing := describe_stack(clients, stack.name)) is not None
    )
