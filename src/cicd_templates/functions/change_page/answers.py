"""Answers a reviewer's first questions in one or two sentences each: what changes, what is lost, who gets more access.

This module does not call AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from cicd_templates.functions.change_page.rows import IMAGE, REFERENCES, TAGS, VERBS, Row, ShownPlan, nature_of
from cicd_templates.plurals import counted
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.impact import (
    INTERRUPTION,
    PERHAPS_REPLACE,
    REPLACEMENT,
    Change,
    Detail,
    loss_in_words,
    total,
)
from cicd_templates.template.granted_access import PERMISSIONS
from cicd_templates.template.openings import CALLABLE, GRANTED_BY_TYPE
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.used_roles import HANDED_ROLES

PERHAPS_MODIFY = "Perhaps modify"
# The number of rows that a sentence names. All other rows are only counted.
NAMED = 3
LONGEST_STATEMENT = 160
# The longest value that a sentence has, and the number of removed stacks that it names.
LONGEST_VALUE, NAMED_STACKS = 40, 12
# The contents that a resource can have. A new resource that replaces it does not have these contents. Other losses,
# such as an address, are not contents.
CONTENTS = frozenset({
    "a database", "a table", "objects", "files", "messages", "records", "images", "an index", "users", "logs", "a disk",
    "archived events", "reports",
})  # fmt: skip
EMPTY = "The new resource is empty unless its template sets a source for the data: CloudFormation copies no data"
NOTHING_WIDER = "No policy statement allows more than before."
# Resource types that decide who can reach something. This program does not compare them as it compares policies.
NETWORK_TYPES = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")


def what_changes(plans: Sequence[ShownPlan], rows: Sequence[Row]) -> str:
    """Return sentences about changed stacks and resources, new services, removed stacks and waiting stacks."""
    return " ".join(filter(None, [_changes(plans, rows), _new_services(plans), _left(plans)]))


def _changes(plans: Sequence[ShownPlan], rows: Sequence[Row]) -> str:
    changing = [stack for plan in plans for stack in plan.changing]
    if not changing:
        return "Nothing changes."
    natures = {row.nature for row in rows} - {REFERENCES}
    if natures == {TAGS}:
        tagged = _resources(row for row in rows if row.nature == TAGS)
        return f"Nothing changes except tags of {tagged} in {counted(len(changing), 'stack')}{_tag_values(rows)}."
    if natures == {IMAGE}:
        return f"Nothing changes except container images of {_services(rows)}."
    created = sum(stack.creates for stack in changing)
    stacks = [
        counted(count, noun)
        for noun, count in (("new stack", created), ("updated stack", len(changing) - created))
        if count
    ]
    counts: Counter[str] = Counter()
    for stack in changing:
        counts.update(map(_action, stack.changes))
    verbs = {PERHAPS_MODIFY: "perhaps modified", PERHAPS_REPLACE: "perhaps replaced"} | VERBS
    actions = [(counts[action], verb) for action, verb in reversed(verbs.items()) if counts[action]]
    nouns = [counted(count, "resource") if number == 0 else f"{count:,}" for number, (count, _) in enumerate(actions)]
    resources = ", ".join(f"{noun} {verb}" for noun, (_, verb) in zip(nouns, actions, strict=True))
    environments = f" in {counted(len(plans), 'environment')}" if len(plans) > 1 else ""
    return f"{' and '.join(stacks)}{environments}: {resources or 'only outputs or tags of stacks'}."


def _action(change: Change) -> str:
    """Return the group, such as `Modify`, under which `what_changes` counts a change.

    For a change that depends on the change of another resource, the group is `PERHAPS_MODIFY` or `PERHAPS_REPLACE`.
    """
    (action,) = total([change])
    if nature_of(change) != REFERENCES:
        return action
    return PERHAPS_MODIFY if action == "Modify" else PERHAPS_REPLACE


def first_changes(rows: Sequence[Row]) -> str:
    """Return a sentence that names the most important rows, or an empty string if there are none."""
    changed = [_with_values(row) for row in rows if row.nature not in (TAGS, REFERENCES)]
    return f"Changed: {first_of(changed)}." if changed else ""


def _with_values(row: Row) -> str:
    """Return the name of a row, followed by its changed values if these are short."""
    values = list(filter(None, map(_short_change, row.change.details)))[:NAMED] if row.nature != IMAGE else []
    return f"{named(row)} ({', '.join(values)})" if values else named(row)


def _tag_values(rows: Sequence[Row]) -> str:
    """Return the changed tags with their values, or an empty string if CloudFormation does not report the values."""
    details = (detail for row in rows if row.nature == TAGS for detail in row.change.details)
    return f": {first_of(values)}" if (values := list(dict.fromkeys(filter(None, map(_short_change, details))))) else ""


def _short_change(detail: Detail) -> str:
    """Return a property with its old and new values, or an empty string if the values are long or not reported."""
    before, after = detail.before, detail.after
    if not (before or after) or before == after or max(len(before), len(after)) > LONGEST_VALUE:
        return ""
    name = detail.path.removeprefix("/Properties/").removeprefix("Tags/") or detail.name or detail.attribute
    return f"{name} {before or 'nothing'} \u2192 {after or 'nothing'}"


def _resources(rows: Iterable[Row]) -> str:
    return counted(sum(len(row.places) for row in rows), "resource")


def _services(rows: Iterable[Row]) -> str:
    services = sorted({place.service for row in rows for place in row.places})
    return ", ".join(services) if len(services) <= NAMED else counted(len(services), "service")


def _new_services(plans: Sequence[ShownPlan]) -> str:
    stacks = [stack for plan in plans for stack in plan.stacks if stack.service]
    new = sorted({stack.service for stack in stacks} - {stack.service for stack in stacks if not stack.creates})
    if not new:
        return ""
    return f"New {'service' if len(new) == 1 else 'services'}: {first_of(new)}."


def _left(plans: Sequence[ShownPlan]) -> str:
    removed = sorted({label for plan in plans for label in plan.removed})
    waits = sum(len(plan.waits) for plan in plans)
    sentences = []
    if removed:
        more = f" and {len(removed) - NAMED_STACKS:,} more" if len(removed) > NAMED_STACKS else ""
        sentences.append(f"No longer rendered, but left in AWS: {', '.join(removed[:NAMED_STACKS])}{more}.")
    if waits:
        sentences.append(f"{counted(waits, 'stack')} can be planned only after this plan is deployed.")
    return " ".join(sentences)


def what_is_lost(rows: Sequence[Row]) -> str:
    """Return sentences that say which resources with data are deleted or replaced, and what happens to their data."""
    losing = [row for row in rows if row.impact.loses]
    if not losing:
        return "Nothing that holds data is deleted or replaced."
    return f"{first_of([_loss(row) for row in losing], '. ')}."


def _loss(row: Row) -> str:
    words = loss_in_words(named(row), row.change, row.impact)
    if row.impact.kind != REPLACEMENT or row.impact.holds not in CONTENTS:
        return words
    return f"{words}. {EMPTY}{' and restores no snapshot' if 'snapshot' in row.impact.fate else ''}"


def who_can_do_more(rows: Sequence[Row], unreported: Collection[str] = ()) -> str:
    """Return sentences about policies that allow more than before, and about changes that a person must check.

    A person must check these changes, because this program cannot compare them:

    - changes of security groups
    - changes of the resources in `unreported`, whose policies are not known

    For new stacks, the sentences have only the number of resources that grant access.
    """
    wider = [row for row in rows if row.grants.widens]
    created = [row for row in rows if row.creates_stack]
    new = sum(count * len(row.places) for row in rows for type_, count in row.contents if grants_access(type_))
    sentences = (
        [f"These changes allow more access: {first_of([_access(row) for row in wider], '; ')}."] if wider else []
    )
    if new:
        where = (
            "read their statements below" if any(row.grants.added for row in created) else "read them in the templates"
        )
        sentences.append(f"New stacks have resources that grant access: {new}; {where}.")
    if unread := unread_changes(rows, unreported):
        sentences.append(f"Check yourself what these changes allow: {first_of(unread)}.")
    return " ".join(sentences) or NOTHING_WIDER


def unread_changes(rows: Sequence[Row], unreported: Collection[str] = ()) -> list[str]:
    """Return the names of changes that can grant access in a way that this program cannot judge."""
    return [named(row) for row in rows if _is_uncompared(row) or any(place.name in unreported for place in row.places)]


def _is_uncompared(row: Row) -> bool:
    """Return whether a security group could allow more traffic after the change."""
    if row.creates_stack or row.nature == TAGS or row.change.action == "Remove":
        return False
    return row.change.resource_type in NETWORK_TYPES


def grants_access(resource_type: str) -> bool:
    """Return whether a resource of this type can grant permissions or open a network."""
    return (
        resource_type.startswith("AWS::IAM::")
        or resource_type.endswith("Policy")
        or resource_type in (*NETWORK_TYPES, "AWS::KMS::Key", *PERMISSIONS, *CALLABLE, *GRANTED_BY_TYPE, *HANDED_ROLES)
    )


def _access(row: Row) -> str:
    changed = [*row.grants.added, *(f"no longer: {statement}" for statement in row.grants.removed)]
    first = next(iter(changed), "read its policy")
    end = ", without a condition" if first.startswith("allow ") and " if " not in first else ""
    first = first if len(first) <= LONGEST_STATEMENT else f"{first[: LONGEST_STATEMENT - 1]}\u2026"
    return f"{named(row)} ({first}{end}{f' and {len(changed) - 1} more' if len(changed) > 1 else ''})"


def how_long(plans: Sequence[ShownPlan], rows: Sequence[Row]) -> str:
    """Return sentences that say how long the deployment of the slowest stack can take, and what may be interrupted."""
    changing = [(stack.longest_wait_seconds, stack.label) for plan in plans for stack in plan.changing]
    slowest = max(changing, default=(0.0, ""))
    time = f"The slowest stack, {slowest[1]}, takes at most {format_duration(slowest[0])}." if slowest[0] else ""
    if not changing:
        return "Nothing is deployed."
    several = "Stacks that depend on each other are deployed one after the other, so the whole deployment takes longer."
    several = several if len(changing) > 1 else ""
    return " ".join(filter(None, [time, several, _interruptions(rows)]))


def _interruptions(rows: Sequence[Row]) -> str:
    interrupted = [named(row) for row in rows if row.impact.kind == INTERRUPTION]
    replaced = [named(row) for row in rows if may_interrupt(row)]
    sentences = [f"Interrupted meanwhile: {first_of(interrupted)}."] if interrupted else []
    if replaced:
        sentences.append(f"Everything that uses the old {first_of(replaced)} may be interrupted.")
    return " ".join(sentences) or "No interruption is known."


def may_interrupt(row: Row) -> bool:
    """Return whether the change in `row` replaces a resource in a way that may interrupt the users of the resource.

    A replacement does not interrupt users if AWS keeps the old revision of the resource, if only container images
    change, or if only values from other resources change.
    """
    is_replaced = row.impact.kind == REPLACEMENT and row.nature not in (IMAGE, REFERENCES)
    return is_replaced and not facts_of(row.change.resource_type).has_revisions


def named(row: Row) -> str:
    """Return a text that names the resources of a row.

    If the row has more than `NAMED` resources, or resources of several environments, return its title and their number.
    """
    if 1 < len(row.places) <= NAMED and len({place.environment for place in row.places}) == 1:
        return ", ".join(place.name for place in row.places)
    return f"{row.title} in {row.count}" if row.count and row.name else row.title


def first_of(items: Sequence[str], separator: str = ", ") -> str:
    """Return the first few items as text. If items are left out, the text ends with their number."""
    return separator.join(items[:NAMED]) + (f" and {len(items) - NAMED:,} more" if len(items) > NAMED else "")
