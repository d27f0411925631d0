"""Deploys all environments, and requires that a second deployment has nothing to change."""

from __future__ import annotations

from cicd_templates.acceptance.check import Check, CheckContext, require
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import ENVIRONMENTS, PRODUCTION, STAGING, TOOLS
from cicd_templates.errors import ChangesRemainError

# A plan contains only stacks that do not depend on each other, so an environment needs several plans.
MOST_PLANS = 15
# The exit codes of `plan --detailed-exitcode`, `deploy` and `drift`: every other code is an error.
NOTHING, CHANGES = 0, ChangesRemainError.exit_code
SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
UPDATABLE = SETTLED | {"UPDATE_ROLLBACK_COMPLETE"}


def deploy_all(context: CheckContext) -> str:
    """Deploy staging and tools with one command each. Deploy production, which is protected, with reviewed plans."""
    context.facts.setdefault("deployed at", context.clock())
    context.save()
    context.commands.on("deploy", STAGING, "--yes")
    deploy_by_plans(context, PRODUCTION)
    context.commands.on("deploy", TOOLS, "--yes", "--hand-over")
    count = 0
    for environment in ENVIRONMENTS:
        stacks = stacks_of(context, environment)
        wrong = sorted(set(stacks.values()) - SETTLED)
        require(not wrong, f"stacks of {environment} have the status {', '.join(wrong)}")
        rendered = len(list(context.project.rendered(environment).glob("*.yaml")))
        require(len(stacks) == rendered, f"{environment} has {len(stacks)} of {rendered} stacks")
        count += rendered
    return (
        f"{count} stacks exist in {len(ENVIRONMENTS)} environments; every deployment to production executed a plan file"
    )


def deploy_by_plans(context: CheckContext, environment: str, *options: str) -> None:
    """Make a plan of an environment and deploy the plan. Repeat both commands until a plan contains no change.

    `options` are options of the command `plan`. Raises `CheckFailed` if the environment still has changes after
    several plans.
    """
    file = context.project.folder / f"{environment}-plan.json"
    for _ in range(MOST_PLANS):
        if not plan_has_changes(context, environment, *options, "--out", str(file)):
            return
        context.commands.on("deploy", environment, "--plan", str(file), "--yes", expected=(NOTHING, CHANGES))
    require(False, f"{environment} still has changes after {MOST_PLANS} plans")


def plan_has_changes(context: CheckContext, environment: str, *options: str) -> bool:
    """Make a plan of an environment, and return whether the plan contains a change.

    `options` are options of the command `plan`.
    """
    planned = context.commands.on("plan", environment, *options, "--detailed-exitcode", expected=(NOTHING, CHANGES))
    return planned.code != NOTHING


def plan_again(context: CheckContext) -> str:
    """Plan every environment again. Raise `CheckFailed` if a plan contains a change."""
    for environment in ENVIRONMENTS:
        changes = plan_has_changes(context, environment)
        require(not changes, f"{environment} would change again, although no template changed")
    return "the plans of all environments are empty"


DEPLOYED = Check(
    "deployed",
    "Every rendered stack of every environment is created.",
    deploy_all,
    needs=("permissions",),
    safe_to_continue=False,
)
UNCHANGED = Check(
    "unchanged",
    "Deploying the same templates again changes nothing.",
    plan_again,
    needs=("deployed",),
)
