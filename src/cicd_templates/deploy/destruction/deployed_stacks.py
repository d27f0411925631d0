"""Reads existing stacks from CloudFormation. For a deleted stack, reads the stack's resources from its events.

A destruction deletes what the deployed templates contain, even if other templates were rendered later. CloudFormation
keeps the events of a deleted stack for 90 days. During this time, any machine can explain or continue a destruction:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cicd_templates.config.naming import file_stem
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stacks
from cicd_templates.deploy.change_sets.deployed_text import content_of
from cicd_templates.deploy.change_sets.ownership import owner_tags
from cicd_templates.deploy.destruction.scope import Scope, as_tags
from cicd_templates.template.arn import Arn
from cicd_templates.template.deletion_protection import protecting_setting
from cicd_templates.template.stack_facts import has_stack_facts, stack_facts
from cicd_templates.template.stack_graph import Links, links_of
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Owned:
    """A resource of an existing or a deleted stack.

    - `policy` is the DeletionPolicy of the resource.
    - `deleted_with` is the id of the resource's stack if CloudFormation deleted the resource together with the stack.
      Otherwise, `deleted_with` is empty.
    - `protected_by` is the setting in the template that protects the resource from deletion, or empty.
    """

    stack: str
    logical_id: str
    resource_type: str
    physical_id: str
    policy: str = "Delete"
    deleted_with: str = ""
    protected_by: str = ""

    @property
    def kept(self) -> bool:
        """Whether the resource is kept when its stack is deleted."""
        return self.policy.startswith("Retain")


@dataclass(frozen=True)
class DeployedStack:
    """A stack that exists in AWS. If its first change set was never executed, it has no template and no resources."""

    name: str
    stack_id: str
    status: str
    tags: Mapping[str, str]
    role: str | None
    guarded: bool
    changed: datetime
    links: Links
    label: str
    resources: tuple[Owned, ...]

    @property
    def account(self) -> str:
        """The id of the stack's account."""
        return Arn.parse(self.stack_id).account


def list_project_stacks(clients: Clients, project: str) -> list[Mapping[str, Any]]:
    """Return the descriptions of all stacks of the project, including the stacks of copies of its environments."""
    return [stack for stack in list_our_stacks(clients) if as_tags(stack["Tags"]).get("Project") == project]


def list_our_stacks(
    clients: Clients, existing: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Mapping[str, Any]]:
    """Return the stacks of all projects in the account. A stack is included if it has the tag of this tool.

    `existing` has the descriptions of all stacks in the account. If it is None, the function reads them.
    """
    described = describe_stacks(clients) if existing is None else existing
    tagged = ((stack, owner_tags(clients, stack)) for stack in described.values())
    return [
        # A stack that was never created has its tags only in its change sets.
        {**stack, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for stack, tags in tagged
        if tags.get(MANAGED_BY_KEY) == MANAGED_BY
    ]


def read_deployed_stack(clients: Clients, described: Mapping[str, Any]) -> DeployedStack:
    """Return a deployed stack. `described` is the stack's entry in the answer of DescribeStacks.

    The result has the stack's resources with their DeletionPolicies, and the values that the stack reads and
    publishes. The policies and the values come from the deployed template.
    """
    # The id still works if somebody else has just deleted the stack; the name does not.
    name, stack_id = described["StackName"], described["StackId"]
    summaries = [
        summary
        for page in clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
        for summary in page["StackResourceSummaries"]
        if summary["ResourceStatus"] != "DELETE_COMPLETE" and summary.get("PhysicalResourceId")
    ]
    template = _read_template(clients, stack_id) if summaries else {}
    resources = template.get("Resources", {})
    links = Links(name, "", (), {}, ())
    if has_stack_facts(template):
        links = links_of(template, stack_facts(template, name))
    tags = as_tags(described.get("Tags", ()))
    label = label_of(tags) or name
    return DeployedStack(
        name,
        stack_id,
        described["StackStatus"],
        tags,
        described.get("RoleARN"),
        bool(described.get("EnableTerminationProtection")),
        described.get("LastUpdatedTime") or described["CreationTime"],
        links,
        label,
        tuple(
            Owned(
                label,
                summary["LogicalResourceId"],
                summary["ResourceType"],
                summary["PhysicalResourceId"],
                resources.get(summary["LogicalResourceId"], {}).get("DeletionPolicy", "Delete"),
                protected_by=protecting_setting(resources.get(summary["LogicalResourceId"], {})),
            )
            for summary in summaries
        ),
    )


def _read_template(clients: Clients, stack_id: str) -> Mapping[str, Any]:
    answer = clients.cloudformation.get_template(StackName=stack_id, TemplateStage="Original")
    template: Mapping[str, Any] = content_of(answer["TemplateBody"])
    return template


def label_of(tags: Mapping[str, str]) -> str:
    """Return the label of the stack with these `tags`: the name of its template file without the extension."""
    return file_stem(tags.get("Layer", ""), tags.get("Service"))


def former_resources(clients: Clients, scope: Scope) -> Iterator[Owned]:
    """Yield the resources of the environment's deleted stacks.

    A resource that was kept when its stack was deleted has the policy `Retain`. All others have the policy `Delete`.
    """
    for page in clients.cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"]):
        for summary in page["StackSummaries"]:
            if scope.has_stack(summary["StackName"]):
                # CloudFormation describes a deleted stack only by its id.
                described = clients.cloudformation.describe_stacks(StackName=summary["StackId"])["Stacks"][0]
                tags = as_tags(described.get("Tags", ()))
                if scope.owns(tags):
                    yield from _last_seen(clients, summary["StackId"], tags)


def _last_seen(clients: Clients, stack_id: str, tags: Mapping[str, str]) -> Iterator[Owned]:
    """Yield the resources of a deleted stack, according to the events of its deletion.

    The newest event of a resource counts. The events include failed attempts to delete the stack.
    """
    label = label_of(tags)
    seen: set[str] = set()
    for page in clients.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            status, logical_id = event["ResourceStatus"], event["LogicalResourceId"]
            if event["ResourceType"] == STACK_TYPE:
                if not status.startswith("DELETE_"):
                    return
            elif logical_id not in seen and event.get("PhysicalResourceId"):
                seen.add(logical_id)
                policy = "Retain" if status == "DELETE_SKIPPED" else "Delete"
                deleted_with = stack_id if status == "DELETE_COMPLETE" else ""
                yield Owned(label, logical_id, event["ResourceType"], event["PhysicalResourceId"], policy, deleted_with)
