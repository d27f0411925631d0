"""Facts that are read from resources: exposure, reach, data, alarms, costs, placeholders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE
from cicd_templates.review import alarms, billing, exposure, placeholders, stateful_resources
from cicd_templates.review.external_access import AccessReview
from cicd_templates.review.reviewed_stacks import ReviewedStack, review_stacks
from tests.unit.review.conftest import ACCOUNTS, one, resource, role, stack_of, statement

CLOSED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)


@pytest.mark.parametrize(
    ("made", "fact"),
    [
        pytest.param(resource("S3::Bucket"), "does not block public access", id="bucket"),
        pytest.param(
            resource("S3::Bucket", PublicAccessBlockConfiguration=CLOSED | {"BlockPublicAcls": False}),
            "does not block public access",
            id="bucket in part",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Scheme="internet-facing"), "is internet-facing", id="alb"
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::Listener", Port=443, Protocol="HTTPS", SslPolicy="TLS13"),
            "listens on HTTPS 443 with TLS13",
            id="listener",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::Listener", Port=80, Protocol="HTTP"),
            "listens on HTTP 80, not encrypted",
            id="plain listener",
        ),
        pytest.param(
            resource("EC2::SecurityGroup", SecurityGroupIngress=[{"CidrIp": "0.0.0.0/0", "FromPort": 1, "ToPort": 9}]),
            "admits 0.0.0.0/0 on ports 1 to 9",
            id="group",
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", CidrIpv6="::/0", FromPort=22, ToPort=22),
            "admits ::/0 on port 22",
            id="rule",
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", CidrIp="0.0.0.0/0"), "admits 0.0.0.0/0 on port any", id="all ports"
        ),
        pytest.param(
            resource("ECS::Service", NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}),
            "has public IP addresses",
            id="service",
        ),
        pytest.param(resource("RDS::DBInstance", PubliclyAccessible=True), "is publicly accessible", id="database"),
        pytest.param(
            resource("Lambda::Url", AuthType="NONE"), "allows anyone: calls without authorization", id="function"
        ),
        pytest.param(
            resource("X::Y", PolicyDocument={"Statement": statement("S", "x:Get", Principal="*")}),
            "allows anyone x: Get",
            id="policy",
        ),
    ],
)
def test_what_opens_itself_to_the_internet_is_found(made: dict[str, Any], fact: str) -> None:
    each = one({"It": made})

    assert list(exposure.reachable(each)) == [f"network.It {fact}"]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(resource("S3::Bucket", PublicAccessBlockConfiguration=CLOSED), id="closed bucket"),
        pytest.param(resource("EC2::SecurityGroupEgress", CidrIp="0.0.0.0/0"), id="rule outwards"),
        pytest.param(
            resource("EC2::SecurityGroup", SecurityGroupEgress=[{"CidrIp": "0.0.0.0/0"}]), id="group outwards"
        ),
        pytest.param(resource("EC2::SecurityGroupIngress", CidrIp="10.0.0.0/8"), id="rule for a network"),
        pytest.param(resource("Lambda::Url", AuthType="AWS_IAM"), id="function with IAM"),
        pytest.param(
            resource(
                "X::Y",
                PolicyDocument={"Statement": statement("S", "x:Get", Principal="*", Condition={"Bool": {"k": "true"}})},
            ),
            id="policy with a condition",
        ),
    ],
)
def test_what_is_closed_is_not_reported(made: dict[str, Any]) -> None:
    each = one({"It": made})

    assert list(exposure.reachable(each)) == []


TOOLS = stack_of(
    {
        "Source": resource("S3::Bucket", BucketName="shop-tools-source"),
        "Pipeline": resource(
            "CodePipeline::Pipeline",
            Name="shop-tools-till",
            Stages=[
                {
                    "Name": "Source",
                    "Actions": [
                        {"Configuration": {"S3Bucket": {"Ref": "Source"}, "S3ObjectKey": "till.zip"}},
                        {"Name": "without settings"},
                    ],
                }
            ],
        ),
        "ApproversPolicy": resource(
            "IAM::ManagedPolicy",
            PolicyDocument={"Statement": statement("A", "codepipeline:PutApprovalResult", on={"Ref": "Pipeline"})},
        ),
        "OperatorsPolicy": resource(
            "IAM::ManagedPolicy",
            PolicyDocument={
                "Statement": [
                    statement("B", "codepipeline:StartPipelineExecution", "codepipeline:RollbackStage", on="*"),
                    statement("C", "codepipeline:PutApprovalResult", on="*", effect="Deny"),
                ]
            },
        ),
        "DevelopersPolicy": resource(
            "IAM::ManagedPolicy",
            PolicyDocument={"Statement": statement("D", "s3:PutObject", on={"Fn::Sub": "${Source}/till.zip"})},
        ),
    },
    environment="tools",
    label="pipeline",
)
STAGING = stack_of({"TaskRole": role()}, environment="staging", label="delivery")
PRODUCTION = stack_of(
    {
        "DeliveryRole": role(trusts={"AWS": {"Fn::Sub": f"arn:aws:iam::{ACCOUNTS['tools']}:root"}}),
        "OidcRole": role(trusts={"Federated": "idp"}),
        "TaskRole": role(),
    },
    environment="production",
    label="delivery",
)


def access_of(stacks: list[ReviewedStack]) -> AccessReview:
    access = AccessReview()
    for stack in stacks:
        access.add(stack)
    return access


def test_who_releases_is_read_off_the_policies() -> None:
    assert access_of(review_stacks([TOOLS, STAGING, PRODUCTION])).release_permissions() == [
        "approve: pipeline.ApproversPolicy",
        "start, retry or roll back an execution: pipeline.OperatorsPolicy",
        "override a stage condition: nobody",
        "change the pipeline: nobody",
        "upload a release: pipeline.DevelopersPolicy",
    ]
    assert access_of(review_stacks([STAGING])).release_permissions()[-1] == "change the pipeline: nobody"


@pytest.mark.parametrize(
    ("granted", "uploads"),
    [
        pytest.param(statement("A", "s3:PutObject", on="arn:aws:s3:::shop-sou*"), True, id="a pattern"),
        pytest.param(statement("A", "s3:PutObject", on={"Ref": "Where"}), True, id="a default value"),
        pytest.param({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs/*"}, True, id="all but"),
        pytest.param(statement("A", "s3:PutObject", on="arn:aws:s3:::shop-logs*"), False, id="another bucket"),
    ],
)
def test_a_bucket_is_written_under_each_of_its_names(granted: dict[str, Any], uploads: bool) -> None:
    source = {"S3Bucket": {"Ref": "Source"}, "S3ObjectKey": "till.zip"}
    pipeline = resource("CodePipeline::Pipeline", Stages=[{"Actions": [{"Configuration": source}]}])
    bucket = resource("S3::Bucket", BucketName="shop-sources")
    writer = resource("IAM::ManagedPolicy", PolicyDocument={"Statement": granted})
    parameters = {"Where": {"Type": "String", "Default": "*"}}
    tools = one(
        {"Pipeline": pipeline, "Source": bucket, "WriterPolicy": writer},
        environment="tools",
        label="pipeline",
        parameters=parameters,
    )

    expected = "pipeline.WriterPolicy" if uploads else "nobody"
    assert access_of([tools]).release_permissions()[-1] == f"upload a release: {expected}"


@pytest.mark.parametrize(
    "grant",
    [
        pytest.param(statement("All", "*"), id="everything"),
        pytest.param(statement("Some", "S3:put*", "codepipeline:*", on="Source/*"), id="patterns"),
        pytest.param({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, id="everything but"),
    ],
)
def test_who_may_do_it_by_a_pattern_is_reported_as_well(grant: dict[str, Any]) -> None:
    source = stack_of({**TOOLS.resources, "WideRole": role(grant)}, environment="tools", label="pipeline")

    for line in access_of(review_stacks([source])).release_permissions():
        assert "pipeline.WideRole" in line


def test_roles_that_others_may_assume_are_how_an_environment_is_reached() -> None:
    everything = review_stacks([TOOLS, STAGING, PRODUCTION])

    assert access_of(everything).external_access("production") == [
        "account tools as delivery.DeliveryRole",
        "Federated idp as delivery.OidcRole",
    ]
    assert access_of(everything).external_access("staging") == []


def test_a_condition_names_the_role_in_full() -> None:
    trusted = role(trusts={"AWS": f"arn:aws:iam::{ACCOUNTS['tools']}:root"})
    trusted["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = {
        "ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["ReviewerRole", "Arn"]}}
    }
    each = one({"ReviewerRole": trusted})

    assert access_of([each]).external_access("staging") == [
        "account tools as network.ReviewerRole where aws:PrincipalArn is ReviewerRole".replace(
            "account tools", f"account {ACCOUNTS['tools']}"
        )
    ]


@pytest.mark.parametrize(
    ("environment", "others", "targets"),
    [
        ("tools", [STAGING, PRODUCTION], ["production"]),
        ("tools", [STAGING], ["staging"]),
        ("staging", [STAGING, PRODUCTION], ["staging"]),
    ],
)
def test_tools_shows_who_reaches_what_is_protected(environment: str, others: list[Any], targets: list[str]) -> None:
    assert access_of(review_stacks([TOOLS, *others])).results().reviewed_environments(environment) == targets


@pytest.mark.parametrize(
    ("made", "row"),
    [
        pytest.param(
            resource("KMS::Key", EnableKeyRotation=True)
            | {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"},
            ("KMS::Key", "It", "is a key, rotated every 365 days", "", "retained", "retained"),
            id="key",
        ),
        pytest.param(
            resource("KMS::Key"), ("KMS::Key", "It", "is a key, not rotated", "", "deleted", "deleted"), id="fixed key"
        ),
        pytest.param(
            resource("Logs::LogGroup", KmsKeyId={"Ref": "KeyArn"}, RetentionInDays=30) | {"DeletionPolicy": "Snapshot"},
            ("Logs::LogGroup", "It", "KeyArn", "30 days", "snapshot", "deleted"),
            id="log group",
        ),
        pytest.param(
            resource("CodePipeline::Pipeline", ArtifactStore={"EncryptionKey": {"Id": {"Ref": "K"}, "Type": "KMS"}}),
            ("CodePipeline::Pipeline", "It", "K", "", "deleted", "deleted"),
            id="pipeline",
        ),
        pytest.param(
            resource("SQS::Queue", KmsMasterKeyId="k", MessageRetentionPeriod=86400),
            ("SQS::Queue", "It", "k", "1 day", "deleted", "deleted"),
            id="queue",
        ),
        pytest.param(
            resource(
                "S3::Bucket",
                BucketEncryption={"SSEAlgorithm": "AES256"},
                LifecycleConfiguration={
                    "Rules": [
                        {"ExpirationInDays": 5},
                        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
                        {"AbortIncompleteMultipartUpload": {}},
                    ]
                },
                ObjectLockConfiguration={"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}},
            ),
            (
                "S3::Bucket",
                "It",
                "SSE-S3",
                "5 days, noncurrent versions 1 day, Object Lock (COMPLIANCE, 1 year)",
                "deleted",
                "deleted",
            ),
            id="bucket",
        ),
        pytest.param(
            resource("RDS::DBInstance", DBClusterIdentifier={"Ref": "Ledger"}) | {"DeletionPolicy": "Delete"},
            ("RDS::DBInstance", "It", "data is in Ledger", "", "deleted", "deleted"),
            id="instance of a cluster",
        ),
        pytest.param(
            resource("New::Type") | {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Odd"},
            ("New::Type", "It", "none", "", "retained", "Odd"),
            id="type that nobody has seen",
        ),
    ],
)
def test_data_has_a_key_a_time_and_a_fate(made: dict[str, Any], row: tuple[str, ...]) -> None:
    each = one({"It": made, "Other": resource("EC2::VPC")})

    assert stateful_resources.data_rows(each) == [("network", *row)]


def test_a_key_of_aws_is_reported() -> None:
    each = one({"A": resource("S3::Bucket", BucketEncryption={"SSEAlgorithm": "AES256"}), "B": resource("S3::Bucket")})

    assert stateful_resources.without_own_key(each) == ["A"]


def test_alarms_and_rules_say_when_and_whom() -> None:
    each = one(
        {
            "Failed": resource(
                "CloudWatch::Alarm",
                AlarmDescription="It failed",
                MetricName="Failures",
                Threshold=0,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="breaching",
                AlarmActions=[{"Ref": "People"}],
            ),
            "Computed": resource(
                "CloudWatch::Alarm",
                Metrics=[{"Id": "m"}, {"Expression": "a/b"}],
                Threshold=1.5,
                ComparisonOperator="LessThanThreshold",
            ),
            "Bare": resource(
                "CloudWatch::Alarm", ComparisonOperator="Odd", Threshold=2, TreatMissingData={"Ref": "Missing"}
            ),
            "Anomaly": resource(
                "CloudWatch::Alarm",
                AlarmDescription="By a band",
                ThresholdMetricId="band",
                ComparisonOperator="GreaterThanUpperThreshold",
            ),
            "Both": resource("CloudWatch::CompositeAlarm", AlarmRule="ALARM(Failed)"),
            "Rule": resource("Events::Rule", Description="Tells", Targets=[{"Arn": {"Ref": "People"}}]),
            "Timer": resource("Events::Rule", ScheduleExpression="rate(1 hour)"),
        }
    )

    assert alarms.alarm_rows(each.template, each.formatter) == [
        ("network", "Failed", "It failed: Failures above 0", "breaching", "People"),
        ("network", "Computed", "a/b below 1.5", "not set", "nobody"),
        ("network", "Bare", "its metric Odd 2", "Missing", "nobody"),
        ("network", "Anomaly", "By a band: its metric GreaterThanUpperThreshold band", "not set", "nobody"),
        ("network", "Both", "ALARM(Failed)", "not set", "nobody"),
        ("network", "Rule", "Tells", "", "People"),
        ("network", "Timer", "rate(1 hour)", "", "nobody"),
    ]


@pytest.mark.parametrize("threshold", [{"Ref": "Most"}, "5"], ids=["a parameter", "a text"])
def test_alarms_of_different_metrics_stay_two_rows_whatever_their_threshold_is(threshold: object) -> None:
    def high(metric: str) -> dict[str, Any]:
        return resource("CloudWatch::Alarm", AlarmDescription="Too many", MetricName=metric, Threshold=threshold)

    each = one({"A": high("Errors"), "B": high("Throttles")})

    limit = "Most" if isinstance(threshold, dict) else threshold
    assert [row[1:3] for row in alarms.alarm_rows(each.template, each.formatter)] == [
        ("A", f"Too many: Errors {limit}"),
        ("B", f"Too many: Throttles {limit}"),
    ]


def test_alarms_whose_triggers_differ_in_their_own_names_are_one_row() -> None:
    def slow(build: str) -> dict[str, Any]:
        return resource("CloudWatch::Alarm", AlarmDescription=f"A build of {build} was slow")

    each = one({"UnitTestsSlow": slow("unit-tests"), "ScanSlow": slow("scan"), "OddSlow": slow("image")})
    alone = one({"ScanSlow": slow("scan")})

    assert alarms.alarm_rows(each.template, each.formatter) == [
        ("network", "UnitTestsSlow, ScanSlow", "A build of (own) was slow", "not set", "nobody"),
        ("network", "OddSlow", "A build of image was slow", "not set", "nobody"),
    ]
    assert alarms.alarm_rows(alone.template, alone.formatter)[0][2] == "A build of scan was slow"


def test_topics_say_who_is_notified() -> None:
    each = one(
        {
            "People": resource("SNS::Topic"),
            "Silent": resource("SNS::Topic"),
            "One": resource("SNS::Subscription", TopicArn={"Ref": "People"}, Endpoint="a@b.c"),
            "Elsewhere": resource("SNS::Subscription", TopicArn={"Ref": "Other"}, Endpoint="d@e.f"),
        }
    )

    assert alarms.subscriber_rows(each.template, each.formatter) == [
        ("network", "People", "a@b.c"),
        ("network", "Silent", "nobody"),
        ("network", "Other", "d@e.f"),
    ]


def test_what_costs_while_it_rests_is_counted() -> None:
    gateways = {f"Nat{number}": resource("EC2::NatGateway") for number in range(9)}
    each = one(
        gateways
        | {
            "Free": resource("EC2::VPCEndpoint", VpcEndpointType="Gateway"),
            "Paid": resource("EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"]),
            "Task": resource("ECS::TaskDefinition", Cpu=256, Memory=512),
            "Service": resource("ECS::Service", DesiredCount=3),
            "Vpc": resource("EC2::VPC"),
        }
    )
    found = billing.billing_rows(billing.billed_items(each.template, each.formatter))

    shown = ", ".join(f"network.Nat{number}" for number in range(6))
    assert found == [
        ("Fargate task, per second", "3", "network.Service (256 CPU units, 512 MiB)"),
        ("NAT gateway, per hour and per byte", "9", f"{shown} and 3 more"),
        ("interface endpoint, per hour, Availability Zone and byte", "2", "network.Paid"),
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        pytest.param(8, "a.Nat, b.Nat, c.Nat, d.Nat, e.Nat, f.Nat, g.Nat, h.Nat", id="few"),
        pytest.param(10, "a.Nat, b.Nat, c.Nat, d.Nat, e.Nat, f.Nat and 4 more", id="many"),
    ],
)
def test_billed_items_are_joined_stack_by_stack_with_the_names_of_the_first(count: int, shown: str) -> None:
    items: list[billing.BilledItem] = []
    for label in "abcdefghij"[:count]:
        stack = one({"Nat": resource("EC2::NatGateway")}, label=label)
        items = billing.joined_items([*items, *billing.billed_items(stack.template, stack.formatter)])

    assert [len(item.names) for item in items] == [8]
    assert billing.billing_rows(items) == [("NAT gateway, per hour and per byte", str(count), shown)]


def test_examples_that_are_still_in_place_are_reported() -> None:
    made = stack_of(
        {
            "A": resource("X::Y", To="team@example.com", Host="shop.example.com", Code="x" * 300 + "example.com"),
            "B": resource("X::Y", Certificate="certificate/00000000-0000-4000-8000-000000000002"),
            "C": resource("X::Y", Repository="octocat/Hello-World", Real="team@shop.test"),
        },
        parameters={"ImageUri": {"Type": "String", "Default": BOOTSTRAP_IMAGE}},
    )
    real = stack_of({"A": resource("X::Y", To="team@shop.test")})
    made = replace(made, facts=made.facts._replace(account="111111111111"))

    assert placeholders.placeholders(review_stacks([real])) == []
    assert placeholders.placeholders(review_stacks([made])) == [
        "account 111111111111",
        "the bootstrap image, until the first release",
        "e-mail addresses of example.com",
        "host names of example.com",
        "certificates",
        "the repository octocat/Hello-World",
    ]


def test_who_is_outside_is_decided_by_the_account_and_not_by_names() -> None:
    own = f"arn:aws:iam::{ACCOUNTS['staging']}:root"
    roles = {
        "OwnRole": role(trusts={"AWS": own}),
        "OtherRole": role(trusts={"AWS": f"arn:aws:iam::{ACCOUNTS['tools']}:role/x"}),
        "NamedRole": role(trusts={"Service": "account of nobody"}),
    }

    assert access_of([one(roles)]).external_access("staging") == [
        f"{ACCOUNTS['tools']}: iam:role/x as network.OtherRole"
    ]


def test_a_shared_account_does_not_separate_environments() -> None:
    shared = "200000000001"
    roles = {
        "DeliveryRole": role(trusts={"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}),
        "JobRole": role(trusts={"AWS": f"arn:aws:iam::{shared}:role/till/shop-staging-task"}),
        "OddRole": role(trusts={"AWS": f"arn:aws:iam::{shared}:role/shop-tools-pipeline"}),
        "TaskRole": role(trusts={"Service": "ecs-tasks.amazonaws.com"}),
        "OwnRole": role(trusts={"AWS": {"Fn::GetAtt": ["TaskRole", "Arn"]}}),
    }
    roles["TaskRole"]["Properties"]["RoleName"] = "shop-staging-task"
    staging = stack_of(roles, account=shared)
    others = [stack_of({}, environment=name, account=shared) for name in ("tools", "production")]

    assert access_of(review_stacks([staging, *others])).external_access("staging") == [
        "account 200000000001 as network.DeliveryRole",
        "iam:role/shop-tools-pipeline as network.OddRole",
    ]
    assert access_of(review_stacks([staging])).external_access("staging") == []


@pytest.mark.parametrize(
    ("made", "key"),
    [
        pytest.param(resource("DynamoDB::Table", SSESpecification={"KMSMasterKeyId": {"Ref": "K"}}), "K", id="table"),
        pytest.param(resource("EFS::FileSystem", KmsKeyId={"Fn::GetAtt": ["K", "Arn"]}), "K", id="file system"),
        pytest.param(
            resource("EC2::Instance", BlockDeviceMappings=[{"Ebs": {"KmsKeyId": "a"}}, {"Ebs": {}}, {"NoDevice": {}}]),
            "a",
            id="disks",
        ),
        pytest.param(
            resource("SecretsManager::Secret", KmsKeyId="a", ReplicaRegions=[{"KmsKeyId": "b"}]), "a, b", id="replicas"
        ),
        pytest.param(resource("DynamoDB::Table", SSESpecification="odd"), "none", id="not a map"),
        pytest.param(resource("EC2::Instance", BlockDeviceMappings={"Ref": "Disks"}), "none", id="not a list"),
    ],
)
def test_the_key_of_data_is_where_its_type_has_it(made: dict[str, Any], key: str) -> None:
    each = one({"It": made | {"DeletionPolicy": "Retain"}})

    assert [row[3] for row in stateful_resources.data_rows(each)] == [key]
