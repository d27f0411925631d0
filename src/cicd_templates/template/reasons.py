"""Writes and reads the reasons in a resource's metadata: why an IAM statement applies to the resource `*`."""

from __future__ import annotations

_BETWEEN = " names every resource: "


def every_resource_reason(sid: str, because: str) -> str:
    """Return the sentence that says why the statement `sid` applies to every resource. `sid` is alphanumeric."""
    return f"{sid}{_BETWEEN}{because}"


def parse_every_resource_reason(sentence: str) -> tuple[str, str] | None:
    """Return the Sid and the reason in a sentence of `every_resource_reason`. Return None for any other sentence."""
    sid, between, because = sentence.partition(_BETWEEN)
    return (sid, because) if between and sid.isalnum() and because else None
