"""Destroys everything that the run created. Proves immediately and an hour later that nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cicd_templates.acceptance.check import Check, CheckContext, CheckMustWait, LocalCoverage, require
from cicd_templates.acceptance.checks.certificates import own_certificates, remove_certificates
from cicd_templates.acceptance.checks.deployments import UPDATABLE, deploy_by_plans
from cicd_templates.acceptance.checks.permissions import remove_roles
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import DISPOSABLE, ENVIRONMENTS, PRODUCTION, RUNTIME, SERVICE, TOOLS
from cicd_templates.acceptance.roles import remove_people
from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.errors import CicdError, DetachedError

LATER_SECONDS = 3600


def destroy_all(context: CheckContext) -> str:
    """Destroy the pipeline. Then make production disposable, and destroy the runtime environments.

    The pipeline is destroyed first: while it exists, no command can change the production stacks that it deploys.

    If a step fails, the next steps still run, so that nothing costs money longer than necessary.
    """
    steps = [
        partial(remove_people, context),
        partial(_destroy, context, TOOLS),
        partial(_redeploy, context),
        partial(_end_termination_protection, context),
    ]
    steps += [partial(_destroy, context, environment) for environment in reversed(RUNTIME)]
    problems = [problem for step in steps if (problem := _problem_of(step))]
    require(not problems, "; ".join(problems))
    context.facts.setdefault("destroyed at", context.clock())
    return "every environment is destroyed; the output says which resources AWS keeps for some time, and why"


def _problem_of(step: Callable[[], None]) -> str:
    """Run a step of the destruction. Return why it failed, or an empty string if it succeeded."""
    try:
        step()
    except DetachedError:
        raise
    except CicdError as error:
        return str(error)
    except AWS_ERRORS as error:
        return explain(error)
    return ""


def _redeploy(context: CheckContext) -> None:
    """Deploy production again as a disposable environment, so that its resources can be deleted.

    Deploy only the stacks that exist and can be updated. The creation of a missing stack might fail.
    """
    render_with(context, production=DISPOSABLE)
    stacks = stacks_of(context, PRODUCTION)
    if context.facts.get("unprotected") or not stacks:
        return
    prefix = f"{context.project.name(PRODUCTION)}-"
    settled = {name.removeprefix(prefix) for name, status in stacks.items() if status in UPDATABLE}
    if settled == {path.stem for path in context.project.rendered(PRODUCTION).glob("*.yaml")}:
        deploy_by_plans(context, PRODUCTION)
    else:
        for layer in sorted({name.removesuffix(f"-{SERVICE}") for name in settled}):
            deploy_by_plans(context, PRODUCTION, "--layer", layer)
    context.facts["unprotected"] = True
    context.save()


def _end_termination_protection(context: CheckContext) -> None:
    """Switch off the termination protection of production's stacks. A deployment never does this."""
    cloudformation = context.clients(PRODUCTION).cloudformation
    for name in stacks_of(context, PRODUCTION):
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)


def _destroy(context: CheckContext, environment: str) -> None:
    context.commands.on("destroy", environment, "--yes")
    left = stacks_of(context, environment)
    require(not left, f"{len(left)} stacks of {environment} are left")


def remove_own(context: CheckContext) -> str:
    """Remove the resources that the checks themselves created: certificates, roles and their policies.

    If an environment still has stacks, the next attempt to destroy them needs the environment's role and certificates.
    So the check removes only the other roles and certificates, and then fails.
    """
    kept = [environment for environment in ENVIRONMENTS if stacks_of(context, environment)]
    roles = context.facts.get("settings", {}).get("roles", {})
    # Roles that are removed below must not be in the configuration of the next attempt.
    render_with(context, roles={name: role for name, role in roles.items() if name in kept})
    regions = {(access.account, access.region) for name, access in context.access.items() if name in kept}
    for environment in RUNTIME:
        access = context.access[environment]
        if (access.account, access.region) not in regions:
            remove_certificates(context, environment)
    for environment in ENVIRONMENTS:
        if environment not in kept:
            remove_roles(context, environment)
    require(
        not kept,
        f"stacks of {', '.join(kept)} still exist, so the resources that the checks created for these environments are"
        " not removed yet",
    )
    return "the certificates, the roles and the policies of the run are removed"


def prove_again(context: CheckContext) -> str:
    """An hour after the destruction, search for resources that still have a name or a tag of the run."""
    if not context.local and context.clock() < (later := context.facts["destroyed at"] + LATER_SECONDS):
        raise CheckMustWait(f"check again in {round((later - context.clock()) / 60)} minutes with the same command")
    render_with(context, roles={})
    for environment in ENVIRONMENTS:
        context.commands.on("status", environment, "--left")
    for environment in RUNTIME:
        known = own_certificates(context.clients(environment).acm, context.project.suffix)
        require(not known, f"{environment}: {len(known)} certificates of the run are left")
    return (
        "nothing of the run is left except resources that AWS keeps for some time, such as keys that wait for "
        "their deletion"
    )


DESTROYED = Check(
    "destroyed",
    "`make destroy` removes everything that was deployed, and proves it.",
    destroy_all,
    last=True,
)
REMOVED = Check(
    "removed",
    "The run removes the resources that its checks created.",
    remove_own,
    last=True,
)
STILL_GONE = Check(
    "still-gone",
    "An hour after the destruction, nothing of the run is left.",
    prove_again,
    needs=("destroyed", "removed"),
    last=True,
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="the check skipped the wait of one hour, because the local AWS stops listing a resource as soon "
    "as the resource is deleted",
)
