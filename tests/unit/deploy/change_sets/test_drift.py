"""Changes outside CloudFormation are found, and an unchecked resource never counts as unchanged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.drift import PropertyDrift, StackDrift, detect_drift
from tests.fakes.answering_aws import FakeAws, denied, missing
from tests.fakes.simulated_aws import Clock
from tests.projects.stacks import stacks_of

ENVIRONMENT = stacks_of("staging")
STACKS = {stack.layer: stack for stack in ENVIRONMENT}
KEYS, NETWORK = STACKS["keys"], STACKS["network"]
TIME = datetime(2026, 1, 1, tzinfo=UTC)
ROTATION = {
    "PropertyPath": "/EnableKeyRotation",
    "ExpectedValue": "true",
    "ActualValue": "false",
    "DifferenceType": "NOT_EQUAL",
}


def gone() -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": "Stack with id s does not exist"}}, "Call")


def described(status: str = "UPDATE_COMPLETE", project: str = "shipping") -> Callable[..., Any]:
    """Return a client that describes every stack in the same way."""
    tags = {"ManagedBy": "cicd-templates", "Project": project}

    def answer(**request: str) -> Any:
        stack = {
            "StackId": f"arn:{request['StackName']}",
            "StackName": request["StackName"],
            "StackStatus": status,
            "CreationTime": TIME,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        return {"Stacks": [stack]}

    return answer


def detection(status: str, stack_id: str = "arn:stack", **more: Any) -> dict[str, Any]:
    return {
        "StackId": stack_id,
        "StackDriftDetectionId": "d",
        "DetectionStatus": status,
        "Timestamp": TIME,
        **more,
    }


def drifted(status: str = "MODIFIED", *differences: dict[str, str], reason: str = "") -> dict[str, Any]:
    return {
        "StackId": "arn:stack",
        "LogicalResourceId": "Key",
        "ResourceType": "AWS::KMS::Key",
        "StackResourceDriftStatus": status,
        "Timestamp": TIME,
        "PropertyDifferences": list(differences),
        **({"DriftStatusReason": reason} if reason else {}),
    }


def resource(name: str, kind: str, status: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": name,
        "ResourceType": kind,
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": TIME,
        "DriftInformation": {"StackResourceDriftStatus": status},
    }


def aws(**answers: Any) -> FakeAws:
    return FakeAws(
        {
            "cloudformation.describe_stacks": described(),
            "cloudformation.detect_stack_drift": {"StackDriftDetectionId": "d"},
            "cloudformation.describe_stack_drift_detection_status": detection("DETECTION_COMPLETE"),
            "cloudformation.describe_stack_resource_drifts": {"StackResourceDrifts": []},
            "cloudformation.list_stack_resources": {"StackResourceSummaries": []},
            **{f"cloudformation.{name}": answer for name, answer in answers.items()},
        }
    )


def results(fake: FakeAws, *stacks: Any) -> list[StackDrift]:
    return list(detect_drift(fake, stacks or [KEYS], ENVIRONMENT, Clock().polling()))  # type: ignore[arg-type] # the fake stands in


def test_a_stack_as_in_its_template_has_no_drift() -> None:
    (only,) = results(aws())

    assert only == StackDrift("keys")
    assert (only.drifted, only.unchecked) == ((), False)


@pytest.mark.parametrize(
    ("expected", "actual", "fact"),
    [
        ("", "80", "/Port is 80, but the template does not set it"),
        ("80", "", "/Port is missing instead of 80"),
        ("80", "443", "/Port is 443 instead of 80"),
    ],
)
def test_a_value_that_does_not_exist_is_said_in_words(expected: str, actual: str, fact: str) -> None:
    assert PropertyDrift("/Port", expected, actual).fact == fact


def test_a_changed_property_comes_with_its_line_and_both_values() -> None:
    (only,) = results(aws(describe_stack_resource_drifts={"StackResourceDrifts": [drifted("MODIFIED", ROTATION)]}))

    (key,) = only.drifted
    assert key.differences == (PropertyDrift("/EnableKeyRotation", "true", "false"),)
    assert key.fact.startswith(f"Key (AWS::KMS::Key) at {KEYS.path}:")
    assert key.fact.endswith(": MODIFIED: /EnableKeyRotation is false instead of true")
    assert not only.unchecked


def test_every_detection_is_started_before_the_first_is_awaited() -> None:
    fake = aws()
    results(fake, KEYS, NETWORK)

    operations = [call.partition(".")[2] for call, _ in fake.calls]
    assert operations.count("detect_stack_drift") == 2
    last_start = len(operations) - operations[::-1].index("detect_stack_drift")
    assert operations.index("describe_stack_drift_detection_status") == last_start


def test_a_detection_is_awaited_through_errors_that_pass() -> None:
    throttled = missing("Throttling")
    answers = iter([detection("DETECTION_IN_PROGRESS"), throttled, detection("DETECTION_COMPLETE")])
    (only,) = results(aws(describe_stack_drift_detection_status=lambda **request: next(answers)))

    assert not only.unchecked
    assert list(answers) == []


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        pytest.param(
            {"detect_stack_drift": denied("DetectStackDrift")},
            "(AccessDenied) when calling the DetectStackDrift operation: not yours",
            id="not allowed",
        ),
        pytest.param(
            {"describe_stack_drift_detection_status": detection("DETECTION_FAILED", DetectionStatusReason="no role")},
            "the detection failed: no role",
            id="failed",
        ),
        pytest.param(
            {"describe_stack_drift_detection_status": detection("DETECTION_FAILED")},
            "the detection failed: CloudFormation gives no reason",
            id="failed without a reason",
        ),
        pytest.param(
            {"describe_stack_drift_detection_status": detection("DETECTION_IN_PROGRESS")},
            "the drift detection of shipping-staging-keys has not finished within 30 minutes",
            id="never ends",
        ),
        pytest.param(
            {"describe_stack_resource_drifts": denied("DescribeStackResourceDrifts")},
            "(AccessDenied) when calling the DescribeStackResourceDrifts operation: not yours",
            id="the result cannot be read",
        ),
        pytest.param(
            {"describe_stacks": described(project="other")},
            "a stack with this name exists, but this project did not create it",
            id="somebody else's",
        ),
    ],
)
def test_a_stack_that_could_not_be_checked_says_why_and_is_not_called_unchanged(
    answers: dict[str, Any], problem: str
) -> None:
    (only,) = results(aws(**answers))

    assert problem in only.problem
    assert only.unchecked
    assert only.deployed


def test_a_resource_that_could_not_be_read_is_no_drift_and_leaves_the_stack_unchecked() -> None:
    unread = drifted("UNKNOWN", reason="AccessDenied on kms:GetKeyPolicy")
    (only,) = results(aws(describe_stack_resource_drifts={"StackResourceDrifts": [unread]}))

    assert (only.drifted, only.unchecked) == ((), True)
    assert only.resources[0].fact.endswith(": UNKNOWN: AccessDenied on kms:GetKeyPolicy")


@pytest.mark.parametrize(
    "answer",
    [gone(), described("REVIEW_IN_PROGRESS")],
    ids=["not there", "never created"],
)
def test_a_stack_that_is_not_deployed_is_not_checked(answer: Any) -> None:
    fake = aws(describe_stacks=answer)

    assert results(fake) == [StackDrift("keys", deployed=False)]
    assert "cloudformation.detect_stack_drift" not in [call for call, _ in fake.calls]


def test_resources_that_cloudformation_never_checks_are_counted_by_type() -> None:
    there = [
        resource("Key", "AWS::KMS::Key", "IN_SYNC"),
        resource("One", "AWS::KMS::Alias", "NOT_CHECKED"),
        resource("Two", "AWS::KMS::Alias", "NOT_CHECKED"),
        resource("Three", "AWS::SSM::Parameter", "UNSUPPORTED"),
    ]
    (only,) = results(aws(list_stack_resources={"StackResourceSummaries": there}))

    assert only.unsupported == {"AWS::KMS::Alias": 2, "AWS::SSM::Parameter": 1}
    assert not only.unchecked
