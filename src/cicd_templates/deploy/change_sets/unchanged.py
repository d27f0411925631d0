"""Finds out, without a change set, whether a deployment would change nothing in a stack. Does not call AWS.

CloudFormation refuses a change set that has the same template, parameters and tags as the stack. The reason is "The
submitted information didn't contain changes":
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-create.html

So a change set is needed if the template, a parameter or a tag differs. It is also needed if the template has a part
that CloudFormation evaluates again for each change set, such as a dynamic reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cicd_templates.deploy.change_sets.copy_expiry import change_set_tags
from cicd_templates.template.stack_graph import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

# In other statuses, GetTemplate may return a template that did not become effective.
SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
# CloudFormation evaluates these again in each change set, so the result can differ although the text is equal:
# macros, nested stacks, modules, dynamic references and the list of Availability Zones.
FUNCTIONS_EVALUATED_ANEW = frozenset({"Fn::Transform", "Fn::GetAZs"})
NESTED_STACK, MODULE, DYNAMIC_REFERENCE = "AWS::CloudFormation::Stack", "::MODULE", "resolve:"


def is_proven_unchanged(
    stack: StackTemplate, existing: Mapping[str, Any], body: Any, inputs: Mapping[str, str], now: datetime
) -> bool:
    """Return whether it is certain that CloudFormation would find no change in `stack`.

    If the result is false, the stack may change, and only a change set shows how. `existing` is the deployed stack from
    DescribeStacks. `body` is its template from GetTemplate, as it was before CloudFormation processed transforms.
    `inputs` are the present values in Parameter Store, keyed by path.
    """
    return (
        existing["StackStatus"] in SETTLED
        and _is_equal_template(stack, body)
        and "Transform" not in stack.content
        and not _is_evaluated_anew(stack.content)
        and _has_equal_parameters(stack, existing, inputs)
        and {tag["Key"]: tag["Value"] for tag in existing.get("Tags", ())} == change_set_tags(stack, existing, now)
    )


def _is_evaluated_anew(value: Any) -> bool:
    """Return whether a part of a template contains something that CloudFormation evaluates in every change set."""
    match value:
        case dict():
            kind = str(value.get("Type", ""))
            is_nested = kind == NESTED_STACK or kind.endswith(MODULE)
            parts = value.values()
            return is_nested or bool(FUNCTIONS_EVALUATED_ANEW & value.keys()) or any(map(_is_evaluated_anew, parts))
        case list():
            return any(map(_is_evaluated_anew, value))
    # A function can put the text of a dynamic reference together, so its braces do not have to be in the same text.
    return isinstance(value, str) and DYNAMIC_REFERENCE in value


def _is_equal_template(stack: StackTemplate, body: Any) -> bool:
    # GetTemplate returns a question mark for each non-ASCII character, so the exact text of the template is unknown.
    if not stack.text.isascii():
        return False
    if isinstance(body, str):
        return body.strip() == stack.text.strip()
    # boto3 parses a JSON template. Unlike Python's dicts, JSON texts also tell 1 and true apart.
    return json.dumps(body) == json.dumps(stack.content)


def _has_equal_parameters(stack: StackTemplate, existing: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """Return whether a change set would have the same parameter values as the deployed stack.

    Only the values of parameters that read from Parameter Store are compared, because a change set reads them again.
    For all other parameters, a change set uses the deployed values.
    """
    deployed = {parameter["ParameterKey"]: parameter for parameter in existing.get("Parameters", ())}
    if deployed.keys() != stack.parameters.keys():
        return False
    for name, parameter in stack.parameters.items():
        if not parameter["Type"].startswith(READING_TYPE):
            continue
        path, value = parameter.get("Default"), deployed[name].get("ResolvedValue")
        if path is None or value is None or deployed[name]["ParameterValue"] != path or inputs.get(path) != value:
            return False
    return True
