"""Finds listener rules that AWS would refuse, because another rule of the listener already has the same priority.

The other rule may belong to a removed service, or to a service that gets another priority in the same deployment.
Somebody may also have made the rule by hand. This module changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.elasticloadbalancingv2 import rules_by_priority
from cicd_templates.deploy.change_sets.cloudformation_calls import live_resources
from cicd_templates.files.paths import CONFIGURATION
from cicd_templates.template.changes.impact import Change
from cicd_templates.template.stack_template import StackTemplate

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
HIGHEST_PRIORITY = 50_000
UNREAD = "warning: could not check whether the priorities of listener rules are free"


@dataclass(frozen=True)
class PriorityReport:
    """The conflicts between the new priorities of rules and the existing rules.

    `taken` has a line for each new priority that another rule already has. `unread` has a warning if the existing rules
    could not be read.
    """

    taken: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def find_taken_priorities(
    clients: Clients, stack: StackTemplate, changes: Sequence[Change], inputs: Mapping[str, str]
) -> PriorityReport:
    """Report each listener rule in `changes` that would get the same priority as another rule of the same listener.

    `inputs` has the values that `stack` reads, keyed by their paths in Parameter Store.
    """
    wanted = {
        change.logical_id: placed
        for change in changes
        if change.resource_type == RULE and _may_take_a_priority(change)
        for placed in [_listener_and_priority(stack, change.logical_id, inputs)]
        if placed
    }
    try:
        rules = {listener: rules_by_priority(clients, listener) for listener, _ in wanted.values()}
    except ClientError:
        return PriorityReport(unread=(UNREAD,))
    conflicts = {
        logical_id: rules[listener][priority]
        for logical_id, (listener, priority) in wanted.items()
        if priority in rules[listener]
    }
    if conflicts:
        # A rule of this stack is not a conflict, because the deployment replaces or moves it.
        own = {resource.get("PhysicalResourceId") for resource in live_resources(clients, stack.name)}
        conflicts = {logical_id: arn for logical_id, arn in conflicts.items() if arn not in own}
    if not conflicts:
        return PriorityReport()
    publishers = _publishers(clients, stack)
    free = _next_free(wanted[next(iter(conflicts))][1], {number for taken in rules.values() for number in taken})
    return PriorityReport(
        tuple(
            f"{logical_id} ({RULE}): AWS would refuse the priority {wanted[logical_id][1]}, because"
            f" {publishers.get(arn, f'the rule {arn}')} has this priority on the same listener; {_remedy(stack, free)}"
            for logical_id, arn in conflicts.items()
        )
    )


def _may_take_a_priority(change: Change) -> bool:
    return change.action == "Add" or any(detail.name in ("ListenerArn", "Priority") for detail in change.details)


def _listener_and_priority(stack: StackTemplate, logical_id: str, inputs: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the ARN of the listener of a listener rule, and the rule's priority. Return None if either is unknown."""
    properties = stack.resources[logical_id]["Properties"]
    values = {read.parameter: inputs[read.path] for read in stack.links.reads if read.path in inputs}
    listener = properties.get("ListenerArn")
    if isinstance(listener, dict):
        listener = values.get(listener.get("Ref", ""))
    priority = str(properties.get("Priority"))
    return (listener, int(priority)) if listener and priority.isdecimal() else None


def _publishers(clients: Clients, stack: StackTemplate) -> dict[str, str]:
    """Map each value that the environment has in Parameter Store to the stack that published it."""
    pages = clients.ssm.get_paginator("get_parameters_by_path").paginate(Path=stack.parameter_root, Recursive=True)
    return {
        parameter["Value"]: f"the stack {parameter['Name'].removeprefix(stack.parameter_root).partition('/')[0]}"
        for page in pages
        for parameter in page["Parameters"]
    }


def _next_free(priority: int, taken: set[int]) -> int:
    """Return the lowest free priority above `priority`. If there is none, return the highest free priority below it."""
    # A rule with a higher number is evaluated later. So the existing rule with `priority` keeps its requests until
    # CloudFormation deletes this rule.
    numbers: list[int] = [*range(priority + 1, HIGHEST_PRIORITY + 1), *range(priority - 1, 0, -1)]
    return next(number for number in numbers if number not in taken)


def _remedy(stack: StackTemplate, free: int) -> str:
    if stack.service:
        return f"write `priority = {free}` under [services.{stack.service}] in {CONFIGURATION}; this priority is free"
    return f"give the new rule a free priority, such as {free}"
