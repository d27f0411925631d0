"""Writes the command that deploys a plan, and the line that says how to bind a command to one plan."""

from __future__ import annotations

from cicd_templates import hints


def deploy_command(path: str, allow: tuple[str, ...], *, local: bool, digest: str = "") -> str:
    """Return the command that deploys the plan in the file `path`.

    `allow` has the names of the resources that may be lost. If `digest` is given, the command refuses a plan with a
    different digest.
    """
    return hints.make("deploy", PLAN=path, ALLOW=",".join(allow), LOCAL=local, DIGEST=digest)


def digest_line(digest: str) -> str:
    """Return a line to print below a plan. It says which option binds the command to this plan."""
    return f"to execute only this plan, add DIGEST={digest}"
