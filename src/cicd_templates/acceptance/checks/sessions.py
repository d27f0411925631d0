"""Checks a command whose temporary credentials expire while the command runs."""

from __future__ import annotations

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.checks.deployments import plan_has_changes
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.project import BLUE_GREEN, ROLLING, STAGING
from cicd_templates.errors import DetachedError

# The duration of the shortest session of AssumeRole, and the part of it that is left when the command begins:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
SESSION_SECONDS, LEFT_SECONDS = 900, 25.0
DETACHED = DetachedError.exit_code


def expire(context: CheckContext) -> str:
    """Let a session expire while it deploys a change to staging. Then finish the deployment with fresh credentials.

    The change switches the service to blue/green rollouts with hooks. Its deployment takes minutes, so the
    session expires before the deployment ends.
    """
    role = context.facts["settings"]["roles"][STAGING]
    sts = context.clients(STAGING).sts
    if context.facts.get("session began"):
        # An interrupted attempt may have made the change already.
        render_with(context, rollout=ROLLING, sessions=[])
        context.commands.on("deploy", STAGING, "--yes")
    context.facts["session began"] = True
    render_with(context, rollout=BLUE_GREEN, sessions=[STAGING])
    try:
        keys = sts.assume_role(RoleArn=role, RoleSessionName="acceptance", DurationSeconds=SESSION_SECONDS)
        credentials = keys["Credentials"]
        context.pause(max(0.0, credentials["Expiration"].timestamp() - context.clock() - LEFT_SECONDS))
        answer = context.commands.on("deploy", STAGING, "--yes", expected=(0, 1, DETACHED), credentials=credentials)
    finally:
        render_with(context, sessions=[])
    require(answer.code, "inconclusive: the command ended before its session expired")
    require(
        answer.code == DETACHED,
        f"the command ended with the exit code {answer.code} instead of {DETACHED}: {answer.last_lines}",
    )
    lines = answer.errors.strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    require(len(errors) <= 1 and not any("Traceback" in line for line in lines), f"not one clear line: {answer.errors}")
    context.commands.on("deploy", STAGING, "--yes")
    require(not plan_has_changes(context, STAGING), "the continued deployment ended, but staging still has changes")
    return (
        f"the command ended with the exit code {DETACHED} and one error line; with fresh credentials, the same command "
        "finished"
    )


EXPIRED = Check(
    "expired-session",
    "If a command's session expires, the command ends with one clear error. Repeating the command continues its work.",
    expire,
    needs=("permissions", "deployed"),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit="commands use an access key of the local AWS, and this key never expires",
)
