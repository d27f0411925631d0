"""Writes the static page of plans from `page.html`, `page.css`, `page.js` and the plans. It does not call AWS."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.text import drift_answer
from cicd_templates.deploy.plans.web_page import answers
from cicd_templates.deploy.plans.web_page.contents import contents
from cicd_templates.deploy.plans.web_page.folding import Row, fold
from cicd_templates.deploy.plans.web_page.word_difference import cut
from cicd_templates.printable import printable, printable_lines

_FOLDER = Path(__file__).parent
# The limits, in characters, for the plan as text, for the data and for one value. They keep the page of 30 stacks below
# 2 MB.
LONGEST_TEXT = 400_000
LARGEST_DATA = 1_200_000
LONGEST_VALUES = (1200, 200, 40)
# What the command of the page does. A plan without changes can have drift, which only a repair reverts.
DEPLOY, REVERT = "To deploy it", "To see the repairs"
# Characters that could end the script element, or begin another one, within JSON.
_ACTIVE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def plan_page(plans: Sequence[Plan], command: str) -> str:
    """Return one HTML page for `plans`. `command` deploys them, or shows the repairs if nothing changes.

    The page has no dates other than those of the plans, so the same plans give the same page.
    """
    rows = fold(plans)
    style, script = _file("page.css"), _file("page.js")
    names = ", ".join(plan.environment for plan in plans)
    texts = {
        "title": f"Plan of {names}",
        "facts": "\n\n".join(map(_facts, plans)),
        "changes": answers.what_changes(plans, rows),
        "lost": answers.what_is_lost(rows),
        "access": answers.who_can_do_more(rows),
        "time": answers.how_long(plans, rows),
        "drift": drift_answer(plans),
        "next": DEPLOY if any(not plan.empty for plan in plans) else REVERT,
        "command": command,
        "markdown": cut("\n".join(map(plan_markdown, plans)), LONGEST_TEXT),
    }
    escaped = {name: html.escape(printable_lines(text)) for name, text in texts.items()}
    return string.Template(_file("page.html")).substitute(
        escaped,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_data(plans, rows),
    )


def _data(plans: Sequence[Plan], rows: Sequence[Row]) -> str:
    """Return the page's data as JSON. If there is much data, values are cut shorter."""
    *longer, shortest = LONGEST_VALUES
    attempts = (script_data(contents(plans, rows, longest)) for longest in longer)
    fitting = next((data for data in attempts if len(data) <= LARGEST_DATA), None)
    return fitting or script_data(contents(plans, rows, shortest))


def script_data(value: Any) -> str:
    """Return `value` as JSON that is safe inside a script element: its texts cannot end the element."""
    return json.dumps(value, separators=(",", ":")).translate(_ACTIVE)


def _facts(plan: Plan) -> str:
    where = f"{plan.account}, {plan.region}{' (local AWS)' if plan.local else ''}"
    facts = (
        f"account {where}, by {plan.caller or 'unknown'}, revision {plan.revision or 'unknown'}",
        f"made {plan.created:%Y-%m-%d %H:%M} UTC, valid until {plan.expires:%Y-%m-%d %H:%M} UTC",
        f"digest {document.digest(plan)}",
    )
    return "\n".join(map(printable, (f"{plan.environment}: {facts[0]}", *facts[1:])))


@functools.cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the Content-Security-Policy source that allows exactly this inline script or style, by its hash."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
