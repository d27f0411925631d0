"""Detects drift: resources of deployed stacks that were changed or deleted outside CloudFormation.

Detection changes no resource. CloudFormation compares only the properties that the template sets:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.retry import AWS_ERRORS, ignore_transient, retry_steps, run_steps
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.change_sets.ownership import Owner, owner_of
from cicd_templates.deploy.change_sets.security_group_rules import SECURITY_GROUP, is_rule_of_another_stack
from cicd_templates.errors import CicdError
from cicd_templates.template.changes.masking import mask
from cicd_templates.template.source_lines import locate
from cicd_templates.template.stack_template import StackTemplate

# ECS changes the weights of a rule in each progressive deployment, so it is normal that they differ from the template.
SHIFTED = "AWS::ElasticLoadBalancingV2::ListenerRule"
WEIGHT = "Weight"
DRIFTED = "DRIFTED"
# CloudFormation says only that a detection can take up to several minutes.
DETECTION_SECONDS = 1800.0


@dataclass(frozen=True)
class PropertyDrift:
    """A property that differs from the template: its path, its expected value and its actual value.

    The values are JSON or plain text, without secrets.
    """

    path: str
    expected: str
    actual: str

    @property
    def fact(self) -> str:
        """Return the difference as text. The text says if the template or the resource does not have the property."""
        if not self.expected:
            return f"{self.path} is {self.actual}, but the template does not set it"
        return f"{self.path} is {self.actual or 'missing'} instead of {self.expected}"


@dataclass(frozen=True)
class DriftedResource:
    """A resource that differs from its template. `at` is its file and line in the reviewed template.

    `status` is MODIFIED, DELETED or UNKNOWN. If it is UNKNOWN, `reason` says why CloudFormation could not read the
    resource.
    """

    logical_id: str
    resource_type: str
    at: str
    status: str
    differences: tuple[PropertyDrift, ...] = ()
    reason: str = ""

    @property
    def fact(self) -> str:
        """Return a line that says where the resource is defined in the template and what differs."""
        changed = ", ".join(each.fact for each in self.differences)
        said = "; ".join(filter(None, (changed, self.reason)))
        return f"{self.logical_id} ({self.resource_type}) at {self.at}: {self.status}{': ' if said else ''}{said}"


@dataclass(frozen=True)
class StackDrift:
    """The drift of one stack. `problem` says why the stack, or a part of it, could not be checked.

    `unsupported` has the resource types in the stack that CloudFormation cannot check, each with the number of its
    resources.
    """

    stack: str
    resources: tuple[DriftedResource, ...] = ()
    unsupported: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    deployed: bool = True

    @property
    def drifted(self) -> tuple[DriftedResource, ...]:
        """Return the resources that were changed or deleted outside CloudFormation."""
        return tuple(each for each in self.resources if each.status != "UNKNOWN")

    @property
    def unchecked(self) -> bool:
        """Return whether a part of the stack could not be checked for drift."""
        return bool(self.problem) or len(self.drifted) < len(self.resources)

    @property
    def is_clean(self) -> bool:
        """Whether the stack was checked completely and has no drift."""
        return not (self.drifted or self.unchecked)


def detect_drift(
    clients: Clients, stacks: Sequence[StackTemplate], environment: Sequence[StackTemplate], polling: Polling
) -> Iterator[StackDrift]:
    """Detect the drift of all `stacks` at the same time. Yield the results in the order of `stacks`.

    `environment` has all stacks of the environment. If one of these stacks adds a rule to a security group of another
    stack, the rule is not reported as drift.
    """
    started = [(stack, _start(clients, stack, polling)) for stack in stacks]
    for stack, detection in started:
        if isinstance(detection, StackDrift):
            yield detection
            continue
        try:
            yield _result(clients, stack, environment, detection, polling)
        except AWS_ERRORS as error:
            yield StackDrift(stack.label, problem=explain(error))
        except CicdError as error:
            yield StackDrift(stack.label, problem=str(error))


def _start(clients: Clients, stack: StackTemplate, polling: Polling) -> str | StackDrift:
    """Start to detect the drift of a stack. Return the detection's id, or a result that says why it could not start."""
    existing = run_steps(retry_steps(lambda: describe_stack(clients, stack.name)), polling)
    if existing is None or existing["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
        return StackDrift(stack.label, deployed=False)
    if owner_of(clients, existing, stack) is Owner.OTHERS:
        return StackDrift(stack.label, problem="a stack with this name exists, but this project did not create it")
    try:
        answer = run_steps(
            retry_steps(lambda: clients.cloudformation.detect_stack_drift(StackName=existing["StackId"])), polling
        )
    except AWS_ERRORS as error:
        # For example a stack with an operation in progress.
        return StackDrift(stack.label, problem=explain(error))
    return answer["StackDriftDetectionId"]


def _result(
    clients: Clients, stack: StackTemplate, environment: Sequence[StackTemplate], detection: str, polling: Polling
) -> StackDrift:
    answers: list[Mapping[str, Any]] = []

    def finished() -> bool:
        answer = clients.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        answers.append(answer)
        return answer["DetectionStatus"] != "DETECTION_IN_PROGRESS"

    polling.until(ignore_transient(finished), f"the drift detection of {stack.name}", DETECTION_SECONDS)
    last = answers[-1]
    resources = tuple(
        drifted_resources(clients, stack, environment, last["StackId"], ("MODIFIED", "DELETED", "UNKNOWN"))
    )
    unsupported = Counter(
        resource["ResourceType"]
        for resource in live_resources(clients, last["StackId"])
        if resource.get("DriftInformation", {}).get("StackResourceDriftStatus") in ("NOT_CHECKED", "UNSUPPORTED")
    )
    problem = ""
    if last["DetectionStatus"] == "DETECTION_FAILED":
        problem = f"the detection failed: {last.get('DetectionStatusReason') or 'CloudFormation gives no reason'}"
    return StackDrift(stack.label, resources, dict(unsupported), problem)


def drifted_resources(
    clients: Clients,
    stack: StackTemplate,
    environment: Sequence[StackTemplate],
    stack_id: str,
    statuses: Sequence[str],
) -> Iterator[DriftedResource]:
    """Yield the resources that had one of `statuses` in the last drift detection.

    Resources with only expected differences are left out: listener rules whose weights ECS has changed, and security
    groups with rules that another stack in `environment` adds.
    """
    # botocore has no paginator for this operation, although AWS returns the results in pages.
    request: dict[str, Any] = {"StackName": stack_id, "StackResourceDriftStatusFilters": list(statuses)}
    while True:
        page = clients.cloudformation.describe_stack_resource_drifts(**request)
        for each in page["StackResourceDrifts"]:
            differences = each.get("PropertyDifferences", ())
            if each["StackResourceDriftStatus"] == "MODIFIED" and _is_expected(
                each["ResourceType"], differences, environment
            ):
                continue
            yield DriftedResource(
                each["LogicalResourceId"],
                each["ResourceType"],
                locate(stack, each["LogicalResourceId"]),
                each["StackResourceDriftStatus"],
                tuple(_property_drift(each["ResourceType"], difference) for difference in differences),
                each.get("DriftStatusReason", ""),
            )
        if not (token := page.get("NextToken")):
            break
        request["NextToken"] = token


def _property_drift(resource_type: str, difference: Mapping[str, Any]) -> PropertyDrift:
    path = difference["PropertyPath"]
    expected, actual = (mask(resource_type, path, difference[key]) for key in ("ExpectedValue", "ActualValue"))
    return PropertyDrift(path, expected, actual)


def _is_expected(
    resource_type: str, differences: Sequence[Mapping[str, Any]], environment: Sequence[StackTemplate]
) -> bool:
    """Return whether all differences of a resource from its template are expected, so that they are not drift.

    Two kinds of differences are expected: changed weights of a listener rule, and rules that other stacks in
    `environment` add to a security group.
    """
    if resource_type == SHIFTED:
        return all(_only_weights(difference) for difference in differences)
    if resource_type == SECURITY_GROUP:
        return bool(differences) and all(is_rule_of_another_stack(each, environment) for each in differences)
    return False


def _only_weights(difference: Mapping[str, Any]) -> bool:
    """Return whether a listener rule differs from its template only in the weights of its target groups."""
    if difference["PropertyPath"].rpartition("/")[2] == WEIGHT:
        return True
    try:
        expected, actual = json.loads(difference["ExpectedValue"]), json.loads(difference["ActualValue"])
    except json.JSONDecodeError:
        return False
    return isinstance(expected, dict | list) and bool(_without_weights(expected) == _without_weights(actual))


def _without_weights(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_weights(inner) for key, inner in value.items() if key != WEIGHT}
    if isinstance(value, list):
        return [_without_weights(inner) for inner in value]
    return value
