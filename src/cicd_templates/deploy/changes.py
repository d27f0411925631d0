"""Change sets: made, described with all their pages, and discarded. Executes none."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.expiry import stack_tags
from cicd_templates.deploy.stacks import Stack
from cicd_templates.deploy.status import NEXT, Next
from cicd_templates.deploy.waiting import CHANGE_SET_SECONDS, Patience
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.links import READING_TYPE
from cicd_templates.tags import MANAGED_BY, MANAGED_BY_KEY

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

# Longest TemplateBody, in bytes; a longer one is uploaded and named by TemplateURL:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
BODY_BYTES = 51_200
UPLOADS_OUTPUT = "UploadsBucketName"

# The two ways in which CloudFormation says that a change set would change nothing. It has no field for it:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-create.html
NO_CHANGE_REASONS = (
    "The submitted information didn't contain changes.",
    "No updates are to be performed.",
)


@dataclass(frozen=True)
class Change:
    """What would happen to one resource. `replacement` is True, False or Conditional, empty where it cannot be."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed. It may list no resource at all, where only outputs or tags change."""

    arn: str
    stack_id: str
    creates: bool
    changes: tuple[Change, ...]


def describe_stack(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """The stack of that name or id as CloudFormation describes it, or None where there is none."""
    try:
        return dict(clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0])
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist.
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise


