"""Proposes the deployment of a stack: creates a change set and describes what it would do, without executing it.

A proposal is a generator of steps. One loop can therefore create the change sets of many stacks concurrently.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import CHANGE_SET_SECONDS, LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.retry import Steps, T, retry_new_role, retry_steps, run_steps
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.change_sets.change_set_request import change_set_request, kept_values
from cicd_templates.deploy.change_sets.cloudformation_calls import (
    EXECUTED,
    Described,
    deployed_body,
    describe,
    describe_stack,
    live_resources,
)
from cicd_templates.deploy.change_sets.deployed_text import resources_in
from cicd_templates.deploy.change_sets.drift_aware import with_actual_states
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.change_sets.ownership import (
    CHANGE_SET_PREFIX,
    discard_change_set,
    list_change_sets,
    require_ours,
)
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next, Verb, refusal
from cicd_templates.deploy.change_sets.unchanged import is_proven_unchanged
from cicd_templates.deploy.plans.impossible_changes import impossible_changes
from cicd_templates.deploy.plans.name_collisions import find_collisions
from cicd_templates.deploy.plans.rule_priorities import find_taken_priorities
from cicd_templates.deploy.plans.seal import VALID_FOR
from cicd_templates.deploy.plans.survey import Survey
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.template import policy_diff
from cicd_templates.template.access_paths import changed_paths
from cicd_templates.template.changes.duration import longest_wait
from cicd_templates.template.changes.impact import assess
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.previews import PREVIEW_PREFIX
from cicd_templates.template.source_lines import resource_lines
from cicd_templates.template.stack_template import StackTemplate

UNREAD_NAMES = "warning: could not check whether the names of "


def _utc() -> datetime:
    return datetime.now(UTC)


def _random_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class DeployContext:
    """The values that all parts of a deployment share.

    - `state` is the folder for plans and journals.
    - `wait_for_busy`: if true, wait while another operation changes a stack; if false, fail.
    - `recorded` has the resource types that the local AWS records but does not create.
    - `today` returns the current time. `new_plan_id` returns a new id of 32 hexadecimal digits at each call.
    """

    clients: Clients
    polling: Polling
    state: Path
    caller: str = ""
    revision: str = ""
    wait_for_busy: bool = False
    recorded: frozenset[str] = frozenset()
    today: Callable[[], datetime] = _utc
    new_plan_id: Callable[[], str] = _random_id

    @property
    def plans(self) -> Path:
        """The default folder for plans."""
        return self.state / "plans"

    def retry_call(self, call: Callable[[], T]) -> T:
        """Run `call`, retry it after transient errors, and return its result. Waits between the attempts."""
        return run_steps(retry_steps(call), self.polling)


def propose(
    context: DeployContext, stack: StackTemplate, plan_id: str, survey: Survey, *, drift: DetectedDrift | None = None
) -> Steps[PlannedStack]:
    """Create a change set for `stack`, but do not execute it. Return the planned changes of the stack.

    If nothing would change, the result has no change set. `survey` has AWS's answers about all stacks of the plan.
    `drift` says whether the change set must revert changes made outside CloudFormation. Raises `RefusedError` if the
    stack belongs to another project, needs a repair, or has a change that is certain to fail. Raises `CicdError` with
    CloudFormation's reason if CloudFormation refuses the change set.
    """
    clients = context.clients
    current = yield from wait_until_settled(context, stack, survey.stacks.get(stack.name))
    status = current["StackStatus"] if current else None
    if status and NEXT[status] is Next.RECREATE:
        yield from _remove_failed_creation(context, stack)
        status = None
    existing = current if status and NEXT[status] is Next.UPDATE else None
    inputs = survey.inputs_of(stack)
    reverts_drift = existing is not None and drift is not None and drift.reverts(stack)
    planned = PlannedStack(
        stack.name,
        stack.label,
        template_digest(stack),
        creates=existing is None,
        inputs=inputs,
        kept=kept_values(stack, existing or {}),
        service=stack.service or "",
        file=str(stack.path),
    )
    before: Mapping[str, Any] = {}
    if existing is not None:
        body = yield from retry_steps(lambda: survey.deployed_body(clients, stack))
        if not reverts_drift and is_proven_unchanged(stack, existing, body, inputs, context.today()):
            own = functools.partial(survey.change_sets, clients, stack, existing["StackId"])
            yield from retry_steps(lambda: discard_expired(context, own()))
            return planned
        before = resources_in(body, stack)
    unread = yield from retry_steps(lambda: _refuse_taken_names(context, stack))
    request = yield from retry_steps(lambda: change_set_request(clients, stack, existing, revert_drift=reverts_drift))
    arn, stack_id = yield from retry_new_role(
        lambda: create_change_set(clients, request, plan_change_set_name(plan_id), plan_id), context.polling
    )
    # Expired change sets are deleted only now, when the stack has a new one. Without a change set, nothing shows who
    # owns a stack in REVIEW_IN_PROGRESS.
    yield from retry_steps(lambda: discard_expired(context, list_change_sets(clients, stack_id)))
    described = yield from wait_until_ready(context, stack, arn)
    if described.status != "FAILED" and described.reverts_drift != reverts_drift:
        raise CicdError(
            f"{stack.name}: the plan {'must' if reverts_drift else 'must not'} revert drift, but CloudFormation's"
            f" change set {'does not revert drift' if reverts_drift else 'reverts drift'}"
        )
    planned = replace(
        planned, inputs=inputs | _resolved_inputs(stack, described), findings=(*described.findings, *unread)
    )
    if described.status == "FAILED":
        yield from retry_steps(lambda: discard_change_set(clients, arn, stack_id, creates=existing is None))
        if described.changes_nothing:
            return planned
        listed = "".join(f"; {finding}" for finding in described.findings)
        raise CicdError(f"{stack.name}: CloudFormation refuses the change set: {described.reason}{listed}")
    impossible = yield from retry_steps(lambda: impossible_changes(clients, stack, described.changes, before))
    priorities = yield from retry_steps(
        lambda: find_taken_priorities(clients, stack, described.changes, planned.inputs)
    )
    planned = replace(planned, findings=(*planned.findings, *priorities.unread))
    if impossible or priorities.taken:
        listed = "".join(f"\n    {line}" for line in (*impossible, *priorities.taken))
        raise RefusedError(f"{stack.name}: CloudFormation would begin these changes and fail:{listed}")
    return with_impact(planned, stack, described, before)


def with_impact(
    planned: PlannedStack, stack: StackTemplate, described: Described, before: Mapping[str, Any]
) -> PlannedStack:
    """Return `planned`, completed with its change set and the impact of each change.

    `before` has the deployed resources.
    """
    after = stack.resources
    lines = resource_lines(stack)
    old, new = with_actual_states(described.states, before, after)
    # A resource whose condition did not hold is in the deployed template, but it does not exist.
    compared = {
        change.logical_id: policy_diff.compare(change.logical_id, {} if change.action == "Add" else old, new)
        for change in described.changes
    }
    return replace(
        planned,
        change_set=described.arn,
        stack_id=described.stack_id,
        changes=described.changes,
        impacts=tuple(
            assess(change, before, after, widens=bool(before) and compared[change.logical_id].widens)
            for change in described.changes
        ),
        grants={name: diff for name, diff in compared.items() if diff.added or diff.removed},
        paths=tuple(
            path
            for change in described.changes
            for path in changed_paths(stack.label, change.logical_id, {} if change.action == "Add" else old, new)
        ),
        longest_wait_seconds=longest_wait(described.changes, after),
        lines={name: lines[name] for name in compared if name in lines},
        reverts_drift=described.reverts_drift,
        ignored_drift=described.ignored,
    )


def plan_change_set_name(plan_id: str) -> str:
    """Return the name that all change sets of one plan have."""
    return f"{CHANGE_SET_PREFIX}{plan_id}"


def template_digest(stack: StackTemplate) -> str:
    """Return the SHA-256 of the template's text."""
    return hashlib.sha256(stack.text.encode()).hexdigest()


