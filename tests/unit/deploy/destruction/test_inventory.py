"""The resources outside the stacks, their owners, and what a destruction does with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.destruction import unmanaged as finding
from cicd_templates.deploy.destruction.deployed_stacks import Owned, former_resources, read_deployed_stack
from cicd_templates.deploy.destruction.inventory import (
    WINDOW,
    _owned_item,
    _stack_items,
    _unmanaged_item,
    _unmanaged_items,
    _was_deleted,
    listed_name,
    retake_inventory,
)
from cicd_templates.deploy.destruction.removal_commands import removal_command, state_of
from cicd_templates.deploy.destruction.scope import as_tags
from cicd_templates.deploy.destruction.unmanaged import UnmanagedResource, unmanaged_resources
from cicd_templates.deploy.reporting.inventory_items import Fate
from cicd_templates.errors import CicdError
from tests.fakes.scripted_aws import SCOPE, WHEN, aws, inventory, living, refusal

UNMANAGED_RESOURCES = "cicd_templates.deploy.destruction.inventory.unmanaged_resources"
ARN = "arn:aws:{}:eu-central-1:222222222222:{}"
TAGS = [{"Key": key, "Value": value} for key, value in SCOPE.tags.items()]


@pytest.mark.parametrize(
    ("service", "resource", "expected"),
    [
        ("s3", "shipping-staging-logs", ("AWS::S3::Bucket", "shipping-staging-logs")),
        ("logs", "log-group:/shipping/staging/x:*", ("AWS::Logs::LogGroup", "/shipping/staging/x")),
        ("kms", "key/1234", ("AWS::KMS::Key", "1234")),
        ("dynamodb", "table/shipping-staging-rates", ("AWS::DynamoDB::Table", "shipping-staging-rates")),
        ("rds", "cluster:shipping-staging-rates", ("AWS::RDS::DBCluster", "shipping-staging-rates")),
        ("rds", "cluster-snapshot:rates-final", ("AWS::RDS::DBClusterSnapshot", "rates-final")),
        ("rds", "cluster-snapshot:rds:rates-2026", None),
        ("sqs", "shipping-staging-labels", ("AWS::SQS::Queue", "shipping-staging-labels")),
        ("ecr", "repository/shipping-app", ("AWS::ECR::Repository", "shipping-app")),
        ("ssm", "parameter/shipping/staging/x", ("AWS::SSM::Parameter", "/shipping/staging/x")),
        ("ecs", "task-definition/app:3", ("AWS::ECS::TaskDefinition", ARN.format("ecs", "task-definition/app:3"))),
        ("ecs", "service/c/app", ("AWS::ECS::Service", ARN.format("ecs", "service/c/app"))),
        ("ecs", "task/c/1", None),
        ("secretsmanager", "secret:token-abcdef", None),
        ("cloudformation", "stack/x/1", None),
        ("lambda", "function:gate", ("lambda function", ARN.format("lambda", "function:gate"))),
    ],
)
def test_an_arn_is_spelled_as_stacks_spell_the_resource(
    service: str, resource: str, expected: tuple[str, str] | None
) -> None:
    assert finding._from_arn(ARN.format(service, resource)) == expected


@pytest.mark.parametrize(
    ("tags", "owns"),
    [
        (SCOPE.tags, True),
        ({**SCOPE.tags, "Layer": "keys"}, True),
        ({**SCOPE.tags, "Suffix": "pr1"}, False),
        ({**SCOPE.tags, "ManagedBy": "somebody"}, False),
        ({**SCOPE.tags, "Environment": "production"}, False),
        ({}, False),
    ],
)
def test_tags_prove_whose_something_is(tags: dict[str, str], owns: bool) -> None:
    assert SCOPE.owns(tags) is owns


def test_tags_are_read_however_a_service_spells_them() -> None:
    spelled = [{"Key": "a", "Value": "1"}, {"TagKey": "b", "TagValue": "2"}, {"key": "c", "value": "3"}, {"key": "d"}]

    assert as_tags(spelled) == {"a": "1", "b": "2", "c": "3", "d": ""}


def found_by(finder: Any, fake: Any, *had: Owned) -> list[tuple[str, str, bool]]:
    return [(each.resource_type, each.name, each.ours) for each in finder(fake, SCOPE, list(had))]


PROJECT = Owned("build", "Project", "AWS::CodeBuild::Project", "shipping-staging-app-bandit")


def test_report_groups_that_codebuild_made_are_named_after_a_project_of_ours() -> None:
    groups = [ARN.format("codebuild", f"report-group/{name}") for name in ("shipping-staging-app-bandit-x", "other-x")]
    fake = aws(codebuild={"list_report_groups": [{"reportGroups": groups[:1]}, {"reportGroups": groups[1:]}]})

    assert found_by(finding._report_groups, fake, PROJECT) == [("AWS::CodeBuild::ReportGroup", groups[0], True)]
    assert found_by(finding._report_groups, fake) == []


CLUSTER = Owned("databases", "RatesCluster", "AWS::RDS::DBCluster", "shipping-staging-rates", "Snapshot")


def test_snapshots_are_looked_for_by_the_cluster_from_which_they_are() -> None:
    pages = [{"DBClusterSnapshots": [{"DBClusterSnapshotIdentifier": "final"}]}, {"DBClusterSnapshots": []}]
    fake = aws(rds={"describe_db_cluster_snapshots": pages})

    assert found_by(finding._snapshots, fake, CLUSTER) == [("AWS::RDS::DBClusterSnapshot", "final", True)]
    assert fake.called("describe_db_cluster_snapshots") == [
        {"DBClusterIdentifier": "shipping-staging-rates", "SnapshotType": "manual"}
    ]
    assert found_by(finding._snapshots, fake, PROJECT) == []


@pytest.mark.parametrize(("protected", "fate"), [(True, Fate.RETAINED), (False, Fate.DELETED)])
def test_only_a_protected_environment_keeps_the_snapshots_of_its_databases(protected: bool, fate: Fate) -> None:
    snapshot = finding.UnmanagedResource("AWS::RDS::DBClusterSnapshot", "final", ours=True)

    assert _unmanaged_item(snapshot, EXISTS, "", protected=protected).fate is fate


def test_a_database_that_is_deleted_says_that_its_final_snapshot_is_kept() -> None:
    item = _owned_item(aws(), CLUSTER)

    assert (item.fate, item.detail) == (Fate.DELETED, "a final snapshot is kept")


def test_a_key_is_kept_or_waits_for_its_deletion_and_an_empty_stack_goes_as_one_thing() -> None:
    key = Owned("keys", "Key", "AWS::KMS::Key", "k-1")
    kept, scheduled = _stack_items(aws(), living("shipping-staging-keys", replace(key, policy="Retain"), key))
    (shell,) = _stack_items(aws(), living("shipping-staging-keys", key, status="REVIEW_IN_PROGRESS"))

    assert (kept.fate, kept.detail) == (Fate.RETAINED, "")
    assert (scheduled.name, scheduled.fate, scheduled.detail) == ("k-1", Fate.SCHEDULED, WINDOW)
    assert (shell.resource_type, shell.name) == ("AWS::CloudFormation::Stack", "shipping-staging-keys")
    assert (shell.fate, shell.detail) == (Fate.DELETED, "a change set that was never executed")


def test_a_log_group_beside_the_stacks_is_ours_by_its_tags() -> None:
    tags = {"/shipping/staging/app": SCOPE.tags, "/shipping/staging/theirs": {}, "/shipping/staging/had": SCOPE.tags}
    groups = [{"logGroups": [{"logGroupName": name, "logGroupArn": name}]} for name in tags]
    fake = aws(
        logs={
            "describe_log_groups": groups,
            "list_tags_for_resource": lambda resourceArn: {"tags": tags[resourceArn]},  # noqa: N803 - AWS's word
        }
    )
    had = Owned("network", "FlowLogGroup", "AWS::Logs::LogGroup", "/shipping/staging/had")

    assert found_by(finding._log_groups, fake, had) == [
        ("AWS::Logs::LogGroup", "/shipping/staging/app", True),
        ("AWS::Logs::LogGroup", "/shipping/staging/theirs", False),
    ]


def test_of_what_is_tagged_the_resources_of_a_copy_and_the_snapshots_that_rds_made_are_not_ours() -> None:
    arns = {
        ARN.format("logs", "log-group:/shipping/staging/app"): TAGS,
        ARN.format("logs", "log-group:/shipping/staging-pr1/app"): [*TAGS, {"Key": "Suffix", "Value": "pr1"}],
        ARN.format("rds", "cluster-snapshot:rds:rates-2026"): TAGS,
    }
    mappings = [{"ResourceARN": arn, "Tags": tags} for arn, tags in arns.items()]
    fake = aws(tagging={"get_resources": [{"ResourceTagMappingList": mappings}]})

    assert [name for _, name, _ in found_by(finding._tagged, fake)] == ["/shipping/staging/app"]


def test_a_bucket_is_looked_at_by_its_name_and_known_by_its_tags() -> None:
    names = ("another-staging-logs", "shipping-staging-pr1-logs", "shipping-staging-logs", "shipping-staging-theirs")
    tags = {
        "shipping-staging-pr1-logs": [*TAGS, {"Key": "Suffix", "Value": "pr1"}],
        "shipping-staging-logs": TAGS,
        "shipping-staging-theirs": [{"Key": "Environment", "Value": "staging"}],
    }
    fake = aws(
        s3={
            "list_buckets": [{"Buckets": [{"Name": name} for name in names]}],
            "get_bucket_tagging": lambda **request: {"TagSet": tags[request["Bucket"]]},
        }
    )

    assert found_by(finding._buckets, fake) == [
        ("AWS::S3::Bucket", "shipping-staging-logs", True),
        ("AWS::S3::Bucket", "shipping-staging-theirs", False),
    ]


def test_a_log_group_of_events_is_ours_by_its_tags_alone() -> None:
    tags = {
        "/aws/events/shipping-staging-till": SCOPE.tags,
        "/aws/events/shipping-staging-pr1-till": {**SCOPE.tags, "Suffix": "pr1"},
        "/aws/events/shipping-staging-theirs": {},
        "/aws/events/shipping-staging-denied": None,
    }

    def tags_of(resourceArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's word
        if tags[resourceArn] is None:
            raise refusal("AccessDeniedException")
        return {"tags": tags[resourceArn]}

    groups = [{"logGroupName": name, "logGroupArn": name} for name in tags]
    fake = aws(logs={"describe_log_groups": [{"logGroups": groups}], "list_tags_for_resource": tags_of})

    assert finding._event_log_groups in finding.OF_WHOLE_SCOPE
    assert found_by(finding._event_log_groups, fake) == [
        ("AWS::Logs::LogGroup", "/aws/events/shipping-staging-till", True)
    ]
    assert fake.called("describe_log_groups") == [{"logGroupNamePrefix": "/aws/events/shipping-staging-"}]
    fake._services["logs"]["list_tags_for_resource"] = refusal("ThrottlingException")
    with pytest.raises(ClientError, match="ThrottlingException"):
        found_by(finding._event_log_groups, fake)


def test_secrets_are_ours_by_their_tags_alone() -> None:
    secrets = [{"Name": "shipping-staging-a", "Tags": TAGS}, {"Name": "shipping-staging-b"}]
    fake = aws(secretsmanager={"list_secrets": [{"SecretList": secrets}]})

    assert found_by(finding._secrets, fake) == [("AWS::SecretsManager::Secret", "shipping-staging-a", True)]


def test_an_alias_is_ours_where_its_key_is() -> None:
    aliases = [
        {"AliasName": "alias/shipping-staging-key", "TargetKeyId": "k"},
        {"AliasName": "alias/shipping-staging-other", "TargetKeyId": "theirs"},
        {"AliasName": "alias/aws/s3"},
    ]
    fake = aws(kms={"list_aliases": [{"Aliases": aliases}]})

    key = Owned("keys", "Key", "AWS::KMS::Key", "k")
    assert found_by(finding._aliases, fake, key) == [("AWS::KMS::Alias", "alias/shipping-staging-key", True)]


def test_an_archive_is_ours_where_a_stack_had_it_and_all_pages_are_read() -> None:
    pages = {
        None: {"Archives": [{"ArchiveName": "shipping-staging-a"}], "NextToken": "2"},
        "2": {"Archives": [{"ArchiveName": "shipping-staging-b"}]},
    }
    fake = aws(events={"list_archives": lambda **request: pages[request.get("NextToken")]})

    archive = Owned("x", "Archive", "AWS::Events::Archive", "shipping-staging-b")
    assert found_by(finding._archives, fake, archive) == [("AWS::Events::Archive", "shipping-staging-b", True)]


def test_only_unused_network_interfaces_of_our_networks_are_found() -> None:
    fake = aws(ec2={"describe_network_interfaces": [{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}]})

    vpc = Owned("network", "Vpc", "AWS::EC2::VPC", "vpc-1")
    assert found_by(finding._interfaces, fake, vpc) == [("AWS::EC2::NetworkInterface", "eni-1", True)]
    assert found_by(finding._interfaces, fake) == []
    (asked,) = fake.called("describe_network_interfaces")
    assert asked["Filters"][0] == {"Name": "vpc-id", "Values": ["vpc-1"]}


def test_a_group_that_a_service_made_is_known_by_the_exact_name_of_ours() -> None:
    groups = [{"logGroupName": "/aws/codebuild/shipping-staging-app-bandit-too"}]
    fake = aws(logs={"describe_log_groups": [{"logGroups": groups}]})

    assert found_by(finding._implicit_log_groups, fake, PROJECT) == []


@pytest.mark.parametrize(
    ("local", "code", "raises"),
    [(True, "InvalidAction", False), (False, "InvalidAction", True), (True, "AccessDenied", True)],
    ids=["the local AWS lacks a call", "AWS does not", "a refusal"],
)
def test_a_call_that_only_the_local_aws_lacks_is_passed_over(local: bool, code: str, raises: bool) -> None:
    fake = aws(local=local, codebuild={"list_report_groups": refusal(code)}, events={"list_archives": {"Archives": []}})
    fake._services["logs"] = {"describe_log_groups": {"logGroups": []}}
    if raises:
        with pytest.raises(ClientError, match=code):
            unmanaged_resources(fake, SCOPE, [PROJECT], whole=False)
    else:
        assert unmanaged_resources(fake, SCOPE, [PROJECT], whole=False) == []


def test_the_proof_of_a_tag_outweighs_a_name_whichever_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    named = UnmanagedResource("AWS::Logs::LogGroup", "/shipping/staging/x", ours=False)
    proved = UnmanagedResource("AWS::Logs::LogGroup", "/shipping/staging/x", ours=True)
    for order in ((named, proved), (proved, named)):
        monkeypatch.setattr(finding, "CREATED_BY_RESOURCES", [lambda clients, scope, had, order=order: iter(order)])
        assert unmanaged_resources(aws(), SCOPE, [], whole=False) == [proved]


@pytest.mark.parametrize(
    ("resource_type", "standing", "kept_by", "protected", "fate"),
    [
        ("AWS::Logs::LogGroup", EXISTS, "", False, Fate.DELETED),
        ("AWS::Logs::LogGroup", EXISTS, "", True, Fate.RETAINED),
        ("AWS::Logs::LogGroup", EXISTS, "storage", True, Fate.RETAINED),
        ("AWS::S3::Bucket", EXISTS, "", False, Fate.EMPTIED),
        ("AWS::KMS::Key", EXISTS, "", False, Fate.SCHEDULED),
        ("AWS::KMS::Key", "KMS deletes the key on 2026-01-01", "keys", True, Fate.SCHEDULED),
        ("AWS::SecretsManager::Secret", "deletes the key on 2026-01-01", "", True, Fate.SCHEDULED),
        ("AWS::SecretsManager::Secret", "deletes the key on 2026-01-01", "", False, Fate.DELETED),
        ("AWS::ECS::TaskDefinition", EXISTS, "", True, Fate.DELETED),
        ("AWS::ECS::Service", EXISTS, "", False, Fate.UNTOUCHED),
        ("lambda function", EXISTS, "", False, Fate.UNTOUCHED),
    ],
)
def test_the_fate_of_a_resource_outside_the_stacks(
    resource_type: str, standing: str, kept_by: str, protected: bool, fate: Fate
) -> None:
    item = _unmanaged_item(UnmanagedResource(resource_type, "x", ours=True), standing, kept_by, protected=protected)

    assert item.fate is fate
    assert (item.detail == WINDOW) is (resource_type == "AWS::KMS::Key" and standing == EXISTS)


def test_a_name_alone_proves_nothing_but_what_a_stack_kept_is_its_own() -> None:
    found = UnmanagedResource("AWS::S3::Bucket", "shipping-staging-x", ours=False)

    assert _unmanaged_item(found, EXISTS, "", protected=False).fate is Fate.UNTOUCHED
    assert _unmanaged_item(found, EXISTS, "storage", protected=False).fate is Fate.RETAINED


def test_a_resource_that_an_existing_stack_spells_otherwise_is_not_outside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = UnmanagedResource("events rule", ARN.format("events", "rule/by-name"), ours=True)
    address = UnmanagedResource("ec2 elastic-ip", ARN.format("ec2", "elastic-ip/eipalloc-1"), True, "id-keys")
    other = UnmanagedResource("AWS::Logs::LogGroup", "/of/another", True, "id-other")
    lost = UnmanagedResource("lambda function", ARN.format("lambda", "function:lost"), ours=True)
    found = [rule, address, other, lost]
    monkeypatch.setattr(UNMANAGED_RESOURCES, lambda *rest, **options: found)
    going = living("shipping-staging-keys", Owned("keys", "Rule", "AWS::Events::Rule", "by-name"))
    items = _unmanaged_items(aws(), SCOPE, [], [going], [living("shipping-staging-other")], protected=False, whole=True)

    assert [item.name for item in items] == [lost.name]


def test_what_a_former_stack_kept_is_listed_where_nobody_else_lists_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UNMANAGED_RESOURCES, lambda *rest, **options: [])
    kept = Owned("storage", "Logs", "AWS::S3::Bucket", "b", "Retain")
    gone = Owned("storage", "Gone", "AWS::ECR::Repository", "gone", "Retain")
    fake = aws(ecr={"describe_repositories": refusal("RepositoryNotFoundException")})
    (item,) = _unmanaged_items(fake, SCOPE, [kept, gone], [], [], protected=True, whole=True)

    assert (item.name, item.detail) == ("b", "kept by policy: the data outlives the stack storage")


def test_a_kept_bucket_says_how_long_object_lock_keeps_its_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = UnmanagedResource("AWS::S3::Bucket", "listed", ours=True)
    monkeypatch.setattr(UNMANAGED_RESOURCES, lambda *rest, **options: [listed])
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}
    fake = aws(s3={"get_object_lock_configuration": {"ObjectLockConfiguration": lock}})
    kept = Owned("storage", "Evidence", "AWS::S3::Bucket", "b", "Retain")
    items = _unmanaged_items(fake, SCOPE, [kept], [], [], protected=True, whole=True)

    assert [item.name for item in items] == ["listed", "b"]
    for item in items:
        assert item.detail.startswith("kept by policy")
        assert item.detail.endswith(
            "; Object Lock in compliance mode keeps each version for 30 days after it was stored"
        )


def endpoint(state: str) -> dict[str, Any]:
    return {"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "State": state}]}


def test_an_endpoint_that_cannot_be_deleted_says_why() -> None:
    answer = {"Unsuccessful": [{"ResourceId": "vpce-1", "Error": {"Code": "x", "Message": "it is in use"}}]}
    leftover = operations_of("AWS::EC2::VPCEndpoint").leftover
    assert leftover is not None
    assert leftover.delete is not None

    with pytest.raises(CicdError, match="it is in use"):
        leftover.delete(aws(ec2={"delete_vpc_endpoints": answer}), "vpce-1")


def test_what_guardduty_put_into_a_network_of_ours_is_found_by_its_tag() -> None:
    by_guardduty, ours = [{"Key": "GuardDutyManaged", "Value": "true"}], [{"Key": "Name", "Value": "x"}]
    fake = aws(
        ec2={
            "describe_vpc_endpoints": [
                {"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "Tags": by_guardduty}]},
                {"VpcEndpoints": [{"VpcEndpointId": "vpce-2", "Tags": ours}, {"VpcEndpointId": "vpce-3"}]},
            ],
            "describe_security_groups": {
                "SecurityGroups": [{"GroupId": "sg-1", "Tags": by_guardduty}, {"GroupId": "sg-2", "Tags": ours}]
            },
        }
    )
    vpc = Owned("network", "Vpc", "AWS::EC2::VPC", "vpc-1")

    assert found_by(finding._guardduty, fake, vpc) == [
        ("AWS::EC2::VPCEndpoint", "vpce-1", True),
        ("AWS::EC2::SecurityGroup", "sg-1", True),
    ]
    assert {"Name": "vpc-id", "Values": ["vpc-1"]} in fake.called("describe_vpc_endpoints")[0]["Filters"]
    assert found_by(finding._guardduty, fake) == []


@pytest.mark.parametrize(
    ("resource_type", "services", "expected"),
    [
        ("AWS::S3::Bucket", {"s3": {"head_bucket": refusal("404")}}, ""),
        ("AWS::SecretsManager::Secret", {"secretsmanager": {"describe_secret": {}}}, EXISTS),
        (
            "AWS::SecretsManager::Secret",
            {"secretsmanager": {"describe_secret": {"DeletedDate": datetime(2026, 3, 1, tzinfo=UTC)}}},
            "Secrets Manager deletes the secret after 2026-03-01; until then it can be restored",
        ),
        ("AWS::DynamoDB::Table", {"dynamodb": {"describe_table": {"Table": {"TableStatus": "ACTIVE"}}}}, EXISTS),
        (
            "AWS::DynamoDB::Table",
            {"dynamodb": {"describe_table": {"Table": {"TableStatus": "DELETING"}}}},
            "DynamoDB is deleting the table",
        ),
        ("AWS::DynamoDB::Table", {"dynamodb": {"describe_table": refusal("ResourceNotFoundException")}}, ""),
        ("AWS::RDS::DBCluster", {"rds": {"describe_db_clusters": {"DBClusters": [{"Status": "available"}]}}}, EXISTS),
        (
            "AWS::RDS::DBCluster",
            {"rds": {"describe_db_clusters": {"DBClusters": [{"Status": "deleting"}]}}},
            "RDS is deleting it",
        ),
        ("AWS::RDS::DBCluster", {"rds": {"describe_db_clusters": refusal("DBClusterNotFoundFault")}}, ""),
        (
            "AWS::RDS::DBClusterSnapshot",
            {"rds": {"describe_db_cluster_snapshots": {"DBClusterSnapshots": [{}]}}},
            EXISTS,
        ),
        ("AWS::RDS::DBClusterSnapshot", {"rds": {"describe_db_cluster_snapshots": {"DBClusterSnapshots": []}}}, ""),
        ("AWS::SQS::Queue", {"sqs": {"get_queue_url": {"QueueUrl": "https://sqs/1/x"}}}, EXISTS),
        ("AWS::SQS::Queue", {"sqs": {"get_queue_url": refusal("AWS.SimpleQueueService.NonExistentQueue")}}, ""),
        ("AWS::SSM::Parameter", {"ssm": {"get_parameter": {"Parameter": {}}}}, EXISTS),
        ("AWS::SSM::Parameter", {"ssm": {"get_parameter": refusal("ParameterNotFound")}}, ""),
        ("AWS::EC2::NetworkInterface", {}, EXISTS),
        ("AWS::EC2::SecurityGroup", {}, EXISTS),
        ("AWS::EC2::SecurityGroup", {"ec2": {"describe_security_groups": refusal("InvalidGroup.NotFound")}}, ""),
        ("AWS::EC2::VPCEndpoint", {"ec2": {"describe_vpc_endpoints": endpoint("Deleting")}}, EXISTS),
        ("AWS::EC2::VPCEndpoint", {"ec2": {"describe_vpc_endpoints": endpoint("deleted")}}, ""),
        ("AWS::EC2::VPCEndpoint", {"ec2": {"describe_vpc_endpoints": refusal("InvalidVpcEndpointId.NotFound")}}, ""),
        ("AWS::ECS::TaskDefinition", {"ecs": {"describe_task_definition": refusal("ClientException")}}, ""),
        (
            "AWS::ECS::Service",
            {"ecs": {"describe_services": {"services": [{"status": "DRAINING"}]}}},
            "ECS drains the last tasks",
        ),
        ("AWS::ECS::Service", {"ecs": {"describe_services": {"services": []}}}, ""),
        ("AWS::KMS::Alias", {}, EXISTS),
        ("AWS::Events::Archive", {}, EXISTS),
        ("AWS::CodeBuild::ReportGroup", {}, EXISTS),
        ("AWS::CloudFormation::Stack", {}, EXISTS),
        ("lambda function", {}, EXISTS),
    ],
)
def test_the_state_of_a_resource(resource_type: str, services: dict[str, Any], expected: str) -> None:
    assert state_of(aws(**services), resource_type, "a/service/c/x") == expected


@pytest.mark.parametrize("resource_type", ["AWS::S3::Bucket", "AWS::ECS::TaskDefinition"])
def test_a_refusal_to_look_is_no_proof_that_something_is_gone(resource_type: str) -> None:
    fake = aws(s3={"head_bucket": refusal("403")}, ecs={"describe_task_definition": refusal("AccessDenied")})

    with pytest.raises(ClientError):
        state_of(fake, resource_type, "x")


@pytest.mark.parametrize(
    ("resource_type", "call", "request_"),
    [
        ("AWS::ECR::Repository", "delete_repository", {"repositoryName": "xx", "force": True}),
        ("AWS::KMS::Key", "schedule_key_deletion", {"KeyId": "xx", "PendingWindowInDays": 7}),
        ("AWS::SSM::Parameter", "delete_parameter", {"Name": "xx"}),
        ("AWS::KMS::Alias", "delete_alias", {"AliasName": "xx"}),
        ("AWS::Events::Archive", "delete_archive", {"ArchiveName": "xx"}),
        ("AWS::EC2::NetworkInterface", "delete_network_interface", {"NetworkInterfaceId": "xx"}),
        ("AWS::EC2::SecurityGroup", "delete_security_group", {"GroupId": "xx"}),
        ("AWS::EC2::VPCEndpoint", "delete_vpc_endpoints", {"VpcEndpointIds": ["xx"]}),
        ("AWS::RDS::DBClusterSnapshot", "delete_db_cluster_snapshot", {"DBClusterSnapshotIdentifier": "xx"}),
        ("AWS::CodeBuild::ReportGroup", "delete_report_group", {"arn": "xx", "deleteReports": True}),
        (
            "AWS::SecretsManager::Secret",
            "delete_secret",
            {"SecretId": "xx", "ForceDeleteWithoutRecovery": True},
        ),
    ],
)
def test_the_deletion_of_a_resource(resource_type: str, call: str, request_: dict[str, Any]) -> None:
    fake = aws()
    leftover = operations_of(resource_type).leftover
    assert leftover is not None
    assert leftover.delete is not None
    leftover.delete(fake, "xx")

    assert fake.calls == [(call, request_)]


@pytest.mark.parametrize(
    ("protected", "calls"),
    [
        (True, ["describe_table", "update_table", "delete_table"]),
        (False, ["describe_table", "delete_table"]),
    ],
)
def test_a_table_loses_its_protection_against_deletion_before_it_is_deleted(protected: bool, calls: list[str]) -> None:
    table = {"TableStatus": "ACTIVE", "DeletionProtectionEnabled": protected}
    fake = aws(dynamodb={"describe_table": {"Table": table}})
    leftover = operations_of("AWS::DynamoDB::Table").leftover
    assert leftover is not None
    assert leftover.delete is not None
    leftover.delete(fake, "rates")

    assert [call for call, _ in fake.calls] == calls
    assert fake.called("update_table") == (
        [{"TableName": "rates", "DeletionProtectionEnabled": False}] if protected else []
    )


@pytest.mark.parametrize(("status", "calls"), [("ACTIVE", 3), ("INACTIVE", 2)])
def test_a_revision_is_deregistered_once_and_deleted(status: str, calls: int) -> None:
    fake = aws(ecs={"describe_task_definition": {"taskDefinition": {"status": status}}})
    leftover = operations_of("AWS::ECS::TaskDefinition").leftover
    assert leftover is not None
    assert leftover.delete is not None
    leftover.delete(fake, "app:1")

    assert len(fake.calls) == calls
    assert fake.calls[-1] == ("delete_task_definitions", {"taskDefinitions": ["app:1"]})


def test_the_command_that_removes_something_is_shown() -> None:
    assert removal_command("AWS::SSM::Parameter", "/a", "eu-central-1") == (
        "aws ssm delete-parameter --region eu-central-1 --name /a"
    )
    assert removal_command("lambda function", "x", "r") == "look up the resource in the console of its service"


def test_a_queue_is_listed_by_its_name_and_owned_by_its_url() -> None:
    url = "https://sqs.eu-central-1.amazonaws.com/222222222222/shipping-staging-labels"

    assert listed_name(Owned("queues", "Q", "AWS::SQS::Queue", url)) == "shipping-staging-labels"


def test_a_queue_is_deleted_by_its_url() -> None:
    fake = aws(sqs={"get_queue_url": {"QueueUrl": "https://sqs/1/labels"}})
    leftover = operations_of("AWS::SQS::Queue").leftover
    assert leftover is not None
    assert leftover.delete is not None
    leftover.delete(fake, "labels")

    assert fake.calls[-1] == ("delete_queue", {"QueueUrl": "https://sqs/1/labels"})


def test_a_secret_is_listed_by_its_name_and_owned_by_its_arn() -> None:
    arn = ARN.format("secretsmanager", "secret:shipping-staging-token-a1B2c3")

    assert listed_name(Owned("build", "S", "AWS::SecretsManager::Secret", arn)) == "shipping-staging-token"
    assert (
        listed_name(Owned("build", "S", "AWS::SecretsManager::Secret", "shipping-staging-token"))
        == "shipping-staging-token"
    )


def summary(logical_id: str, status: str = "CREATE_COMPLETE", physical_id: str | None = "p") -> dict[str, Any]:
    found = {"LogicalResourceId": logical_id, "ResourceType": "T", "ResourceStatus": status}
    return found | ({"PhysicalResourceId": physical_id} if physical_id else {})


@pytest.mark.parametrize(
    "template",
    [
        "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    DeletionPolicy: Retain\n",
        {"Resources": {"Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"}}},
    ],
    ids=["YAML comes as text", "JSON comes parsed"],
)
def test_the_policies_are_those_that_were_deployed(template: Any) -> None:
    summaries = [
        summary("Key"),
        summary("Old"),
        summary("Gone", "DELETE_COMPLETE"),
        summary("Never", "CREATE_FAILED", None),
    ]
    fake = aws(
        cloudformation={
            "list_stack_resources": [{"StackResourceSummaries": summaries}],
            "get_template": {"TemplateBody": template},
        }
    )
    described = {"StackName": "s", "StackId": "id", "StackStatus": "CREATE_COMPLETE", "CreationTime": WHEN}
    stack = read_deployed_stack(fake, described)

    assert [(each.logical_id, each.policy) for each in stack.resources] == [("Key", "Retain"), ("Old", "Delete")]
    assert (stack.label, stack.links.reads, stack.changed) == ("s", (), WHEN)


def test_what_a_deleted_stack_had_is_read_from_its_last_events() -> None:
    def happened(logical_id: str, status: str, kind: str = "T", physical_id: str = "") -> dict[str, Any]:
        return {
            "LogicalResourceId": logical_id,
            "ResourceStatus": status,
            "ResourceType": kind,
            "PhysicalResourceId": physical_id or logical_id.lower(),
        }

    stack = "AWS::CloudFormation::Stack"
    history = [
        happened("s", "DELETE_COMPLETE", stack),
        happened("Bucket", "DELETE_COMPLETE"),
        happened("Key", "DELETE_SKIPPED"),
        happened("s", "DELETE_FAILED", stack),
        happened("Bucket", "DELETE_FAILED"),
        happened("Group", "DELETE_COMPLETE"),
        happened("s", "UPDATE_COMPLETE", stack),
        happened("Older", "DELETE_COMPLETE"),
    ]
    # The events of another one go back no further than 90 days.
    histories = {"mine": history, "old": history[:2]}
    of_keys = [{"StackName": "shipping-staging-keys", "StackId": each} for each in ("mine", "copys", "old")]
    fake = aws(
        cloudformation={
            "list_stacks": [{"StackSummaries": [*of_keys, {"StackName": "theirs", "StackId": "theirs"}]}],
            "describe_stacks": lambda StackName: {  # noqa: N803 - AWS's word
                "Stacks": [{"Tags": [*TAGS, {"Key": "Suffix", "Value": "x"}] if StackName == "copys" else TAGS}]
            },
            "describe_stack_events": lambda StackName: [{"StackEvents": histories[StackName]}],  # noqa: N803
        }
    )

    assert [(each.physical_id, each.kept, each.deleted_with) for each in former_resources(fake, SCOPE)] == [
        ("bucket", False, "mine"),
        ("key", True, ""),
        ("group", False, "mine"),
        ("bucket", False, "old"),
    ]
    assert [call["StackName"] for call in fake.called("describe_stack_events")] == ["mine", "old"]


@pytest.mark.parametrize(
    ("label", "kept", "left"),
    [
        ("build-till", True, [("/aws/events/shipping-staging-till", "retained by policy")]),
        ("build-till", False, []),
        ("build-other", True, []),
    ],
    ids=["of the removed service", "deleted with its stack", "of another stack"],
)
def test_what_the_stacks_of_a_removed_service_kept_is_left_after_their_destruction(
    label: str, kept: bool, left: list[tuple[str, str]]
) -> None:
    group = "/aws/events/shipping-staging-till"
    layer, service = label.split("-")
    tags = [*TAGS, {"Key": "Layer", "Value": layer}, {"Key": "Service", "Value": service}]
    event = {"LogicalResourceId": "Events", "ResourceType": "AWS::Logs::LogGroup", "PhysicalResourceId": group}
    gone = {"StackName": f"shipping-staging-{label}", "StackId": label}
    assert not SCOPE.has_stack(gone["StackName"])
    fake = aws(
        cloudformation={
            "list_stacks": [{"StackSummaries": [gone]}],
            "describe_stacks": lambda **request: {"Stacks": [{"Tags": tags}] if request else []},
            "describe_stack_events": {
                "StackEvents": [{**event, "ResourceStatus": "DELETE_SKIPPED" if kept else "DELETE_COMPLETE"}]
            },
        },
        logs={"describe_log_groups": {"logGroups": [{"logGroupName": group}] if kept else []}},
        events={"list_archives": {"Archives": []}},
    )
    before = replace(
        inventory(stacks=(replace(living("shipping-staging-build-till"), label="build-till"),)),
        labels=frozenset({"build-till"}),
    )

    after = retake_inventory(fake, before)
    assert [(item.name, item.fate.value) for item in after.items] == left
    assert retake_inventory(fake, replace(before, stacks=())).items == ()


@pytest.mark.parametrize(
    ("found", "deleted"),
    [
        pytest.param(UnmanagedResource("sns x", "arn:aws:sns:r:2:topic", True, "stack-1"), True, id="by its ARN"),
        pytest.param(
            UnmanagedResource("cloudwatch alarm", "arn:x:alarm:slow", True, "stack-1"), True, id="by its name"
        ),
        pytest.param(UnmanagedResource("wafv2 x", "arn:x:regional/webacl/w-1", True, "stack-1"), True, id="by its id"),
        pytest.param(UnmanagedResource("sns x", "arn:aws:sns:r:2:topic", True, "stack-2"), False, id="another stack's"),
        pytest.param(UnmanagedResource("sns x", "arn:aws:sns:r:2:topic", True), False, id="of no stack"),
        pytest.param(UnmanagedResource("sns x", "arn:aws:sns:r:2:kept", True, "stack-1"), False, id="not deleted"),
        pytest.param(UnmanagedResource("AWS::S3::Bucket", "slow", True, "stack-1"), False, id="S3 is asked itself"),
    ],
)
def test_what_cloudformation_has_deleted_is_gone_though_its_tags_are_listed(
    found: UnmanagedResource, deleted: bool
) -> None:
    ids = ("arn:aws:sns:r:2:topic", "slow", "w-1")
    had = [Owned("s", "R", "T", each, deleted_with="stack-1") for each in ids]
    had.append(Owned("s", "R", "T", "arn:aws:sns:r:2:kept"))

    assert _was_deleted(found, had) == deleted
