"""Writes a static HTML page that shows one or more plans. This module does not call AWS."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.text import drift_answer
from cicd_templates.deploy.plans.web_page.access import fold_paths
from cicd_templates.deploy.plans.web_page.contents import contents
from cicd_templates.deploy.plans.web_page.drift import drift_facts, drift_warnings
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.functions.change_page import answers, page
from cicd_templates.functions.change_page.rows import Row
from cicd_templates.functions.change_page.verdict import verdict, verdict_mark
from cicd_templates.functions.change_page.word_difference import cut
from cicd_templates.plurals import counted
from cicd_templates.printable import printable

# The explanation of the command on the page. A plan without changes can have drift, which only a repair reverts, and
# stacks that are no longer rendered, which no deployment deletes.
DEPLOY, REVERT, DESTROY = "To deploy it", "To see the repairs", "To delete what is left in AWS"


def plan_page(plans: Sequence[Plan], command: str) -> str:
    """Return one HTML page that shows `plans` and `command`.

    `command` is a text with one or more commands that the user can run next:

    - If the plans have changes, usually the command that deploys them.
    - If the plans have no changes, `make recover` for drift, and `make destroy` for stacks that are no longer rendered.

    All dates on the page come from the plans, so the same plans always give the same page.
    """
    rows = fold(plans)
    names = ", ".join(plan.environment for plan in plans)
    line = verdict(rows, drift_warnings(plans))
    texts = {
        "verdict": line,
        "mark": verdict_mark(line),
        "title": f"Plan of {names}",
        "facts": "\n\n".join(map(_facts, plans)),
        "changes": " ".join(
            filter(None, [answers.what_changes(plans, rows), answers.first_changes(rows), _moved(plans)])
        ),
        "lost": answers.what_is_lost(rows),
        "access": " ".join(
            filter(
                None, [_drifted_access(plans), answers.who_can_do_more(rows), _new_ways(plans), _accounts(plans, rows)]
            )
        ),
        "time": " ".join(filter(None, [answers.how_long(plans, rows), _old_values(plans)])),
        # The page displays no Markdown.
        "drift": " ".join(filter(None, [drift_answer(plans).replace("`", ""), drift_facts(plans)])),
        "next": _next(plans),
        "command": command,
        "explanation": _explanation(plans, command),
        "markdown": cut("\n".join(map(plan_markdown, plans)), page.LONGEST_TEXT),
    }
    return page.page_html(texts, page.fitting_data(functools.partial(contents, plans, rows)))


def _moved(plans: Sequence[Plan]) -> str:
    """Return a sentence about the stacks that must be planned again after the deployment, or an empty string."""
    commands = " and ".join(f"make plan {plan.make_variables}" for plan in plans if plan.moved)
    stacks = counted(sum(len(plan.moved) for plan in plans), "stack")
    return f"After the deployment, {stacks} must be planned again ({commands})." if commands else ""


def _old_values(plans: Sequence[Plan]) -> str:
    """Return a sentence that names the stacks that must be planned and deployed again after this deployment.

    Return an empty string if no stack must be planned again.
    """
    labels = [label for plan in plans for label in plan.moved]
    if not labels:
        return ""
    return (
        f"After this deployment, {answers.first_of(labels)} still {'use' if len(labels) > 1 else 'uses'} old values of"
        f" other stacks, and may not work until you plan and deploy {'them' if len(labels) > 1 else 'it'} again."
    )


def _new_ways(plans: Sequence[Plan]) -> str:
    """Return a sentence that lists the new access paths to data in existing stacks, or an empty string."""
    existing = [replace(plan, stacks=tuple(stack for stack in plan.stacks if not stack.creates)) for plan in plans]
    ways = [
        f"{way.path.principal} {way.path.right} {way.path.target}"
        for way in fold_paths(existing)
        if way.path.change == "new" and way.path.is_data
    ]
    return f"New access paths to data: {answers.first_of(ways, '; ')}." if ways else ""


def _accounts(plans: Sequence[Plan], rows: Sequence[Row]) -> str:
    """Return a sentence that lists the ids of foreign accounts in new policy statements.

    A foreign account is an account without a plan in `plans`. Return an empty string if there are none.
    """
    statements = " ".join(statement for row in rows if row.grants.widens for statement in row.grants.added)
    others = sorted(set(re.findall(r"\b\d{12}\b", statements)) - {plan.account for plan in plans})
    if not others:
        return ""
    return f"New policy statements contain ids of other accounts; check who owns these: {answers.first_of(others)}."


def _explanation(plans: Sequence[Plan], command: str) -> str:
    """Return sentences that say what the commands on the page do."""
    allowed = re.search(r" (ALLOW=([^\s'\"]+))", command)
    sentences = (
        (
            allowed,
            allowed
            and f"{allowed[1]} accepts the replacement or deletion of {allowed[2].replace(',', ', ')}; without it, the"
            " deployment is refused.",
        ),
        (
            "make recover" in command,
            "make recover only shows the changes that were made outside CloudFormation, and how to repair them. To "
            "revert these changes, run make plan REVERT_DRIFT=1, then deploy the new plan.",
        ),
        (
            "make destroy" in command,
            "make destroy first lists what exists and what would happen to it. It deletes nothing before you confirm."
            " For a protected environment, make a plan of the destruction first.",
        ),
    )
    return " ".join(str(sentence) for applies, sentence in sentences if applies)


def _drifted_access(plans: Sequence[Plan]) -> str:
    """Return a sentence about the drifted resources that can grant access, or an empty string if there are none."""
    names = [
        f"{stack.stack}/{resource.logical_id}"
        for plan in plans
        for stack in plan.drift or ()
        for resource in stack.drifted
        if answers.grants_access(resource.resource_type)
    ]
    return f"Changed outside CloudFormation; read these changes below: {', '.join(names)}." if names else ""


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
