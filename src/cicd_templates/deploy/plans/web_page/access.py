"""Turns the paths of access in plans into a list and a drawing for the page. Does not call AWS.

Equal paths of several services are one path, with their number. The drawing has only paths that change, and its size is
limited: what does not fit is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.plurals import counted
from cicd_templates.review.service_names import with_placeholders
from cicd_templates.template.changes.planned_stack import AccessPath

# The most lines of the list, the most targets on one line, and the numbers of principals and of targets of one right
# that the drawing shows.
MOST_PATHS, MOST_LISTED, MOST_PRINCIPALS, MOST_TARGETS = 100, 8, 8, 3
SAME = "same"
_ACCOUNT = re.compile(r"\b\d{12}\b")
SERVICES, ANYONE, EVERYTHING = "AWS services", "anyone", "every resource"


@dataclass(frozen=True)
class FoldedPath:
    """A path with the number of services that have it. `account` names the environment and account of its stack."""

    path: AccessPath
    account: str
    count: int = 1


def access_content(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return what the page shows about access: paths to data before and after, and a drawing of all changed paths."""
    folded = fold_paths(plans)
    data = [each for each in folded if each.path.is_data]
    changed, same = ([each for each in data if (each.path.change == SAME) == is_same] for is_same in (False, True))
    return {
        "title": _title(plans),
        "changed": _listed(changed),
        "same": _listed(same),
        "drawing": drawing([each for each in folded if each.path.change != SAME]),
    }


def _title(plans: Sequence[Plan]) -> str:
    """Return the heading of the list. Protection is a property of each environment, whatever its name is."""
    protected = [plan.environment for plan in plans if plan.protected]
    return f"Who can reach data that is protected ({', '.join(protected)})" if protected else "Who can reach data"


def fold_paths(plans: Iterable[Plan]) -> list[FoldedPath]:
    """Return the paths of `plans`: first the new ones, then those that are gone, then the others."""
    folded: dict[tuple[str, AccessPath], list[AccessPath]] = {}
    for plan in plans:
        account = f"{plan.environment}, {plan.account}"
        for stack in plan.changing:
            for path in stack.paths:
                folded.setdefault((account, _generic(path, stack.service)), []).append(path)
    paths = [
        FoldedPath(same[0] if len(same) == 1 else generic, account, len(same))
        for (account, generic), same in folded.items()
    ]
    return sorted(paths, key=lambda each: ("new", "gone", SAME).index(each.path.change))


def _generic(path: AccessPath, service: str) -> AccessPath:
    if not service:
        return path
    principal, target = (with_placeholders(text, service) for text in (path.principal, path.target))
    return replace(path, principal=principal, target=target)


def _listed(paths: Sequence[FoldedPath]) -> dict[str, Any]:
    """Return the paths with their number. All targets of one right of a principal are on one line."""
    rows = [
        {
            "change": change,
            "principal": principal,
            "right": right,
            "target": ", ".join(targets[:MOST_LISTED]),
            "more": max(len(targets) - MOST_LISTED, 0),
            "extent": ", ".join([account, *([counted(count, "service")] if count > 1 else [])]),
        }
        for (principal, account, count), right, change, targets in _grouped(paths)
    ]
    return {"count": len(paths), "more": max(len(rows) - MOST_PATHS, 0), "paths": rows[:MOST_PATHS]}


def drawing(paths: Sequence[FoldedPath]) -> dict[str, Any]:
    """Return the nodes and arrows of the drawing of `paths`.

    A node has a side, the box of its account, a label and a number. Too many targets of one right are one node, and too
    many principals are another.
    """
    principals = list(dict.fromkeys((each.path.principal, each.account, each.count) for each in paths))
    shown = set(principals[:MOST_PRINCIPALS])
    nodes: dict[tuple[str, str, str, int], int] = {}
    arrows: dict[tuple[int, int, str], dict[str, None]] = {}

    def node(side: str, label: str, account: str, count: int) -> int:
        if (side, label) == ("to", "*"):
            return nodes.setdefault((side, account, EVERYTHING, count), len(nodes))
        return nodes.setdefault((side, _box(label, account), label, count), len(nodes))

    for (principal, account, count), right, change, targets in _grouped(paths):
        if (principal, account, count) in shown:
            start = node("from", principal, account, count)
        else:
            start = node("from", counted(len(principals) - MOST_PRINCIPALS, "more principal"), account, 1)
        few = targets if len(targets) <= MOST_TARGETS else [counted(len(targets), "resource")]
        for target in few:
            arrows.setdefault((start, node("to", target, account, count), change), {})[right] = None
    return {
        "nodes": [{"side": side, "box": box, "label": label, "count": count} for side, box, label, count in nodes],
        "arrows": [
            {"start": start, "end": end, "change": change, "right": ", ".join(rights)}
            for (start, end, change), rights in arrows.items()
        ],
    }


def _grouped(paths: Sequence[FoldedPath]) -> Iterable[tuple[tuple[str, str, int], str, str, list[str]]]:
    """Yield each principal with a right, the change, and the targets of this right."""
    groups: dict[tuple[tuple[str, str, int], str, str], dict[str, None]] = {}
    for each in paths:
        principal = (each.path.principal, each.account, each.count)
        groups.setdefault((principal, each.path.right, each.path.change), {})[each.path.target] = None
    return ((principal, right, change, list(targets)) for (principal, right, change), targets in groups.items())


def _box(label: str, account: str) -> str:
    """Return the box of a node: the account in its ARN, AWS or anyone, or otherwise `account`."""
    if label == "*":
        return ANYONE
    if label.endswith(".amazonaws.com"):
        return SERVICES
    named = _ACCOUNT.search(label)
    return account if named is None or named[0] in account else f"account {named[0]}"
