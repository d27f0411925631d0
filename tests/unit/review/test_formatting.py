"""Values in the words of a reviewer."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.review.formatting import (
    Formatter,
    cut_pair,
    format_actions,
    format_condition,
)
from cicd_templates.review.name_index import NameIndex, service_of
from tests.unit.review.conftest import ACCOUNTS, reading, resource, stack_of

KEYS = stack_of(
    {
        "Key": resource("KMS::Key"),
        "KeyArnParameter": resource(
            "SSM::Parameter", Name="/shop/staging/keys/KeyArn", Value={"Fn::GetAtt": ["Key", "Arn"]}
        ),
        "NoteParameter": resource("SSM::Parameter", Name="/shop/staging/keys/Note", Value="a literal"),
        "RefParameter": resource("SSM::Parameter", Name="/shop/staging/keys/Ref", Value={"Ref": "Key"}),
        "OddParameter": resource("SSM::Parameter", Name="/shop/staging/keys/Odd", Value={"Fn::Sub": "${Key}"}),
    },
    label="keys",
)
TOOLS = stack_of(
    {
        "Pipeline": resource("CodePipeline::Pipeline", Name="shop-tools-till"),
        "Log": resource("Logs::LogGroup", LogGroupName="/shop/tools/till"),
        "Bare": {"Type": "AWS::SNS::Topic"},
    },
    environment="tools",
    label="pipeline",
)
HERE = stack_of(
    {"Vpc": resource("EC2::VPC"), "Role": resource("IAM::Role", RoleName="shop-staging-role")},
    parameters={
        "KeyArn": reading("/shop/staging/keys/KeyArn"),
        "Note": reading("/shop/staging/keys/Note"),
        "Gone": reading("/shop/staging/keys/Gone"),
        "Plain": {"Type": "String"},
    },
)
FORMATTER = Formatter(HERE, NameIndex([KEYS, TOOLS, HERE]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("plain", "plain", id="text"),
        pytest.param("100000000001", "account tools", id="number of an account"),
        pytest.param(3, "3", id="number"),
        pytest.param(True, "true", id="boolean"),
        pytest.param(["a", {"Ref": "Vpc"}], "a, Vpc", id="list"),
        pytest.param({"a": 1, "b": {"Ref": "Vpc"}}, "a 1, b Vpc", id="map"),
        pytest.param({"Other": "x"}, "Other x", id="map of one"),
        pytest.param({"Ref": "AWS::AccountId"}, "100000000002", id="account"),
        pytest.param({"Ref": "AWS::Region"}, "Region", id="pseudo parameter"),
        pytest.param({"Ref": "KeyArn"}, "keys.Key", id="value of another stack"),
        pytest.param({"Ref": "Note"}, "keys.NoteParameter", id="published literal"),
        pytest.param({"Ref": "Gone"}, "/shop/staging/keys/Gone", id="value that nobody publishes"),
        pytest.param({"Ref": "Plain"}, "Plain", id="parameter"),
        pytest.param({"Fn::GetAtt": ["Vpc", "Arn"]}, "Vpc", id="attribute that is the thing itself"),
        pytest.param({"Fn::GetAtt": "Vpc.CidrBlock"}, "Vpc.CidrBlock", id="attribute"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Vpc"}]]}, "a-Vpc", id="join"),
        pytest.param({"Fn::Sub": "${Vpc}/${AWS::AccountId}"}, "Vpc/100000000002", id="sub"),
        pytest.param({"Fn::Sub": ["${X}/*", {"X": {"Ref": "KeyArn"}}]}, "keys.Key/*", id="sub with values"),
        pytest.param({"Fn::Sub": "${!Literal}"}, "${!Literal}", id="sub that is none"),
        pytest.param({"Fn::Select": [0, "x"]}, "Fn::Select 0, x", id="another function"),
        pytest.param("arn:aws:s3:::bucket/*", "bucket/*", id="bucket"),
        pytest.param("arn:aws:iam::100000000002:role/shop-staging-role", "Role", id="own role"),
        pytest.param("arn:aws:iam::100000000002:role/shop-*", "iam:role/shop-*", id="pattern"),
        pytest.param("arn:aws:iam::100000000001:role/shop-*", "tools: iam:role/shop-*", id="pattern elsewhere"),
        pytest.param("arn:aws:iam::100000000001:root", "account tools", id="account of ours"),
        pytest.param("arn:aws:iam::999999999999:root", "account 999999999999", id="account of another"),
        pytest.param(
            "arn:aws:codepipeline:eu-central-1:100000000001:shop-tools-till/Production/Approve",
            "tools: pipeline.Pipeline/Production/Approve",
            id="name elsewhere, with what stands behind it",
        ),
        pytest.param(
            "arn:aws:logs:eu-central-1:100000000001:log-group:/shop/tools/till:*",
            "tools: pipeline.Log:*",
            id="name with slashes",
        ),
        pytest.param(
            "arn:aws:cloudformation:eu-central-1:100000000002:stack/shop-staging-keys/*",
            "staging: stack keys/*".removeprefix("staging: "),
            id="stack",
        ),
        pytest.param("arn:odd", "arn:odd", id="short of its parts"),
    ],
)
def test_a_value_is_described_in_few_words(value: Any, text: str) -> None:
    assert FORMATTER.format(value) == text


def test_a_function_that_is_named_by_what_another_stack_publishes_is_that_function() -> None:
    gate = stack_of(
        {
            "Gate": resource("Lambda::Function", FunctionName="shop-tools-gate"),
            "NameParameter": resource("SSM::Parameter", Name="/shop/tools/gate/Name", Value={"Ref": "Gate"}),
        },
        environment="tools",
        label="gate",
    )
    caller = stack_of({}, environment="tools", label="pipeline", parameters={"Name": reading("/shop/tools/gate/Name")})
    formatter = Formatter(caller, NameIndex([gate, caller]))

    assert formatter.format({"Fn::Sub": "arn:aws:lambda:eu-central-1:100000000001:function:${Name}"}) == "gate.Gate"


SAME_NAMES = stack_of(
    {
        "Subnets": resource("RDS::DBSubnetGroup", DBSubnetGroupName="till"),
        "Cluster": resource("RDS::DBCluster", DBClusterIdentifier="till", DBSubnetGroupName={"Ref": "Subnets"}),
        "Writer": resource("RDS::DBInstance", DBInstanceIdentifier="till-1", DBClusterIdentifier="till"),
        "Parameters": resource("RDS::DBClusterParameterGroup", DBClusterParameterGroupName="till-16"),
        "Results": resource("CodeBuild::ReportGroup", Name="checks"),
        "Project": resource("CodeBuild::Project", Name="checks"),
        "Inline": resource("IAM::Policy", PolicyName="readers"),
        "Managed": resource("IAM::ManagedPolicy", ManagedPolicyName="readers"),
    },
    label="same",
)


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ("rds:{}:cluster:till", "Cluster"),
        ("rds:{}:db:till-1", "Writer"),
        ("rds:{}:cluster-pg:till-16", "Parameters"),
        ("rds:{}:cluster-snapshot:till", "rds:cluster-snapshot:till"),
        ("codebuild:{}:project/checks", "Project"),
        ("codebuild:{}:report-group/checks", "Results"),
        ("iam:{}:policy/readers", "iam:policy/readers"),
    ],
)
def test_a_name_that_several_resources_have_is_that_of_the_type_in_the_arn(resource: str, text: str) -> None:
    formatter = Formatter(SAME_NAMES, NameIndex([SAME_NAMES]))

    assert formatter.format(f"arn:aws:{resource.format('eu-central-1:100000000002')}") == text


@pytest.mark.parametrize("joined", [False, True], ids=["in one process", "in several processes"])
def test_only_resources_with_a_physical_name_are_references_whatever_the_environment(joined: bool) -> None:
    stacks = [
        stack_of({"Orders": resource("SQS::Queue", QueueName="a"), "Bare": resource("SNS::Topic")}, label="jobs"),
        stack_of({"Orders": resource("SQS::Queue", QueueName="b")}, label="other"),
        stack_of({"Dead": resource("SQS::Queue", QueueName="c")}, environment="production", label="jobs"),
    ]
    names = NameIndex(() if joined else stacks)
    for stack in stacks if joined else ():
        names.extend(NameIndex([stack]))

    texts = ("jobs.Orders", "jobs.Dead", "other.Orders", "jobs.Bare", "other.Dead", "new.Orders", "Orders", "jobs")
    assert [text for text in texts if names.is_reference(text)] == ["jobs.Orders", "jobs.Dead", "other.Orders"]
    assert names.find("sqs", "c/x") == ("production", "jobs.Dead", "/x")


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        (["s3:GetObject", "s3:PutObject", "kms:Decrypt"], "s3: GetObject, PutObject; kms: Decrypt"),
        ("sts:AssumeRole", "sts: AssumeRole"),
        (["*"], "*: *"),
    ],
)
def test_actions_name_each_service_once(listed: Any, text: str) -> None:
    assert format_actions(listed) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ({"Bool": {"aws:SecureTransport": "false"}}, "aws:SecureTransport is false"),
        ({"StringNotEquals": {"k": ["a", "b"]}}, "k is not a or b"),
        ({"Null": {"k": "true"}}, "k is absent"),
        ({"Null": {"k": "false"}}, "k is present"),
        ({"StringEqualsIfExists": {"k": "a"}, "ArnLike": {"l": "b"}}, "k is a if present and l is b"),
        ({"DateLessThan": {"aws:CurrentTime": "2030"}}, "aws:CurrentTime DateLessThan 2030"),
        ({"Fn::GetAtt": ["Policy", "Condition"]}, "Policy.Condition"),
        ("known after the deployment", "known after the deployment"),
    ],
)
def test_a_condition_is_a_sentence(value: Any, text: str) -> None:
    assert format_condition(value, FORMATTER.format) == text


@pytest.mark.parametrize(
    ("kind", "service"), [("AWS::ElasticLoadBalancingV2::Listener", "elasticloadbalancing"), ("Custom", "Custom")]
)
def test_a_type_belongs_to_a_service(kind: str, service: str) -> None:
    assert service_of(kind) == service


def test_an_account_of_several_environments_is_called_by_its_number() -> None:
    shared = "200000000001"
    stacks = [
        stack_of({}, environment="tools", account=shared),
        stack_of({}, environment="staging", account=shared),
        stack_of({}, environment="production"),
    ]
    formatter = Formatter(stacks[1], NameIndex(stacks))

    assert formatter.format(f"arn:aws:iam::{shared}:root") == "account 200000000001"
    assert formatter.format(shared) == "account 200000000001"
    assert formatter.format(f"arn:aws:sns:eu-central-1:{shared}:other") == "sns:other"
    assert formatter.format(ACCOUNTS["production"]) == "account production"


@pytest.mark.parametrize(
    ("before", "after", "cut"),
    [
        ("old", "new", ("old", "new")),
        ("a" * 38 + "x", "a" * 38 + "y", ("a" * 38 + "x", "a" * 38 + "y")),
        ("a" * 50, "b", ("a" * 40 + "...", "b")),
        ("a" * 60 + "x", "a" * 60 + "y" * 20, (f"...{'a' * 30}x", f"...{'a' * 30}{'y' * 10}...")),
        ("a" * 60, "a" * 60 + "y", (f"...{'a' * 30}", f"...{'a' * 30}y")),
        ("-", "a" * 60, ("-", "a" * 40 + "...")),
    ],
    ids=["short", "short and alike", "long", "long and alike", "one begins the other", "missing"],
)
def test_two_cut_texts_show_what_differs(before: str, after: str, cut: tuple[str, str]) -> None:
    assert cut_pair(before, after, 40) == cut
