"""Writes the page for the approver of a stage.

The page says what the change sets of the stage change, what is lost, and who gets more access. It looks like the page
of a plan, and the same modules write it.

The function cannot parse YAML, so it does not read the templates. It reads the properties of resources from the
`BeforeContext` and the `AfterContext` of each change. If CloudFormation reports a change without these contexts, the
function cannot compare the policies of the resource, and the page says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.functions.change_page.answers import how_long, what_changes, what_is_lost, who_can_do_more
from cicd_templates.functions.change_page.page import LONGEST_TEXT, fitting_data, page_html
from cicd_templates.functions.change_page.row_contents import FILTERS, printable_content, row_content
from cicd_templates.functions.change_page.rows import TAGS, Row, join_alike, nature_of, stack_rows
from cicd_templates.functions.change_page.verdict import verdict, verdict_mark
from cicd_templates.functions.change_page.word_difference import cut
from cicd_templates.functions.reviewed_change_sets import ChangeSet, digest_of
from cicd_templates.printable import printable
from cicd_templates.template.changes.duration import longest_wait
from cicd_templates.template.changes.impact import KNOWN_LATER, UNKNOWN_VALUE, Change, assess, change_of, merged
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.granted_access import as_list
from cicd_templates.template.iam_statements import holds_policy
from cicd_templates.template.openings import CALLABLE, OPENED
from cicd_templates.template.policy_diff import PolicyDiff, compare, hides_access

# Stands for an old value that CloudFormation does not report. It must differ from the text for an unknown new value.
NOT_REPORTED = "(not reported)"
UNKNOWN_TEXTS = (NOT_REPORTED, KNOWN_LATER)
NO_DRIFT = "Not checked; make drift checks it."
NEXT = (
    "Check that the digest in CodePipeline's approval request equals the name of this page's folder; then approve or "
    "reject the request in CodePipeline."
)


@dataclass(frozen=True)
class ReviewedStage:
    """The change sets of one stage.

    `unreported` names the resources whose policies could not be compared. The names are written as on the page.
    """

    environment: str
    stacks: tuple[PlannedStack, ...]
    unreported: frozenset[str]
    waits: dict[str, tuple[str, ...]]
    removed: tuple[str, ...] = ()

    @property
    def changing(self) -> tuple[PlannedStack, ...]:
        """The stacks that would change."""
        return tuple(stack for stack in self.stacks if stack.is_changing)


@dataclass(frozen=True)
class ApprovalPage:
    """The page as HTML, its data as JSON, and the answers to its three questions.

    The questions are: what changes, what is lost, and who gets more access.
    """

    html: str
    data: str
    changes: str
    lost: str
    access: str


def reviewed_stage(environment: str, service: str, change_sets: Sequence[tuple[str, ChangeSet]]) -> ReviewedStage:
    """Return the changes of a stage. `change_sets` pairs the name of each layer with the change set of its stack."""
    stacks, unreported = [], set()
    for layer, change_set in change_sets:
        stack, names = _reviewed_stack(environment, service, f"{layer}-{service}", change_set)
        stacks.append(stack)
        unreported |= {f"{stack.label}/{name}" for name in names}
    return ReviewedStage(environment, tuple(stacks), frozenset(unreported), {})


def _reviewed_stack(
    environment: str, service: str, label: str, change_set: ChangeSet
) -> tuple[PlannedStack, frozenset[str]]:
    """Return what a change set changes, and the logical ids of the changed resources whose policies are unknown."""
    changes = merged(map(change_of, change_set.changes), map(change_of, change_set.valued))
    reported = {change["LogicalResourceId"]: change for change in change_set.valued}
    before, after = (
        {name: resource for name, change in reported.items() if (resource := _resource(change, context, unknown))}
        for context, unknown in (("BeforeContext", NOT_REPORTED), ("AfterContext", KNOWN_LATER))
    )
    compared = {change.logical_id: _compared(change, before, after) for change in changes}
    diffs = {name: diff or PolicyDiff() for name, diff in compared.items()}
    stack = PlannedStack(
        change_set.stack,
        label,
        change_set.entry["template"],
        change_set=change_set.answer["ChangeSetId"] if changes or change_set.template else "",
        stack_id=change_set.answer["StackId"],
        changes=changes,
        impacts=tuple(assess(change, before, after, widens=diffs[change.logical_id].widens) for change in changes),
        grants={name: diff for name, diff in diffs.items() if diff.added or diff.removed},
        longest_wait_seconds=longest_wait(changes, after),
        service=service,
        file=f"out/{environment}/{label}.yaml",
        lines=_resource_lines(change_set.template),
    )
    return stack, frozenset(name for name, diff in compared.items() if diff is None)


def _resource(change: dict[str, Any], context: str, unknown: str) -> dict[str, Any]:
    """Return a changed resource as a template would declare it, or an empty dictionary.

    The dictionary is empty if CloudFormation does not report the properties of the resource.
    """
    try:
        reported = json.loads(change[context].replace(UNKNOWN_VALUE, unknown))
    except (KeyError, ValueError):
        return {}
    if not isinstance(reported, dict) or not isinstance(reported.get("Properties", {}), dict):
        return {}
    policy = change.get("PolicyAction", "Delete").removeprefix("ReplaceAnd")
    # CloudFormation reports the deletion policy only as part of the action. For a resource without a policy, the action
    # is `Delete`, too.
    stated = {} if policy == "Delete" else {"DeletionPolicy": policy}
    return {**stated, **reported, "Type": change["ResourceType"]}


def _compared(change: Change, before: dict[str, Any], after: dict[str, Any]) -> PolicyDiff | None:
    """Return how the policies of a resource change, or None if CloudFormation does not report the complete policies."""
    is_known = change.logical_id in after and (change.action == "Add" or change.logical_id in before)
    if not is_known and nature_of(change) != TAGS and change.action != "Remove":
        return None
    resources = [side.get(change.logical_id, {}) for side in (before, after)]
    if any(hides_access(each) or _has_unknown_policy(each) or _has_unknown_opening(each) for each in resources):
        return None
    return compare(change.logical_id, before, after)


def _has_unknown_policy(value: Any) -> bool:
    """Return whether a complete policy in `value`, a part of a resource, is not known before the deployment."""
    if isinstance(value, list):
        return any(map(_has_unknown_policy, value))
    if not isinstance(value, dict):
        return False
    return any(
        ((holds_policy(key) or key == "Policies") and any(policy in UNKNOWN_TEXTS for policy in as_list(item)))
        or _has_unknown_policy(item)
        for key, item in value.items()
    )


def _has_unknown_opening(resource: dict[str, Any]) -> bool:
    """Return whether a setting that can open the resource to others is not known before the deployment."""
    kind, properties = str(resource.get("Type")), resource.get("Properties", {})
    openings = (*CALLABLE.get(kind, ()), *OPENED.get(kind, ()))
    return any(properties.get(opening.name) in UNKNOWN_TEXTS for opening in openings)


def _resource_lines(template: str) -> dict[str, int]:
    """Return the line number of each resource in a rendered template.

    The result is empty if the template was not rendered in the expected layout.
    """
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(template.splitlines(), 1):
        if heading := re.fullmatch(r"(\w+):", line):
            section = heading[1]
        elif section == "Resources" and (resource := re.fullmatch(r"  (\w+):", line)):
            lines[resource[1]] = number
    return lines


def approval_page(stage: ReviewedStage, facts: Sequence[str], change_sets: Sequence[ChangeSet]) -> ApprovalPage:
    """Return the page of a stage. `facts` has the lines below the page's title."""
    rows = join_alike((row, row) for stack in stage.changing for row in stack_rows(stage.environment, stack))
    texts = {
        "title": f"Approval for {stage.environment}",
        "changes": what_changes([stage], rows),
        "lost": what_is_lost(rows),
        "access": who_can_do_more(rows, stage.unreported),
        "time": how_long([stage], rows),
    }
    digest = digest_of([change_set.entry for change_set in change_sets])
    unchanged = [stack.label for stack in stage.stacks if not stack.is_changing]

    def contents(longest: int) -> Any:
        return printable_content(
            {
                **texts,
                "facts": facts,
                "plans": [{"environment": stage.environment, "digest": digest}],
                "filters": FILTERS,
                "environments": [],
                "rows": [row_content(row, number, longest, several=False) for number, row in enumerate(rows, 1)],
                "drift": [],
                "notes": [{"text": "Nothing changes", "stacks": unchanged}] if unchanged else [],
            }
        )

    data = fitting_data(contents)
    line = verdict(rows, (), stage.unreported)
    shown = {
        "verdict": line,
        "mark": verdict_mark(line),
        "explanation": "",
        "facts": "\n".join(map(printable, facts)),
        "drift": NO_DRIFT,
        "next": "To approve it",
        "command": NEXT,
        "markdown": cut("\n".join(map(printable, map(_line_of, rows))) or "No resource changes.", LONGEST_TEXT),
    }
    page = page_html({**texts, **shown}, data)
    return ApprovalPage(page, data, *(printable(texts[name]) for name in ("changes", "lost", "access")))


def _line_of(row: Row) -> str:
    """Return a row as one line of text, for a browser without JavaScript."""
    facts = (row.change.resource_type, row.effect, row.impact.holds and row.impact.fate, *row.grants.added)
    return f"{row.title}: {', '.join(filter(None, facts))}"
