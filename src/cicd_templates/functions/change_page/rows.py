"""Turns the plans of stacks into the rows of the page. A row shows one change; equal changes can share a row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cicd_templates.plurals import counted
from cicd_templates.template.changes.impact import (
    DELETION,
    INTERRUPTION,
    REPLACEMENT,
    Change,
    Detail,
    Impact,
    is_about_tags,
)
from cicd_templates.template.changes.masking import hides_values
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff

TAGS, IMAGE, REFERENCES = "tags", "images", "references"
VERBS = {
    "Add": "added",
    "Import": "taken into the stack",
    "Modify": "modified",
    "Replace": "replaced",
    "Remove": "deleted",
    "Dynamic": "undecided",
    # The resource already matches the template. Only CloudFormation's record of the resource changes.
    "SyncWithActual": "recorded, not changed",
}
UNCOMPARED = "alike, but masked values were not compared"
NEW_REVISION = "(the new revision)"
STACK_TYPE, SERVICE_TYPE = "AWS::CloudFormation::Stack", "AWS::ECS::Service"


class ShownPlan(Protocol):
    """The part of a plan that the page shows: the environment, and the stacks that change, wait or are removed."""

    @property
    def environment(self) -> str:
        """The name of the environment."""

    @property
    def stacks(self) -> Sequence[PlannedStack]:
        """The plans of the stacks."""

    @property
    def changing(self) -> Sequence[PlannedStack]:
        """The plans of the stacks that would change."""

    @property
    def waits(self) -> Mapping[str, Sequence[str]]:
        """The stacks that cannot be planned yet, each with the names of the stacks that must be deployed first."""

    @property
    def removed(self) -> Sequence[str]:
        """The labels of stacks that are no longer rendered."""


@dataclass(frozen=True)
class Place:
    """A resource that changes, or a new stack. `name` is `<stack>/<logical id>`, or the label of the new stack."""

    environment: str
    service: str
    name: str
    source: str


@dataclass(frozen=True)
class Row:
    """A row of the page: one change, and all resources that change in this way.

    - `places` lists the resources. If a name in the change differs between these resources, the row has a placeholder
      instead of the name.
    - In a row for a new stack, `change` is the creation of the stack, and `contents` has the number of its resources of
      each type.
    """

    name: str
    change: Change
    impact: Impact
    grants: PolicyDiff
    places: tuple[Place, ...]
    contents: tuple[tuple[str, int], ...] = ()
    longest_wait_seconds: float = 0.0

    @property
    def creates_stack(self) -> bool:
        """Return whether the row is about the creation of stacks."""
        return self.change.resource_type == STACK_TYPE

    @property
    def nature(self) -> str:
        """`TAGS`, `IMAGE` or `REFERENCES` if only tags, images or references change, otherwise an empty string."""
        return nature_of(self.change)

    @property
    def title(self) -> str:
        """The common name of the row's resources or, if their names differ, the number of these resources."""
        if len(self.places) == 1:
            return self.places[0].name
        return self.name or counted(len(self.places), "resource")

    @property
    def extent(self) -> str:
        """A text that counts the places with this change, such as `3 environments, 40 services: the same`.

        The text is empty for a single resource. If values are masked, the text says that the values were not compared.
        """
        return f"{self.count}: {UNCOMPARED if self._hides_values else 'the same'}" if self.count else ""

    @property
    def _hides_values(self) -> bool:
        return any(hides_values(text) for detail in self.change.details for text in (detail.before, detail.after))

    @property
    def count(self) -> str:
        """A text that says how much the change affects, such as `3 environments, 40 services`.

        If the change affects only one resource, the text is empty.
        """
        environments = {place.environment for place in self.places}
        services = {place.service for place in self.places if place.service}
        words = [
            counted(len(items), noun)
            for items, noun in ((environments, "environment"), (services, "service"))
            if len(items) > 1
        ]
        if len(self.places) != len(environments) * max(len(services), 1):
            words.append(counted(len(self.places), "resource"))
        return ", ".join(words)

    @property
    def effect(self) -> str:
        """The effect of the change in a few words, such as `perhaps replaced` or `modified, only tags`."""
        if self.creates_stack:
            return "new stack"
        if self.nature == REFERENCES:
            verb = "replaced" if self.impact.kind == REPLACEMENT else "modified"
            return f"{verb} only if a referenced value changes"
        if self.nature == IMAGE and self.impact.kind == REPLACEMENT:
            return "new revision, only images"
        if self.nature == IMAGE and self.change.resource_type == SERVICE_TYPE:
            return "modified, runs the new revision"
        maybe = "" if self.impact.certain else "perhaps "
        verb = f"{maybe}replaced" if self.impact.kind == REPLACEMENT else VERBS[self.change.action]
        wider = ", wider access" if self.grants.widens else ""
        return f"{verb}{wider}{f', only {self.nature}' if self.nature else ''}"

    @property
    def severity(self) -> int:
        """A number for the order of the rows. 0 is the most severe: data is deleted."""
        deletes_data = self.impact.loses and not self.impact.fate.startswith("kept")
        by_severity = (
            deletes_data and self.impact.certain,
            deletes_data,
            self.impact.loses,
            self.grants.widens,
            self.impact.kind in (REPLACEMENT, DELETION) and self.nature not in (IMAGE, REFERENCES),
            self.impact.kind == INTERRUPTION,
            self.creates_stack,
            self.nature == "" and self.change.action != "Add",
            self.nature not in (TAGS, REFERENCES),
            self.nature == TAGS,
        )
        return next((number for number, holds in enumerate(by_severity) if holds), len(by_severity))


