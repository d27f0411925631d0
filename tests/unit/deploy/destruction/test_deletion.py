"""The deletion of one stack: its statuses, its failures and their repairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.deploy.destruction import deletion
from cicd_templates.deploy.destruction.deletion import DeletionProgress, delete_stack
from cicd_templates.deploy.destruction.deletion_blockers import REPAIRS, repair
from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack, Owned
from cicd_templates.errors import CredentialsError
from tests.fakes.scripted_aws import Many, aws, clock, living, refusal
from tests.fakes.scripted_cloudformation import event

STACK = "AWS::CloudFormation::Stack"


def described(status: str) -> dict[str, Any]:
    return {"Stacks": [{"StackStatus": status, "StackId": "id-keys"}]}


def failed(number: int, reason: str, logical_id: str = "Bucket", kind: str = "AWS::S3::Bucket") -> list[dict[str, Any]]:
    return [
        event(number + 1, "DELETE_FAILED", "shipping-staging-keys", "The following failed", STACK),
        event(number, "DELETE_FAILED", logical_id, reason, kind),
    ]


def events(*attempts: list[dict[str, Any]]) -> Many:
    """Return a function for the answers to consecutive reads of the events, newest first. Each attempt reads twice."""
    looks: list[Any] = [{"StackEvents": []}]
    so_far: list[dict[str, Any]] = []
    for attempt in attempts:
        so_far = [*attempt, *so_far]
        looks += [{"StackEvents": so_far}, {"StackEvents": so_far}]
    return Many(looks)


def run(fake: Any, stack: DeployedStack, *, unguard: bool = False) -> tuple[str, list[str]]:
    messages: list[str] = []
    reason = delete_stack(fake, stack, clock(), DeletionProgress(messages.append, lambda event: None), unguard=unguard)
    return reason, messages


def test_another_operation_under_way_is_not_disturbed() -> None:
    fake = aws(cloudformation={"describe_stacks": described("UPDATE_IN_PROGRESS")})
    stack_id = "arn:aws:cloudformation:eu-central-1:222222222222:stack/shipping-staging-keys/1"
    reason, _ = run(fake, replace(living(), stack_id=stack_id))

    assert reason == (
        "is in UPDATE_IN_PROGRESS: another operation is running; try again when it has ended (`aws cloudformation wait"
        " stack-update-complete --region eu-central-1 --stack-name shipping-staging-keys`)"
    )
    assert fake.called("delete_stack") == []


def test_a_deletion_under_way_is_followed_and_not_asked_for_again() -> None:
    fake = aws(
        cloudformation={
            "describe_stacks": Many([described("DELETE_IN_PROGRESS"), described("DELETE_COMPLETE")]),
            "describe_stack_events": {"StackEvents": []},
        }
    )

    assert run(fake, living(guarded=True), unguard=True) == ("", [])
    assert fake.called("delete_stack") == []
    assert fake.called("update_termination_protection") == []


@pytest.mark.parametrize(("unguard", "calls"), [(True, 1), (False, 0)])
def test_termination_protection_goes_only_where_that_was_allowed(unguard: bool, calls: int) -> None:
    states = Many([described("CREATE_COMPLETE"), described("DELETE_COMPLETE")])
    fake = aws(cloudformation={"describe_stacks": states, "describe_stack_events": {"StackEvents": []}})

    assert run(fake, living(guarded=True), unguard=unguard) == ("", [])
    assert len(fake.called("update_termination_protection")) == calls


def test_a_bucket_that_was_written_to_meanwhile_is_emptied_again_and_the_deletion_tried_again() -> None:
    bucket = Owned("storage", "Bucket", "AWS::S3::Bucket", "b")
    role = Owned("storage", "Role", "AWS::IAM::Role", "r")
    one = [{"Versions": [{"Key": "k", "VersionId": "1"}]}]
    fake = aws(
        cloudformation={
            "describe_stacks": Many(
                map(described, ["CREATE_COMPLETE", "DELETE_FAILED", "DELETE_FAILED", "DELETE_COMPLETE"])
            ),
            "describe_stack_events": events(failed(1, "The bucket you tried to delete is not empty")),
            "list_stack_resources": {
                "StackResourceSummaries": [
                    {"LogicalResourceId": name, "ResourceStatus": "DELETE_FAILED"} for name in ("Bucket", "Role")
                ]
            },
        },
        s3={"list_object_versions": Many([one, [{}], one, [{}]]), "delete_objects": {}, "list_multipart_uploads": [{}]},
    )
    reason, messages = run(fake, living("shipping-staging-storage", bucket, role))

    assert reason == ""
    assert messages == [
        "storage: emptied b (1 objects)",
        "storage: attempt 1 of 4 failed: Bucket (AWS::S3::Bucket): The bucket you tried to delete is not empty",
        "storage: b: emptied the bucket again (1 objects)",
    ]
    assert len(fake.called("delete_stack")) == 2


def test_a_failure_that_lasts_is_its_first_cause_with_a_way_out() -> None:
    gone = "Role arn:aws:iam::2:role/delivery is invalid or cannot be assumed"
    fake = aws(
        cloudformation={
            "describe_stacks": described("DELETE_FAILED"),
            "describe_stack_events": events(*[failed(10 * turn, gone, "Service", "T") for turn in range(1, 5)]),
            "list_stack_resources": {"StackResourceSummaries": []},
        }
    )
    reason, messages = run(fake, living(role="arn:aws:iam::2:role/delivery"))

    assert reason.startswith(
        f"Service (T): {gone}; the role that CloudFormation needs to delete the stack no longer exists: create"
    )
    assert len(fake.called("delete_stack")) == deletion.DELETION_ATTEMPTS
    assert len(messages) == deletion.DELETION_ATTEMPTS - 1


def test_a_failure_without_a_cause_says_so() -> None:
    only_the_stack = [[event(turn, "DELETE_FAILED", "s", "Resource deletion cancelled", STACK)] for turn in range(1, 5)]
    fake = aws(
        cloudformation={
            "describe_stacks": described("DELETE_FAILED"),
            "describe_stack_events": events(*only_the_stack),
            "list_stack_resources": {"StackResourceSummaries": []},
        }
    )

    assert run(fake, living())[0] == "the stack ended in DELETE_FAILED, and its events do not name a cause"


def test_a_call_that_is_refused_is_the_reason_and_no_traceback() -> None:
    fake = aws(
        cloudformation={
            "describe_stacks": described("CREATE_COMPLETE"),
            "describe_stack_events": {"StackEvents": []},
            "delete_stack": refusal("AccessDenied", "not allowed"),
        }
    )

    assert "AccessDenied" in run(fake, living())[0]


def test_a_network_that_fails_is_the_reason_and_no_traceback() -> None:
    lost = EndpointConnectionError(endpoint_url="https://cloudformation")
    fake = aws(cloudformation={"describe_stacks": lost})

    assert "Could not connect" in run(fake, living())[0]


FAULTS = [
    *map(refusal, ("Throttling", "ServiceUnavailable", "InternalFailure", "RequestLimitExceeded")),
    EndpointConnectionError(endpoint_url="https://x"),
]


@given(st.lists(st.sampled_from(FAULTS), max_size=6), st.lists(st.sampled_from(FAULTS), max_size=6))
def test_a_transient_error_does_not_decide_how_a_deletion_ends(
    of_events: list[Exception], of_states: list[Exception]
) -> None:
    nothing: dict[str, Any] = {"StackEvents": []}
    fake = aws(
        cloudformation={
            "describe_stacks": Many([described("CREATE_COMPLETE"), *of_states, described("DELETE_COMPLETE")]),
            "describe_stack_events": Many([nothing, *of_events, nothing]),
        }
    )

    assert run(fake, living())[0] == ""
    assert len(fake.called("delete_stack")) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refusal("AccessDenied"), "AccessDenied"),
        (refusal("ValidationError", "what is that"), "what is that"),
    ],
    ids=["a refusal", "a wrong request"],
)
def test_a_permanent_error_ends_the_wait_for_a_deletion(error: Exception, reason: str) -> None:
    fake = aws(
        cloudformation={
            "describe_stacks": described("DELETE_IN_PROGRESS"),
            "describe_stack_events": Many([{"StackEvents": []}, error]),
        }
    )

    assert reason in run(fake, living())[0]


def test_credentials_that_end_say_nothing_of_the_stack() -> None:
    fake = aws(
        cloudformation={
            "describe_stacks": described("DELETE_IN_PROGRESS"),
            "describe_stack_events": Many([{"StackEvents": []}, CredentialsError("sign in again")]),
        }
    )

    with pytest.raises(CredentialsError, match="sign in again"):
        run(fake, living())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(refusal("NoSuchBucket"), ""), (refusal("AccessDenied"), "AccessDenied")],
    ids=["gone already", "not ours to empty"],
)
def test_a_bucket_that_is_gone_is_empty(answer: Exception, expected: str) -> None:
    states = Many([described("CREATE_COMPLETE"), described("DELETE_COMPLETE")])
    fake = aws(
        cloudformation={"describe_stacks": states, "describe_stack_events": {"StackEvents": []}},
        s3={"list_object_versions": answer},
    )
    kept = Owned("storage", "Kept", "AWS::S3::Bucket", "kept", "Retain")

    assert expected in run(fake, living("s", kept, Owned("storage", "B", "AWS::S3::Bucket", "b")))[0]
    assert [call["Bucket"] for call in fake.called("list_object_versions")] == ["b"]


def test_a_large_bucket_shows_a_sign_of_life() -> None:
    page = {"Versions": [{"Key": f"k{number}", "VersionId": "1"} for number in range(1000)]}
    pages = [page] * 21
    states = Many([described("CREATE_COMPLETE"), described("DELETE_COMPLETE")])
    fake = aws(
        cloudformation={"describe_stacks": states, "describe_stack_events": {"StackEvents": []}},
        s3={"list_object_versions": Many([pages, [{}]]), "list_multipart_uploads": [{}]},
    )
    _, messages = run(fake, living("s", Owned("storage", "B", "AWS::S3::Bucket", "b")))

    assert messages == [
        "storage: b: 10,000 deleted so far",
        "storage: b: 20,000 deleted so far",
        "s: emptied b (21,000 objects)",
    ]


def test_a_failure_of_emptying_is_the_reason() -> None:
    refused = {"Errors": [{"Key": "k", "VersionId": "1", "Code": "AccessDenied", "Message": "locked"}]}
    fake = aws(
        cloudformation={"describe_stacks": described("CREATE_COMPLETE")},
        s3={"list_object_versions": [{"Versions": [{"Key": "k", "VersionId": "1"}]}], "delete_objects": refused},
    )

    assert run(fake, living("s", Owned("s", "B", "AWS::S3::Bucket", "b")))[0].startswith(
        "b/k: S3 refuses to delete this object"
    )


INTERFACES = {"describe_network_interfaces": [{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}]}


@pytest.mark.parametrize(
    ("resource_type", "services", "done", "call"),
    [
        (
            "AWS::ECR::Repository",
            {"ecr": {"list_images": {"imageIds": []}}},
            "deleted 0 images",
            ("list_images", {"repositoryName": "xx"}),
        ),
        (
            "AWS::ECS::Cluster",
            {"ecs": {"list_tasks": [{"taskArns": ["t1"]}]}},
            "stopped 1 task",
            ("stop_task", {"cluster": "xx", "task": "t1", "reason": "the environment is being destroyed"}),
        ),
        (
            "AWS::EC2::Subnet",
            {"ec2": INTERFACES},
            "deleted 1 unused network interface; network interfaces that are still in use will be released by AWS"
            " services",
            ("delete_network_interface", {"NetworkInterfaceId": "eni-1"}),
        ),
        (
            "AWS::CodeBuild::ReportGroup",
            {"codebuild": {"list_reports_for_report_group": [{"reports": ["r1"]}]}},
            "deleted 1 report",
            ("delete_report", {"arn": "r1"}),
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {},
            "switched off the deletion protection",
            (
                "modify_load_balancer_attributes",
                {"LoadBalancerArn": "xx", "Attributes": [{"Key": "deletion_protection.enabled", "Value": "false"}]},
            ),
        ),
        (
            "AWS::RDS::DBCluster",
            {"rds": {"describe_db_clusters": {"DBClusters": [{"DeletionProtection": True}]}}},
            "switched off the deletion protection",
            (
                "modify_db_cluster",
                {"DBClusterIdentifier": "xx", "DeletionProtection": False, "ApplyImmediately": True},
            ),
        ),
    ],
)
def test_the_blocker_of_a_resource_is_removed(
    resource_type: str, services: dict[str, Any], done: str, call: tuple[str, dict[str, Any]]
) -> None:
    fake = aws(**services)

    assert repair(fake, Owned("s", "X", resource_type, "xx")) == done
    assert fake.calls[-1] == call


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        ({"DBClusters": [{"DeletionProtection": False}]}, "the deletion protection is off"),
        (refusal("DBClusterNotFoundFault"), "it no longer exists"),
    ],
)
def test_a_database_that_is_not_protected_is_not_changed(answer: Any, done: str) -> None:
    fake = aws(rds={"describe_db_clusters": answer})

    assert repair(fake, Owned("s", "X", "AWS::RDS::DBCluster", "rates")) == done
    assert fake.called("modify_db_cluster") == []


def test_a_denied_description_of_a_database_does_not_count_as_its_absence() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        repair(
            aws(rds={"describe_db_clusters": refusal("AccessDenied")}), Owned("s", "X", "AWS::RDS::DBCluster", "rates")
        )


def test_network_interfaces_are_looked_for_where_each_type_has_them() -> None:
    for resource_type, by in (
        ("AWS::EC2::Subnet", "subnet-id"),
        ("AWS::EC2::SecurityGroup", "group-id"),
        ("AWS::EC2::VPC", "vpc-id"),
    ):
        fake = aws(ec2={"describe_network_interfaces": [{"NetworkInterfaces": []}]})
        repair(fake, Owned("s", "X", resource_type, "x"))
        (asked,) = fake.called("describe_network_interfaces")
        assert asked["Filters"] == [{"Name": by, "Values": ["x"]}, {"Name": "status", "Values": ["available"]}]


def test_a_failure_without_a_known_repair_is_only_tried_again() -> None:
    assert "AWS::IAM::Role" not in REPAIRS
    assert repair(aws(), Owned("s", "X", "AWS::IAM::Role", "x")) == ""
