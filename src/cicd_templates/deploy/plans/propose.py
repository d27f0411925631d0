"""Looks at stacks: makes a change set for each and says what it would do. Executes none.

Every stack is a sequence of steps of its own, so that the change sets of many are made side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import CHANGE_SET_SECONDS, LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.retry import Steps, T, retry_steps, run_steps
from cicd_templates.deploy.change_sets import policy_diff
from cicd_templates.deploy.change_sets.api import (
    EXECUTED,
    Described,
    describe,
    describe_stack,
    discard,
    live_resources,
    require_ours,
)
from cicd_templates.deploy.change_sets.aws_commands import addressed
from cicd_templates.deploy.change_sets.duration import longest_wait
from cicd_templates.deploy.change_sets.impact import judged
from cicd_templates.deploy.change_sets.request import change_set_request, kept_values, published
from cicd_templates.deploy.change_sets.stack_states import NEXT, Next, Verb, refusal
from cicd_templates.deploy.plans.document import PlannedStack
from cicd_templates.deploy.plans.name_collisions import collisions
from cicd_templates.deploy.plans.seal import VALID_FOR
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate

CHANGE_SET_PREFIX = "cicd-templates-"


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class DeployContext:
    """What every part of a deployment works with. `state` is the folder for plans and journals.

    `wait_for_busy` waits for what another operation works on instead of refusing it; `recorded` are the types that the
    local AWS only records; `today` is the wall clock, for what a document says.
    """

    clients: Clients
    polling: Polling
    state: Path
    caller: str = ""
    revision: str = ""
    wait_for_busy: bool = False
    recorded: frozenset[str] = frozenset()
    today: Callable[[], datetime] = _utc

    @property
    def plans(self) -> Path:
        """Where plans lie that nobody gave another place."""
        return self.state / "plans"

    def retry_call(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, retried as by `retry_steps`, for a caller that drives nothing else meanwhile."""
        return run_steps(retry_steps(call), self.polling)


def propose(context: DeployContext, stack: StackTemplate, plan_id: str) -> Steps[PlannedStack]:
    """What would happen to `stack`, with a change set that waits for its execution where anything would.

    Raises `RefusedError` where the stack is another's or in a state that a person must settle, and `CicdError` with
    CloudFormation's reason where it refuses the change set.
    """
    clients = context.clients
    found = yield from _settled(context, stack)
    status = found["StackStatus"] if found else None
    if status and NEXT[status] is Next.RECREATE:
        yield from _remove_failed_creation(context, stack)
        status = None
    existing = found if status and NEXT[status] is Next.UPDATE else None
    if status is not None:
        yield from retry_steps(lambda: discard_expired(context, stack.name))
    unread = yield from retry_steps(lambda: _free_names(context, stack))
    inputs = yield from retry_steps(lambda: published(clients, (read.path for read in stack.links.reads)))
    request = yield from retry_steps(lambda: change_set_request(clients, stack, existing))
    arn, stack_id = yield from retry_steps(lambda: _created(clients, request, plan_id))
    described = yield from _ready(context, stack, arn)
    before: Mapping[str, Any] = {}
    if existing is not None and described.status != "FAILED":
        before = yield from retry_steps(lambda: resources_of(clients, stack.name))
    planned = PlannedStack(
        stack.name,
        stack.label,
        template_digest(stack),
        creates=existing is None,
        inputs=inputs | _resolved(stack, described),
        kept=kept_values(stack, existing or {}),
        findings=(*described.findings, *unread),
    )
    if described.status == "FAILED":
        yield from retry_steps(lambda: discard(clients, arn, stack_id, creates=existing is None))
        if described.changes_nothing:
            return planned
        listed = "".join(f"; {finding}" for finding in described.findings)
        raise CicdError(f"{stack.name}: CloudFormation refuses the change set: {described.reason}{listed}")
    return judge(planned, stack, described, before)


def judge(planned: PlannedStack, stack: StackTemplate, described: Described, before: Mapping[str, Any]) -> PlannedStack:
    """`planned` with what its change set means, by the resources of the template before it. Pure."""
    after = stack.resources
    compared = {
        change.logical_id: policy_diff.compare(change.logical_id, before, after) for change in described.changes
    }
    return replace(
        planned,
        change_set=described.arn,
        stack_id=described.stack_id,
        changes=described.changes,
        verdicts=tuple(
            judged(change, before, after, widens=bool(before) and compared[change.logical_id].widens)
            for change in described.changes
        ),
        # Of a creation every statement is new, and its file says them better.
        grants={name: each for name, each in compared.items() if before and (each.added or each.removed)},
        longest_wait_seconds=longest_wait(described.changes, after),
    )


def template_digest(stack: StackTemplate) -> str:
    """The sha256 of the text that was reviewed."""
    return hashlib.sha256(stack.text.encode()).hexdigest()


def resources_of(clients: Clients, name: str) -> Mapping[str, Any]:
    """The resources of the template that a stack was deployed from."""
    body: Any = clients.cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    # boto3 parses a JSON template, and leaves a YAML one as text.
    template = cloudformation_yaml.load(body) if isinstance(body, str) else body
    resources: Mapping[str, Any] = template["Resources"]
    return resources


