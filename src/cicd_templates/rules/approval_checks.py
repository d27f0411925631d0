"""Decides whether an approval check covers every pipeline action that deploys."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from cfnlint.helpers import is_function

from cicd_templates.rules.reading import EACH, Resource, TemplateNode, values

# This mode of a CloudFormation action only creates a change set; an approver can review it before it is executed.
PREPARES = "CHANGE_SET_REPLACE"
# The function of the approval check, as the templates of this project refer to it.
APPROVAL_CHECK = {"Ref": "ApprovalCheckFunctionName"}
DEPLOY_NOTHING = {"Approval", "Build", "Compute", "Invoke", "Source", "Test"}


class Check(NamedTuple):
    """A pipeline action that calls the approval check.

    - `stacks` and `change_set` are the names of the stacks and of the change set that the function must check.
    - `orders` is a pair: the lowest and the highest RunOrder that the action can have. These two differ if the RunOrder
      is an `Fn::If`.
    """

    function: Any
    stacks: frozenset[str]
    change_set: str
    orders: tuple[float, float]


def prepares(action: TemplateNode) -> bool:
    """Return true if an action certainly creates a change set and does nothing else."""
    kinds = [[node.value for node in values(action, "ActionTypeId", key)] for key in ("Category", "Provider")]
    modes = [node.value for node in values(action, "Configuration", "ActionMode")]
    return kinds == [["Deploy"], ["CloudFormation"]] and modes == [PREPARES]


def may_deploy(action: TemplateNode) -> bool:
    """Return whether an action may deploy something. An action that only creates a change set deploys nothing.

    If the category of the action is unknown before the deployment, the result is true.
    """
    categories = {str(node.value) for node in values(action, "ActionTypeId", "Category")}
    return not prepares(action) and not (categories and categories <= DEPLOY_NOTHING)


def run_order(action: TemplateNode) -> tuple[float, float]:
    """Return the lowest and the highest RunOrder that an action can have."""
    orders = [1 if node.value is None else node.value for node in values(action, "RunOrder")]
    if all(str(order).isdecimal() for order in orders):
        return min(map(int, orders)), max(map(int, orders))
    return -math.inf, math.inf


def uncovered(resource: Resource, stages: list[TemplateNode], approved: dict[int, float]) -> Iterator[TemplateNode]:
    """Yield each action that may deploy something, unless an approval check covers the action.

    A check covers an action of the same stage if the action executes a change set and all of this is true:

    - The check names the stack and the change set.
    - The check calls the project's function for approval checks. In templates of other projects, this is the function
      of the pipeline's first check.
    - The check runs before the action, and after all actions of the stage that create change sets.
    - In a stage with an approval, the check runs after the approval.

    `approved` maps the index of each stage with an approval to the RunOrder of the approval.
    """
    checks = [_checks(stage) for stage in stages]
    functions = [check.function for found in checks for check in found]
    function = APPROVAL_CHECK if resource.facts else next(iter(functions), None)
    for index, stage in enumerate(stages):
        actions = list(values(stage, "Actions", EACH))
        prepared = [run_order(action)[1] for action in actions if prepares(action)]
        ready = max([*prepared, approved.get(index, -math.inf)], default=-math.inf)
        usable = [each for each in checks[index] if each.function == function and each.orders[0] > ready]
        for action in actions:
            if may_deploy(action) and not any(_covers(check, action) for check in usable):
                yield action


def _covers(check: Check, action: TemplateNode) -> bool:
    stacks = [_text(node.value) for node in values(action, "Configuration", "StackName")]
    change_sets = [_text(node.value) for node in values(action, "Configuration", "ChangeSetName")]
    modes = [node.value for node in values(action, "Configuration", "ActionMode")]
    return (
        modes == ["CHANGE_SET_EXECUTE"]
        and check.stacks.issuperset(stacks)
        and set(change_sets) == {check.change_set}
        and check.orders[1] < run_order(action)[0]
    )


def _checks(stage: TemplateNode) -> list[Check]:
    checks = []
    for action in values(stage, "Actions", EACH):
        kinds = [[node.value for node in values(action, "ActionTypeId", key)] for key in ("Category", "Provider")]
        functions = [node.value for node in values(action, "Configuration", "FunctionName")]
        parameters = [_parameters(node.value) for node in values(action, "Configuration", "UserParameters")]
        if kinds == [["Invoke"], ["Lambda"]] and len(functions) == len(parameters) == 1 and functions != [None]:
            stacks, change_set = parameters[0].get("stacks"), parameters[0].get("changeSet")
            if isinstance(stacks, str) and isinstance(change_set, str):
                checks.append(Check(functions[0], frozenset(stacks.split(",")), change_set, run_order(action)))
    return checks


def _parameters(value: Any) -> dict[str, Any]:
    try:
        parsed = json.loads(_text(value) or "")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(value: Any) -> str | None:
    """Return a text that stands for `value`. If two values have equal texts, the values are equal at deployment.

    Return None if the value cannot be compared before the deployment.
    """
    function, argument = is_function(value)
    if function == "Ref":
        return f"${{{argument}}}"
    if function == "Fn::Sub":
        return str(argument) if isinstance(argument, str) else None
    return str(value) if isinstance(value, str) and "${" not in value else None
