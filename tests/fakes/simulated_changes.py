"""The changes of a change set, in CloudFormation's words and with its details.

A change of a property called `Fixed...` replaces the resource, and a change of `Maybe...` may replace it. For other
properties, the types' own schemas decide.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd_templates.template.schemas import create_only
from tests.fakes.simulated_templates import (
    NAMES,
    PSEUDO_PARAMETERS,
    READING,
    UNKNOWN,
    Resource,
    Template,
    attribute_of,
    references,
)

REGION = PSEUDO_PARAMETERS["AWS::Region"]
# Whether a detail is told with values, without them, or both ways: CloudFormation gives two different answers.
BOTH, PLAIN, VALUED = "both", "plain", "valued"


def changes_between(deployed: Mapping[str, Resource], old: Template | None, new: Template) -> list[dict[str, Any]]:
    """Return the changes by logical id, each as a `ResourceChange` whose details still say when they are told."""
    wanted = new.resources()
    recreated = set(wanted.keys() - deployed.keys())
    # A resource that refers to one that is replaced can be replaced by that, so this goes on until nothing new is.
    while True:
        changes = _changes(deployed, old, new, recreated)
        replaced = {each["LogicalResourceId"] for each in changes if each.get("Replacement") == "True"}
        if replaced <= recreated:
            return changes
        recreated |= replaced


def changes_that_revert(
    deployed: Mapping[str, Resource], edits: Mapping[str, Mapping[str, Any] | None], old: Template | None, new: Template
) -> list[dict[str, Any]]:
    """Return the changes of a drift-aware change set, which begins at the actual state of the resources.

    `edits` are the properties that somebody changed outside CloudFormation, by logical id; None is a deleted resource.
    """
    actual = {
        name: replace(
            resource,
            properties={**resource.properties, **(edits.get(name) or {})},
            raw={**resource.raw, **(edits.get(name) or {})},
        )
        for name, resource in deployed.items()
        if name not in edits or edits[name] is not None
    }
    changes = changes_between(actual, old, new)
    for change in changes:
        name = change["LogicalResourceId"]
        change["ResourceDriftStatus"] = "IN_SYNC" if name not in edits else "MODIFIED" if edits[name] else "DELETED"
        for detail in change["Details"]:
            edited = detail["Target"]["Name"] in (edits.get(name) or {})
            source = "ACTUAL_STATE" if edited else "PREVIOUS_DEPLOYMENT_STATE"
            detail["Target"] |= {"BeforeValueFrom": source, "AfterValueFrom": "TEMPLATE"}
    return changes


def _changes(
    deployed: Mapping[str, Resource], old: Template | None, new: Template, recreated: set[str]
) -> list[dict[str, Any]]:
    def identify(name: str, attribute: str) -> str:
        known = name in deployed and name not in recreated
        return attribute_of(deployed[name], attribute) if known else UNKNOWN

    wanted = new.resources(identify)
    modified: set[str] = set()
    changes: list[dict[str, Any]] = []
    # Twice, because an attribute of a modified resource may change as well.
    for _ in range(2):
        changes = []
        for name in sorted(deployed.keys() | wanted.keys()):
            before, after = deployed.get(name), wanted.get(name)
            change = _change(name, before, after, old, new, recreated, modified)
            if change:
                changes.append(change)
        modified = {each["LogicalResourceId"] for each in changes if each["Action"] == "Modify"}
    return changes


def _change(
    name: str,
    before: Resource | None,
    after: Resource | None,
    old: Template | None,
    new: Template,
    recreated: set[str],
    modified: set[str],
) -> dict[str, Any]:
    change: dict[str, Any] = {"LogicalResourceId": name, "Scope": [], "Details": []}
    if before is None:
        assert after is not None
        return change | {"Action": "Add", "ResourceType": after.kind, "AfterContext": context(after)} | _given(after)
    change |= {"ResourceType": before.kind, "PhysicalResourceId": before.physical_id}
    if after is None:
        return change | {"Action": "Remove", "PolicyAction": before.policy, "BeforeContext": context(before)}
    details = [
        detail
        for key in sorted(before.properties.keys() | after.properties.keys())
        for detail in _details(key, before, after, old, new, recreated, modified)
    ]
    if not details:
        return {}
    replacement = _replacement(details)
    policy = {"PolicyAction": f"ReplaceAnd{after.replace_policy}"} if replacement != "False" else {}
    contexts = {"BeforeContext": context(before), "AfterContext": context(after)}
    scope = {"Scope": ["Properties"], "Details": details}
    return change | {"Action": "Modify", "Replacement": replacement} | policy | scope | contexts | _given(after)


def _given(resource: Resource) -> dict[str, str]:
    """The name that the template gives a resource, for the simulation alone."""
    name = resource.properties.get(NAMES.get(resource.kind, ""))
    return {"Given": name} if isinstance(name, str) and name != UNKNOWN else {}


def context(resource: Resource) -> str:
    return json.dumps({"Properties": resource.properties})


def _details(
    key: str,
    before: Resource,
    after: Resource,
    old: Template | None,
    new: Template,
    recreated: set[str],
    modified: set[str],
) -> list[dict[str, Any]]:
    raw, was, now = after.raw.get(key), before.properties.get(key), after.properties.get(key)
    found = references(raw)
    target = {"Attribute": "Properties", "Name": key, "RequiresRecreation": recreation(before.kind, key)}
    values = {
        "Path": f"/Properties/{key}",
        "BeforeValue": _text(was),
        "AfterValue": _text(now),
        "AttributeChangeType": "Add" if was is None else "Remove" if now is None else "Modify",
    }

    def detail(source: str, evaluation: str, told: str = BOTH, cause: str = "") -> dict[str, Any]:
        entity = {"CausingEntity": cause} if cause else {}
        return {"ChangeSource": source, "Evaluation": evaluation, **entity, "Target": target | values, "Told": told}

    details = []
    edited = before.raw.get(key) != raw
    stored = any(new.parameters.get(name, {}).get("Type", "").startswith(READING) for name in found.names)
    given = [
        name
        for name in found.names
        if name in new.parameters
        and old is not None
        and not new.parameters[name]["Type"].startswith(READING)
        and old.values.get(name) != new.values.get(name)
    ]
    for name in given:
        details.append(detail("ParameterReference", "Static", cause=name))
        details.append(detail("DirectModification", "Dynamic"))
    for name in found.names:
        if name in recreated and name in new.content["Resources"] and not edited:
            details.append(detail("ResourceReference", "Static", cause=name))
            details.append(detail("DirectModification", "Dynamic", VALUED))
    for name, attribute in found.attributes:
        if name in recreated and not edited:
            details.append(detail("ResourceAttribute", "Static", cause=f"{name}.{attribute}"))
            details.append(detail("DirectModification", "Dynamic", VALUED))
        elif name in modified:
            details.append(detail("ResourceAttribute", "Dynamic", PLAIN, f"{name}.{attribute}"))
    if was != now and (edited or stored) and not given:
        details.append(detail("DirectModification", "Static"))
    return details


def recreation(kind: str, key: str) -> str:
    always, perhaps = create_only(REGION, kind)
    if key.startswith("Fixed") or key in always:
        return "Always"
    return "Conditionally" if key.startswith("Maybe") or key in perhaps else "Never"


def _replacement(details: list[dict[str, Any]]) -> str:
    """True where a property that is fixed certainly changes; Conditional where it, or a conditional one, may."""
    static = {each["Target"]["RequiresRecreation"] for each in details if each["Evaluation"] == "Static"}
    dynamic = {each["Target"]["RequiresRecreation"] for each in details}
    if "Always" in static:
        return "True"
    return "Conditional" if {"Always", "Conditionally"} & dynamic else "False"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def described_changes(changes: list[dict[str, Any]], *, valued: bool) -> list[dict[str, Any]]:
    """Return the changes as DescribeChangeSet lists them: with values, or as it does without being asked, with none."""
    described = []
    for change in copy.deepcopy(changes):
        details = [each for each in change["Details"] if each.pop("Told") in (BOTH, VALUED if valued else PLAIN)]
        if change["Details"] and not details:
            # With values, CloudFormation leaves out what it is not certain of.
            continue
        change.pop("Given", None)
        if not valued:
            for name in ("BeforeContext", "AfterContext"):
                change.pop(name, None)
            for detail in details:
                for name in ("Path", "BeforeValue", "AfterValue", "AttributeChangeType"):
                    detail["Target"].pop(name, None)
        described.append({"Type": "Resource", "ResourceChange": change | {"Details": details}})
    return described
