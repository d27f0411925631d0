"""Reads what all proposals of a wave need: the account's stacks and the values in Parameter Store.

Reading this once for the wave saves two calls for each stack.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.retry import Steps, retry_steps
from cicd_templates.deploy.change_sets.change_set_request import published
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, describe_stacks
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Survey:
    """AWS's answers at the beginning of a wave or of a plan.

    `stacks` has the descriptions of the account's stacks, keyed by name, without deleted stacks. `values` has the
    Parameter Store values that the templates of the wave read, keyed by path. Missing values are left out.
    """

    stacks: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, str]

    def inputs_of(self, stack: StackTemplate) -> dict[str, str]:
        """Return the values that the template of `stack` reads, keyed by path. Missing values are left out."""
        return {read.path: self.values[read.path] for read in stack.links.reads if read.path in self.values}


def paths_read_by(stack: StackTemplate) -> set[str]:
    """Return the Parameter Store paths that a deployment of `stack` reads, including the one with its role's ARN."""
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


def survey(clients: Clients, stacks: Sequence[StackTemplate]) -> Steps[Survey]:
    """Read all stacks of the account, and the Parameter Store values that are needed to deploy `stacks`."""
    paths = {path for stack in stacks for path in paths_read_by(stack)}
    described = yield from retry_steps(lambda: describe_stacks(clients))
    values = yield from retry_steps(lambda: published(clients, paths))
    return Survey(described, values)
