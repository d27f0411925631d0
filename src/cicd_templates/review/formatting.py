"""Formats values for a reviewer. ARNs and references become `stack.LogicalId`; actions are grouped by service."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cicd_templates.template.arn import Arn
from cicd_templates.template.intrinsics import is_intrinsic_function, possible_values, referenced_names
from cicd_templates.template.stack_graph import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

_VARIABLE = re.compile(r"\$\{([^}!]+)\}")
_BOUNDARY = re.compile(r"[/:]")
# Attributes whose value identifies the resource itself. A reference to such an attribute is written without its name.
_IDENTIFYING_ATTRIBUTES = ("Arn", "Id", "AllocationId", "GroupId", "Name")
# The names of environments have no colon.
_AFTER_ENVIRONMENT = ": "
# How many equal characters are shown before the first difference of two long values.
_SHARED = 30
CACHED_TYPES = 1024
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
@lru_cache(CACHED_TYPES)
def service_of(resource_type: str) -> str:
    """Return the service of a resource type, as named in ARNs and IAM actions, such as `s3` for `AWS::S3::Bucket`."""
    return resource_type.split("::")[1].lower().removesuffix("v2") if "::" in resource_type else resource_type


class NameIndex:
    """Finds resources by name or parameter path, and environments by account number, in a set of stacks.

    Each process of a review keeps all names of the project in memory. To save memory, the index stores a resource as
    one text: its environment, the separator `_AFTER_ENVIRONMENT`, and the name that a review shows for the resource.
    """

    def __init__(self, stacks: Iterable[StackTemplate]) -> None:
        self.published: dict[str, str] = {}
        self._environments: dict[str, set[str]] = {}
        # The resources with names: keyed by service as in `service_of`, then by resource type, then by name.
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        # The logical ids of the resources with names, keyed by the short name of the stack.
        self._named: dict[str, frozenset[str]] = {}
        self._equal_sets: dict[frozenset[str], frozenset[str]] = {}
        for stack in stacks:
            facts = stack.facts
            self._environments.setdefault(facts.account, set()).add(stack.environment)
            self._add("AWS::CloudFormation::Stack", facts.stack, stack, f"stack {stack.label}")
            named = [name for name, resource in stack.resources.items() if self._add_resource(stack, name, resource)]
            self._add_named(stack.label, frozenset(named))

    def extend(self, other: NameIndex) -> None:
        """Add all names from another index.

        The stacks of `other` must come later in deploy order than the stacks of this index.
        """
        self.published |= other.published
        for label, named in other._named.items():
            self._add_named(label, named)
        for account, environments in other._environments.items():
            self._environments.setdefault(account, set()).update(environments)
        for service, types in other._known.items():
            own_types = self._known.setdefault(service, {})
            for resource_type, known in types.items():
                own = own_types.setdefault(resource_type, {})
                for name, entry in known.items():
                    own.setdefault(name, entry)

    def to_plain(self) -> list[Any]:
        """Return the contents as a value that JSON can represent; see `from_plain`."""
        environments = {account: sorted(names) for account, names in self._environments.items()}
        # The stacks of many services have resources with the same logical ids.
        labels_with: dict[frozenset[str], list[str]] = {}
        for label, named in self._named.items():
            labels_with.setdefault(named, []).append(label)
        named_with_labels = [[sorted(named), labels] for named, labels in labels_with.items()]
        return [self.published, environments, self._known, named_with_labels]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> NameIndex:
        """Turn `plain`, the result of `to_plain`, into an index again."""
        index = cls(())
        index.published, environments, index._known, named_with_labels = plain
        index._environments = {account: set(names) for account, names in environments.items()}
        for logical_ids, labels in named_with_labels:
            named = frozenset(logical_ids)
            for label in labels:
                index._add_named(label, named)
        return index

    def _add_resource(self, stack: StackTemplate, logical_id: str, resource: Mapping[str, Any]) -> bool:
        """Add the names of a resource to the index. Return whether the resource has a physical name."""
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SSM::Parameter" and isinstance(properties.get("Name"), str):
            self.published[properties["Name"]] = f"{stack.label}.{_target(properties['Value']) or logical_id}"
            return False
        # The identifier of another resource, such as a database instance's DBClusterIdentifier, is not a name.
        identifier = f"{resource['Type'].rpartition('::')[2]}Identifier"
        names = [
            value
            for key, value in properties.items()
            if (key.endswith("Name") or key == identifier) and isinstance(value, str)
        ]
        for name in names:
            self._add(resource["Type"], name, stack, f"{stack.label}.{logical_id}")
        return bool(names)

    def _add(self, resource_type: str, name: str, stack: StackTemplate, reference: str) -> None:
        entry = f"{stack.environment}{_AFTER_ENVIRONMENT}{reference}"
        types = self._known.setdefault(service_of(resource_type), {})
        types.setdefault(resource_type, {}).setdefault(name, entry)

    def _add_named(self, label: str, named: frozenset[str]) -> None:
        # The stacks of a layer often have the same names of resources for each service, which are then in memory once.
        together = self._named.get(label, frozenset()) | named
        self._named[label] = self._equal_sets.setdefault(together, together)

    def is_reference(self, text: str) -> bool:
        """Return whether `text` has the form `stack.LogicalId` and means a resource that has a physical name."""
        label, _, logical_id = text.rpartition(".")
        return logical_id in self._named.get(label, ())

    def account_label(self, number: str) -> str | None:
        """Return the name of the environment in the AWS account whose id is `number`.

        If the account has several environments, return `number`. If the account has no environment, return None.
        """
        environments = self._environments.get(number)
        if environments is None:
            return None
        return next(iter(environments)) if len(environments) == 1 else number

    def find(self, service: str, resource: str) -> tuple[str, str, str] | None:
        """Find the indexed resource whose name occurs in `resource`, the last part of an ARN.

        Return the environment of the indexed resource, the name that a review shows for it, and the text that follows
        its name in the ARN.

        Return None if the ARN contains no indexed name. Also return None if resources of several types have the name,
        and the ARN does not show the type.
        """
        known = self._known.get(service)
        if known is None:
            return None
        boundaries = [match.start() for match in _BOUNDARY.finditer(resource)]
        for start in (0, *(boundary + 1 for boundary in boundaries)):
            for end in (len(resource), *reversed(boundaries)):
                if end <= start:
                    continue
                name = resource[start:end]
                types = [key for key, names in known.items() if name in names]
                if len(types) > 1:
                    types = [key for key in types if _is_arn_of(key, resource)]
                    if len(types) != 1:
                        return None
                if types:
                    environment, _, reference = known[types[0]][name].partition(_AFTER_ENVIRONMENT)
                    return environment, reference, resource[end:]
        return None


def _is_arn_of(resource_type: str, resource: str) -> bool:
    """Return whether `resource`, the last part of an ARN, begins with the word for the type `resource_type`.

    For example, `cluster:...` begins with the word for `AWS::RDS::DBCluster`.
    """
    word = _BOUNDARY.split(resource)[0].replace("-", "")
    return resource_type.rpartition("::")[2].lower().endswith(word)


def _target(value: Any) -> str:
    """Return the logical id to which `value` refers, or an empty string if `value` is not a reference."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return next(referenced_names(value), "")
    return ""


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
            if "Default" in parameter and not parameter["Type"].startswith(READING_TYPE)
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

    def with_defaults(self, value: Any) -> Any:
        """Return a copy of `value` in which each `Ref` to a parameter of the template is the parameter's default value.

        References to parameters that read Parameter Store remain.
        """
        match value:
            case {"Ref": str(name)} if name in self._defaults:
                return self._defaults[name]
            case {"Fn::Sub": str(text)} if self._defaults:
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
        tail = _BOUNDARY.split(resource)[-1]
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