def stack_rows(environment: str, stack: PlannedStack) -> Iterator[Row]:
    """Yield a row for each change of a stack. For a new stack, yield only one row."""
    if stack.creates:
        place = Place(environment, stack.service, stack.label, stack.file)
        contents = tuple(sorted(Counter(change.resource_type for change in stack.changes).items()))
        added, wait = Change("Add", "", STACK_TYPE), stack.longest_wait_seconds
        statements = tuple(f"{name}: {text}" for name, diff in stack.grants.items() for text in diff.added)
        yield Row(stack.label, added, Impact("safe"), PolicyDiff(statements), (place,), contents, wait)
        return
    for change, impact in zip(stack.changes, stack.impacts, strict=True):
        line = stack.lines.get(change.logical_id)
        name = f"{stack.label}/{change.logical_id}"
        place = Place(environment, stack.service, name, f"{stack.file}:{line}" if line else stack.file)
        grants = stack.grants.get(change.logical_id, PolicyDiff())
        shown = replace(change, details=tuple(dict.fromkeys(_shown_details(change))))
        yield Row(name, shown, impact, grants, (place,), longest_wait_seconds=stack.longest_wait_seconds)


def _shown_details(change: Change) -> Iterator[Detail]:
    """Yield the details of a change, as a row shows them.

    Three parts are left out, so that equal changes of several resources can share a row: the revision number of a task
    definition, unchanged tags, and the unchanged settings of a container whose image changes.
    """
    is_image = nature_of(change) == IMAGE
    for detail in change.details:
        if is_image and change.resource_type == SERVICE_TYPE:
            yield replace(detail, before="", after=NEW_REVISION)
        elif is_image and not detail.path.endswith("/Image"):
            yield from _changed_images(detail)
        elif is_about_tags(detail):
            yield from _changed_tags(detail)
        else:
            yield detail


def _changed_images(detail: Detail) -> Iterator[Detail]:
    """Yield a detail for each container with a new image. The two lists of containers differ only in images."""
    for before, after in zip(json.loads(detail.before), json.loads(detail.after), strict=True):
        if before != after:
            path = f"{detail.path}/{after.get('Name')}/Image"
            yield replace(detail, path=path, before=str(before.get("Image")), after=str(after.get("Image")))


