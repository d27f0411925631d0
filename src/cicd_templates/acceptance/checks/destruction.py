"""Destroys everything that the run created, and proves now and an hour later that nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cicd_templates.acceptance.check import Bench, Check, Here, NotYet, require
from cicd_templates.acceptance.checks.certificates import own_certificates, remove_certificates
from cicd_templates.acceptance.checks.deployments import UPDATABLE, deploy_by_plans
from cicd_templates.acceptance.checks.permissions import remove_roles
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import DISPOSABLE, ENVIRONMENTS, PRODUCTION, RUNTIME, SERVICE, TOOLS
from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.errors import CicdError, DetachedError

LATER_SECONDS = 3600


def destroy_all(bench: Bench) -> str:
    """Destroy the pipeline, then remove the protection of production, then destroy the other environments.

    As long as a pipeline exists, only the pipeline may change some stacks of production. An environment that was never
    deployed, or that is destroyed already, has nothing to destroy. A step that fails does not keep the next ones from
    running, so that nothing costs money longer than necessary.
    """
    steps = [partial(_destroy, bench, TOOLS), partial(_redeploy, bench), partial(_end_termination_protection, bench)]
    steps += [partial(_destroy, bench, environment) for environment in reversed(RUNTIME)]
    problems = [problem for step in steps if (problem := _problem_of(step))]
    require(not problems, "; ".join(problems))
    bench.facts.setdefault("destroyed at", bench.clock())
    return "every environment is destroyed, and what AWS keeps for a time is explained"


def _problem_of(step: Callable[[], None]) -> str:
    """Run a step of the destruction. Return why it failed, or an empty string."""
    try:
        step()
    except DetachedError:
        raise
    except CicdError as error:
        return str(error)
    except AWS_ERRORS as error:
        return explain(error)
    return ""


def _redeploy(bench: Bench) -> None:
    """Deploy production once as a disposable environment, because the deletion policies are in its templates.

    Stacks that cannot be updated, and layers that were never deployed, are left out. An attempt to create them might
    fail again.
    """
    render_with(bench, production=DISPOSABLE)
    stacks = stacks_of(bench, PRODUCTION)
    if bench.facts.get("unprotected") or not stacks:
        return
    prefix = f"{bench.project.name(PRODUCTION)}-"
    settled = {name.removeprefix(prefix) for name, status in stacks.items() if status in UPDATABLE}
    if settled == {path.stem for path in bench.project.rendered(PRODUCTION).glob("*.yaml")}:
        deploy_by_plans(bench, PRODUCTION)
    else:
        for layer in sorted({name.removesuffix(f"-{SERVICE}") for name in settled}):
            deploy_by_plans(bench, PRODUCTION, "--layer", layer)
    bench.facts["unprotected"] = True
    bench.save()


def _end_termination_protection(bench: Bench) -> None:
    """Allow the deletion of the stacks of production. No deployment does that."""
    cloudformation = bench.clients(PRODUCTION).cloudformation
    for name in stacks_of(bench, PRODUCTION):
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)


def _destroy(bench: Bench, environment: str) -> None:
    bench.commands.on("destroy", environment, "--yes")
    left = stacks_of(bench, environment)
    require(not left, f"{len(left)} stacks of {environment} are left")


def remove_own(bench: Bench) -> str:
    """Remove the resources that the checks themselves created: certificates, roles and their policies.

    The role of an environment that still has stacks is kept, and the certificates of its account and region: the next
    attempt to destroy the environment needs them.
    """
    kept = [environment for environment in ENVIRONMENTS if stacks_of(bench, environment)]
    roles = bench.facts.get("settings", {}).get("roles", {})
    # The next attempt must not need a role that is removed here.
    render_with(bench, roles={name: role for name, role in roles.items() if name in kept})
    regions = {(place.account, place.region) for name, place in bench.places.items() if name in kept}
    for environment in RUNTIME:
        place = bench.places[environment]
        if (place.account, place.region) not in regions:
            remove_certificates(bench, environment)
    for environment in ENVIRONMENTS:
        if environment not in kept:
            remove_roles(bench, environment)
    require(not kept, f"what the checks made for {', '.join(kept)} is kept until the stacks there are destroyed")
    return "the certificates, the roles and the policies of the run are removed"


def prove_again(bench: Bench) -> str:
    """Search, an hour after the destruction, for resources that still have a name or a tag of the run."""
    if not bench.local and bench.clock() < (later := bench.facts["destroyed at"] + LATER_SECONDS):
        raise NotYet(f"look again in {round((later - bench.clock()) / 60)} minutes with the same command")
    render_with(bench, roles={})
    for environment in ENVIRONMENTS:
        bench.commands.on("status", environment, "--left")
    for environment in RUNTIME:
        known = own_certificates(bench.clients(environment).acm, bench.project.suffix)
        require(not known, f"{environment}: {len(known)} certificates of the run are left")
    return "nothing of the run is left but what AWS keeps for a time, such as keys that wait for their deletion"


DESTROYED = Check(
    "destroyed",
    "`make destroy` removes everything that was deployed, and proves it.",
    destroy_all,
    last=True,
)
REMOVED = Check(
    "removed",
    "The run removes what its own checks made.",
    remove_own,
    last=True,
)
STILL_GONE = Check(
    "still-gone",
    "An hour after the destruction nothing of the run is left.",
    prove_again,
    needs=("destroyed", "removed"),
    last=True,
    here=Here.WALKED_THROUGH,
    because="the local AWS forgets at once what AWS lists for some time, so the hour is not waited for",
)
