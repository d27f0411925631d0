"""Spells values as a reviewer says them: ARNs and references become `stack.LogicalId`, actions lose what repeats."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cicd_templates.template.arn import Arn
from cicd_templates.template.links import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

_VARIABLE = re.compile(r"\$\{([^}!]+)\}")
_BOUNDARY = re.compile(r"[/:]")
# Attributes of which everybody knows that they stand for the resource itself.
_ITSELF = ("Arn", "Id", "AllocationId", "GroupId", "Name")
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


def service_of(resource_type: str) -> str:
    """The service of a resource type as ARNs and actions spell it."""
    return resource_type.split("::")[1].lower().removesuffix("v2") if "::" in resource_type else resource_type


class NameIndex:
    """What every physical name, parameter path and account of some stacks stands for."""

    def __init__(self, stacks: Iterable[StackTemplate]) -> None:
        self.published: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.said: set[str] = set()
        self._known: dict[str, dict[str, tuple[str, str]]] = {}
        for stack in stacks:
            facts = stack.facts
            self.accounts[facts.account] = stack.environment
            self._know("cloudformation", facts.stack, stack, f"stack {stack.label}")
            for logical_id, resource in stack.resources.items():
                self._resource(stack, logical_id, resource)

    def _resource(self, stack: StackTemplate, logical_id: str, resource: Mapping[str, Any]) -> None:
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SSM::Parameter" and isinstance(properties.get("Name"), str):
            self.published[properties["Name"]] = f"{stack.label}.{_target(properties['Value']) or logical_id}"
            return
        for key, value in properties.items():
            if key.endswith("Name") and isinstance(value, str):
                self._know(service_of(resource["Type"]), value, stack, f"{stack.label}.{logical_id}")

    def _know(self, service: str, name: str, stack: StackTemplate, said: str) -> None:
        self._known.setdefault(service, {}).setdefault(name, (stack.environment, said))
        self.said.add(said)

    def of(self, service: str, resource: str) -> tuple[str, str, str] | None:
        """Environment and spelling of the named resource, and what stood behind its name in `resource`."""
        known = self._known.get(service)
        if not known:
            return None
        starts = [0, *(match.end() for match in _BOUNDARY.finditer(resource))]
        ends = [len(resource), *reversed([match.start() for match in _BOUNDARY.finditer(resource)])]
        for start in starts:
            for end in ends:
                if end > start and (found := known.get(resource[start:end])):
                    return (*found, resource[end:])
        return None


def _target(value: Any) -> str:
    """The logical id that `value` refers to; empty where it is none."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return str(value["Fn::GetAtt"][0])
    return ""


class Formatter:
    """Spells the values of one template."""

    def __init__(self, stack: StackTemplate, names: NameIndex) -> None:
        self._names = names
        self._environment = stack.environment
        self._label = f"{stack.label}."
        self.account = stack.account
        self._said: dict[str, str] = {}
        self._reads: dict[str, str] = {
            name: names.published.get(parameter["Default"], parameter["Default"])
            for name, parameter in stack.parameters.items()
            if parameter["Type"].startswith(READING_TYPE)
        }

    def say(self, value: Any) -> str:
        """`value` in a few words on one line."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return ", ".join(map(self.say, value))
        if isinstance(value, dict):
            return self._function(value)
        return json.dumps(value)

    def _function(self, value: dict[str, Any]) -> str:
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._variable(str(argument))
            if name == "Fn::GetAtt":
                return self._variable(".".join(argument) if isinstance(argument, list) else str(argument))
            if name == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                given = {} if isinstance(argument, str) else argument[1]
                return self._text(_VARIABLE.sub(lambda match: self._substituted(match[1], given), text))
            if name == "Fn::Join":
                return str(argument[0]).join(map(self.say, argument[1]))
        return ", ".join(f"{key} {self.say(item)}" for key, item in value.items())

    def _substituted(self, name: str, given: Mapping[str, Any]) -> str:
        return self.say(given[name]) if name in given else self._variable(name)

    def _variable(self, name: str) -> str:
        if name.startswith("AWS::"):
            return {"AWS::AccountId": self.account, "AWS::Partition": "aws"}.get(name, name[len("AWS::") :])
        if name in self._reads:
            return self._reads[name]
        logical_id, _, attribute = name.partition(".")
        return name if attribute and attribute not in _ITSELF else logical_id

    def _text(self, text: str) -> str:
        if text in self._names.accounts:
            return f"account {self._names.accounts[text]}"
        if not text.startswith("arn:"):
            return text
        if text not in self._said:
            self._said[text] = self._arn(text)
        return self._said[text]

    def _arn(self, text: str) -> str:
        try:
            arn = Arn.parse(text)
        except ValueError:
            return text
        service, account, resource = arn.service, arn.account, arn.resource
        if found := self._names.of(service, resource):
            environment, said, rest = found
            if environment == self._environment:
                return said.removeprefix(self._label) + rest
            return f"{environment}: {said}{rest}"
        tail = _BOUNDARY.split(resource)[-1]
        if tail in self._names.said:
            return tail.removeprefix(self._label)
        whose = self._names.accounts.get(account, account)
        there = "" if not account or account == self.account else f"{whose}: "
        if resource == "root":
            return f"account {whose}"
        return f"{there}{resource}" if service == "s3" else f"{there}{service}:{resource}"


def actions(listed: str | Sequence[str]) -> str:
    """Actions with each service named once: `s3: GetObject, PutObject`."""
    by_service: dict[str, list[str]] = {}
    for action in [listed] if isinstance(listed, str) else listed:
        service, _, name = action.partition(":")
        by_service.setdefault(service, []).append(name or service)
    return "; ".join(f"{service}: {', '.join(names)}" for service, names in by_service.items())


def condition(value: Mapping[str, Mapping[str, Any]] | None, say: Callable[[Any], str]) -> str:
    """A statement's condition in words, all of which must hold; `say` spells a value."""
    found = []
    for operator, keys in (value or {}).items():
        plain = operator.removesuffix("IfExists")
        for key, wanted in keys.items():
            if plain == "Null":
                said = f"{key} is {'absent' if wanted == 'true' else 'present'}"
            else:
                said = f"{key} {_OPERATORS.get(plain, plain)} {_alternatives(wanted, say)}"
            found.append(said + (" if it is said" if plain != operator else ""))
    return " and ".join(found)


def _alternatives(wanted: Any, say: Callable[[Any], str]) -> str:
    return " or ".join(map(say, wanted)) if isinstance(wanted, list) else say(wanted)
