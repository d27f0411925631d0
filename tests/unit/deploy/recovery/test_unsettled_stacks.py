"""Every stack that needs a repair is listed with the reason, the place and the exact command. No command is run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.change_sets.stack_status_remedies import STATES
from cicd_templates.deploy.recovery.claims import Claim
from cicd_templates.deploy.recovery.unsettled_stacks import Unsettled, never_checked_for_drift, unsettled
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws, missing
from tests.projects.stacks import stacks_of
from tests.unit.deploy.diagnosis.test_failures import BEGIN, event

STACKS = stacks_of("staging")
KEYS = next(stack for stack in STACKS if stack.layer == "keys")
WHERE = "--region eu-central-1 --stack-name shipping-staging-keys"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


WAITING = {"ChangeSetName": "c", "CreationTime": TIME, "Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
UNNAMED = "no plan on this machine lists these change sets, but a plan on another machine may list them"


def described(status: str, drift: str = "IN_SYNC", **tags: str) -> dict[str, Any]:
    known = {"ManagedBy": "cicd-templates", "Project": "shipping", **tags}
    return {
        "StackId": "arn:stack",
        "StackName": KEYS.name,
        "StackStatus": status,
        "CreationTime": TIME,
        "Tags": [{"Key": key, "Value": value} for key, value in known.items()],
        "DriftInformation": {"StackDriftStatus": drift},
    }


def resource(logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::KMS::Key",
        "ResourceStatus": status,
        "LastUpdatedTimestamp": TIME,
        "PhysicalResourceId": "1",
        **({"ResourceStatusReason": reason} if reason else {}),
    }


def aws(stack: dict[str, Any], *resources: dict[str, Any], **answers: Any) -> FakeAws:
    own = {
        "LogicalResourceId": "KeyAlias",
        "ResourceType": "AWS::KMS::Alias",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": TIME,
    }
    return FakeAws(
        {
            "cloudformation.describe_stacks": {"Stacks": [stack]},
            "cloudformation.list_stack_resources": {
                "StackResourceSummaries": [*resources, *([own] if resources else [])]
            },
            "cloudformation.describe_stack_events": {
                "StackEvents": [event(11, "UPDATE_FAILED", "Key", "it broke"), BEGIN]
            },
            "kms.describe_key": missing("NotFoundException"),
            "ssm.get_parameter": missing("ParameterNotFound"),
            **answers,
        }
    )


def found(fake: FakeAws, claims: Mapping[str, Claim] = MappingProxyType({})) -> list[Unsettled]:
    return list(unsettled(fake, [KEYS], claims))  # type: ignore[arg-type] # the fake stands in


def line_of(logical_id: str) -> str:
    return f"{KEYS.path}:{KEYS.path.read_text().splitlines().index(f'  {logical_id}:') + 1}"


def test_a_failed_rollback_is_finally_continued_without_the_resources_that_cannot_be_repaired() -> None:
    fake = aws(described("UPDATE_ROLLBACK_FAILED"), resource("Key", "UPDATE_FAILED", "gone"))
    (only,) = found(fake)

    assert (only.stack, only.state) == ("keys", "UPDATE_ROLLBACK_FAILED")
    assert only.facts == (f"Key (AWS::KMS::Key) is UPDATE_FAILED at {line_of('Key')}: gone",)
    assert only.commands == (
        f"aws cloudformation continue-update-rollback {WHERE}",
        f"aws cloudformation continue-update-rollback {WHERE} --resources-to-skip Key",
    )
    assert only.diagnosis is not None
    assert only.diagnosis.reason == "Key (AWS::S3::Bucket): it broke"


def test_a_failed_deletion_finally_leaves_the_resources_that_cannot_be_deleted() -> None:
    (only,) = found(aws(described("DELETE_FAILED"), resource("Key", "DELETE_FAILED")))

    assert only.commands == (
        f"aws cloudformation delete-stack {WHERE}",
        f"aws cloudformation delete-stack --deletion-mode FORCE_DELETE_STACK {WHERE}",
        f"aws cloudformation delete-stack {WHERE} --retain-resources Key",
    )


def test_a_protected_database_is_unprotected_before_its_stack_is_deleted() -> None:
    cluster = {"ResourceType": "AWS::RDS::DBCluster", "PhysicalResourceId": "shipping-production-rates"}
    (only,) = found(
        aws(described("ROLLBACK_FAILED"), resource("Cluster", "DELETE_FAILED", "it is protected") | cluster)
    )

    assert only.commands[0] == (
        "aws rds modify-db-cluster --region eu-central-1 --db-cluster-identifier shipping-production-rates"
        " --no-deletion-protection --apply-immediately"
    )


BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:222222222222:loadbalancer/app/shipping-production/1"


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"])
def test_a_protected_load_balancer_is_unprotected_before_its_stack_is_deleted(status: str) -> None:
    balancer = {"ResourceType": "AWS::ElasticLoadBalancingV2::LoadBalancer", "PhysicalResourceId": BALANCER}
    never = {key: value for key, value in resource("Never", "CREATE_FAILED").items() if key != "PhysicalResourceId"}
    (only,) = found(
        aws(
            described(status),
            resource("Balancer", "DELETE_FAILED", "it is protected") | balancer,
            never | {"ResourceType": balancer["ResourceType"]},
            resource("Key", "CREATE_COMPLETE"),
        )
    )
    unprotect = (
        f"aws elbv2 modify-load-balancer-attributes --region eu-central-1 --load-balancer-arn {BALANCER}"
        " --attributes Key=deletion_protection.enabled,Value=false"
    )

    assert only.commands[0] == unprotect
    assert [line for line in only.commands if "elbv2" in line] == [unprotect]
    assert only.diagnosis is not None
    assert unprotect in only.diagnosis.then


def test_a_stack_that_continues_its_rollback_keeps_its_protection() -> None:
    balancer = {"ResourceType": "AWS::ElasticLoadBalancingV2::LoadBalancer", "PhysicalResourceId": BALANCER}
    (only,) = found(aws(described("UPDATE_ROLLBACK_FAILED"), resource("Balancer", "UPDATE_FAILED") | balancer))

    assert not [line for line in only.commands if "elbv2" in line]


def test_a_deletion_that_failed_without_naming_a_resource_has_nothing_to_leave() -> None:
    (only,) = found(aws(described("DELETE_FAILED"), resource("Key", "CREATE_COMPLETE")))

    assert (only.facts, len(only.commands)) == ((), 2)


def test_a_failed_creation_with_live_resources_is_not_deleted_by_anybody_else() -> None:
    (only,) = found(aws(described("ROLLBACK_COMPLETE"), resource("Key", "CREATE_COMPLETE")))

    assert only.commands == (f"aws cloudformation delete-stack {WHERE}",)
    assert only.facts[0] == f"Key (AWS::KMS::Key) is CREATE_COMPLETE at {line_of('Key')}"


@pytest.mark.parametrize(
    "fake",
    [
        pytest.param(aws(described("ROLLBACK_COMPLETE")), id="a deployment recreates it itself"),
        pytest.param(aws(described("UPDATE_COMPLETE"), resource("Key", "CREATE_COMPLETE")), id="it stands"),
        pytest.param(
            aws(described("UPDATE_COMPLETE", "NOT_CHECKED"), resource("Key", "CREATE_COMPLETE")), id="no drift known"
        ),
    ],
)
def test_a_status_from_which_a_deployment_continues_by_itself_is_settled(fake: FakeAws) -> None:
    assert found(fake) == []


def test_a_missing_stack_is_settled() -> None:
    fake = aws(described("CREATE_COMPLETE"))
    error = missing("ValidationError")
    error.response["Error"]["Message"] = "Stack with id s does not exist"
    fake.answers["cloudformation.describe_stacks"] = type(error)(error.response, "DescribeStacks")

    assert found(fake) == []
    assert not never_checked_for_drift(fake, [KEYS])  # type: ignore[arg-type] # the fake stands in


def test_a_busy_stack_comes_with_what_waits_for_it() -> None:
    (only,) = found(aws(described("UPDATE_IN_PROGRESS"), resource("Key", "UPDATE_IN_PROGRESS")))

    assert only.commands == (f"aws cloudformation wait stack-update-complete {WHERE}",)
    assert only.diagnosis is None


@pytest.mark.parametrize(
    ("change_sets", "facts"),
    [
        (
            [WAITING],
            ("change set c of 2026-01-01 00:00 is AVAILABLE", UNNAMED),
        ),
        (
            [{"ChangeSetName": "c", "CreationTime": TIME, "Status": "FAILED"}],
            ("change set c of 2026-01-01 00:00 is FAILED", UNNAMED),
        ),
        ([], ("the stack has no change set, and no plan on this machine contains the stack",)),
    ],
    ids=["waiting", "failed", "abandoned"],
)
def test_an_empty_stack_names_the_plans_that_may_need_it(
    change_sets: list[dict[str, Any]], facts: tuple[str, ...]
) -> None:
    fake = aws(described("REVIEW_IN_PROGRESS"), **{"cloudformation.list_change_sets": {"Summaries": change_sets}})
    (only,) = found(fake)

    assert only.facts == facts
    assert only.commands == (f"aws cloudformation delete-stack {WHERE}",)
    # The local AWS lists nothing by a stack's id.
    assert ("cloudformation.list_change_sets", {"StackName": KEYS.name}) in fake.calls


@pytest.mark.parametrize("change_sets", [[WAITING], []], ids=["listed", "not listed"])
def test_an_empty_stack_that_a_plan_here_needs_comes_with_the_plan_and_is_never_deleted(
    change_sets: list[dict[str, Any]],
) -> None:
    fake = aws(described("REVIEW_IN_PROGRESS"), **{"cloudformation.list_change_sets": {"Summaries": change_sets}})
    (only,) = found(fake, {KEYS.name: Claim("the plan p still needs the stack", ("make deploy PLAN=p",))})

    assert only.facts[-1] == "the plan p still needs the stack"
    assert len(only.facts) == 1 + len(change_sets)
    assert only.commands == ("make deploy PLAN=p",)


def test_on_the_local_aws_each_command_goes_there() -> None:
    fake = aws(described("UPDATE_ROLLBACK_FAILED"), resource("Key", "UPDATE_FAILED", "gone"))
    fake.endpoint_url = "http://127.0.0.1:4566"
    (only,) = found(fake)

    there = (
        "AWS_ACCESS_KEY_ID=222222222222 AWS_SECRET_ACCESS_KEY=$(jq -r .secret .state/local.json) aws --endpoint-url http://127.0.0.1:4566"
        f" cloudformation continue-update-rollback {WHERE}"
    )
    assert only.commands == (there, f"{there} --resources-to-skip Key")
    assert only.diagnosis is not None
    assert only.diagnosis.then == (there,)


def test_a_stack_of_somebody_else_is_not_ours_to_settle() -> None:
    (only,) = found(aws(described("CREATE_COMPLETE", Project="other"), resource("Key", "CREATE_COMPLETE")))

    assert only.commands == ("choose another project name or suffix",)


def test_drift_names_each_property_and_the_plan_that_reverts_it() -> None:
    drift = {
        "StackId": "arn:stack",
        "LogicalResourceId": "Key",
        "ResourceType": "AWS::KMS::Key",
        "StackResourceDriftStatus": "MODIFIED",
        "Timestamp": TIME,
        "PropertyDifferences": [
            {
                "PropertyPath": "/EnableKeyRotation",
                "ExpectedValue": "true",
                "ActualValue": "false",
                "DifferenceType": "NOT_EQUAL",
            }
        ],
    }
    gone = {**drift, "LogicalResourceId": "KeyAlias", "StackResourceDriftStatus": "DELETED", "PropertyDifferences": []}

    def pages(**request: Any) -> Any:
        if "NextToken" in request:
            return {"StackResourceDrifts": [gone]}
        return {"StackResourceDrifts": [drift], "NextToken": "2"}

    fake = aws(
        described("UPDATE_COMPLETE", "DRIFTED"),
        resource("Key", "CREATE_COMPLETE"),
        **{"cloudformation.describe_stack_resource_drifts": pages},
    )
    (only,) = found(fake)

    assert only.state == "DRIFTED"
    assert only.facts == (
        f"Key (AWS::KMS::Key) at {line_of('Key')}: MODIFIED: /EnableKeyRotation is false instead of true",
        f"KeyAlias (AWS::KMS::Key) at {line_of('KeyAlias')}: DELETED",
    )
    assert only.commands == ("make plan ENV=staging REVERT_DRIFT=1",)


INGRESS = next(stack for stack in stacks_of("staging") if stack.layer == "ingress")


RULE, GROUP = "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ElasticLoadBalancingV2::TargetGroup"
WEIGHT = {"PropertyPath": "/Actions/0/ForwardConfig/TargetGroups/1/Weight", "ExpectedValue": "0", "ActualValue": "100"}
FORWARD = {
    "PropertyPath": "/Actions/0/ForwardConfig",
    "ExpectedValue": '{"TargetGroups":[{"TargetGroupArn":"a","Weight":100},{"TargetGroupArn":"b","Weight":0}]}',
    "ActualValue": '{"TargetGroups":[{"TargetGroupArn":"a","Weight":0},{"TargetGroupArn":"b","Weight":100}]}',
}
ELSEWHERE = {**FORWARD, "ActualValue": FORWARD["ActualValue"].replace('"b"', '"somebody"')}
PRIORITY = {"PropertyPath": "/Priority", "ExpectedValue": "1", "ActualValue": "2"}
HOST = {"PropertyPath": "/Conditions/0/Values/0", "ExpectedValue": "pay.example", "ActualValue": "*"}


@pytest.mark.parametrize(
    ("kind", "status", "differences", "listed"),
    [
        pytest.param(RULE, "MODIFIED", [], False, id="a rule without details"),
        pytest.param(RULE, "MODIFIED", [WEIGHT], False, id="a weight"),
        pytest.param(RULE, "MODIFIED", [FORWARD], False, id="weights within a larger value"),
        pytest.param(RULE, "MODIFIED", [ELSEWHERE], True, id="another target group"),
        pytest.param(RULE, "MODIFIED", [WEIGHT, HOST], True, id="a host beside a weight"),
        pytest.param(RULE, "MODIFIED", [PRIORITY], True, id="a priority"),
        pytest.param(RULE, "DELETED", [], True, id="a rule that is gone"),
        pytest.param(GROUP, "MODIFIED", [], True, id="a target group"),
    ],
)
def test_requests_that_ecs_has_moved_are_never_moved_back(
    kind: str, status: str, differences: list[dict[str, str]], listed: bool
) -> None:
    drift = {
        "StackId": "arn:stack",
        "LogicalResourceId": "ProductionRule",
        "ResourceType": kind,
        "StackResourceDriftStatus": status,
        "Timestamp": TIME,
        "PropertyDifferences": [{"DifferenceType": "NOT_EQUAL", **each} for each in differences],
    }
    fake = aws(
        described("UPDATE_COMPLETE", "DRIFTED"),
        resource("Vpc", "CREATE_COMPLETE"),
        **{"cloudformation.describe_stack_resource_drifts": {"StackResourceDrifts": [drift]}},
    )

    unsettled_stacks = [each for each in unsettled(fake, [INGRESS], {}) if each.state == "DRIFTED"]  # type: ignore[arg-type] # the fake stands in
    # A change set that takes drift back takes all of it back, the weights among it.
    assert [(len(each.facts), each.commands) for each in unsettled_stacks] == ([(1, ())] if listed else [])


def test_a_stack_that_only_the_pipeline_deploys_gets_the_commands_that_revert_its_drift() -> None:
    service = next(stack for stack in read_stacks(PROJECT / "out/production") if stack.layer == "service")
    drift = {
        "StackId": "arn:stack",
        "LogicalResourceId": "Service",
        "ResourceType": "AWS::ECS::Service",
        "StackResourceDriftStatus": "MODIFIED",
        "Timestamp": TIME,
        "PropertyDifferences": [],
    }
    fake = aws(
        described("UPDATE_COMPLETE", "DRIFTED"),
        resource("Service", "CREATE_COMPLETE"),
        **{"cloudformation.describe_stack_resource_drifts": {"StackResourceDrifts": [drift]}},
    )

    (only,) = [each for each in unsettled(fake, [service], {}) if each.state == "DRIFTED"]  # type: ignore[arg-type] # the fake stands in
    assert only.means.endswith("put the change into templates/, or revert it")
    assert "--deployment-mode REVERT_DRIFT" in only.commands[0]
    assert "execute-change-set" in only.commands[-1]


def test_what_is_to_be_adopted_is_one_finding_a_stack() -> None:
    arn = "arn:aws:kms:eu-central-1:222222222222:key/1"
    fake = aws(
        described("REVIEW_IN_PROGRESS"),
        **{
            "cloudformation.list_change_sets": {"Summaries": []},
            "kms.describe_key": {"KeyMetadata": {"KeyId": "1", "Arn": arn}},
            "tagging.get_resources": {"ResourceTagMappingList": []},
        },
    )

    assert [(each.state, each.facts) for each in found(fake)][1:] == [
        ("NAME TAKEN", ("KeyAlias (AWS::KMS::Alias) alias/shipping-staging-key: it has no tags",))
    ]


@pytest.mark.parametrize(
    ("status", "drift", "expected"),
    [
        ("UPDATE_COMPLETE", "NOT_CHECKED", True),
        ("UPDATE_COMPLETE", "IN_SYNC", False),
        ("UPDATE_COMPLETE", "DRIFTED", False),
        # It must be repaired first.
        ("UPDATE_ROLLBACK_FAILED", "NOT_CHECKED", False),
    ],
)
def test_a_deployed_stack_where_nobody_looked_for_drift_is_noticed(status: str, drift: str, expected: bool) -> None:
    fake: Any = aws(described(status, drift))

    assert never_checked_for_drift(fake, [KEYS]) is expected


@pytest.mark.parametrize("status", STATES)
def test_every_state_is_either_settled_or_comes_with_a_command(status: str) -> None:
    fake = aws(
        described(status), resource("Key", "CREATE_COMPLETE"), **{"cloudformation.list_change_sets": {"Summaries": []}}
    )

    for each in found(fake):
        assert each.commands, status
        assert each.means, status
    assert not [call for call, _ in fake.calls if not call.partition(".")[2].startswith(("describe", "list", "get"))]