def _changed_tags(detail: Detail) -> Iterator[Detail]:
    """Split `detail` into a detail for each changed tag. If this is not possible, yield `detail` unchanged."""
    before, after = _tags(detail.before), _tags(detail.after)
    if before is None or after is None or before == after:
        yield detail
        return
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield replace(detail, path=f"/Properties/Tags/{key}", before=before.get(key, ""), after=after.get(key, ""))


def _tags(text: str) -> dict[str, str] | None:
    """Return the tags in `text`, the JSON of a list or a map. Return None if the text is anything else.

    An empty text has no tags.
    """
    try:
        tags = json.loads(text or "{}")
        pairs = tags.items() if isinstance(tags, dict) else [(tag["Key"], tag["Value"]) for tag in tags]
        return {str(key): str(value) for key, value in pairs}
    except (ValueError, TypeError, KeyError):
        return None


def join_alike(pairs: Iterable[tuple[Row, Row]]) -> list[Row]:
    """Join similar rows into one row. Return all rows, the most severe first.

    Each pair has a row, and a copy of this row in which placeholders replace some names. Two rows are similar if
    `_likeness_key` returns the same key for their copies.
    """
    alike: dict[tuple[object, ...], list[tuple[Row, Row]]] = {}
    for row, generic in pairs:
        alike.setdefault(_likeness_key(generic), []).append((row, generic))
    rows = [same[0][0] if len(same) == 1 else _joined([generic for _, generic in same]) for same in alike.values()]
    return sorted(rows, key=lambda row: (row.severity, row.name, row.change.resource_type))


def _likeness_key(row: Row) -> tuple[object, ...]:
    """Return a key for a row. Rows with the same key are joined into one row.

    If data would be lost, only rows with the same name are joined, because the user must allow the loss by name. If
    only tags or only references change, rows of different resource types are joined, too.
    """
    change = replace(row.change, logical_id="")
    if row.nature in (TAGS, REFERENCES):
        change = replace(change, resource_type="")
    if row.nature == REFERENCES:
        change = replace(change, details=())
    named = row.name if row.impact.loses or row.creates_stack else ""
    return (change, row.impact, row.grants, row.contents, named)


def _joined(rows: Sequence[Row]) -> Row:
    names, types = {row.name for row in rows}, {row.change.resource_type for row in rows}
    return replace(
        rows[0],
        name=names.pop() if len(names) == 1 else "",
        change=replace(rows[0].change, resource_type=types.pop() if len(types) == 1 else "several types"),
        places=tuple(place for row in rows for place in row.places),
        longest_wait_seconds=max(row.longest_wait_seconds for row in rows),
    )


def nature_of(change: Change) -> str:
    """Return `TAGS`, `IMAGE` or `REFERENCES` for a change of only one of these kinds, otherwise an empty string.

    - `TAGS`: only tags change.
    - `IMAGE`: only container images change, or only the revision of an ECS service's task definition changes.
    - `REFERENCES`: only values that the resource takes from other resources may change.
    """
    if change.action != "Modify" or not change.details:
        return ""
    if all(detail.cause for detail in change.details):
        return REFERENCES
    if all(map(is_about_tags, change.details)):
        return TAGS
    if change.resource_type == "AWS::ECS::TaskDefinition":
        return IMAGE if all(map(_changes_only_images, change.details)) else ""
    moves = change.resource_type == "AWS::ECS::Service" and change.properties == ("TaskDefinition",)
    return IMAGE if moves else ""


def _changes_only_images(detail: Detail) -> bool:
    if detail.name != "ContainerDefinitions":
        return False
    if detail.path.endswith("/Image"):
        return True
    before, after = (_without_images(text) for text in (detail.before, detail.after))
    return before is not None and before == after


def _without_images(text: str) -> Any:
    """Return the container definitions in `text`, which is JSON, without their images.

    Return None if `text` is not the JSON of container definitions.
    """
    try:
        containers = json.loads(text)
        return [{key: value for key, value in container.items() if key != "Image"} for container in containers]
    except (ValueError, TypeError, AttributeError):
        return None
