"""Turns the access paths in plans into a list and a drawing for the page. Does not call AWS.

Equal paths of several services are shown once, with the number of services. The drawing shows only paths that change.
The drawing shows a limited number of principals and targets, and counts the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.plurals import counted
from cicd_templates.review.service_names import with_placeholders
from cicd_templates.template.changes.planned_stack import AccessPath
from cicd_templates.template.partitions import is_service_principal

# The maximum numbers of lines in the list, of targets on one line, of principals in the drawing, and of targets that
# the drawing shows for one kind of access.
MOST_PATHS, MOST_LISTED, MOST_PRINCIPALS, MOST_TARGETS = 100, 8, 8, 3
SAME = "same"
_ACCOUNT = re.compile(r"\b\d{12}\b")
SERVICES, ANYONE, EVERYTHING = "AWS services", "anyone", "every resource"


@dataclass(frozen=True)
class FoldedPath:
    """An access path (who can reach what), and the number of services with an equal path.

    `account` is a label such as `staging, 111111111111`: the environment and the AWS account of the path's stack.
    """

    path: AccessPath
    account: str
    count: int = 1


class Node(NamedTuple):
    """A node of the access drawing: a principal, a target, or a group of principals or targets.

    - `services` is the number of services that have the same access.
    - `targets` lists the targets of a group, so that groups with different targets are different nodes.
    """

    side: str
    box: str
    label: str
    services: int
    targets: tuple[str, ...] = ()


def access_content(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return the access paths to data that a deployment changes or keeps, and a drawing of the changed access paths."""
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
    """Return the heading of the list. It names the protected environments."""
    protected = [plan.environment for plan in plans if plan.protected]
    return f"Who can reach protected data ({', '.join(protected)})" if protected else "Who can reach data"


def fold_paths(plans: Iterable[Plan]) -> list[FoldedPath]:
    """Return the access paths in `plans`: first the new paths, then the removed paths, then all other paths.

    An access path says who can reach what. Equal paths of several services become one `FoldedPath`.
    """
    folded: dict[tuple[str, AccessPath], dict[str, AccessPath]] = {}
    for plan in plans:
        account = f"{plan.environment}, {plan.account}"
        for stack in plan.changing:
            for path in stack.paths:
                folded.setdefault((account, _generic(path, stack.service)), {})[stack.service] = path
    paths = [
        FoldedPath(next(iter(same.values())) if len(same) == 1 else generic, account, len(same))
        for (account, generic), same in folded.items()
    ]
    return sorted(paths, key=lambda each: ("new", "gone", SAME).index(each.path.change))


def _generic(path: AccessPath, service: str) -> AccessPath:
    if not service:
        return path
    principal, target = (with_placeholders(text, service) for text in (path.principal, path.target))
    return replace(path, principal=principal, target=target)


def _listed(paths: Sequence[FoldedPath]) -> dict[str, Any]:
    """Return the number of access paths, at most `MOST_PATHS` lines that show them, and the number of further lines.

    Each line has a principal, one kind of access, and the targets that the principal can access in this way.
    """
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
    """Return the nodes and arrows of the drawing that shows `paths`.

    Each node is in a box, such as the box of an AWS account. Some nodes stand for several targets or principals:

    - If a principal has the same access to more than `MOST_TARGETS` targets, one node stands for all these targets.
    - Only the first `MOST_PRINCIPALS` principals of the drawing have nodes of their own. In each box, one node stands
      for all other principals of the box.
    """
    principals = list(dict.fromkeys((each.path.principal, each.account, each.count) for each in paths))
    shown = set(principals[:MOST_PRINCIPALS])
    hidden = Counter(_box(principal, account) for principal, account, _ in principals[MOST_PRINCIPALS:])
    rights: dict[tuple[Node, str, int, str, str], dict[str, None]] = {}
    for (principal, account, count), right, change, targets in _grouped(paths):
        box = _box(principal, account)
        if (principal, account, count) in shown:
            start = Node("from", box, principal, count)
        else:
            start = Node("from", box, counted(hidden[box], "more principal"), 1)
        rights.setdefault((start, account, count, right, change), {}).update(dict.fromkeys(targets))
    nodes: dict[Node, int] = {}
    arrows: dict[tuple[int, int, str], dict[str, None]] = {}
    for (start, account, count, right, change), together in rights.items():
        first = nodes.setdefault(start, len(nodes))
        for end in _ends(list(together), account, count):
            arrows.setdefault((first, nodes.setdefault(end, len(nodes)), change), {})[right] = None
    return {
        "nodes": [{"side": each.side, "box": each.box, "label": each.label, "count": each.services} for each in nodes],
        "arrows": [
            {"start": start, "end": end, "change": change, "right": ", ".join(words)}
            for (start, end, change), words in arrows.items()
        ],
    }


def _ends(targets: list[str], account: str, count: int) -> list[Node]:
    if len(targets) > MOST_TARGETS:
        return [Node("to", account, counted(len(targets), "resource"), count, tuple(sorted(targets)))]
    return [
        Node("to", account, EVERYTHING, count) if target == "*" else Node("to", _box(target, account), target, count)
        for target in targets
    ]


def _grouped(paths: Sequence[FoldedPath]) -> Iterable[tuple[tuple[str, str, int], str, str, list[str]]]:
    """Group access paths that differ only in their targets.

    Yield four values for each group: its principal, its access right, its change, and a list of its targets.
    """
    groups: dict[tuple[tuple[str, str, int], str, str], dict[str, None]] = {}
    for each in paths:
        principal = (each.path.principal, each.account, each.count)
        groups.setdefault((principal, each.path.right, each.path.change), {})[each.path.target] = None
    return ((principal, right, change, list(targets)) for (principal, right, change), targets in groups.items())


def _box(label: str, account: str) -> str:
    """Return the name of the box to which a principal or a target belongs in the drawing.

    There is one box for anonymous access, one for the AWS services, and one for each account. `label` is a name or an
    ARN. If it contains no account id, the principal or target belongs to `account`.
    """
    if label == "*":
        return ANYONE
    if is_service_principal(label):
        return SERVICES
    named = _ACCOUNT.search(label)
    return account if named is None or named[0] in account else f"account {named[0]}"
