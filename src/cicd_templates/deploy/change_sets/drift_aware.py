"""Reads drift-aware change sets, which is CloudFormation's word for change sets that revert drift.

A drift-aware change set compares the template with the actual state of the resources, not only with the previous
template:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html

This module does not call AWS.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

REVERT_DRIFT = "REVERT_DRIFT"
# Why CloudFormation leaves a property as it is:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceDriftIgnoredAttribute.html
IGNORED_BECAUSE = {
    "MANAGED_BY_AWS": "AWS manages it",
    "WRITE_ONLY_PROPERTY": "AWS does not return its value",
    "SENSITIVE_PROPERTY": "its value is a secret",
}


@dataclass(frozen=True)
class ActualState:
    """The properties of a drifted resource in AWS, before and after a change set that reverts its drift.

    `before` is None if the resource was deleted. `after` is None if the change set deletes the resource. Both are None
    if CloudFormation reports no properties.
    """

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def actual_states(changes: Iterable[Mapping[str, Any]]) -> dict[str, ActualState]:
    """Return the state of each drifted resource in `changes`, keyed by logical id.

    `changes` are the `ResourceChange` structures of a drift-aware change set, including the values of properties. These
    values may contain secrets.
    """
    return {
        change["LogicalResourceId"]: ActualState(
            _properties(change, "BeforeContext"), _properties(change, "AfterContext")
        )
        for change in changes
        if change.get("ResourceDriftStatus", "IN_SYNC") != "IN_SYNC"
    }


def _properties(change: Mapping[str, Any], context: str) -> Mapping[str, Any] | None:
    """Return the properties before or after a change, or None if they are missing or cannot be read."""
    try:
        properties = json.loads(change.get(context, ""))["Properties"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
    return properties if isinstance(properties, dict) else None


def with_actual_states(
    states: Mapping[str, ActualState], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return copies of `before` and `after` in which drifted resources have their actual properties.

    `before` has the resources before a change set, and `after` has the resources after the change set. `states` has the
    actual states of the drifted resources. The keys are logical ids.

    If a drifted resource was deleted, or if its state is unknown, the copy of `before` does not contain the resource.
    So all access that the resource grants in `after` counts as new.
    """
    old, new = dict(before), dict(after)
    for name, state in states.items():
        old.pop(name, None)
        if state.before is not None and state.after is not None and name in new:
            old[name] = {**new[name], "Properties": state.before}
            new[name] = {**new[name], "Properties": state.after}
    return old, new


def ignored_drift(changes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return a line for each property whose drift the change set does not revert."""
    return tuple(
        f"{change['LogicalResourceId']} {ignored['Path']} is not reverted: "
        f"{IGNORED_BECAUSE.get(ignored.get('Reason', ''), ignored.get('Reason', 'CloudFormation gives no reason'))}"
        for change in changes
        for ignored in change.get("ResourceDriftIgnoredAttributes", ())
    )