def _resolved(stack: StackTemplate, described: Described) -> dict[str, str]:
    """What CloudFormation itself found at the paths that a stack reads, which counts where it tells that."""
    found = dict(described.resolved)
    return {
        read.path: found[read.parameter]
        for read in stack.links.reads
        if found.get(read.parameter, read.path) != read.path
    }


def _free_names(context: DeployContext, stack: StackTemplate) -> tuple[str, ...]:
    """What could not be looked at. Raises `CicdError` where a name that the stack would create is taken."""
    # The local AWS has no service behind what it only records, so there is nobody to ask.
    askable = {name: resource for name, resource in stack.resources.items() if resource["Type"] not in context.recorded}
    names = collisions(context.clients, [replace(stack, content={**stack.content, "Resources": askable})])
    if names.taken:
        listed = "".join(
            f"\n    {each.logical_id} ({each.resource_type}) {each.name}: {each.owner}"
            + "".join(f"\n      {line}" for line in each.remedy)
            for each in names.taken
        )
        raise CicdError(f"{stack.name}: names that it would create are taken:{listed}")
    return tuple(f"warning: whether names of {each} are free could not be looked at" for each in names.unread)


def _settled(context: DeployContext, stack: StackTemplate) -> Steps[Mapping[str, Any] | None]:
    """The stack in a state that a deployment can do something with, or None where there is none."""
    deadline = context.polling.now() + LONGEST_OPERATION_SECONDS
    while True:
        existing = yield from retry_steps(lambda: describe_stack(context.clients, stack.name))
        if existing is None:
            return None
        require_ours(existing, stack)
        status = existing["StackStatus"]
        refused = refusal(status, Verb.PLAN, stack.region, stack.name)
        if not refused:
            return existing
        if NEXT[status] is Next.REFUSE or not context.wait_for_busy or context.polling.now() >= deadline:
            raise RefusedError(f"{stack.name} {addressed(refused, context.clients, stack.account)}")
        yield


def _remove_failed_creation(context: DeployContext, stack: StackTemplate) -> Steps[None]:
    """Delete what a failed first creation left, which CloudFormation can neither update nor create over."""
    living = yield from retry_steps(lambda: live_resources(context.clients, stack.name))
    alive = [resource["LogicalResourceId"] for resource in living]
    if alive:
        way_out = f"`aws cloudformation delete-stack --region {stack.region} --stack-name {stack.name}`"
        raise RefusedError(
            f"{stack.name}: its first creation failed and left {', '.join(alive)}; look at them, then"
            f" {addressed(way_out, context.clients, stack.account)}"
        )
    yield from retry_steps(lambda: context.clients.cloudformation.delete_stack(StackName=stack.name))
    deadline = context.polling.now() + CHANGE_SET_SECONDS
    while (yield from retry_steps(lambda: describe_stack(context.clients, stack.name))) is not None:
        if context.polling.now() >= deadline:
            raise CicdError(f"{stack.name}: what its failed creation left is not deleted yet; try again later")
        yield


def _created(clients: Clients, request: Mapping[str, Any], plan_id: str) -> tuple[str, str]:
    """ARN of a new change set and id of its stack; of the same one where its answer was lost the first time."""
    client = clients.cloudformation
    name = f"{CHANGE_SET_PREFIX}{plan_id}"
    try:
        made = client.create_change_set(ChangeSetName=name, ClientToken=plan_id, **request)
        return made["Id"], made["StackId"]
    except client.exceptions.AlreadyExistsException:
        found = client.describe_change_set(ChangeSetName=name, StackName=request["StackName"])
        return found["ChangeSetId"], found["StackId"]


def _ready(context: DeployContext, stack: StackTemplate, arn: str) -> Steps[Described]:
    deadline = context.polling.now() + CHANGE_SET_SECONDS
    while True:
        described = yield from retry_steps(lambda: describe(context.clients.cloudformation, arn))
        if described is None:
            raise CicdError(f"{stack.name}: its change set went while it was being made; somebody else works on it")
        if described.status in ("CREATE_COMPLETE", "FAILED"):
            return described
        if context.polling.now() >= deadline:
            raise CicdError(
                f"the change set of {stack.name} has not ended within {CHANGE_SET_SECONDS / 60:.0f} minutes;"
                " try again later"
            )
        yield


def discard_expired(context: DeployContext, stack: str) -> None:
    """Delete the change sets of ours in a stack that no plan can execute any more, because its time is over."""
    for page in context.clients.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack):
        for summary in page["Summaries"]:
            ours = summary["ChangeSetName"].startswith(CHANGE_SET_PREFIX)
            if (
                ours
                and context.today() - summary["CreationTime"] >= VALID_FOR
                and summary["ExecutionStatus"] not in EXECUTED
            ):
                context.clients.cloudformation.delete_change_set(ChangeSetName=summary["ChangeSetId"])
