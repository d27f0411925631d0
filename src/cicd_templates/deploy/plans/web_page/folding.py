"""Turns plans into the rows of a page. Similar changes of several resources share one row.

Changes are similar if they differ only in the names of environments, accounts or services. A placeholder such as
`{service}` replaces the part of a name that differs. This module does not call AWS.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.functions.change_page.rows import Row, join_alike, stack_rows
from cicd_templates.review.service_names import SERVICE, with_placeholders
from cicd_templates.template.changes.planned_stack import PlannedStack

ENVIRONMENT, ACCOUNT = "{environment}", "{account}"


def fold(plans: Sequence[Plan]) -> list[Row]:
    """Return the rows that summarise `plans`. The rows that need the most attention come first."""
    return list(map(_with_its_service, join_alike(_pairs(plans))))


def _pairs(plans: Sequence[Plan]) -> Iterator[tuple[Row, Row]]:
    """Yield each row, together with a copy that contains placeholders instead of names."""
    for plan in plans:
        for stack in plan.changing:
            placeholders = _placeholders(plan, stack, several_environments=len(plans) > 1)
            for row in stack_rows(plan.environment, stack):
                yield row, _with_texts(row, placeholders)


def _with_its_service(row: Row) -> Row:
    """Return `row`. If all its resources belong to one service, the service's name replaces the placeholder."""
    services = {place.service for place in row.places}
    if len(row.places) == 1 or len(services) > 1:
        return row
    return _with_texts(row, functools.partial(_restored, services.pop()))


def _restored(service: str, text: str) -> str:
    return text.replace(SERVICE, service)


def _placeholders(plan: Plan, stack: PlannedStack, *, several_environments: bool) -> Callable[[str], str]:
    """Return a function that replaces the service's name in a text with a placeholder. If the page shows several
    environments, the function also replaces the names of the environment and the account.
    """
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
    """Return a copy of `row` with `edit` applied to each text that can contain names."""
    details = (
        replace(detail, path=edit(detail.path), before=edit(detail.before), after=edit(detail.after))
        for detail in row.change.details
    )
    added, removed = (tuple(map(edit, texts)) for texts in (row.grants.added, row.grants.removed))
    return replace(
        row,
        name=edit(row.name),
        change=replace(row.change, details=tuple(dict.fromkeys(details))),
        grants=replace(row.grants, added=added, removed=removed),
    )
