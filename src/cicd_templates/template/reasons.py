"""Writes and reads the reasons in a resource's metadata.

A reason says why an IAM statement applies to every resource.
"""

from __future__ import annotations

_BETWEEN = " names every resource: "


def every_resource_reason(sid: str, because: str) -> str:
    """Return the sentence that says why the statement `sid` applies to every resource.

    The Sid may contain only letters and digits.
    """
    return f"{sid}{_BETWEEN}{because}"


def parse_every_resource_reason(sentence: str) -> tuple[str, str] | None:
    """Return the Sid and the reason from a sentence of `every_resource_reason`. Return None for any other sentence."""
    sid, between, because = sentence.partition(_BETWEEN)
    return (sid, because) if between and sid.isalnum() and because else None
