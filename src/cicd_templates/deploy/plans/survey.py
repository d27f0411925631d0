"""Reads what all stacks of a wave need: the account's stacks and the values in Parameter Store.

A wave is a set of stacks that are planned together. The stacks share the result, which saves two calls for each stack.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.retry import Steps, retry_steps
from cicd_templates.deploy.change_sets.change_set_request import published
from cicd_templates.deploy.change_sets.cloudformation_calls import deployed_body, describe_stack, describe_stacks
from cicd_templates.deploy.change_sets.ownership import list_change_sets
from cicd_templates.template.stack_template import StackTemplate

if TYPE_CHECKING:
    from cicd_templates.deploy.plans.read_ahead import ReadAhead


@dataclass(frozen=True)
class Survey:
    """AWS's answers at the beginning of a wave, a set of stacks that are planned together.

    - `stacks` has the descriptions of the account's stacks, keyed by name, without deleted stacks.
    - `values` has the Parameter Store values that the templates read, keyed by path. Missing values are left out.
    - `ahead` has the answers that other threads have begun to read in advance, or None.
    """

    stacks: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, str]
    ahead: ReadAhead | None = None

    def inputs_of(self, stack: StackTemplate) -> dict[str, str]:
        """Return the values that the template of `stack` reads, keyed by path. Missing values are left out."""
        return {read.path: self.values[read.path] for read in stack.links.reads if read.path in self.values}

    def deployed_body(self, clients: Clients, stack: StackTemplate) -> Any:
        """Return the template that was last deployed to `stack`. An answer that was read in advance is used once."""
        answer = self.ahead.bodies.pop(stack.name, None) if self.ahead else None
        return answer.result() if answer else deployed_body(clients, stack.name)

    def change_sets(self, clients: Clients, stack: StackTemplate, stack_id: str) -> list[Mapping[str, Any]]:
        """Return the summaries of the change sets of `stack`. The id of this stack in AWS is `stack_id`."""
        answer = self.ahead.change_sets.pop(stack.name, None) if self.ahead else None
        return answer.result() if answer else list_change_sets(clients, stack_id)


def paths_read_by(stack: StackTemplate) -> set[str]:
    """Return the Parameter Store paths of the values that a deployment of `stack` reads, such as its role's ARN."""
    return {read.path for read in stack.links.reads} | ({stack.deployed_as} if stack.deployed_as else set())


def survey_by_name(clients: Clients, stacks: Sequence[StackTemplate]) -> Steps[Survey]:
    """Return a survey that describes only `stacks` and has no values from Parameter Store.

    Previews in pull requests use this function instead of `survey`, because the role of pull requests lacks the
    permission to read all stacks of the account.
    """
    described = {}
    for stack in stacks:
        existing = yield from retry_steps(functools.partial(describe_stack, clients, stack.name))
        if existing is not None:
            described[stack.name] = existing
    return Survey(described, {})


def survey(clients: Clients, stacks: Sequence[StackTemplate], ahead: ReadAhead | None = None) -> Steps[Survey]:
    """Read all stacks of the account, and the Parameter Store values that are needed to deploy `stacks`.

    If `ahead` is given, use its answers, which other threads have begun to read in advance.
    """
    described = yield from retry_steps(lambda: ahead.existing if ahead else describe_stacks(clients))
    values = yield from retry_steps(lambda: ahead.values if ahead else values_read_by(clients, stacks))
    return Survey(described, values, ahead)


def values_read_by(clients: Clients, stacks: Sequence[StackTemplate]) -> dict[str, str]:
    """Return the Parameter Store values that are needed to deploy `stacks`, keyed by path."""
    return published(clients, {path for stack in stacks for path in paths_read_by(stack)})