def live_resources(clients: Clients, name: str) -> list[Mapping[str, Any]]:
    """The resources of a stack that are not deleted; one that was never created has no `PhysicalResourceId`."""
    return [
        resource
        for page in clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def is_ours(existing: Mapping[str, Any], stack: Stack) -> bool:
    """Whether a stack, as CloudFormation describes it, is by its tags of the same project as `stack`."""
    tags = {tag["Key"]: tag["Value"] for tag in existing.get("Tags", ())}
    return (tags.get(MANAGED_BY_KEY), tags.get("Project")) == (MANAGED_BY, stack.tags["Project"])


def require_ours(existing: Mapping[str, Any], stack: Stack) -> None:
    """Raise `RefusedError` where a stack of that name exists that this project did not make."""
    if not is_ours(existing, stack):
        raise RefusedError(
            f"{stack.name}: a stack of this name exists, but its tags do not say {MANAGED_BY_KEY}={MANAGED_BY} and"
            f" Project={stack.tags['Project']}, so it is not touched; choose another project name or suffix"
        )


def create_change_set(clients: Clients, stack: Stack, patience: Patience) -> ChangeSet | None:
    """A change set for `stack`, or None where nothing would change.

    Raises `RefusedError` where the stack is another's or in a state that a person must settle, and `CicdError` with
    CloudFormation's reason where it refuses the change set.
    """
    existing = describe_stack(clients, stack.name)
    what = NEXT[existing["StackStatus"]] if existing is not None else Next.CREATE
    if existing is not None:
        require_ours(existing, stack)
        if what in (Next.WAIT, Next.REFUSE):
            raise RefusedError(f"{stack.name} is in {existing['StackStatus']}: {what.value}")
    if what is Next.RECREATE:
        _remove_failed_creation(clients, stack, patience)
    creates = what is not Next.UPDATE
    answer = clients.cloudformation.create_change_set(
        StackName=stack.name,
        # Letters, digits and hyphens, unlike any before.
        ChangeSetName=f"cicd-templates-{uuid.uuid4().hex}",
        ChangeSetType="CREATE" if creates else "UPDATE",
        Capabilities=stack.capabilities,  # type: ignore[arg-type] # literals of the API, derived as strings
        Tags=[{"Key": key, "Value": value} for key, value in stack_tags(stack, existing).items()],
        Parameters=[] if creates or existing is None else _kept_parameters(stack, existing),
        **_role(clients, stack),
        **_template(clients, stack),
    )
    return _described(clients, stack, answer["Id"], answer["StackId"], creates, patience)


def _remove_failed_creation(clients: Clients, stack: Stack, patience: Patience) -> None:
    """Delete what a failed first creation left, which CloudFormation can neither update nor create over."""
    alive = [resource["LogicalResourceId"] for resource in live_resources(clients, stack.name)]
    if alive:
        raise RefusedError(
            f"{stack.name}: its first creation failed and left {', '.join(alive)}; look at them, then"
            f" `aws cloudformation delete-stack --region {stack.region} --stack-name {stack.name}`"
        )
    clients.cloudformation.delete_stack(StackName=stack.name)
    patience.until(
        lambda: describe_stack(clients, stack.name) is None,
        f"deleting the failed creation of {stack.name}",
        CHANGE_SET_SECONDS,
    )


def _kept_parameters(stack: Stack, existing: Mapping[str, Any]) -> list[ParameterTypeDef]:
    """The parameters that somebody else decides, such as the image: each keeps the value that it has."""
    known = {parameter["ParameterKey"] for parameter in existing.get("Parameters", ())}
    return [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name, parameter in stack.template.get("Parameters", {}).items()
        if name in known and not parameter["Type"].startswith(READING_TYPE)
    ]


def _role(clients: Clients, stack: Stack) -> dict[str, Any]:
    """The role that CloudFormation is given, which it keeps for the stack for ever: the pipeline gives the same."""
    if stack.deployed_as is None:
        return {}
    role = _published(clients, stack.deployed_as)
    if role is None:
        raise CicdError(f"{stack.name}: {stack.deployed_as} does not exist yet; deploy the layer delivery first")
    return {"RoleARN": role}


def _published(clients: Clients, path: str) -> str | None:
    try:
        return clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
    except clients.ssm.exceptions.ParameterNotFound:
        return None


def _template(clients: Clients, stack: Stack) -> dict[str, Any]:
    body = stack.body.encode()
    if len(body) <= BODY_BYTES:
        return {"TemplateBody": stack.body}
    bucket = _uploads_bucket(clients, stack)
    key = f"templates/{stack.name}/{hashlib.sha256(body).hexdigest()}{stack.path.suffix}"
    version = clients.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    # By version, so that what is executed later is what was uploaded now.
    return {"TemplateURL": f"{clients.s3.meta.endpoint_url}/{bucket}/{key}?versionId={version}"}


def _uploads_bucket(clients: Clients, stack: Stack) -> str:
    path = f"{stack.parameter_root}storage/{UPLOADS_OUTPUT}"
    bucket = _published(clients, path)
    if bucket is None:
        raise CicdError(
            f"{stack.name}: its template has {len(stack.body.encode()):,} bytes and must be uploaded, but {path}"
            " does not exist yet; deploy the layer storage first"
        )
    return bucket


def _described(
    clients: Clients, stack: Stack, arn: str, stack_id: str, creates: bool, patience: Patience
) -> ChangeSet | None:
    answers: list[Mapping[str, Any]] = []

    def ended() -> bool:
        answers.append(clients.cloudformation.describe_change_set(ChangeSetName=arn))
        return answers[-1]["Status"] in ("CREATE_COMPLETE", "FAILED")

    patience.until(ended, f"the change set of {stack.name}", CHANGE_SET_SECONDS)
    answer = answers[-1]
    if answer["Status"] == "FAILED":
        discard(clients, ChangeSet(arn, stack_id, creates, ()))
        reason = answer.get("StatusReason", "")
        if reason.startswith(NO_CHANGE_REASONS):
            return None
        raise CicdError(f"{stack.name}: CloudFormation refuses the change set: {reason}")
    changes = list(answer["Changes"])
    while token := answer.get("NextToken"):
        answer = clients.cloudformation.describe_change_set(ChangeSetName=arn, NextToken=token)
        changes += answer["Changes"]
    return ChangeSet(arn, stack_id, creates, tuple(_change(change["ResourceChange"]) for change in changes))


def _change(change: Mapping[str, Any]) -> Change:
    names = {detail.get("Target", {}).get("Name") for detail in change.get("Details", ())}
    return Change(
        change["Action"],
        change["LogicalResourceId"],
        change["ResourceType"],
        change.get("Replacement", ""),
        tuple(sorted(filter(None, names))),
    )


def discard(clients: Clients, change_set: ChangeSet) -> None:
    """Delete a change set, and the empty shell of a stack that it made where it would have created one."""
    clients.cloudformation.delete_change_set(ChangeSetName=change_set.arn)
    if not change_set.creates:
        return
    existing = describe_stack(clients, change_set.stack_id)
    if existing is not None and existing["StackStatus"] == "REVIEW_IN_PROGRESS" and not _reviewed(clients, change_set):
        clients.cloudformation.delete_stack(StackName=change_set.stack_id)


def _reviewed(clients: Clients, change_set: ChangeSet) -> bool:
    """Whether another change set still waits for review in the same shell."""
    pages = clients.cloudformation.get_paginator("list_change_sets").paginate(StackName=change_set.stack_id)
    return any(summary["ChangeSetId"] != change_set.arn for page in pages for summary in page["Summaries"])


def total(changes: Sequence[Change]) -> dict[str, int]:
    """How many resources each action touches, replacements counted apart; in the order of reading."""
    counts = {"Add": 0, "Modify": 0, "Replace": 0, "Remove": 0}
    for change in changes:
        replaced = change.action == "Modify" and change.replacement in ("True", "Conditional")
        action = "Replace" if replaced else change.action
        counts[action] = counts.get(action, 0) + 1
    return {action: count for action, count in counts.items() if count}
