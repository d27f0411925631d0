"""Takes an environment down, readers before producers, and ends with a list of what is left and why.

Deletes what is ours by tag, empties what the templates declare disposable, and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cicd_templates import cloudformation_yaml, links
from cicd_templates.deploy import report
from cicd_templates.deploy.changes import describe_stack, live_resources, require_ours
from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.emptying import empty_bucket, empty_repository
from cicd_templates.deploy.events import events_since
from cicd_templates.deploy.execute import Failed, follow
from cicd_templates.deploy.remains import Owned, Remainder, remains
from cicd_templates.deploy.report import Reporter
from cicd_templates.deploy.stacks import Stack
from cicd_templates.deploy.status import NEXT, Next
from cicd_templates.deploy.waiting import Patience
from cicd_templates.errors import CicdError, RefusedError

EMPTIED = {"AWS::S3::Bucket": empty_bucket, "AWS::ECR::Repository": empty_repository}


def refuse_protected(stacks: Sequence[Stack], allow: str | None) -> None:
    """Raise `RefusedError` for a protected environment unless `allow` is its name."""
    environment = stacks[0].links.environment
    if stacks[0].protected and allow != environment:
        raise RefusedError(
            f"{environment} is protected; its data is kept, but what runs there stops."
            f" If that is meant: make destroy ENV={stacks[0].facts['Environment']} ALLOW={environment}"
        )


def destroy(clients: Clients, stacks: Sequence[Stack], patience: Patience, reporter: Reporter) -> list[Remainder]:
    """Delete `stacks` in reverse order; what is left of them, explained or not.

    Raises `CicdError` that names the stacks whose deletion failed; those that they read from stay, because they are
    still needed.
    """
    needed = links.producers(stack.links for stack in stacks)
    owned: list[Owned] = []
    stuck: dict[str, str] = {}
    for stack in reversed(stacks):
        readers = sorted(name for name in stuck if stack.name in needed[name])
        if readers:
            stuck[stack.name] = stack.label
            reporter.report(report.Broke(stack.label, f"kept, because {', '.join(readers)} still needs it"))
        elif reason := _delete(clients, stack, owned, patience, reporter):
            stuck[stack.name] = stack.label
            reporter.report(report.Broke(stack.label, reason))
    if stuck:
        raise CicdError(f"not destroyed: {', '.join(stuck.values())}; the causes are above")
    return remains(clients, stacks, owned)


def _delete(clients: Clients, stack: Stack, owned: list[Owned], patience: Patience, reporter: Reporter) -> str:
    """Delete one stack and add what it had to `owned`; the reason where that failed, otherwise nothing."""
    existing = describe_stack(clients, stack.name)
    if existing is None:
        reporter.report(report.Unchanged(stack.label))
        return ""
    require_ours(existing, stack)
    if NEXT[existing["StackStatus"]] is Next.WAIT:
        return f"is in {existing['StackStatus']}: {Next.WAIT.value}"
    stack_id = existing["StackId"]
    its_own = _owned(clients, stack)
    _lift_deletion_protection(clients, its_own)
    for resource in its_own:
        if resource.policy == "Delete" and resource.resource_type in EMPTIED:
            count = EMPTIED[resource.resource_type](clients, resource.physical_id)
            if count:
                reporter.report(report.Note(f"{stack.label}: emptied {resource.physical_id} ({count:,} objects)"))
    known: set[str] = set()
    events_since(clients.cloudformation, stack_id, known)
    began = patience.now()
    if stack.protected:
        clients.cloudformation.update_termination_protection(StackName=stack_id, EnableTerminationProtection=False)
    clients.cloudformation.delete_stack(StackName=stack_id)
    outcome = follow(
        clients,
        stack_id,
        stack.name,
        patience,
        lambda event: reporter.report(report.Moved(stack.label, event)),
        known,
    )
    if isinstance(outcome, Failed):
        return outcome.reason
    owned += its_own
    deleted = [resource for resource in its_own if not resource.policy.startswith("Retain")]
    reporter.report(report.Succeeded(stack.label, "deleted", patience.now() - began, len(deleted)))
    return ""


def _lift_deletion_protection(clients: Clients, resources: Sequence[Owned]) -> None:
    """Load balancers of protected environments refuse their deletion, also CloudFormation's."""
    for resource in resources:
        if resource.resource_type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            clients.elbv2.modify_load_balancer_attributes(
                LoadBalancerArn=resource.physical_id,
                Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
            )


def _owned(clients: Clients, stack: Stack) -> list[Owned]:
    """The stack's live resources, with the policies of the template that it was deployed from."""
    alive = [each for each in live_resources(clients, stack.name) if each.get("PhysicalResourceId")]
    if not alive:
        # A shell whose change set was never executed has no template either.
        return []
    body: Any = clients.cloudformation.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
    # boto3 parses a JSON template, and leaves a YAML one as text.
    template = cloudformation_yaml.load(body) if isinstance(body, str) else body
    policies = {name: resource.get("DeletionPolicy", "Delete") for name, resource in template["Resources"].items()}
    return [
        Owned(
            stack.label,
            resource["LogicalResourceId"],
            resource["ResourceType"],
            resource["PhysicalResourceId"],
            policies.get(resource["LogicalResourceId"], "Delete"),
        )
        for resource in alive
    ]
