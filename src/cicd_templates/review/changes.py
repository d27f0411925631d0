"""Describes the changes between two sets of templates. The changes that need most attention come first.

Comments, reasons and formatting are not compared, because they do not affect AWS.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.markdown import Markup, code, plain
from cicd_templates.plurals import counted
from cicd_templates.review.access_changes import access_changes, sentence
from cicd_templates.review.formatting import cut_pair
from cicd_templates.review.further_containers import TASK_DEFINITION, added_container
from cicd_templates.review.other_sections import effective_parts, section_differences
from cicd_templates.review.renames import Renames, Stacks, find_renames, general_sentences
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.review.statements import OWN_MARK, Statement, own_stem
from cicd_templates.template import policy_diff
from cicd_templates.template.comparison import ABSENT, Difference, differences, items_by_name
from cicd_templates.template.iam_statements import is_statement
from cicd_templates.template.intrinsics import referenced_names
from cicd_templates.template.stack_graph import READING_TYPE

CHANGE_KINDS = ("Replaced", "Removed", "Access widened", "Access narrowed", "Renamed", "Added", "Changed")
_LONGEST = 100
# A function that takes a region and a resource type. It returns the create-only properties of the type, and the
# properties that are create-only in some cases.
CreateOnly = Callable[[str, str], tuple[frozenset[str], frozenset[str]]]


@dataclass(frozen=True)
class TemplateChange:
    """One change: its kind (one of `CHANGE_KINDS`), its environment, its stack or resource, and a description."""

    kind: str
    environment: str
    where: str
    text: Markup


def template_changes(
    before: Sequence[ReviewedStack], after: Sequence[ReviewedStack], create_only: CreateOnly
) -> list[TemplateChange]:
    """Return every change between the templates, stack by stack.

    `create_only` returns the properties whose change forces a replacement of a resource.
    """
    old, new = _by_stack(before), _by_stack(after)
    renames = find_renames(old, new)
    changes: list[TemplateChange] = []
    for key in (*old, *(key for key in new if key not in old)):
        environment, label = key
        if key not in new:
            changes.append(TemplateChange("Removed", environment, label, _whole_stack(old[key])))
        elif key not in old:
            changes.append(TemplateChange("Added", environment, label, _whole_stack(new[key])))
        if key not in old and (former := renames.former(new[key], old)) is not None:
            changes += _renamed_access(environment, label, former, new[key])
            continue
        if key not in new and renames.has_moved(old[key]):
            changes += _lost_denials(environment, label, old[key])
            continue
        if key not in old and (sibling := _sibling(new[key], old, new)) is not None:
            changes += _access_unlike(environment, label, new[key], sibling)
            continue
        if key not in new or key not in old:
            changes += _access_changes(environment, label, old.get(key), new.get(key))
            continue
        changes += _stack_changes(environment, label, old[key], new[key], create_only, renames)
    return changes


def _by_stack(reviewed: Sequence[ReviewedStack]) -> dict[tuple[str, str], ReviewedStack]:
    return {(stack.template.environment, stack.template.label): stack for stack in reviewed}


def _whole_stack(stack: ReviewedStack) -> Markup:
    return plain(f"the stack, with {counted(len(stack.template.resources), 'resource')}")


def _sibling(stack: ReviewedStack, old: Stacks, new: Stacks) -> ReviewedStack | None:
    """Return another service's stack with which the new stack `stack` is compared, or None if there is no such stack.

    Only stacks of the same layer and environment are candidates. If some of them already exist in `old`, return the
    first of these. If all of them are new, return the first new stack. This first stack itself is not compared.
    """
    facts = stack.template.facts
    siblings = [
        key
        for key, other in new.items()
        if (other.template.environment, other.template.layer) == (stack.template.environment, facts.layer)
        and facts.service
    ]
    existing = [key for key in siblings if key in old]
    first = next(iter(existing or siblings), None)
    return None if first is None or new[first] is stack else new[first]


def _access_unlike(
    environment: str, label: str, stack: ReviewedStack, sibling: ReviewedStack
) -> Iterator[TemplateChange]:
    """Describe the access of a new stack by comparing it with `sibling`, the stack of another service.

    The first result says that the new service has the same access as the other service. Each further result is a
    difference.
    """
    own, others = general_sentences(stack), general_sentences(sibling)
    shared = own.keys() & others.keys()
    if shared:
        text = plain(f"{stack.template.service} has the same access as {sibling.template.service}")
        yield TemplateChange("Access widened", environment, label, text)
    for key, statement in own.items():
        if key not in shared:
            kind = "Access widened" if statement.effect == "Allow" else "Access narrowed"
            named = _named(statement, sentence(statement))
            yield TemplateChange(kind, environment, f"{label}.{statement.holder}", named)
    for key, statement in others.items():
        if key not in shared and statement.effect == "Deny":
            text = _named(statement, f"unlike {sibling.template.service}, without {sentence(statement)}")
            yield TemplateChange("Access widened", environment, f"{label}.{statement.holder}", text)


def _renamed_access(
    environment: str, label: str, before: ReviewedStack, after: ReviewedStack
) -> Iterator[TemplateChange]:
    """Compare the access of a service before and after its renaming.

    Yield one change for all statements that stay the same, and one change for each gained or lost statement.
    """
    old, new = general_sentences(before), general_sentences(after)
    shared = old.keys() & new.keys()
    if shared:
        text = plain(f"{after.template.service} has the same access as {before.template.service} had")
        yield TemplateChange("Renamed", environment, label, text)
    for side, begin, effect in ((new, "", "Allow"), (old, "no longer ", "Deny")):
        for key, statement in side.items():
            if key not in shared:
                kind = "Access widened" if statement.effect == effect else "Access narrowed"
                named = _named(statement, f"{begin}{sentence(statement)}")
                yield TemplateChange(kind, environment, f"{label}.{statement.holder}", named)


def _lost_denials(environment: str, label: str, before: ReviewedStack) -> Iterator[TemplateChange]:
    """Yield a change for each Deny statement about a retained resource that is lost because a service was renamed.

    `before` is the stack with the service's old name. Its deletion keeps the retained resources, but not the
    statements.
    """
    resources = before.template.resources
    retained = {name for name in resources if policy_diff.is_retained(resources[name])}
    for change in _access_changes(environment, label, before, None):
        holder = resources[change.where.removeprefix(f"{label}.")]
        if change.kind == "Access widened" and retained & set(referenced_names(holder.get("Properties", {}))):
            yield change


def _named(statement: Statement, text: str) -> Markup:
    return plain(text.replace(OWN_MARK, own_stem(statement.holder)))


def _stack_changes(
    environment: str,
    label: str,
    before: ReviewedStack,
    after: ReviewedStack,
    create_only: CreateOnly,
    renames: Renames,
) -> Iterator[TemplateChange]:
    yield from _parameter_changes(environment, label, before, after)
    for section, difference in section_differences(before.template.content, after.template.content):
        place = f"{plain('.'.join(difference.path))}: " if difference.path else ""
        text = f"{place}{_before_and_after(before, after, difference)}"
        yield TemplateChange("Changed", environment, f"{label}, {section}", Markup(text))
    old, new = before.template.resources, after.template.resources
    for name in (*old, *(name for name in new if name not in old)):
        where = f"{label}.{name}"
        if name not in new:
            stays = ", which is retained" if policy_diff.is_retained(old[name]) else ""
            yield TemplateChange("Removed", environment, where, plain(f"{_type_name(old[name])}{stays}"))
        elif name not in old:
            yield TemplateChange("Added", environment, where, plain(_type_name(new[name])))
        elif old[name]["Type"] != new[name]["Type"]:
            text = plain(f"{_type_name(old[name])} by {_type_name(new[name])}")
            yield TemplateChange("Replaced", environment, where, text)
        else:
            region = after.template.region
            yield from _resource_changes(
                environment, where, (before, old[name]), (after, new[name]), region, create_only
            )
    yield from _access_changes(environment, label, before, after, renames)


def _type_name(resource: Mapping[str, Any]) -> str:
    return str(resource["Type"]).removeprefix("AWS::")


def _parameter_changes(
    environment: str, label: str, before: ReviewedStack, after: ReviewedStack
) -> Iterator[TemplateChange]:
    def parameters(stack: ReviewedStack) -> dict[str, Any]:
        return {
            name: parameter.get("Default") if parameter["Type"].startswith(READING_TYPE) else parameter
            for name, parameter in stack.template.parameters.items()
        }

    for difference in differences(parameters(before), parameters(after)):
        yield TemplateChange(
            "Changed",
            environment,
            f"{label}, parameter {difference.path[0]}",
            _before_and_after(before, after, difference),
        )


def _resource_changes(
    environment: str,
    where: str,
    before: tuple[ReviewedStack, Mapping[str, Any]],
    after: tuple[ReviewedStack, Mapping[str, Any]],
    region: str,
    create_only: CreateOnly,
) -> Iterator[TemplateChange]:
    always, sometimes = create_only(region, str(after[1]["Type"]))
    old, new = effective_parts(before[1]), effective_parts(after[1])
    for part in (*old, *(part for part in new if part not in old)):
        for difference in differences(old.get(part, ABSENT), new.get(part, ABSENT), (part,)):
            if part == "Properties" and _is_in_statement(before[1], after[1], difference.path):
                continue
            path = difference.path[1:] if part == "Properties" else difference.path
            replaces = part == "Properties" and any(_within(path, name) for name in always)
            may_replace = part == "Properties" and any(_within(path, name) for name in sometimes)
            task, formatter = after[1].get("Properties", {}), after[0].formatter
            added = (
                added_container(path, difference.after, task, formatter)
                if part == "Properties" and after[1]["Type"] == TASK_DEFINITION and difference.before is ABSENT
                else None
            )
            text = f"{plain('.'.join(path))}: {added or _before_and_after(before[0], after[0], difference)}"
            if may_replace:
                text += ", which may replace the resource"
            kind = "Replaced" if replaces else _kind(part, path, before[1], after[1])
            yield TemplateChange(kind, environment, where, Markup(text))


def _kind(part: str, path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return the kind of a property's change: `Access widened`, `Access narrowed`, or `Changed` for other effects."""
    widens = policy_diff.property_widens(path[0], before, after) if part == "Properties" and path else None
    return "Changed" if widens is None else "Access widened" if widens else "Access narrowed"


