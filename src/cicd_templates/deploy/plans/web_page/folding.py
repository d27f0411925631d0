"""Turns plans into the rows of a page. Similar changes of several resources share one row.

Changes are similar if they differ only in names that contain the environment, its account or the service. In such
names, a placeholder such as `{service}` stands for the part that differs. This module does not call AWS.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cicd_templates.deploy.change_sets.impact import DELETION, INTERRUPTION, REPLACEMENT, Change, Detail, Impact
from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.plurals import counted
from cicd_templates.review.service_names import SERVICE, with_placeholders
from cicd_templates.template.policy_diff import PolicyDiff

ENVIRONMENT, ACCOUNT = "{environment}", "{account}"
TAGS, IMAGE = "tags", "images"
VERBS = {
    "Add": "added",
    "Modify": "modified",
    "Replace": "replaced",
    "Remove": "deleted",
    "Dynamic": "undecided",
    # The resource already is as the template describes it. Only CloudFormation's record of the resource changes.
    "SyncWithActual": "recorded, not changed",
}
STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Place:
    """A resource that changes. `name` is `<stack>/<logical id>` or, for a new stack, the label of the stack."""

    environment: str
    service: str
    name: str
    source: str


@dataclass(frozen=True)
class Row:
    """A row of the page: a change, with all resources to which it happens.

    If there are several, placeholders stand for the parts in which they differ. For a new stack, `change` is the
    creation of the stack, and `contents` has the types of its resources with their numbers.
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
        """Whether the row stands for the creation of stacks."""
        return self.change.resource_type == STACK_TYPE

    @property
    def nature(self) -> str:
        """`TAGS` or `IMAGE` if only tags or only container images change, otherwise an empty string."""
        return nature_of(self.change)

    @property
    def title(self) -> str:
        """The name of the changed resource, or the number of resources if their names differ."""
        if len(self.places) == 1:
            return self.places[0].name
        return self.name or counted(len(self.places), "resource")

    @property
    def extent(self) -> str:
        """The extent of the change, such as `3 environments, 40 services: the same`, or empty for a single resource."""
        environments = {place.environment for place in self.places}
        services = {place.service for place in self.places if place.service}
        words = [
            counted(len(items), noun)
            for items, noun in ((environments, "environment"), (services, "service"))
            if len(items) > 1
        ]
        if len(self.places) != len(environments) * max(len(services), 1):
            words.append(counted(len(self.places), "resource"))
        return f"{', '.join(words)}: the same" if words else ""

    @property
    def effect(self) -> str:
        """The effect of the change in a few words, such as `perhaps replaced` or `modified, only tags`."""
        if self.creates_stack:
            return "new stack"
        maybe = "" if self.impact.certain else "perhaps "
        verb = f"{maybe}replaced" if self.impact.kind == REPLACEMENT else VERBS[self.change.action]
        wider = ", wider access" if self.grants.widens else ""
        return f"{verb}{wider}{f', only {self.nature}' if self.nature else ''}"

    @property
    def severity(self) -> int:
        """A number that says how much attention the row needs. 0 needs most and means that data is deleted."""
        deletes_data = self.impact.loses and not self.impact.fate.startswith("kept")
        by_severity = (
            deletes_data and self.impact.certain,
            deletes_data,
            self.impact.loses,
            self.grants.widens,
            self.impact.kind in (REPLACEMENT, DELETION) and self.nature != IMAGE,
            self.impact.kind == INTERRUPTION,
            self.creates_stack,
            self.nature == "" and self.change.action != "Add",
            self.nature != TAGS,
        )
        return next((number for number, holds in enumerate(by_severity) if holds), len(by_severity))


def fold(plans: Sequence[Plan]) -> list[Row]:
    """Return the rows of `plans`. Rows that need most attention come first."""
    alike: dict[tuple[object, ...], list[tuple[Row, Row]]] = {}
    for plan in plans:
        for stack in plan.changing:
            placeholders = _placeholders(plan, stack, several_environments=len(plans) > 1)
            for row in _rows(plan, stack):
                generic = _with_texts(row, placeholders)
                alike.setdefault(_key(generic), []).append((row, generic))
    rows = [pairs[0][0] if len(pairs) == 1 else _joined([generic for _, generic in pairs]) for pairs in alike.values()]
    return sorted(rows, key=lambda row: (row.severity, row.name, row.change.resource_type))


