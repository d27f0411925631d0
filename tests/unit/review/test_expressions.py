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

ANYBODY, SUBSTITUTED = {"Ref": "Anybody"}, {"Fn::Sub": "${Anybody}"}
ALLOWED = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
OPEN_RULE = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
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
            resource("EC2::SecurityGroup", SecurityGroupIngress=[OPEN_RULE], SecurityGroupEgress=either([OPEN_RULE])),
            ["admits 0.0.0.0/0 on port 443"],
            id="an ingress rule that is equal to an egress rule",
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", CidrIp={"Fn::GetAtt": ["Lookup", "Range"]}),
            ["admits Lookup.Range on port any"],
            id="an attribute that is no address range",
        ),
        pytest.param(
            resource("EC2::SecurityGroupIngress", SourcePrefixListId="pl-1", FromPort=1, ToPort=2),
            ["admits pl-1 on ports 1 to 2"],
            id="a prefix list",
        ),
        *(
            pytest.param(
                resource("EC2::SecurityGroupIngress", CidrIp=range_), [f"admits {range_} on port any"], id=range_
            )
            for range_ in ("0.0.0.0/1", "128.0.0.0/1", "0::/0", "0:0:0:0:0:0:0:0/0", "2000::/3")
        ),
        *(
            pytest.param(resource("EC2::SecurityGroupIngress", CidrIp=range_), [], id=range_)
            for range_ in ("10.0.0.0/8", "192.0.2.1/32", "fc00::/7", "2001:db8::/32", "not an address")
        ),
        pytest.param(
            resource("RDS::DBInstance", PubliclyAccessible=either("true", "false")),
            ["is publicly accessible"],
            id="text",
        ),
        pytest.param(
            resource("EC2::Subnet", MapPublicIpOnLaunch={"Fn::GetAtt": ["Lookup", "Public"]}),
            ["may be open: MapPublicIpOnLaunch is Lookup.Public, which is known only at deployment"],
            id="an attribute of a custom resource",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=either("internal")),
            ["may be open, because Scheme is not always set"],
            id="a scheme that may be missing",
        ),
        pytest.param(resource("ElasticLoadBalancingV2::LoadBalancer", Type="gateway"), [], id="gateway"),
        pytest.param(resource("ECS::Service", EnableExecuteCommand=True), [], id="a setting for the account alone"),
        pytest.param(
            resource("EKS::Cluster"), ["may be open, because EndpointPublicAccess is not always set"], id="cluster"
        ),
        pytest.param(
            resource("EKS::Cluster", ResourcesVpcConfig={"EndpointPublicAccess": True}),
            ["has a public endpoint"],
            id="eks",
        ),
        pytest.param(
            resource("EKS::Cluster", ResourcesVpcConfig={"EndpointPublicAccess": False}), [], id="private cluster"
        ),
        pytest.param(
            resource("Lambda::Url", AuthType=either("AWS_IAM", "NONE")),
            ["may allow anyone: calls without authorization"],
            id="a function under a condition",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::Listener", Port=443, Protocol="HTTPS", SslPolicy=either("TLS13")),
            ["listens on HTTPS 443 with TLS13 or not encrypted"],
            id="a policy that may be missing",
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


def test_a_parameter_counts_as_its_default() -> None:
    anyone = {"Type": "String", "Default": "*"}
    everywhere = {"Type": "String", "Default": "0.0.0.0/0"}
    each = one(
        {
            "Rule": resource("EC2::SecurityGroupIngress", CidrIp={"Ref": "Everywhere"}, FromPort=22, ToPort=22),
            "Topic": resource(
                "SNS::TopicPolicy", PolicyDocument={"Statement": [ALLOWED | {"Principal": {"AWS": [ANYBODY]}}]}
            ),
            "Queue": resource("SQS::QueuePolicy", PolicyDocument={"Statement": [ALLOWED | {"Principal": SUBSTITUTED}]}),
            "Call": resource(
                "Lambda::Permission", Action="lambda:InvokeFunction", Principal=ANYBODY, SourceArn=NOTHING
            ),
        },
        parameters={"Anybody": anyone, "Everywhere": everywhere},
    )

    assert list(exposure.reachable(each)) == [
        "network.Rule admits 0.0.0.0/0 on port 22",
        "network.Topic allows anyone sqs: SendMessage",
        "network.Queue allows anyone sqs: SendMessage",
        "network.Call allows anyone lambda: InvokeFunction",
    ]


@pytest.mark.parametrize(
    "made",
    [
        resource("SecretsManager::ResourcePolicy", ResourcePolicy=CHOSEN),
        resource("ApiGateway::RestApi", Policy={"Fn::ImportValue": "policy"}),
        resource("EFS::FileSystem", FileSystemPolicy=either(CHOSEN, CHOSEN)),
        resource("Events::EventBusPolicy", Statement=CHOSEN),
        resource("SQS::QueuePolicy", PolicyDocument={"Fn::Sub": "${Chosen}"}),
        resource("SQS::QueuePolicy", PolicyDocument=either({"Statement": []}, {"Fn::Join": ["", [CHOSEN]]})),
        resource("OpenSearchService::Domain", AccessPolicies={"Fn::GetAtt": ["Other", "Policy"]}),
    ],
    ids=lambda made: str(made["Type"]),
)
def test_a_policy_that_nobody_can_read_is_listed(made: dict[str, Any]) -> None:
    assert "unreadable actions" in [
        found.actions_text.partition(": ")[2] or found.actions_text for found in one({"It": made}).statements
    ]


@pytest.mark.parametrize(
    ("rotation", "text"),
    [
        (True, "rotated every 365 days"),
        ("false", "not rotated"),
        (either(True), "rotated every 365 days or not rotated"),
        (CHOSEN, "rotated only if Chosen is true"),
    ],
    ids=["on", "text", "either", "chosen"],
)
def test_the_rotation_of_a_key_is_what_the_template_says(rotation: Any, text: str) -> None:
    ((*_, key, _, _, _),) = stateful_resources.data_rows(one({"It": resource("KMS::Key", EnableKeyRotation=rotation)}))

    assert key == f"is a key, {text}"


@pytest.mark.parametrize("absent", ["true", True, ["true"], [True]], ids=repr)
def test_a_condition_on_a_missing_key_is_read_in_each_spelling(absent: Any) -> None:
    granted = statement("Read", "s3:GetObject") | {"Condition": {"Null": {"aws:MultiFactorAuthAge": absent}}}
    (found,) = [each for each in one({"It": role(granted)}).statements if not each.is_trust]

    assert found.condition == "aws:MultiFactorAuthAge is absent"


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


def test_only_the_image_that_releases_set_has_no_row() -> None:
    images = {"own": {"Ref": "ImageUri"}, "sidecar": CHOSEN, "proxy": {"Fn::Sub": "${Chosen}/proxy"}}
    containers = [{"Name": name, "Image": image, "Secrets": CHOSEN} for name, image in images.items()]
    rows = further_containers.container_rows(
        one({"Task": resource("ECS::TaskDefinition", ContainerDefinitions=containers)})
    )

    assert [(row[1], row[2]) for row in rows] == [("sidecar", "Chosen"), ("proxy", "Chosen/proxy")]


@pytest.mark.parametrize("skip", [{"id": "CKV_1"}, {"id": "CKV_1", "comment": 3}, "CKV_1"], ids=repr)
def test_an_odd_exception_for_checkov_stops_no_review(skip: Any) -> None:
    content = resource("SNS::Topic") | {"Metadata": {"checkov": {"skip": [skip]}}}

    assert Review([one({"It": content})]).pages({"staging": NO_OVERRIDES})


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
