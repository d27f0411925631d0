"""Sets and reads the tag `Expires` on the stacks of a disposable copy of an environment.

A deployment sets a new expiry only for a stack without an expiry and for a stack that has expired. All other stacks
keep their tag, because a changed tag would update a stack even if nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cicd_templates.template.stack_template import StackTemplate

EXPIRES_KEY = "Expires"
COPY_LIVES = timedelta(hours=48)
# The format of the tag has no `+`, because some services do not allow this character in tags.
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def change_set_tags(
    stack: StackTemplate, existing: Mapping[str, Any] | None, now: datetime | None = None
) -> dict[str, str]:
    """Return the tags for a change set of `stack`: the template's tags and, for a disposable copy, its expiry."""
    if "Suffix" not in stack.tags or stack.protected:
        return stack.tags
    now = now or datetime.now(UTC)
    given = {tag["Key"]: tag["Value"] for tag in (existing or {}).get("Tags", ())}
    before = expires(given)
    if before is not None and before > now:
        return stack.tags | {EXPIRES_KEY: given[EXPIRES_KEY]}
    return stack.tags | {EXPIRES_KEY: (now + COPY_LIVES).strftime(_FORMAT)}


def expires(tags: Mapping[str, str]) -> datetime | None:
    """Return when a resource with `tags` expires, or None if its tag `Expires` is missing or is not a time."""
    try:
        return datetime.strptime(tags[EXPIRES_KEY], _FORMAT).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None
