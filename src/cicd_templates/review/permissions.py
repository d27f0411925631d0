"""IAM statements before and after: what was widened and what narrowed, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd_templates.review.formatting import actions
from cicd_templates.review.statements import Statement
from cicd_templates.template import policy_diff

Moved = tuple[bool, str, str]


def moved(before: Sequence[Statement], after: Sequence[Statement]) -> Iterator[Moved]:
    """Whether access is wider, for whom or what, and how: one item for each way in which a statement changed.

    A denial counts the other way round. Where a condition changes to another, it cannot be told which one admits more,
    so it counts as wider: a reviewer looks there first.
    """
    one, other = _known(before), _known(after)
    for key in (*one, *(key for key in other if key not in one)):
        was, now = one.get(key), other.get(key)
        if was is None or now is None:
            statement = was or now
            assert statement is not None, "the key is of one of them"
            wider = policy_diff.widens(*([each.element] if each else [] for each in (was, now)))
            yield wider, statement.holder, f"{'no longer ' if now is None else ''}{sentence(statement)}"
            continue
        moves = list(_within(was, now))
        yield from moves
        wider = policy_diff.widens([was.element], [now.element])
        if wider and not any(move[0] for move in moves):
            yield True, now.holder, f"{sentence(now)}, where before it was {sentence(was)}"


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
        ("Action", "", was.does, now.does, actions),
        ("Resource", "on ", was.places, now.places, ", ".join),
        ("Principal", "by ", was.principal_words, now.principal_words, ", ".join),
    )
    for element, preposition, before, after, said in parts:
        if (element in was.but) != (element in now.but):
            continue
        # Of exceptions the longer list allows less.
        but, more_allows = ("all but ", not allows) if element in now.but else ("", allows)
        if more := [each for each in after if each not in before]:
            yield more_allows, now.holder, f"{may} also {preposition}{but}{said(more)}"
        if fewer := [each for each in before if each not in after]:
            yield not more_allows, now.holder, f"{may} no longer {preposition}{but}{said(fewer)}"
    if was.when != now.when:
        wider = policy_diff.condition_widens(*((was.element, now.element) if allows else (now.element, was.element)))
        where = f"where {was.when or 'always'} becomes where {now.when or 'always'}"
        yield wider, now.holder, f"{now.sid}: {where}"