def _within(path: tuple[str, ...], name: str) -> bool:
    """Return whether one of two property paths is the beginning of the other. Equal paths count, too.

    `path` is the first path as a tuple, such as `("a", "b")`. `name` is the second path as a text, such as `a/b`.
    """
    steps = tuple(name.split("/"))
    return path[: len(steps)] == steps or steps[: len(path)] == path


def _is_in_statement(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether the value at `path` is an IAM statement, a part of a statement, or a list of statements.

    Changes of IAM statements are reported by `_access_changes` instead.
    """
    return any(_passes_statement(resource, path) for resource in (before, after))


def _passes_statement(resource: Any, path: tuple[str, ...]) -> bool:
    value: Any = resource
    for step in path:
        if isinstance(value, list):
            items = items_by_name(value)
            value = items.get(step) if items is not None else value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if is_statement(value):
            return True
    return isinstance(value, list) and bool(value) and all(map(is_statement, value))


def _before_and_after(before: ReviewedStack, after: ReviewedStack, difference: Difference) -> Markup:
    if (
        isinstance(difference.before, str)
        and isinstance(difference.after, str)
        and "\n" in difference.before + difference.after
    ):
        old, new = difference.before.splitlines(), difference.after.splitlines()
        blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        kept = sum(block.size for block in blocks)
        return Markup(f"text of {len(new)} lines, {len(new) - kept} added and {len(old) - kept} removed")
    if difference.before is ABSENT:
        return Markup(f"now {_quoted(_one_line(after, difference.after))}")
    if difference.after is ABSENT:
        return Markup(f"no longer {_quoted(_one_line(before, difference.before))}")
    then, now = cut_pair(_one_line(before, difference.before), _one_line(after, difference.after), _LONGEST)
    return Markup(f"{code(then)} to {code(now)}")


def _one_line(stack: ReviewedStack, value: Any) -> str:
    return " ".join(stack.formatter.format(value).split()) or "empty"


def _quoted(text: str) -> Markup:
    """Return `text` as a Markdown code span of at most `_LONGEST` characters."""
    return code(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _access_changes(
    environment: str,
    label: str,
    before: ReviewedStack | None,
    after: ReviewedStack | None,
    renames: Renames = Renames(),  # noqa: B008 - frozen
) -> Iterator[TemplateChange]:
    old, new = (side.template.resources if side else {} for side in (before, after))
    gone = {name for name in old if policy_diff.ends_with_its_subjects(name, old, new)}
    was, now = before.statements if before else (), after.statements if after else ()
    pairs = renames.renamed_statements(was, now)
    for position in pairs:
        statement = now[position]
        yield TemplateChange(
            "Renamed", environment, f"{label}.{statement.holder}", _named(statement, renames.words(statement))
        )
    was = tuple(statement for position, statement in enumerate(was) if position not in pairs.values())
    now = tuple(statement for position, statement in enumerate(now) if position not in pairs)
    for widened, holder, text in access_changes(was, now, gone):
        kind = "Access widened" if widened else "Access narrowed"
        named = plain(text.replace(OWN_MARK, own_stem(holder)))
        yield TemplateChange(kind, environment, f"{label}.{holder}", named)
