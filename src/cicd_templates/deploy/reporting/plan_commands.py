"""Writes the command that deploys a plan, and a line that says how to restrict that command to exactly this plan."""

from __future__ import annotations

from cicd_templates import hints


def deploy_command(path: str, allow: tuple[str, ...], *, local: bool, digest: str = "") -> str:
    """Return the command that deploys the plan in the file `path`.

    `allow` has the names of the resources that may be lost. If `digest` is given, the command refuses a plan with a
    different digest.
    """
    return hints.make("deploy", PLAN=path, ALLOW=",".join(allow), LOCAL=local, DIGEST=digest)


def digest_line(digest: str) -> str:
    """Return the line that is printed below a plan. It says which option restricts the command to exactly this plan."""
    return f"to execute only this plan, add DIGEST={digest}"
