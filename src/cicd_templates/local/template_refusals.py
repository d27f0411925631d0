"""Determines whether and why CloudFormation refuses a template. The reason has CloudFormation's own words.

The local AWS accepts many of these templates.

This module runs inside the interpreters of the local AWS and of this program, so it imports only the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

FORMAT = "Template format error: "
ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
# The keys that a resource of a template may have:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
RESOURCE_KEYS = frozenset(
    {
        *("Type", "Properties", "Condition", "DependsOn", "Metadata", "CreationPolicy", "UpdatePolicy"),
        *("DeletionPolicy", "UpdateReplacePolicy"),
    }
)
PSEUDO = "AWS::"


def template_refusal(template: Mapping[str, Any], conditions: Mapping[str, bool]) -> str:
    """Return why CloudFormation refuses `template`, or an empty string.

    `conditions` maps the name of each condition to its value.
    """
    resources = template.get("Resources")
    if not resources or not isinstance(resources, Mapping):
        return f"{FORMAT}At least one Resources member must be defined."
    return next(_refusals(template, resources, conditions), "")


def _refusals(
    template: Mapping[str, Any], resources: Mapping[str, Any], conditions: Mapping[str, bool]
) -> Iterator[str]:
    yield from _resource_faults(resources)
    yield from _unknown_conditions(template)
    living = {name for name, resource in resources.items() if conditions.get(resource.get("Condition", ""), True)}
    known = living | set(template.get("Parameters") or {})
    unresolved = {
        name
        for logical_id in living
        for name in _references(resources[logical_id], conditions)
        if name not in known and not name.startswith(PSEUDO)
    }
    if unresolved:
        names = ", ".join(sorted(unresolved))
        yield f"{FORMAT}Unresolved resource dependencies [{names}] in the Resources block of the template"
    yield from _output_faults(template.get("Outputs") or {}, known, conditions)


def _resource_faults(resources: Mapping[str, Any]) -> Iterator[str]:
    for logical_id, resource in resources.items():
        if not ALPHANUMERIC.fullmatch(logical_id):
            yield f"{FORMAT}Resource name {logical_id} is non alphanumeric."
        if not isinstance(resource, Mapping):
            yield f"{FORMAT}Any Resources member must be an object."
        elif "Type" not in resource:
            yield f"{FORMAT}[/Resources/{logical_id}] Every Resources object must contain a Type member."
        else:
            for key in resource.keys() - RESOURCE_KEYS:
                yield f"Invalid template resource property '{key}'"


def _output_faults(outputs: Mapping[str, Any], known: set[str], conditions: Mapping[str, bool]) -> Iterator[str]:
    for name, output in outputs.items():
        if not isinstance(output, Mapping) or "Value" not in output:
            yield f"{FORMAT}Every Outputs member must contain a Value object"
        elif output["Value"] is None:
            yield f"[/Outputs/{name}/Value] 'null' values are not allowed in templates"
        elif conditions.get(output.get("Condition", ""), True):
            for reference in _references({"Properties": output["Value"]}, conditions):
                if reference not in known and not reference.startswith(PSEUDO):
                    yield f"Unresolved resource dependencies [{reference}] in the Outputs block of the template"


def _unknown_conditions(template: Mapping[str, Any]) -> Iterator[str]:
    declared = template.get("Conditions") or {}
    for value in _walk(template.get("Resources")):
        choice = value.get("Fn::If")
        if isinstance(choice, list) and choice and choice[0] not in declared:
            yield f"Template error: unresolved condition dependency {choice[0]} in Fn::If"


def _walk(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _walk(item)


def _references(resource: Mapping[str, Any], conditions: Mapping[str, bool]) -> Iterator[str]:
    """Yield the names that a resource refers to. The branch that an `Fn::If` does not take is skipped."""
    depends = resource.get("DependsOn", ())
    yield from [depends] if isinstance(depends, str) else depends
    yield from _referred(resource.get("Properties"), conditions)


def _referred(value: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
            yield name.partition(".")[0]
        case {"Fn::If": [name, yes, no]}:
            yield from _referred(yes if conditions.get(name, True) else no, conditions)
        case {"Fn::Sub": str(text)}:
            yield from _placeholders(text)
        case {"Fn::Sub": [str(text), dict(bound)]}:
            yield from (name for name in _placeholders(text) if name not in bound)
            yield from _referred(bound, conditions)
        case dict() | list():
            for item in value.values() if isinstance(value, dict) else value:
                yield from _referred(item, conditions)


def _placeholders(text: str) -> Iterator[str]:
    """Yield the names in the placeholders `${...}` of a text. `${!...}` is not a placeholder but literal text."""
    for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
        yield name.partition(".")[0]
