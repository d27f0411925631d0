"""Destroys everything that the run created, and proves now and an hour later that nothing is left."""

from __future__ import annotations

from cicd_templates.acceptance.check import Bench, Check, Here, NotYet, require
from cicd_templates.acceptance.checks.certificates import own_certificates
from cicd_templates.acceptance.checks.deployments import deploy_by_plans
from cicd_templates.acceptance.checks.permissions import remove_roles
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import ENVIRONMENTS, PRODUCTION, RUNTIME, TOOLS

LATER_SECONDS = 3600


def destroy_all(bench: Bench) -> str:
    """Destroy the pipeline, then remove the protection of production, then destroy the other environments.

    As long as a pipeline exists, only the pipeline may change some stacks of production. An environment that was never
    deployed, or that is destroyed already, has nothing to destroy.
    """
    _destroy(bench, TOOLS)
    render_with(bench, production="disposable")
    if stacks := stacks_of(bench, PRODUCTION):
        deploy_by_plans(bench, PRODUCTION)
        # No deployment takes this protection away; whoever wants to lose the data must do it.
        for name in stacks:
            bench.clients(PRODUCTION).cloudformation.update_termination_protection(
                StackName=name, EnableTerminationProtection=False
            )
    for environment in reversed(RUNTIME):
        _destroy(bench, environment)
    bench.facts.setdefault("destroyed at", bench.clock())
    return "every environment is destroyed, and what AWS keeps for a time is explained"


def _destroy(bench: Bench, environment: str) -> None:
    bench.commands.on("destroy", environment, "--yes")
    left = stacks_of(bench, environment)
    require(not left, f"{len(left)} stacks of {environment} are left")


def remove_own(bench: Bench) -> str:
    """Remove the resources that the checks themselves created: certificates, roles and their policies."""
    for environment in RUNTIME:
        acm = bench.clients(environment).acm
        for arn in own_certificates(acm, bench.project.suffix):
            acm.delete_certificate(CertificateArn=arn)
    for environment in ENVIRONMENTS:
        remove_roles(bench, environment)
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
    needs=("destroyed",),
    last=True,
)
STILL_GONE = Check(
    "still-gone",
    "An hour after the destruction nothing of the run is left.",
    prove_again,
    needs=("removed",),
    last=True,
    here=Here.WALKED_THROUGH,
    because="the local AWS forgets at once what AWS lists for some time, so the hour is not waited for",
)
