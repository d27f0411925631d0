"""Formats values for a reviewer. ARNs and references become `stack.LogicalId`; actions are grouped by service."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd_templates.review.name_index import BOUNDARY, NameIndex
from cicd_templates.template.arn import Arn
from cicd_templates.template.image_parameter import IMAGE_PARAMETER
from cicd_templates.template.intrinsics import is_intrinsic_function, possible_values
from cicd_templates.template.stack_graph import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

_VARIABLE = re.compile(r"\$\{([^}!]+)\}")
# Attributes whose value identifies the resource itself. A reference to such an attribute is written without its name.
_IDENTIFYING_ATTRIBUTES = ("Arn", "Id", "AllocationId", "GroupId", "Name")
# How many equal characters are shown before the first difference of two long values.
_SHARED = 30
_OPERATORS = {
    "ArnEquals": "is",
    "ArnLike": "is",
    "Bool": "is",
    "StringEquals": "is",
    "StringLike": "is",
    "ArnNotEquals": "is not",
    "ArnNotLike": "is not",
    "StringNotEquals": "is not",
    "StringNotLike": "is not",
}


# Each resource with a name asks for the service of its type.
class Formatter:
    """Formats property values of one template as text for a reviewer."""

    def __init__(self, stack: StackTemplate, names: NameIndex) -> None:
        self._names = names
        self._environment = stack.environment
        self._label = f"{stack.label}."
        self.account = stack.account
        self._subs: dict[str, str] = {}
        self._defaults: dict[str, str] = {
            name: str(parameter["Default"])
            for name, parameter in stack.parameters.items()
            if "Default" in parameter
            and not parameter["Type"].startswith(READING_TYPE)
            # Each release sets the image. Without this parameter, most templates have nothing to replace.
            and name != IMAGE_PARAMETER
        }
        self._reads: dict[str, str] = {
            name: names.published.get(parameter["Default"], parameter["Default"])
            for name, parameter in stack.parameters.items()
            if parameter["Type"].startswith(READING_TYPE)
        }

    def format(self, value: Any) -> str:
        """Return `value` as a short text on one line."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return ", ".join(map(self.format, value))
        if isinstance(value, dict):
            return self._function(value)
        return json.dumps(value)

    def bucket_names(self, reference: str) -> list[str]:
        """Return the physical names of a bucket of the template's environment, which `format` shows as `reference`."""
        whole = (reference, f"{self._label}{reference}")
        return [name for each in whole for name in self._names.names_of("AWS::S3::Bucket", self._environment, each)]

    def with_defaults(self, value: Any) -> Any:
        """Return a copy of `value` in which each `Ref` to a parameter of the template is the parameter's default value.

        References to parameters that read Parameter Store remain, and those to the image of a service.
        """
        if not self._defaults:
            return value
        match value:
            case {"Ref": str(name)} if name in self._defaults:
                return self._defaults[name]
            case {"Fn::Sub": str(text)}:
                known = _VARIABLE.sub(lambda found: self._defaults.get(found[1], found[0]), text)
                return {"Fn::Sub": known} if "${" in known else known
            case dict():
                return {key: self.with_defaults(item) for key, item in value.items()}
            case list():
                return [self.with_defaults(item) for item in value]
        return value

    def _function(self, value: dict[str, Any]) -> str:
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._variable(str(argument))
            if name == "Fn::GetAtt":
                parts = map(self.format, argument) if isinstance(argument, list) else [str(argument)]
                return self._variable(".".join(parts))
            if name == "Fn::If":
                return " or ".join(map(self.format, possible_values(value)))
            if name == "Fn::Sub":
                return self._sub(argument) if isinstance(argument, str) else self._sub_with(argument[0], argument[1])
            if name == "Fn::Join":
                return str(argument[0]).join(map(self.format, argument[1]))
        return ", ".join(f"{key} {self.format(item)}" for key, item in value.items())

    def _sub(self, text: str) -> str:
        # Several statements of a stack have the same resource.
        if text not in self._subs:
            self._subs[text] = self._sub_with(text, {})
        return self._subs[text]

    def _sub_with(self, text: str, variables: Mapping[str, Any]) -> str:
        return self._text(_VARIABLE.sub(lambda match: self._substituted(match[1], variables), text))

    def _substituted(self, name: str, variables: Mapping[str, Any]) -> str:
        return self.format(variables[name]) if name in variables else self._variable(name)

    def _variable(self, name: str) -> str:
        if name.startswith("AWS::"):
            return {"AWS::AccountId": self.account, "AWS::Partition": "aws"}.get(name, name[len("AWS::") :])
        if name in self._reads:
            return self._reads[name]
        logical_id, _, attribute = name.partition(".")
        return name if attribute and attribute not in _IDENTIFYING_ATTRIBUTES else logical_id

    def _text(self, text: str) -> str:
        if label := self._names.account_label(text):
            return f"account {label}"
        return self._arn(text) if text.startswith("arn:") else text

    def _arn(self, text: str) -> str:
        try:
            arn = Arn.parse(text)
        except ValueError:
            return text
        service, account, resource = arn.service, arn.account, arn.resource
        if entry := self._names.find(service, resource):
            environment, reference, rest = entry
            if environment == self._environment:
                return reference.removeprefix(self._label) + rest
            return f"{environment}: {reference}{rest}"
        tail = BOUNDARY.split(resource)[-1]
        if self._names.is_reference(tail):
            return tail.removeprefix(self._label)
        owner = self._names.account_label(account) or account
        prefix = "" if not account or account == self.account else f"{owner}: "
        if resource == "root":
            return f"account {owner}"
        return f"{prefix}{resource}" if service == "s3" else f"{prefix}{service}:{resource}"