def resources_of(clients: Clients, stack: StackTemplate) -> Mapping[str, Any]:
    """Return the resources in the template that was last deployed to a stack."""
    return resources_in(deployed_body(clients, stack.name), stack)


def _resolved_inputs(stack: StackTemplate, described: Described) -> dict[str, str]:
    """Return the values that the stack reads from Parameter Store, keyed by path, as CloudFormation resolved them."""
    resolved = dict(described.resolved)
    return {
        read.path: resolved[read.parameter]
        for read in stack.links.reads
        if resolved.get(read.parameter, read.path) != read.path
    }


def _refuse_taken_names(context: DeployContext, stack: StackTemplate) -> tuple[str, ...]:
    """Raise `CicdError` if the name of a resource that the stack would create is already taken.

    Returns a warning for each resource type that cannot be looked up.
    """
    # The local AWS does not create resources of these types, so they cannot be looked up.
    readable = {key: value for key, value in stack.resources.items() if value["Type"] not in context.recorded}
    names = find_collisions(context.clients, [replace(stack, content={**stack.content, "Resources": readable})])
    if names.taken:
        # A reporter shows the reason of a failure on one line.
        listed = "; ".join(
            f"{collision.logical_id} ({collision.resource_type}) {collision.name}: "
            + "; ".join((collision.owner, *collision.remedy))
            for collision in names.taken
        )
        raise CicdError(f"{stack.name}: the names of new resources are already taken: {listed}")
    return tuple(f"{UNREAD_NAMES}{resource_type} are free" for resource_type in names.unread)


