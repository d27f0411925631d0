"""Writes and reads the reasons in the metadata of a resource for statements that name every resource."""

from __future__ import annotations

_BETWEEN = " names every resource: "


def every_resource_reason(sid: str, because: str) -> str:
    """Return the sentence that says why the statement `sid`, of letters and digits, names every resource."""
    return f"{sid}{_BETWEEN}{because}"


def parse_every_resource_reason(sentence: str) -> tuple[str, str] | None:
    """Return the Sid and the reason that `every_resource_reason` was given; None for a reason of another kind."""
    sid, between, because = sentence.partition(_BETWEEN)
    return (sid, because) if between and sid.isalnum() and because else None
