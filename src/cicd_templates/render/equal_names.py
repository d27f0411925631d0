"""Refuses resources that have the same physical name, across the stacks of all environments.

For most resource types, CloudFormation cannot create a second resource with the same name. For some types, two stacks
would both change the same resource. Names are compared as they will be in AWS, with the environment's account and
region filled in. A value that is unknown before the deployment counts as different from all values in other stacks.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cicd_templates.errors import ConfigurationError
from cicd_templates.plurals import counted
from cicd_templates.template.partitions import partition_of
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.resource_types.resource_type import NameScope
from cicd_templates.template.schemas import chosen_identifier
from cicd_templates.template.stack_template import StackTemplate

PLACEHOLDER = re.compile(r"\$\{([^!{}]+)\}")
STACK_TYPE = "AWS::CloudFormation::Stack"


class NamedResource(NamedTuple):
    """The physical name of a resource or of a stack.

    Two resources with the same `identity` cannot exist at the same time. `condition` is the name of the resource's
    condition, or None. For a stack, `logical_id` is empty.
    """

    identity: Hashable
    resource_type: str
    name: str
    scope: NameScope
    stack: StackTemplate
    logical_id: str = ""
    condition: str | None = None

    @property
    def place(self) -> str:
        """Return where the name has to be unique, such as `in account 111111111111`."""
        if self.scope is NameScope.GLOBAL:
            return "in all of AWS"
        region = f" and {self.stack.region}" if self.scope is NameScope.REGION else ""
        return f"in account {self.stack.account}{region}"

    @property
    def origin(self) -> str:
        """The place of the name, for an error message: a resource of a stack, or the stack itself."""
        stack = self.stack
        if self.logical_id:
            return f"{stack.environment}/{stack.label} {self.logical_id}"
        of = f" of service {stack.service}" if stack.service else ""
        return f"{stack.environment} layer {stack.layer}{of}"


def refuse_equal_names(stacks: Iterable[StackTemplate]) -> None:
    """Raise `ConfigurationError` if resources of `stacks` have the same physical name.

    The error has one line for each pair.
    """
    named: dict[Hashable, NamedResource] = {}
    clashes: list[str] = []
    for resource in _resources(stacks):
        first = named.setdefault(resource.identity, resource)
        if first is not resource and not _exclude_each_other(first, resource):
            clashes.append(
                f"{resource.resource_type} {resource.name}: {first.origin} and {resource.origin} have the same name"
                f" {resource.place}; rename a part of this name: a service, check, secret, queue, table, database,"
                " environment or layer"
            )
    if clashes:
        raise ConfigurationError(
            "\n  ".join([f"{counted(len(clashes), 'name')} in AWS would be used twice:", *clashes])
        )


def _exclude_each_other(one: NamedResource, other: NamedResource) -> bool:
    """Return whether two resources belong to the same stack and have different conditions.

    Such resources may have the same name, because their conditions may exclude each other. No condition is evaluated.
    """
    return (
        one.stack.path == other.stack.path
        and bool(one.condition and other.condition)
        and one.condition != other.condition
    )


def name_marks(identities: Iterable[Hashable]) -> array[int]:
    """Return a hash of each name. `identities` is the result of `name_identities`.

    Different names can have the same hash. Two processes compute the same hash for a name only if one process was
    forked from the other, or both from the same process.
    """
    # An array takes a fifth of the memory of a tuple of numbers.
    return array("q", map(hash, identities))


def name_identities(stack: StackTemplate) -> list[Hashable]:
    """Return a value for each name in a stack. Equal names have equal values, even if they are in different stacks."""
    return [found.identity if isinstance(found, NamedResource) else found.looks for found in _names(stack)]


def marks_repeat(marks_of_stacks: Iterable[Iterable[int]]) -> bool:
    """Return whether two names, of one stack or of two stacks, have the same hash and so may be equal.

    `marks_of_stacks` has the hashes of the names of each stack, from `name_marks`.
    """
    seen: set[int] = set()
    for marks in marks_of_stacks:
        for mark in marks:
            if mark in seen:
                return True
            seen.add(mark)
    return False


class _UnlistedName(NamedTuple):
    """A value that looks like the physical name of a resource, but may be something else.

    The table of resource types does not say which property of this resource type is the name.
    """

    looks: Hashable
    logical_id: str


def _names(stack: StackTemplate) -> Iterator[NamedResource | _UnlistedName]:
    kept = _with_only(stack)
    yield _of_the_stack(kept)
    text = partial(_text, stack=stack, known=_known_values(stack))
    for logical_id, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        facts = facts_of(resource["Type"])
        if facts.name_property:
            if facts.name_property in properties:
                within = {key: text(properties[key]) for key in facts.name_within if key in properties}
                yield _named(kept, logical_id, resource, text(properties[facts.name_property]), within)
        elif not facts.names_may_repeat:
            for key in _name_keys(resource["Type"], properties):
                yield _UnlistedName((resource["Type"], key, text(properties[key])), logical_id)


def _resources(stacks: Iterable[StackTemplate]) -> Iterator[NamedResource]:
    unlisted: dict[Hashable, tuple[StackTemplate, str]] = {}
    identified: set[tuple[Path, str]] = set()
    for stack in stacks:
        for name in _names(stack):
            if isinstance(name, NamedResource):
                yield name
                continue
            logical_id = name.logical_id
            first_stack, first_id = unlisted.setdefault(name.looks, (_with_only(stack, logical_id), logical_id))
            if (first_stack.path, first_id) == (stack.path, logical_id):
                continue
            for at, alike in ((first_stack, first_id), (stack, logical_id)):
                if (at.path, alike) not in identified:
                    identified.add((at.path, alike))
                    yield from _by_schema(at, alike)


def _name_keys(resource_type: str, properties: Mapping[str, Any]) -> list[str]:
    """Return the keys of the properties that are probably the name of a resource.

    Only the schema of the resource type is certain, but reading a schema is slow. So the caller reads the schema only
    if two resources have the same value for a returned key.
    """
    words = resource_type.replace("::", "")
    return [
        key
        for key, value in properties.items()
        if (key == "Name" or (key.endswith("Name") and key.removesuffix("Name") in words)) and _is_text(value)
    ]


def _of_the_stack(stack: StackTemplate) -> NamedResource:
    identity = (STACK_TYPE, stack.account, stack.region, stack.name)
    return NamedResource(identity, STACK_TYPE, stack.name, NameScope.REGION, stack)


def _with_only(stack: StackTemplate, *logical_ids: str) -> StackTemplate:
    """Return a copy of `stack` that has only the resources with these `logical_ids`, and no template text."""
    resources = {logical_id: stack.resources[logical_id] for logical_id in logical_ids}
    parameters = stack.parameters if logical_ids else {}
    return StackTemplate(stack.path, "", {"Parameters": parameters, "Resources": resources}, stack.facts)


def _named(
    stack: StackTemplate, logical_id: str, resource: Mapping[str, Any], name: str, within: Mapping[str, str]
) -> NamedResource:
    facts = facts_of(resource["Type"])
    # IAM refuses two names that differ only in upper and lower case.
    compared = name.lower() if resource["Type"].startswith("AWS::IAM::") else name
    where = {
        NameScope.REGION: (stack.account, stack.region),
        NameScope.ACCOUNT: (stack.account,),
        NameScope.GLOBAL: (),
    }[facts.name_scope]
    kind = facts.names_shared_with or resource["Type"]
    return NamedResource(
        (kind, *where, compared, tuple(sorted(within.items()))),
        resource["Type"],
        name,
        facts.name_scope,
        stack,
        logical_id,
        resource.get("Condition"),
    )


def _by_schema(stack: StackTemplate, logical_id: str) -> Iterator[NamedResource]:
    """Yield the resource. Its name has the values of the properties in the `primaryIdentifier` of the type's schema.

    Yield nothing if the resource type has no schema, or if AWS chooses the value of such a property.
    """
    resource = stack.resources[logical_id]
    properties = resource["Properties"]
    identifier = chosen_identifier(stack.region, resource["Type"])
    if any(key in properties for key in identifier):
        known = _known_values(stack)
        parts = {key: _text(properties[key], stack, known) for key in identifier if key in properties}
        yield _named(_with_only(stack), logical_id, resource, " ".join(parts.values()), parts)


def _known_values(stack: StackTemplate) -> dict[str, str]:
    """Return the values of pseudo parameters and the defaults of parameters, keyed by the name that Ref uses.

    For a parameter that reads Parameter Store, the default is a path and not the value. To find equal values, comparing
    the paths is enough.
    """
    partition = partition_of(stack.region)
    return {
        **{name: str(parameter["Default"]) for name, parameter in stack.parameters.items() if "Default" in parameter},
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::Partition": partition.name,
        "AWS::URLSuffix": partition.dns_suffix,
        "AWS::StackName": stack.name,
    }


def _text(value: Any, stack: StackTemplate, known: Mapping[str, str]) -> str:
    """Return `value` as text. Replace each reference in it by the text that `known` has for this reference.

    Replace an unknown reference by a text with the template's path, so that each stack has a different text.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)} if name in known:
            return known[name]
        case {"Fn::Sub": str(pattern)}:
            return _substituted(pattern, known, stack)
        case {"Fn::Sub": [str(pattern), dict(variables)]}:
            own = {name: _text(part, stack, known) for name, part in variables.items()}
            return _substituted(pattern, {**known, **own}, stack)
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_text(part, stack, known) for part in parts)
    return f"({stack.path.as_posix()} {json.dumps(value, sort_keys=True, default=str)})"


def _is_text(value: Any) -> bool:
    # A `Ref` is left out, because many resources can use the same `Ref`.
    return isinstance(value, str) or (isinstance(value, dict) and "Fn::Sub" in value)


def _substituted(pattern: str, known: Mapping[str, str], stack: StackTemplate) -> str:
    def replacement(found: re.Match[str]) -> str:
        name = found.group(1)
        return known[name] if name in known else f"({stack.path.as_posix()} {name})"

    return PLACEHOLDER.sub(replacement, pattern).replace("${!", "${")
