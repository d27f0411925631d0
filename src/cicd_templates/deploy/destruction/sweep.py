"""Finds disposable copies that have had their time. Unsuffixed environments and protected ones are never among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.expiry import expires
from cicd_templates.deploy.destruction.deployed import project_stacks
from cicd_templates.deploy.destruction.scope import Scope, as_tags
from cicd_templates.errors import ConfigurationError

UNITS = {"h": "hours", "d": "days"}


@dataclass(frozen=True)
class Copy:
    """A copy of an environment: when it expires, when its stacks last changed, and why it is not swept, if so."""

    scope: Scope
    expires: datetime | None
    changed: datetime
    stacks: int
    stays: str


def duration(text: str) -> timedelta:
    """`48h` or `7d`. Raises `ConfigurationError` for anything else."""
    match = re.fullmatch(r"(\d{1,4})([hd])", text)
    if match is None:
        raise ConfigurationError(f"{text!r} is no age; write hours or days: 48h, 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def copies(clients: Clients, of: Scope, older_than: timedelta, now: datetime) -> list[Copy]:
    """Every copy of the environment `of`; one is swept where it has expired and nobody has deployed it lately.

    All its stacks count: the tag of the youngest says when it expires. A copy without the tag is not swept.
    """
    found: dict[str, list[tuple[datetime | None, datetime, bool]]] = {}
    for stack in project_stacks(clients, of.project):
        tags = as_tags(stack["Tags"])
        if tags.get("Environment") == of.environment and "Suffix" in tags:
            changed = stack.get("LastUpdatedTime") or stack["CreationTime"]
            guarded = bool(stack.get("EnableTerminationProtection"))
            found.setdefault(tags["Suffix"], []).append((expires(tags), changed, guarded))
    return [
        _copy(Scope(of.project, of.environment, suffix, of.account, of.region), stacks, older_than, now)
        for suffix, stacks in sorted(found.items())
    ]


def _copy(
    scope: Scope, stacks: Iterable[tuple[datetime | None, datetime, bool]], older_than: timedelta, now: datetime
) -> Copy:
    stacks = list(stacks)
    ends = [end for end, _, _ in stacks if end is not None]
    last = max(ends) if len(ends) == len(stacks) else None
    changed = max(changed for _, changed, _ in stacks)
    if any(guarded for _, _, guarded in stacks):
        stays = "it is protected from deletion"
    elif last is None:
        stays = "no tag says when it expires"
    elif last > now:
        stays = f"it expires on {last:%Y-%m-%d %H:%M} UTC"
    elif changed > now - older_than:
        stays = f"it was deployed on {changed:%Y-%m-%d %H:%M} UTC"
    else:
        stays = ""
    return Copy(scope, last, changed, len(stacks), stays)
