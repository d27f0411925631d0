"""Compares IAM statements before and after a change, and describes which access becomes wider or narrower."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from cicd_templates.review.formatting import format_actions
from cicd_templates.review.statements import Statement
from cicd_templates.template import policy_diff

AccessChange = tuple[bool, str, str]


def access_changes(
    before: Sequence[Statement], after: Sequence[Statement], gone: Collection[str] = ()
) -> Iterator[AccessChange]:
    """Yield `(wider, holder, sentence)` for each changed statement.

    - `wider` is true if the change may allow more access. Examples are a removed Deny statement, and a changed
      condition with an unclear effect.
    - `holder` is the logical id of the resource that has the policy.
    - `sentence` describes the change.

    If a holder is in `gone`, its statements are left out. Such a holder was removed together with all resources to
    which its statements apply.
    """
    old, new = _by_identity(before), _by_identity(after)
    for key in (*old, *(key for key in new if key not in old)):
        was, now = old.get(key), new.get(key)
        if key[0] in gone:
            continue
        if was is None or now is None:
            statement = was or now
            assert statement is not None, "every key is in `old` or in `new`"
            wider = policy_diff.widens(*([one.element] if one else [] for one in (was, now)))
            yield wider, statement.holder, f"{'no longer ' if now is None else ''}{sentence(statement)}"
            continue
        changes = list(_statement_changes(was, now))
        yield from changes
        wider = policy_diff.widens([was.element], [now.element])
        if wider and not any(change[0] for change in changes):
            yield True, now.holder, f"{sentence(now)}; previously {sentence(was)}"


def _by_identity(statements: Sequence[Statement]) -> dict[tuple[str, str, str], Statement]:
    by_identity: dict[tuple[str, str, str], Statement] = {}
    for number, statement in enumerate(statements):
        key = (statement.holder, statement.sid or str(number), statement.effect)
        # The policies of one holder may use the same Sid twice.
        by_identity[key if key not in by_identity else (*key[:2], f"{statement.effect} {number}")] = statement
    return by_identity


def sentence(statement: Statement) -> str:
    """Return an IAM statement as a sentence for a reviewer."""
    may = "may not" if statement.effect == "Deny" else "may"
    who = f"{statement.principals_text} " if statement.principals_text else ""
    on = f" on {statement.resources_text}" if statement.resources_text else ""
    where = f" where {statement.condition}" if statement.condition else ""
    because = f", because {statement.reason}" if statement.reason else ""
    return f"{statement.sid}: {who}{may} {statement.actions_text}{on}{where}{because}"


def _statement_changes(was: Statement, now: Statement) -> Iterator[AccessChange]:
    allows = now.effect == "Allow"
    may = f"{now.sid}: {'may' if allows else 'may not'}"
    parts = (
        ("Action", "", was.action_patterns, now.action_patterns, format_actions),
        ("Resource", "on ", was.resource_texts, now.resource_texts, ", ".join),
        ("Principal", "by ", was.principal_texts, now.principal_texts, ", ".join),
    )
    for element, preposition, before, after, format_items in parts:
        if (element in was.negated) != (element in now.negated):
            continue
        # `NotAction` and similar elements list exceptions. So a longer list allows less.
        exception, more_allows = ("all but ", not allows) if element in now.negated else ("", allows)
        if more := [item for item in after if item not in before]:
            yield more_allows, now.holder, f"{may} also {preposition}{exception}{format_items(more)}"
        if fewer := [item for item in before if item not in after]:
            yield not more_allows, now.holder, f"{may} no longer {preposition}{exception}{format_items(fewer)}"
    if was.condition != now.condition:
        wider = policy_diff.condition_widens(*((was.element, now.element) if allows else (now.element, was.element)))
        where = f"the condition changes from {was.condition or 'none'} to {now.condition or 'none'}"
        yield wider, now.holder, f"{now.sid}: {where}"