def cut_pair(before: str, after: str, longest: int) -> tuple[str, str]:
    """Shorten two different texts to at most `longest` characters each. An ellipsis shows where a text was cut.

    A long common beginning of the texts is cut from the left, so that the first difference is visible.
    """
    start = 0
    if max(len(before), len(after)) > longest:
        pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
        same = sum(1 for _ in pairs)
        start = same - _SHARED if same > longest - _SHARED else 0
    return _cut(before, start, longest), _cut(after, start, longest)


def _cut(text: str, start: int, longest: int) -> str:
    end = start + longest
    return f"{'...' if start else ''}{text[start:end]}{'...' if len(text) > end else ''}"


def format_actions(actions: str | Sequence[str]) -> str:
    """Return actions as text that names each service once: `s3: GetObject, PutObject`."""
    by_service: dict[str, list[str]] = {}
    for action in [actions] if isinstance(actions, str) else actions:
        service, _, name = action.partition(":")
        by_service.setdefault(service, []).append(name or service)
    return "; ".join(f"{service}: {', '.join(names)}" for service, names in by_service.items())


def format_condition(condition: Any, format_value: Callable[[Any], str]) -> str:
    """Return the condition of a statement as text. `format_value` formats a single value of the condition."""
    possible = [_condition(each, format_value) for each in possible_values(condition or [])]
    return " or ".join(dict.fromkeys(possible))


def _condition(condition: Any, format_value: Callable[[Any], str]) -> str:
    if not isinstance(condition, dict) or is_intrinsic_function(condition):
        return format_value(condition)
    parts = []
    for operator, keys in condition.items():
        plain = operator.removesuffix("IfExists")
        for key, expected in keys.items():
            if plain == "Null":
                text = f"{key} is {'absent' if 'true' in map(_lower, possible_values(expected)) else 'present'}"
            else:
                text = f"{key} {_OPERATORS.get(plain, plain)} {_alternatives(expected, format_value)}"
            parts.append(text + (" if present" if plain != operator else ""))
    return " and ".join(parts)


def _lower(value: Any) -> str:
    return str(value).lower()


def _alternatives(expected: Any, format_value: Callable[[Any], str]) -> str:
    return " or ".join(map(format_value, expected)) if isinstance(expected, list) else format_value(expected)
