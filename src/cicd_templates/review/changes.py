"""What changed between two sets of templates, in words and in the order in which a reviewer should worry.

Metadata, comments and formatting say nothing new, so they are not compared. Which property cannot change in place comes
from the resource types' own schemas, as the caller hands them in.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.review.permissions import moved
from cicd_templates.review.reviewed import Reviewed
from cicd_templates.review.statements import OWN, is_statement, own_stem
from cicd_templates.template.comparison import ABSENT, Difference, differences, named
from cicd_templates.template.links import READING_TYPE

CHANGE_KINDS = ("Replaced", "Removed", "Access widened", "Access narrowed", "Added", "Changed")
_ATTRIBUTES = ("Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
_LONGEST = 100
# Region and type to the properties that only a new resource can take, and those of which it depends.
CreateOnly = Callable[[str, str], tuple[frozenset[str], frozenset[str]]]


@dataclass(frozen=True)
class Change:
    """One change: its kind, one of `CHANGE_KINDS`, where it is, and what it is in words."""

    kind: str
    environment: str
    where: str
    words: str


def changes(before: Sequence[Reviewed], after: Sequence[Reviewed], create_only: CreateOnly) -> list[Change]:
    """Every change, stack by stack."""
    one, other = _by_stack(before), _by_stack(after)
    found: list[Change] = []
    for key in (*one, *(key for key in other if key not in one)):
        environment, label = key
        if key not in other:
            found.append(Change("Removed", environment, label, f"the stack, with {_held(one[key])}"))
        elif key not in one:
            found.append(Change("Added", environment, label, f"the stack, with {_held(other[key])}"))
        if key not in other or key not in one:
            found += _access(environment, label, one.get(key), other.get(key))
            continue
        found += _stack(environment, label, one[key], other[key], create_only)
    return found


def _by_stack(reviewed: Sequence[Reviewed]) -> dict[tuple[str, str], Reviewed]:
    return {(each.template.environment, each.template.label): each for each in reviewed}


def _held(each: Reviewed) -> str:
    return f"{len(each.template.resources)} resources"


def _stack(
    environment: str, label: str, before: Reviewed, after: Reviewed, create_only: CreateOnly
) -> Iterator[Change]:
    yield from _reads(environment, label, before, after)
    one, other = before.template.resources, after.template.resources
    for name in (*one, *(name for name in other if name not in one)):
        where = f"{label}.{name}"
        if name not in other:
            stays = str(one[name].get("DeletionPolicy", "")).startswith("Retain")
            yield Change("Removed", environment, where, _kind(one[name]) + (", which itself stays" if stays else ""))
        elif name not in one:
            yield Change("Added", environment, where, _kind(other[name]))
        elif one[name]["Type"] != other[name]["Type"]:
            yield Change("Replaced", environment, where, f"{_kind(one[name])} by {_kind(other[name])}")
        else:
            region = after.template.region
            yield from _resource(environment, where, (before, one[name]), (after, other[name]), region, create_only)
    yield from _access(environment, label, before, after)


def _kind(resource: Mapping[str, Any]) -> str:
    return str(resource["Type"]).removeprefix("AWS::")


def _reads(environment: str, label: str, before: Reviewed, after: Reviewed) -> Iterator[Change]:
    def parameters(each: Reviewed) -> dict[str, Any]:
        return {
            name: parameter.get("Default") if parameter["Type"].startswith(READING_TYPE) else parameter
            for name, parameter in each.template.parameters.items()
        }

    for found in differences(parameters(before), parameters(after)):
        yield Change("Changed", environment, f"{label}, parameter {found.path[0]}", _from_to(before, after, found))


def _resource(
    environment: str,
    where: str,
    before: tuple[Reviewed, Mapping[str, Any]],
    after: tuple[Reviewed, Mapping[str, Any]],
    region: str,
    create_only: CreateOnly,
) -> Iterator[Change]:
    always, perhaps = create_only(region, str(after[1]["Type"]))
    for part in (*_ATTRIBUTES, "Properties"):
        for found in differences(before[1].get(part, ABSENT), after[1].get(part, ABSENT), (part,)):
            if part == "Properties" and _of_a_statement(before[1], after[1], found.path):
                continue
            path = found.path[1:] if part == "Properties" else found.path
            replaces = part == "Properties" and any(_within(path, name) for name in always)
            may = part == "Properties" and any(_within(path, name) for name in perhaps)
            words = f"{'.'.join(path)}: {_from_to(before[0], after[0], found)}"
            if may:
                words += ", which may replace it"
            yield Change("Replaced" if replaces else "Changed", environment, where, words)


def _within(path: tuple[str, ...], name: str) -> bool:
    """Whether `path` is the property `name`, written with slashes, or below or above it."""
    steps = tuple(name.split("/"))
    return path[: len(steps)] == steps or steps[: len(path)] == path


def _of_a_statement(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether what changed at `path` is, or is within, an IAM statement: those are told in their own words."""
    return any(_passes_a_statement(resource, path) for resource in (before, after))


def _passes_a_statement(resource: Any, path: tuple[str, ...]) -> bool:
    value: Any = resource
    for step in path:
        if isinstance(value, list):
            items = named(value)
            value = items.get(step) if items is not None else value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if is_statement(value):
            return True
    return isinstance(value, list) and bool(value) and all(map(is_statement, value))


def _from_to(before: Reviewed, after: Reviewed, found: Difference) -> str:
    if isinstance(found.before, str) and isinstance(found.after, str) and "\n" in found.before + found.after:
        old, new = found.before.splitlines(), found.after.splitlines()
        blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        kept = sum(block.size for block in blocks)
        return f"text of {len(new)} lines, {len(new) - kept} added and {len(old) - kept} removed"
    if found.before is ABSENT:
        return f"now {_said(after, found.after)}"
    if found.after is ABSENT:
        return f"no longer {_said(before, found.before)}"
    return f"{_said(before, found.before)} to {_said(after, found.after)}"


def _said(each: Reviewed, value: Any) -> str:
    text = " ".join(each.formatter.say(value).split()) or "empty"
    return f"`{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}`"


def _access(environment: str, label: str, before: Reviewed | None, after: Reviewed | None) -> Iterator[Change]:
    for widened, holder, words in moved(before.statements if before else (), after.statements if after else ()):
        kind = "Access widened" if widened else "Access narrowed"
        yield Change(kind, environment, f"{label}.{holder}", words.replace(OWN, own_stem(holder)))