def _key(row: Row) -> tuple[object, ...]:
    """Return the key of a change. Changes with the same key share a row.

    Each resource with data has a row of its own, because the user must allow its loss by name. Changes of tags share a
    row even if their resources have different types.
    """
    change = replace(row.change, logical_id="", resource_type="" if row.nature == TAGS else row.change.resource_type)
    named = row.name if row.impact.loses or row.creates_stack else ""
    return (change, row.impact, row.grants, row.contents, named)


def _joined(rows: Sequence[Row]) -> Row:
    names, types = {row.name for row in rows}, {row.change.resource_type for row in rows}
    services = {place.service for row in rows for place in row.places}
    joined = replace(
        rows[0],
        name=names.pop() if len(names) == 1 else "",
        change=replace(rows[0].change, resource_type=types.pop() if len(types) == 1 else "several types"),
        places=tuple(place for row in rows for place in row.places),
        longest_wait_seconds=max(row.longest_wait_seconds for row in rows),
    )
    # If there is only one service, its name is shown instead of a placeholder.
    return _with_texts(joined, functools.partial(_restored, next(iter(services)))) if len(services) == 1 else joined


def _restored(service: str, text: str) -> str:
    return text.replace(SERVICE, service)


def _rows(plan: Plan, stack: PlannedStack) -> Iterator[Row]:
    if stack.creates:
        place = Place(plan.environment, stack.service, stack.label, stack.file)
        contents = tuple(sorted(Counter(change.resource_type for change in stack.changes).items()))
        added, wait = Change("Add", "", STACK_TYPE), stack.longest_wait_seconds
        yield Row(stack.label, added, Impact("safe"), PolicyDiff(), (place,), contents, wait)
        return
    for change, impact in zip(stack.changes, stack.impacts, strict=True):
        line = stack.lines.get(change.logical_id)
        name = f"{stack.label}/{change.logical_id}"
        place = Place(plan.environment, stack.service, name, f"{stack.file}:{line}" if line else stack.file)
        grants = stack.grants.get(change.logical_id, PolicyDiff())
        shown = replace(change, details=tuple(dict.fromkeys(_shown_details(change))))
        yield Row(name, shown, impact, grants, (place,), longest_wait_seconds=stack.longest_wait_seconds)


def _shown_details(change: Change) -> tuple[Detail, ...]:
    """Return the details of a change without the task definition's revision, because it differs in every service."""
    if change.resource_type == "AWS::ECS::Service" and nature_of(change) == IMAGE:
        return tuple(replace(detail, before="", after="") for detail in change.details)
    return change.details


def _placeholders(plan: Plan, stack: PlannedStack, *, several_environments: bool) -> Callable[[str], str]:
    """Return a function that replaces the names of the service, environment and account in a text by placeholders."""
    # A service may have the name of one of AWS's services. An action such as `s3:GetObject` must stay as it is.
    action = re.compile(rf"\b{re.escape(stack.service)}:[A-Z*]")
    words = ((plan.environment, ENVIRONMENT), (plan.account, ACCOUNT)) if several_environments else ()
    patterns = [(re.compile(rf"\b{re.escape(word)}\b"), placeholder) for word, placeholder in words if word]

    def with_all_placeholders(text: str) -> str:
        if stack.service and not action.search(text):
            text = with_placeholders(text, stack.service)
        for pattern, placeholder in patterns:
            text = pattern.sub(placeholder, text)
        return text

    return with_all_placeholders


def _with_texts(row: Row, edit: Callable[[str], str]) -> Row:
    """Return `row` with `edit` applied to all its texts in which names can occur."""
    details = (replace(detail, before=edit(detail.before), after=edit(detail.after)) for detail in row.change.details)
    added, removed = (tuple(map(edit, texts)) for texts in (row.grants.added, row.grants.removed))
    return replace(
        row,
        name=edit(row.name),
        change=replace(row.change, details=tuple(dict.fromkeys(details))),
        grants=replace(row.grants, added=added, removed=removed),
    )


def nature_of(change: Change) -> str:
    """Return `TAGS` or `IMAGE` if a change affects only tags or only container images, otherwise an empty string.

    A change of an ECS service that only uses a new revision of its task definition counts as `IMAGE`, too.
    """
    if change.action != "Modify" or not change.details:
        return ""
    if all(detail.attribute == "Tags" or detail.name in ("Tags", "TagsAll") for detail in change.details):
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
    """Return the container definitions in the JSON `text` without their images, or None if `text` has no such JSON."""
    try:
        containers = json.loads(text)
        return [{key: value for key, value in container.items() if key != "Image"} for container in containers]
    except (ValueError, TypeError, AttributeError):
        return None
