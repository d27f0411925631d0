"""Reads stacks and change sets from CloudFormation, with all pages. This module changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.drift_aware import REVERT_DRIFT, ActualState, actual_states, ignored_drift
from cicd_templates.template.changes.impact import Change, change_of, merged

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# The two reasons with which CloudFormation says that a change set would change nothing; there is no field for that:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-create.html
NO_CHANGE_REASONS = (
    "The submitted information didn't contain changes.",
    "No updates are to be performed.",
)
# The error codes of a call that a policy forbids, or that is not available in the account or in the local AWS.
UNAVAILABLE = frozenset({"AccessDenied", "AccessDeniedException", "InvalidAction", "UnknownOperationException"})
# The execution statuses of a change set whose execution has started.
EXECUTED = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})


@dataclass(frozen=True)
class Described:
    """A change set as CloudFormation describes it.

    - `changes` is empty if only outputs or tags change.
    - `findings` has one line for each error or warning of CloudFormation's validation. CloudFormation can create a
      change set in spite of findings.
    - `answer` is the first page of DescribeChangeSet. Callers compare its options with those of a new request.
    - `states` has the actual states of the drifted resources, keyed by logical id, if the change set reverts drift.
    - `ignored` has a line for each property whose drift the change set does not revert.
    """

    arn: str
    stack_id: str
    status: str
    reason: str
    execution: str
    changes: tuple[Change, ...] = ()
    resolved: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    states: Mapping[str, ActualState] = field(default_factory=dict, compare=False, repr=False)
    ignored: tuple[str, ...] = ()

    @property
    def reverts_drift(self) -> bool:
        """Return whether CloudFormation made a change set that reverts the drift of the stack."""
        return bool(self.answer.get("DeploymentMode") == REVERT_DRIFT)

    @property
    def changes_nothing(self) -> bool:
        """Return whether CloudFormation set the change set to FAILED because nothing would change."""
        return self.status == "FAILED" and self.reason.startswith(NO_CHANGE_REASONS)


def describe_stack(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """Return CloudFormation's description of the stack with this name or id, or None if there is no such stack."""
    try:
        return clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def describe_stacks(clients: Clients) -> dict[str, Mapping[str, Any]]:
    """Return the descriptions of all stacks in the account and region of `clients`, keyed by name.

    Deleted stacks are left out.
    """
    pages = clients.cloudformation.get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: stack
        for page in pages
        for stack in page["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    }


def deployed_body(clients: Clients, stack: str) -> Any:
    """Return the template that was last deployed to the stack with this name.

    A JSON template is returned as a dictionary, because botocore parses it. A YAML template is returned as text.
    """
    return clients.cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]


def stack_status(clients: Clients, name: str) -> str:
    """Return the status of the stack with this name or id, or `DELETE_COMPLETE` if it does not exist."""
    described = describe_stack(clients, name)
    return str(described["StackStatus"]) if described else "DELETE_COMPLETE"


def is_gone(error: ClientError) -> bool:
    """Return whether `error` means that the change set or stack does not exist.

    For a missing stack, CloudFormation has no specific error code, so the message is examined.
    """
    code = error.response["Error"]["Code"]
    return code == "ChangeSetNotFound" or (code == "ValidationError" and "does not exist" in str(error))


def live_resources(clients: Clients, name: str) -> list[Mapping[str, Any]]:
    """Return the resources of a stack that are not deleted.

    A resource that was never created is included, but has no `PhysicalResourceId`.
    """
    return [
        resource
        for page in clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def describe(client: CloudFormationClient, name: str, stack: str = "") -> Described | None:
    """Return a change set with its changes and findings, or None if it no longer exists.

    `name` is the ARN of the change set, or its name in the stack `stack`. While CloudFormation is still creating the
    change set, changes and findings are empty.
    """
    try:
        first = _read(client, name, stack)
    except ClientError as error:
        if is_gone(error):
            return None
        raise
    if first["Status"] not in ("CREATE_COMPLETE", "FAILED"):
        return _parse_change_set(first)
    findings = validations(client, first["ChangeSetId"])
    if first["Status"] == "FAILED":
        return _parse_change_set(first, findings=findings)
    plain = _read_changes(client, name, stack, first)
    valued = _read_changes(client, name, stack, _read(client, name, stack, IncludePropertyValues=True), valued=True)
    described = _parse_change_set(first, merged(map(change_of, plain), map(change_of, valued)), findings)
    if not described.reverts_drift:
        return described
    return replace(described, states=actual_states(valued), ignored=ignored_drift(valued))


def _parse_change_set(
    answer: Mapping[str, Any], changes: tuple[Change, ...] = (), findings: tuple[str, ...] = ()
) -> Described:
    parameters = {
        # If a parameter reads Parameter Store, `ParameterValue` is the path and `ResolvedValue` the value.
        parameter["ParameterKey"]: parameter.get("ResolvedValue") or parameter.get("ParameterValue", "")
        for parameter in answer.get("Parameters", ())
    }
    return Described(
        answer["ChangeSetId"],
        answer["StackId"],
        answer["Status"],
        answer.get("StatusReason", ""),
        answer.get("ExecutionStatus", ""),
        changes,
        tuple(sorted(parameters.items())),
        findings,
        answer,
    )


def _read(client: CloudFormationClient, name: str, stack: str, **options: Any) -> Mapping[str, Any]:
    within: dict[str, Any] = {"StackName": stack} if stack else {}
    answer: Mapping[str, Any] = client.describe_change_set(ChangeSetName=name, **within, **options)
    return answer


def _read_changes(
    client: CloudFormationClient, name: str, stack: str, answer: Mapping[str, Any], valued: bool = False
) -> list[Mapping[str, Any]]:
    """Return the `ResourceChange` structures of a change set from all pages. `answer` is the first page."""
    changes = list(answer["Changes"])
    while token := answer.get("NextToken"):
        answer = _read(client, name, stack, NextToken=token, IncludePropertyValues=valued)
        changes += answer["Changes"]
    return [change["ResourceChange"] for change in changes if "ResourceChange" in change]


def validations(client: CloudFormationClient, arn: str) -> tuple[str, ...]:
    """Return one line per finding of CloudFormation's validation of the change set.

    The result is empty if the caller may not call DescribeEvents, or if AWS does not offer this call. The lines are
    only hints: if there are real errors, CloudFormation itself refuses the change set.
    """
    findings = []
    try:
        for page in client.get_paginator("describe_events").paginate(ChangeSetName=arn):
            for event in page["OperationEvents"]:
                if event.get("ValidationStatus") == "FAILED":
                    mode = "warning" if event.get("ValidationFailureMode") == "WARN" else "error"
                    where = event.get("ValidationPath") or event.get("LogicalResourceId", "")
                    reason = event.get("ValidationStatusReason", "")
                    findings.append(f"{mode}: {event.get('ValidationName', 'validation')} at {where}: {reason}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNAVAILABLE:
            raise
    return tuple(findings)
