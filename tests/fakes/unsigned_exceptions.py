"""Writes exceptions for images without a signature, as the rendered functions get them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

OWNER, REASON = "payments-platform", "the image is from before signing"


def last_day(days: int) -> str:
    """Return the day that is `days` days from today."""
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def exception(image: str, days: int = 10, name: str = "first") -> dict[str, str]:
    return {"name": name, "image": image, "owner": OWNER, "reason": REASON, "expires": last_day(days)}


def variable(environment: str, *exceptions: dict[str, str]) -> str:
    """Return the value of the environment variable with `exceptions` of one environment."""
    return json.dumps({environment: exceptions})