def wait_until_settled(
    context: DeployContext, stack: StackTemplate, existing: Mapping[str, Any] | None
) -> Steps[Mapping[str, Any] | None]:
    """Wait until no operation on the stack is in progress. Return the stack, or None if it does not exist.

    `existing` is the last known description of the stack, or None. While an operation is in progress, the stack is
    described again at each poll.
    """
    now = context.polling.now()
    deadline, emptied = now + LONGEST_OPERATION_SECONDS, now + CHANGE_SET_SECONDS
    while existing is not None:
        status = existing["StackStatus"]
        # An empty stack is being deleted, for example because its plan was just discarded.
        is_vanishing = status == "DELETE_IN_PROGRESS" and not existing.get("Tags")
        if not is_vanishing or context.polling.now() >= emptied:
            yield from retry_steps(functools.partial(require_ours, context.clients, existing, stack))
            refused = refusal(status, Verb.PLAN, stack.region, stack.name)
            if not refused:
                return existing
            if NEXT[status] is Next.REFUSE or not context.wait_for_busy or context.polling.now() >= deadline:
                raise RefusedError(f"{stack.name} {for_caller(refused, context.clients, stack.account)}")
        yield
        existing = yield from retry_steps(lambda: describe_stack(context.clients, stack.name))
    return None


def _remove_failed_creation(context: DeployContext, stack: StackTemplate) -> Steps[None]:
    """Delete a stack whose first creation failed, because CloudFormation cannot update such a stack.

    Raises `RefusedError` if the stack still has resources.
    """
    resources = yield from retry_steps(lambda: live_resources(context.clients, stack.name))
    alive = [resource["LogicalResourceId"] for resource in resources]
    if alive:
        way_out = f"`aws cloudformation delete-stack --region {stack.region} --stack-name {stack.name}`"
        raise RefusedError(
            f"{stack.name}: the first creation of the stack failed and left {', '.join(alive)}; check these"
            f" resources, then run {for_caller(way_out, context.clients, stack.account)}"
        )
    yield from retry_steps(lambda: context.clients.cloudformation.delete_stack(StackName=stack.name))
    deadline = context.polling.now() + CHANGE_SET_SECONDS
    while (yield from retry_steps(lambda: describe_stack(context.clients, stack.name))) is not None:
        if context.polling.now() >= deadline:
            raise CicdError(
                f"{stack.name}: an earlier creation of this stack failed, and the empty stack is not deleted yet;"
                " try again later"
            )
        yield


def create_change_set(clients: Clients, request: Mapping[str, Any], name: str, token: str) -> tuple[str, str]:
    """Create a change set with this `name`. Return the ARN of the change set and the id of its stack.

    If the change set already exists, because AWS's answer to an earlier attempt was lost, return its ARN and stack id.
    """
    client = clients.cloudformation
    try:
        change_set = client.create_change_set(ChangeSetName=name, ClientToken=token, **request)
        return change_set["Id"], change_set["StackId"]
    except client.exceptions.AlreadyExistsException:
        existing = client.describe_change_set(ChangeSetName=name, StackName=request["StackName"])
        return existing["ChangeSetId"], existing["StackId"]


def wait_until_ready(context: DeployContext, stack: StackTemplate, name: str, within: str = "") -> Steps[Described]:
    """Wait until CloudFormation has created or refused a change set, and return the change set.

    `name` is the ARN of the change set. If `within` has the name of a stack, `name` can also be the plain name of a
    change set of this stack.
    """
    deadline = context.polling.now() + CHANGE_SET_SECONDS
    while True:
        described = yield from retry_steps(lambda: describe(context.clients.cloudformation, name, within))
        if described is None:
            raise CicdError(f"{stack.name}: somebody else deleted the change set while it was being created")
        if described.status in ("CREATE_COMPLETE", "FAILED"):
            return described
        if context.polling.now() >= deadline:
            raise CicdError(
                f"the change set of {stack.name} has not finished within {CHANGE_SET_SECONDS / 60:.0f} minutes;"
                " try again later"
            )
        yield


def discard_expired(context: DeployContext, change_sets: Iterable[Mapping[str, Any]]) -> None:
    """Of `change_sets`, delete those that belong to expired plans and previews of this program."""
    for summary in change_sets:
        ours = summary["ChangeSetName"].startswith((CHANGE_SET_PREFIX, PREVIEW_PREFIX))
        if (
            ours
            and context.today() - summary["CreationTime"] >= VALID_FOR
            and summary["ExecutionStatus"] not in EXECUTED
        ):
            context.clients.cloudformation.delete_change_set(ChangeSetName=summary["ChangeSetId"])
