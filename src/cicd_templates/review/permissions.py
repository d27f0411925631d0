"""IAM statements before and after: what was widened and what narrowed, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd_templates.review.spelling import actions
from cicd_templates.review.statements import Statement

Moved = tuple[bool, str, str]


def moved(before: Sequence[Statement], after: Sequence[Statement]) -> Iterator[Moved]:
    """Whether access is wider, for whom or what, and how: one item for each way in which a statement changed.

    A denial counts the other way round. Where a condition changes to another, it cannot be told which one admits more,
    so it counts as wider: a reviewer looks there first.
    """
    one, other = _known(before), _known(after)
    for key in (*one, *(key for key in other if key not in one)):
        if one.get(key) == other.get(key):
            continue
        was, now = one.get(key), other.get(key)
        if was is None or now is None:
            statement = was or now
            assert statement is not None, "the key is of one of them"
            wider = (was is None) == (statement.effect == "Allow")
            yield wider, statement.holder, f"{'no longer ' if now is None else ''}{sentence(statement)}"
            continue
        yield from _within(was, now)


def _known(statements: Sequence[Statement]) -> dict[tuple[str, str, str], Statement]:
    found: dict[tuple[str, str, str], Statement] = {}
    for number, each in enumerate(statements):
        key = (each.holder, each.sid or str(number), each.effect)
        # Policies of one holder may use a Sid twice.
        found[key if key not in found else (*key[:2], f"{each.effect} {number}")] = each
    return found


def sentence(each: Statement) -> str:
    """A statement in words."""
    may = "may not" if each.effect == "Deny" else "may"
    on = f" on {each.on}" if each.on else ""
    when = f" where {each.when}" if each.when else ""
    because = f", because {each.because}" if each.because else ""
    return f"{each.sid}: {each.who + ' ' if each.who else ''}{may} {each.actions}{on}{when}{because}"


def _within(was: Statement, now: Statement) -> Iterator[Moved]:
    allows = now.effect == "Allow"
    may = f"{now.sid}: {'may' if allows else 'may not'}"
    parts = (
        ("", was.does, now.does, actions),
        ("on ", was.places, now.places, ", ".join),
        ("by ", was.principals, now.principals, ", ".join),
    )
    for preposition, before, after, said in parts:
        if more := [each for each in after if each not in before]:
            yield allows, now.holder, f"{may} also {preposition}{said(more)}"
        if fewer := [each for each in before if each not in after]:
            yield not allows, now.holder, f"{may} no longer {preposition}{said(fewer)}"
    if was.when != now.when:
        narrower = bool(now.when) and not was.when
        where = f"where {was.when or 'always'} becomes where {now.when or 'always'}"
        yield (not narrower) == allows, now.holder, f"{now.sid}: {where}"
