"""Templates of others have intrinsic functions where those of this tool have values. A review must read them, too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from cicd_templates.review import alarms, billing, exposure, further_containers, stateful_resources
from cicd_templates.review.environment_page import Overrides, Review
from cicd_templates.review.principals import ANYONE
from cicd_templates.review.reviewed_stacks import review_stacks
from tests.projects.expressions import CHOSEN, NOTHING, ChangedStack, either, stacks_with_an_expression
from tests.unit.review.conftest import one, resource, role, statement

NO_OVERRIDES = Overrides({}, [], [])


@pytest.mark.parametrize(
    ("made", "facts"),
    [
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=either("internal", "internet-facing")),
            ["is internet-facing"],
            id="one of two schemes",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=either("internal", either("internal", CHOSEN))),
            ["may be open: Scheme is Chosen, which is known only at deployment"],
            id="a scheme that a parameter chooses",
        ),
        pytest.param(
            resource("RDS::DBInstance", PubliclyAccessible={"Fn::FindInMap": ["Sizes", "eu", "Public"]}),
            ["may be open: PubliclyAccessible is Fn::FindInMap Sizes, eu, Public, which is known only at deployment"],
            id="a value of a mapping",
        ),
        pytest.param(
            resource("EC2::SecurityGroup", SecurityGroupIngress=either([{"CidrIp": "0.0.0.0/0", "FromPort": CHOSEN}])),
            ["admits 0.0.0.0/0 on ports Chosen to any"],
            id="a rule under a condition",
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", CidrIp=either("10.0.0.0/8", "0.0.0.0/0"), FromPort=80, ToPort=80),
            ["admits 0.0.0.0/0 on port 80"],
            id="an address under a condition",
        ),
        pytest.param(
            resource("EC2::SecurityGroup", SecurityGroupEgress=either([{"CidrIp": "0.0.0.0/0"}])), [], id="egress"
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", CidrIp={"Fn::GetAtt": ["Vpc", "CidrBlock"]}), [], id="own network"
        ),
        pytest.param(
            resource("S3::Bucket", PublicAccessBlockConfiguration=either({"BlockPublicAcls": True})),
            ["does not block public access"],
            id="a block that may be missing",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::Listener", Port=CHOSEN, Protocol=either("HTTP", "HTTPS")),
            ["listens on HTTP or HTTPS Chosen, not encrypted"],
            id="listener",
        ),
    ],
)
def test_what_may_be_open_is_open(made: dict[str, Any], facts: list[str]) -> None:
    assert list(exposure.reachable(one({"It": made}))) == [f"network.It {fact}" for fact in facts]


@pytest.mark.parametrize(
    ("granted", "is_open"),
    [
        pytest.param({"Principal": {"AWS": either("*", "arn:aws:iam::100000000002:role/x")}}, True, id="principal"),
        pytest.param({"Principal": either({"AWS": "*"})}, True, id="principals"),
        pytest.param({"Principal": "*", "Effect": either("Allow", "Deny")}, True, id="effect"),
        pytest.param({"Principal": "*", "Effect": "Deny"}, False, id="denial"),
        pytest.param(
            {"Principal": "*", "Condition": either({"Bool": {"aws:SecureTransport": "true"}})},
            True,
            id="a condition that may be missing",
        ),
        pytest.param(
            {"Principal": "*", "Condition": either({"Bool": {"aws:A": "x"}}, {"Bool": {"aws:B": "x"}})},
            False,
            id="one of two conditions",
        ),
    ],
)
def test_a_statement_counts_as_what_allows_most(granted: dict[str, Any], is_open: bool) -> None:
    allowed = statement("Read", "sqs:SendMessage") | granted
    (found,) = one({"It": resource("SQS::QueuePolicy", PolicyDocument={"Statement": [allowed]})}).statements

    assert (found.effect == "Allow" and ANYONE in found.principals and not found.condition) is is_open


def test_a_statement_names_the_values_of_both_branches() -> None:
    holder = role(
        {
            "Sid": {"Fn::Sub": "Use${Which}"},
            "Effect": "Deny",
            "Action": either(["s3:GetObject", "s3:PutObject"], "s3:ListBucket"),
            "Resource": [either("a"), CHOSEN],
            "Condition": either({"Null": {"aws:A": "true"}}, {"Null": {"aws:A": "false"}}),
        }
    )
    *_, found = one({"It": holder}).statements

    assert found.label == "Deny UseWhich"
    assert (found.actions_text, found.resources_text) == ("s3: GetObject, PutObject, ListBucket", "a, Chosen")
    assert found.condition == "aws:A is absent or aws:A is present"


@pytest.mark.parametrize(
    ("made", "retention"),
    [
        pytest.param(
            resource("SQS::Queue", KmsMasterKeyId="k", MessageRetentionPeriod=CHOSEN), "Chosen seconds", id="q"
        ),
        pytest.param(resource("SQS::Queue", KmsMasterKeyId="k", MessageRetentionPeriod=90), "90 seconds", id="minute"),
        pytest.param(
            resource("Logs::LogGroup", KmsKeyId="k", RetentionInDays=either(1, 30)), "1 day or 30 days", id="log group"
        ),
        pytest.param(
            resource(
                "S3::Bucket",
                BucketEncryption={"SSEAlgorithm": "AES256"},
                LifecycleConfiguration=either(
                    {
                        "Rules": [
                            {"ExpirationInDays": CHOSEN},
                            either({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}),
                        ]
                    }
                ),
                ObjectLockConfiguration={"Rule": {"DefaultRetention": {"Mode": CHOSEN, "Years": 1, "Days": NOTHING}}},
            ),
            "Chosen days, noncurrent versions 1 day, Object Lock (Chosen, 1 year)",
            id="bucket",
        ),
    ],
)
def test_a_retention_names_each_period_that_is_possible(made: dict[str, Any], retention: str) -> None:
    ((*_, found, _, _),) = stateful_resources.data_rows(one({"It": made}))

    assert found == retention


def test_alarms_and_topics_name_what_an_expression_chooses() -> None:
    each = one(
        {
            "High": resource(
                "CloudWatch::Alarm",
                MetricName="Depth",
                ComparisonOperator=CHOSEN,
                Threshold=either(3, 4),
                AlarmActions=either([{"Ref": "People"}]),
            ),
            "Maths": resource("CloudWatch::Alarm", Metrics=either([{"Id": "m"}, {"Expression": "a/b"}]), Threshold=1),
            "Daily": resource("Events::Rule", ScheduleExpression=CHOSEN, Targets=either([{"Arn": "arn"}, CHOSEN])),
            "People": resource("SNS::Topic", Subscription=either([{"Endpoint": "a@b.c", "Protocol": "email"}])),
            "Copy": resource("SNS::Subscription", TopicArn={"Ref": "People"}, Endpoint=either("d@e.f", "g@h.i")),
        }
    )

    assert alarms.alarm_rows(each.template, each.formatter) == [
        ("network", "High", "Depth Chosen 3 or 4", "not set", "People"),
        ("network", "Maths", "a/b 1", "not set", "nobody"),
        ("network", "Daily", "Chosen", "", "arn, Chosen"),
    ]
    assert alarms.subscriber_rows(each.template, each.formatter) == [("network", "People", "a@b.c, d@e.f or g@h.i")]


@pytest.mark.parametrize(
    ("made", "number"),
    [
        pytest.param(resource("ECS::Service", DesiredCount=either(2, 5)), 5, id="the higher of two counts"),
        pytest.param(resource("ECS::Service", DesiredCount="3"), 3, id="a count as text"),
        pytest.param(resource("ECS::Service", DesiredCount=CHOSEN), 1, id="an unknown count"),
        pytest.param(
            resource("EC2::VPCEndpoint", VpcEndpointType=CHOSEN, SubnetIds=either(["a", "b"])), 2, id="endpoint"
        ),
    ],
)
def test_a_billed_item_counts_as_often_as_it_may_exist(made: dict[str, Any], number: int) -> None:
    each = one({"It": made, "Task": resource("ECS::TaskDefinition", Cpu=CHOSEN, Memory=512)})
    (item,) = billing.billed_items(each.template, each.formatter)

    assert item.number == number
    assert "Service" not in made["Type"] or item.names == ("network.It (Chosen CPU units, 512 MiB)",)


def test_a_container_under_a_condition_has_all_its_rights() -> None:
    container = {
        "Name": "proxy",
        "Image": "a/b",
        "Secrets": either([{"Name": "KEY", "ValueFrom": CHOSEN}]),
        "LinuxParameters": either({"Capabilities": {"Add": [CHOSEN]}, "Tmpfs": [{"ContainerPath": "/t"}]}),
        "ReadonlyRootFilesystem": True,
        "MountPoints": either([{"ContainerPath": "/a", "SourceVolume": CHOSEN, "ReadOnly": CHOSEN}]),
        "Privileged": CHOSEN,
    }
    (row,) = further_containers.container_rows(
        one({"Task": resource("ECS::TaskDefinition", ContainerDefinitions=either([container]))})
    )

    assert row[4:] == (
        "root, or the user of its image, with no role, privileged, with the capabilities Chosen",
        "KEY (Chosen)",
        "/a (volume Chosen), /t (memory)",
    )


@given(stacks_with_an_expression())
def test_a_review_reads_every_template_with_an_expression_in_any_property(drawn: ChangedStack) -> None:
    stack = drawn.after
    (page,) = Review(review_stacks([stack])).pages({stack.facts.qualified_environment: NO_OVERRIDES}).values()

    assert page.startswith("# ")
