"""Reads change sets with their ARNs and digests, so that a stage executes exactly what its approver saw.

CloudFormation never changes a change set. But a new change set can get the name of an approved change set. The ARN
reveals the new change set, because each change set has its own ARN. The digests say which parts differ. The role of a
change set has no digest, because CloudFormation does not return the role.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cicd_templates.template.image_parameter import IMAGE_PARAMETER

# The status reasons of a change set without changes. CloudFormation has no other field that shows this.
UNCHANGED = ("The submitted information didn't contain changes", "No updates are to be performed")
# Further inputs of a change set. CloudFormation omits inputs that were not given.
SETTINGS = (
    *("Description", "NotificationARNs", "RollbackConfiguration", "OnStackFailure", "ImportExistingResources"),
    *("IncludeNestedStacks", "ParentChangeSetId", "RootChangeSetId", "DeploymentMode", "DeploymentConfig"),
)


@dataclass(frozen=True)
class ChangeSet:
    """A change set: its stack, the first page of CloudFormation's description, and its changes.

    `changes` has all changes, but not their property values. `valued` has the same changes, with the property values
    that CloudFormation reports. `template` is empty if the change set has no changes.
    """

    stack: str
    answer: dict[str, Any]
    changes: list[dict[str, Any]]
    valued: list[dict[str, Any]]
    template: str

    @property
    def entry(self) -> dict[str, str]:
        """The entry for the change set in a record: its ARN, the ARN of its stack, and its digests."""
        settings = {name: self.answer.get(name) for name in SETTINGS}
        parts: dict[str, Any] = {
            "parameters": _sorted(self.answer.get("Parameters", [])),
            "tags": _sorted(self.answer.get("Tags", [])),
            "capabilities": _sorted(self.answer.get("Capabilities", [])),
            "settings": settings,
            "changes": _sorted([_comparable(change) for change in self.changes]),
            "values": _sorted([_comparable(change) for change in self.valued]),
        }
        return {
            "stack": self.stack,
            "stackArn": self.answer["StackId"],
            "changeSetArn": self.answer["ChangeSetId"],
            "template": hashlib.sha256(self.template.encode()).hexdigest(),
            **{name: digest_of(part) for name, part in parts.items()},
        }


def read_change_set(cloudformation: Any, stack: str, name: str) -> ChangeSet:
    """Return a change set with all of its changes.

    Raises `ValueError` if the change set failed, or if it can no longer be executed.
    """
    answer = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    # A change set without changes is not a failure: there is nothing to execute after the approval.
    empty = answer["Status"] == "FAILED" and answer.get("StatusReason", "").startswith(UNCHANGED)
    if answer["Status"] != "CREATE_COMPLETE" and not empty:
        reason = answer.get("StatusReason", "no reason given")
        raise ValueError(f"{stack}: the change set has status {answer['Status']}: {reason}")
    if empty:
        return ChangeSet(stack, answer, [], [], "")
    if answer["ExecutionStatus"] != "AVAILABLE":
        raise ValueError(f"{stack}: the change set cannot be executed, because it is {answer['ExecutionStatus']}")
    # All other requests use the ARN, so that every part is from the same change set.
    named = {"StackName": answer["StackId"], "ChangeSetName": answer["ChangeSetId"]}
    valued = cloudformation.describe_change_set(**named, IncludePropertyValues=True)
    body = cloudformation.get_template(**named, TemplateStage="Original")["TemplateBody"]
    return ChangeSet(
        stack,
        answer,
        _all_changes(cloudformation, answer, **named),
        _all_changes(cloudformation, valued, **named, IncludePropertyValues=True),
        # botocore parses a template that is JSON.
        body if isinstance(body, str) else canonical(body),
    )


def images_in(description: dict[str, Any]) -> list[str]:
    """Return the images in the parameters of a change set, from CloudFormation's description of it."""
    parameters = description.get("Parameters", [])
    return [each["ParameterValue"] for each in parameters if each["ParameterKey"] == IMAGE_PARAMETER]


def _all_changes(cloudformation: Any, answer: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """Return the changes on the first page, which is `answer`, and on all following pages."""
    pages = [answer]
    while token := pages[-1].get("NextToken"):
        pages.append(cloudformation.describe_change_set(**asked, NextToken=token))
    changes = [change for page in pages for change in page["Changes"]]
    return [change["ResourceChange"] for change in changes if "ResourceChange" in change]


def _comparable(change: dict[str, Any]) -> dict[str, Any]:
    """Return a change with its details in a fixed order, because CloudFormation lists them in no particular order."""
    ordered = {**change, "Details": _sorted(change.get("Details", [])), "Scope": _sorted(change.get("Scope", []))}
    contexts = {name: _parsed(change[name]) for name in ("BeforeContext", "AfterContext") if name in change}
    return ordered | contexts


def _parsed(text: str) -> Any:
    """Return the value that `text` has as JSON, or the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=canonical)


def canonical(content: Any) -> str:
    """Return `content` as JSON with sorted keys and without spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)


def digest_of(content: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `content`."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()
