"""What the roles of a run may do beside what they did: the granted actions of each, and the calls that used them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALLOWED = "allowed"
USED, UNUSED, NOT_MEASURED, NOT_PART = "used", "unused", "not measured", "not part of a run"

# Why an action is granted that a run does not use here; the first that fits. (Role, Sid, action) as patterns.
REASONS: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True)
class Grant:
    """One action in one statement of one role."""

    environment: str
    role: str
    statement: str
    action: str
    calls: int
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Role:
    """A role of the templates: its name, and the statements of its own and the attached policies, by Sid."""

    environment: str
    name: str
    service: str
    statements: Sequence[tuple[str, Sequence[str]]]


def grants(roles: Iterable[Role], rows: Iterable[Sequence[str]]) -> list[Grant]:
    """Every granted action with the number of calls that it allowed."""
    return []


def roles_of(template: Mapping[str, Any], environment: str) -> list[Role]:
    """The roles of a template, each with what is attached to it there."""
    return []
