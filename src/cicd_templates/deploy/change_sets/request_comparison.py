"""Compares a change set with the CreateChangeSet request that would be sent now for the same stack.

DescribeChangeSet returns every option of the request except the role, so the role is not compared:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html

This module does not call AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cicd_templates.deploy.change_sets.change_set_request import kept_values, on_stack_failure
from cicd_templates.deploy.change_sets.copy_expiry import COPY_LIVES, EXPIRES_KEY, change_set_tags, expires
from cicd_templates.deploy.change_sets.rendered_stacks import capabilities
from cicd_templates.template.stack_graph import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

# Options of CreateChangeSet that this program never sends.
NEVER_REQUESTED = (
    "NotificationARNs",
    "RollbackConfiguration",
    "IncludeNestedStacks",
    "ImportExistingResources",
)
# CloudFormation's default if a request does not have the option `OnStackFailure`.
DEFAULT_ON_FAILURE = "ROLLBACK"


def request_differences(
    answer: Mapping[str, Any],
    stack: StackTemplate,
    existing: Mapping[str, Any] | None,
    inputs: Mapping[str, str],
    now: datetime,
) -> Iterator[str]:
    """Yield each difference between a change set and the CreateChangeSet request that would be sent for `stack` now.

    `answer` is the change set's description from DescribeChangeSet. `existing` is the stack to update, or None if the
    stack is to be created. `inputs` are the values in Parameter Store, keyed by path.
    """
    yield from _parameter_differences(answer, stack, existing, inputs)
    if not _are_tags_of(stack, answer, existing, now):
        yield "the change set has other tags than the template"
    if set(answer.get("Capabilities", ())) != set(capabilities(stack)):
        yield "the change set has other capabilities than the template needs"
    requested = on_stack_failure(stack, existing).get("OnStackFailure", DEFAULT_ON_FAILURE)
    if answer.get("OnStackFailure", requested) != requested:
        yield f"the change set says OnStackFailure={answer['OnStackFailure']}, not {requested}"
    for option in NEVER_REQUESTED:
        if answer.get(option):
            yield f"the change set has {option}, which this program never requests"


def _parameter_differences(
    answer: Mapping[str, Any],
    stack: StackTemplate,
    existing: Mapping[str, Any] | None,
    inputs: Mapping[str, str],
) -> Iterator[str]:
    reported = {parameter["ParameterKey"]: parameter for parameter in answer.get("Parameters", ())}
    kept = kept_values(stack, existing or {})
    for name in sorted(reported.keys() | stack.parameters.keys()):
        if name not in stack.parameters or name not in reported:
            yield f"either the change set or the template lacks the parameter {name}"
            continue
        default, value = str(stack.parameters[name].get("Default", "")), reported[name].get("ParameterValue", "")
        if stack.parameters[name]["Type"].startswith(READING_TYPE):
            current = inputs.get(default)
            # CloudFormation returns the path, and the value as `ResolvedValue`.
            if value != default or reported[name].get("ResolvedValue", current) != current:
                yield (
                    f"the template parameter {name} reads {default} from Parameter Store, but its value in the change"
                    " set is not the current value"
                )
        elif value != kept.get(name, default):
            yield f"the change set does not have the expected value of {name}"


def _are_tags_of(
    stack: StackTemplate, answer: Mapping[str, Any], existing: Mapping[str, Any] | None, now: datetime
) -> bool:
    reported = {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}
    wanted = change_set_tags(stack, existing, now)
    if EXPIRES_KEY in wanted:
        # The expiry was computed when the request was sent, so it is earlier than an expiry that is computed now.
        end = expires(reported)
        if end is None or end > now + COPY_LIVES:
            return False
        wanted = wanted | {EXPIRES_KEY: reported[EXPIRES_KEY]}
    return reported == wanted
