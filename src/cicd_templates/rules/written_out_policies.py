"""E9120: a template contains the full text of each policy, so that rules and reviewers can read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.rules.policy_statements import IDENTITY_POLICIES, RESOURCE_POLICIES, TEXT_TYPES, parsed_policy
from cicd_templates.rules.reading import Path, Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.iam_statements import find_statements
from cicd_templates.template.intrinsics import is_intrinsic_function

# Functions whose result depends on another section of the template, or on code that is not in it.
CHOOSING = ("Fn::FindInMap", "Fn::If", "Fn::Transform")
LITERAL = ("Effect", "Action", "NotAction")


class WrittenOutPolicies(ResourceRule):
    """Refuse policies that rules and reviewers cannot read, such as a policy that an intrinsic function computes."""

    id = "E9120"
    shortdesc = "A template contains the full text of each policy"
    description = (
        "Reviewers and the other rules must be able to read what a statement allows. So effects and actions must be"
        " literal texts, and the policy must be a map without Fn::If, Fn::FindInMap, Fn::Transform and AWS::NoValue."
        " Render the chosen value instead, because every environment has its own templates. If CloudFormation's schema"
        " defines a policy as a string, the policy must be a JSON text instead of a map. An Fn::Sub in this text may"
        " use pseudo parameters and attributes of resources. It must not use other parameters, because the value of a"
        " parameter could contain a quotation mark and so change the policy."
    )
    source_url = "docs/rules.md#e9120"
    tags = ["iam"]

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each of these parts of a resource:

        - a policy that an intrinsic function computes or imports
        - a policy that is a JSON text, unless the resource type requires a JSON text and rules can read it
        - an `Fn::If`, `Fn::FindInMap`, `Fn::Transform` or `AWS::NoValue` in a policy
        - an effect or an action that is not a literal text
        """
        texts = _text_policies(resource)
        for path, policy in _policies(resource.body.get("Properties"), ("Properties",)):
            text = next((place for place in texts if path[: len(place)] == place), None)
            if text is not None:
                if texts[text] is None:
                    yield RuleFinding("no rule can read the policy; write it as valid JSON, without parameters", text)
                else:
                    yield from (RuleFinding(finding.message, text) for finding in _computed(texts[text], text))
            elif is_intrinsic_function(policy) and not any(
                name in policy for name in (*CHOOSING, "Fn::Sub", "Fn::Join")
            ):
                yield RuleFinding("the policy is computed or imported; write it out as a map", path)
            elif isinstance(policy, str):
                yield RuleFinding("the policy is a JSON text, which no rule can read; write it as a map", path)
            else:
                yield from _choices(policy, path)
                yield from _computed(policy, path)


def _text_policies(resource: Resource) -> dict[Path, dict[str, Any] | None]:
    """Return the resource's policies that are JSON texts, keyed by path. A text that cannot be read becomes None.

    A text can be a literal or an `Fn::Sub`. Policies that are maps or other intrinsic functions are left out.
    """
    place = IDENTITY_POLICIES.get(resource.type) or RESOURCE_POLICIES.get(resource.type)
    nodes = resource.properties(*place) if place and resource.type in TEXT_TYPES else ()
    return {
        node.path: parsed_policy(node.value)
        for node in nodes
        if isinstance(node.value, str) or (is_intrinsic_function(node.value) and "Fn::Sub" in node.value)
    }


def _policies(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield each policy in `value`, with its path.

    A policy is a value with IAM statements, under a key that contains `polic`, such as PolicyDocument. Policies inside
    this value are not yielded. If the value contains JSON texts with statements, the texts are yielded instead.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            inner = (*path, key)
            if "polic" in str(key).lower() and any(True for _ in find_statements({key: item}, is_policy=True)):
                texts = [(inner, item)] if not isinstance(item, dict | list) else list(_texts(item, inner))
                yield from texts or [(inner, item)]
            else:
                yield from _policies(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _policies(item, (*path, index))


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the texts in `value` that are JSON with IAM statements, such as the text of a PolicyDocument."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _texts(item, (*path, key))
    elif isinstance(value, str) and any(True for _ in find_statements(value, is_policy=True)):
        yield path, value


def _choices(value: Any, path: Path) -> Iterator[RuleFinding]:
    """Yield a finding for each `Fn::If`, `Fn::FindInMap`, `Fn::Transform` and `AWS::NoValue` in a policy."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = (*path, key)
            if key in CHOOSING or (key == "Ref" and item == "AWS::NoValue"):
                name = "AWS::NoValue" if key == "Ref" else key
                yield RuleFinding(f"the policy depends on {name}; replace it with its value in this environment", inner)
            else:
                yield from _choices(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _choices(item, (*path, index))


def _computed(value: Any, path: Path) -> Iterator[RuleFinding]:
    """Yield a finding for each statement whose effect or actions are not written as literal text."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in LITERAL and "Effect" in value:
                items = item if isinstance(item, list) else [item]
                if not all(isinstance(each, str) for each in items):
                    yield RuleFinding(f"{key} is computed; write it out as text", (*path, key))
            else:
                yield from _computed(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _computed(item, (*path, index))
