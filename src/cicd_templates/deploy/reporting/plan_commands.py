"""Builds two texts for a plan: the command that deploys the plan, and a line that shows the plan's digest.

If the user passes this digest as DIGEST, `make deploy` refuses all other plans.
"""

from __future__ import annotations

from cicd_templates import hints


def deploy_command(path: str, allow: tuple[str, ...], *, local: bool, digest: str = "") -> str:
    """Return the command that deploys the plan in the file `path`.

    `allow` has the names of the resources that the deployment may replace or delete. If `digest` is given, the command
    deploys the plan only if this is the plan's digest.
    """
    return hints.make("deploy", PLAN=path, ALLOW=",".join(allow), LOCAL=local, DIGEST=digest)


def digest_line(digest: str) -> str:
    """Return a line that shows the plan's digest. It is printed below the plan.

    If the user passes this digest as DIGEST, `make deploy` refuses all other plans.
    """
    return f"to execute only this plan, add DIGEST={digest}"
