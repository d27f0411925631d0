"""Finds expired copies of environments. An original environment and a protected copy never expire."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.copy_expiry import expires
from cicd_templates.deploy.destruction.deployed_stacks import list_project_stacks
from cicd_templates.deploy.destruction.scope import Scope, as_tags
from cicd_templates.errors import ConfigurationError

UNITS = {"h": "hours", "d": "days"}


@dataclass(frozen=True)
class EnvironmentCopy:
    """A copy of an environment. `stays` says why the copy must be kept, or is empty if the copy may be destroyed."""

    scope: Scope
    expires: datetime | None
    changed: datetime
    stacks: int
    stays: str


def parse_age(text: str) -> timedelta:
    """Return the duration in `text`, such as `48h` or `7d`. Raises `ConfigurationError` for any other form."""
    match = re.fullmatch(r"(\d{1,4})([hd])", text)
    if match is None:
        raise ConfigurationError(f"{text!r} is not an age; write hours or days, such as 48h or 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def find_copies(clients: Clients, original: Scope, older_than: timedelta, now: datetime) -> list[EnvironmentCopy]:
    """Return every copy of the original environment. If a copy must not be destroyed, its `stays` says why.

    A copy may be destroyed only if each of its stacks meets three conditions:
    - The date in the expiry tag has passed.
    - Termination protection is off.
    - The last deployment is longer ago than `older_than`.
    """
    stacks_by_suffix: dict[str, list[tuple[datetime | None, datetime, bool]]] = {}
    for stack in list_project_stacks(clients, original.project):
        tags = as_tags(stack["Tags"])
        if tags.get("Environment") == original.environment and "Suffix" in tags:
            changed = stack.get("LastUpdatedTime") or stack["CreationTime"]
            guarded = bool(stack.get("EnableTerminationProtection"))
            stacks_by_suffix.setdefault(tags["Suffix"], []).append((expires(tags), changed, guarded))
    return [
        _environment_copy(replace(original, suffix=suffix, stack_names=frozenset()), stacks, older_than, now)
        for suffix, stacks in sorted(stacks_by_suffix.items())
    ]


def _environment_copy(
    scope: Scope, stacks: Iterable[tuple[datetime | None, datetime, bool]], older_than: timedelta, now: datetime
) -> EnvironmentCopy:
    stacks = list(stacks)
    ends = [end for end, _, _ in stacks if end is not None]
    last = max(ends) if len(ends) == len(stacks) else None
    changed = max(changed for _, changed, _ in stacks)
    if any(guarded for _, _, guarded in stacks):
        stays = "the copy is protected from deletion"
    elif last is None:
        stays = "a stack has no tag that says when it expires"
    elif last > now:
        stays = f"the copy expires on {last:%Y-%m-%d %H:%M} UTC"
    elif changed > now - older_than:
        stays = f"the copy was deployed on {changed:%Y-%m-%d %H:%M} UTC"
    else:
        stays = ""
    return EnvironmentCopy(scope, last, changed, len(stacks), stays)
