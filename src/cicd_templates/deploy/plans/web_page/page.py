"""Writes the static page of plans. It does not call AWS."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.text import drift_answer
from cicd_templates.deploy.plans.web_page.contents import contents
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.functions.change_page import answers, page
from cicd_templates.functions.change_page.word_difference import cut
from cicd_templates.plurals import counted
from cicd_templates.printable import printable

# The explanation of the command on the page. A plan without changes can have drift, which only a repair reverts, and
# stacks that are no longer rendered, which no deployment deletes.
DEPLOY, REVERT, DESTROY = "To deploy it", "To see the repairs", "To delete what is left in AWS"


def plan_page(plans: Sequence[Plan], command: str) -> str:
    """Return one HTML page for `plans`. `command` deploys them, or shows the repairs if nothing changes.

    The page has no dates other than those of the plans, so the same plans give the same page.
    """
    rows = fold(plans)
    names = ", ".join(plan.environment for plan in plans)
    texts = {
        "title": f"Plan of {names}",
        "facts": "\n\n".join(map(_facts, plans)),
        "changes": " ".join(
            filter(None, [answers.what_changes(plans, rows), answers.first_changes(rows), _moved(plans)])
        ),
        "lost": answers.what_is_lost(rows),
        "access": " ".join(filter(None, [_drifted_access(plans), answers.who_can_do_more(rows)])),
        "time": answers.how_long(plans, rows),
        "drift": drift_answer(plans),
        "next": _next(plans),
        "command": command,
        "markdown": cut("\n".join(map(plan_markdown, plans)), page.LONGEST_TEXT),
    }
    return page.page_html(texts, page.fitting_data(functools.partial(contents, plans, rows)))


def _moved(plans: Sequence[Plan]) -> str:
    """Return a sentence about the stacks that are planned again, or an empty string if there are none."""
    stacks = counted(sum(len(plan.moved) for plan in plans), "stack")
    return f"After it, {stacks} must be planned again." if any(plan.moved for plan in plans) else ""


def _drifted_access(plans: Sequence[Plan]) -> str:
    """Return a sentence about the drifted resources that can grant access, or an empty string if there are none."""
    names = [
        f"{stack.stack}/{resource.logical_id}"
        for plan in plans
        for stack in plan.drift or ()
        for resource in stack.drifted
        if answers.grants_access(resource.resource_type)
    ]
    return f"Changed outside CloudFormation, so you must read it below: {', '.join(names)}." if names else ""


def _next(plans: Sequence[Plan]) -> str:
    """Return a sentence that says what the command on the page does."""
    if any(not plan.empty for plan in plans):
        return DEPLOY
    drifted, removed = any(plan.drifted for plan in plans), any(plan.removed for plan in plans)
    return DESTROY if removed and not drifted else f"{REVERT}; {DESTROY[0].lower()}{DESTROY[1:]}" if removed else REVERT


def _facts(plan: Plan) -> str:
    where = f"{plan.account}, {plan.region}{' (local AWS)' if plan.local else ''}"
    facts = (
        f"account {where}, by {plan.caller or 'unknown'}, revision {plan.revision or 'unknown'}",
        f"made {plan.created:%Y-%m-%d %H:%M} UTC, valid until {plan.expires:%Y-%m-%d %H:%M} UTC",
        f"digest {document.digest(plan)}",
    )
    return "\n".join(map(printable, (f"{plan.environment}: {facts[0]}", *facts[1:])))
