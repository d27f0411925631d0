"""Two resources with the same physical name are refused, wherever the configuration sets the names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.user_layers import with_user_layers
from cicd_templates.render import equal_names
from cicd_templates.render.equal_names import marks_repeat, name_identities, name_marks, refuse_equal_names
from cicd_templates.render.render import render
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_template import StackTemplate, parse_template
from templates import LAYERS
from tests.conftest import RAW, configured, own_package

CHECKS = {"checks": {"bandit": {"preset": "bandit"}}}
LEDGER = {"path_pattern": "/ledger/*", **CHECKS}
REPORTS = {"path_pattern": "/reports/*", **CHECKS}


def stack(
    resources: dict[str, Any],
    *,
    environment: str = "staging",
    label: str = "own",
    account: str = "222222222222",
    region: str = "eu-central-1",
    parameters: dict[str, Any] | None = None,
) -> StackTemplate:
    facts = StackFacts(
        project="shipping",
        environment=environment,
        suffix=None,
        kind="runtime",
        layer=label,
        service=None,
        stack=f"shipping-{environment}-{label}",
        account=account,
        region=region,
        protection="disposable",
        role_path="/",
        permissions_boundary=None,
        sources=(),
        after=(),
        deployed_as=None,
        patches={},
        stack_tags={},
    )
    content = {"Metadata": {METADATA_KEY: facts.to_metadata()}, "Resources": resources, "Parameters": parameters or {}}
    return parse_template(Path(environment, f"{label}.yaml"), yaml.safe_dump(content))


def named(resource_type: str, condition: str | None = None, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": properties} | ({"Condition": condition} if condition else {})


def problems_of(*stacks: StackTemplate) -> list[str]:
    try:
        refuse_equal_names(stacks)
    except ConfigurationError as error:
        # Otherwise, rendering would not compare the names of these stacks.
        assert marks_repeat(name_marks(name_identities(stack)) for stack in stacks)
        return str(error).split("\n  ")[1:]
    return []


ROLE = named("AWS::IAM::Role", RoleName="x")
SUB = {"Fn::Sub": "x-${AWS::AccountId}-${AWS::Region}-${AWS::Partition}-${AWS::URLSuffix}"}
WHOLE = "x-222222222222-eu-central-1-aws-amazonaws.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ROLE, ROLE, id="roles"),
        pytest.param(ROLE, named("AWS::IAM::Role", RoleName="X"), id="IAM knows no case"),
        pytest.param(
            named("AWS::SSM::Parameter", Name="/a/b", Type="String"),
            named("AWS::SSM::Parameter", Name="/a/b", Type="StringList"),
            id="parameter paths",
        ),
        pytest.param(
            named("AWS::CloudWatch::Alarm", AlarmName="a"),
            named("AWS::CloudWatch::CompositeAlarm", AlarmName="a"),
            id="two types with one set of names",
        ),
        pytest.param(
            named("AWS::Logs::LogGroup", LogGroupName=SUB),
            named("AWS::Logs::LogGroup", LogGroupName=WHOLE),
            id="pseudo parameters in a Sub",
        ),
        pytest.param(
            named("AWS::SQS::Queue", QueueName={"Fn::Join": ["-", ["x", {"Ref": "AWS::AccountId"}]]}),
            named("AWS::SQS::Queue", QueueName={"Fn::Sub": ["x-${Id}", {"Id": {"Ref": "AWS::AccountId"}}]}),
            id="a join and a Sub with a variable of its own",
        ),
        pytest.param(
            named("AWS::EC2::SecurityGroup", GroupName="g", VpcId={"Ref": "VpcId"}),
            named("AWS::EC2::SecurityGroup", GroupName="g", VpcId={"Ref": "VpcId"}),
            id="security groups of one network",
        ),
        pytest.param(
            named("AWS::Glue::Crawler", Name="c-222222222222"),
            named("AWS::Glue::Crawler", Name={"Fn::Sub": "c-${AWS::AccountId}"}),
            id="a type without a row, by its schema",
        ),
    ],
)
def test_two_stacks_with_one_name_in_an_account_and_region_are_refused(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    network = {"VpcId": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>", "Default": "/shipping/network/VpcId"}}
    (problem,) = problems_of(
        stack({"One": one}, parameters=network), stack({"Other": other}, label="extra", parameters=network)
    )

    assert "staging/own One and staging/extra Other have the same name in account 222222222222" in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ROLE, named("AWS::IAM::ManagedPolicy", ManagedPolicyName="x"), id="another type"),
        pytest.param(named("AWS::IAM::Role"), named("AWS::IAM::Role"), id="names that AWS chooses"),
        pytest.param(
            named("AWS::EC2::SecurityGroup", GroupName="g", VpcId="vpc-1"),
            named("AWS::EC2::SecurityGroup", GroupName="g", VpcId="vpc-2"),
            id="security groups of two networks",
        ),
        pytest.param(
            named("AWS::SQS::Queue", QueueName={"Fn::Sub": "q-${Key}"}),
            named("AWS::SQS::Queue", QueueName={"Fn::Sub": "q-${Key}"}),
            id="a part that only each deployment knows",
        ),
        pytest.param(
            named("AWS::SQS::Queue", QueueName={"Fn::GetAtt": ["Own", "Id"]}),
            named("AWS::SQS::Queue", QueueName={"Fn::GetAtt": ["Own", "Id"]}),
            id="a name that only each deployment knows",
        ),
        pytest.param(
            named("AWS::SQS::Queue", QueueName={"Fn::Sub": "${!AWS::Region}"}),
            named("AWS::SQS::Queue", QueueName="eu-central-1"),
            id="text that only looks like a reference",
        ),
        pytest.param(
            named("AWS::ApiGateway::RestApi", Name="a"),
            named("AWS::ApiGateway::RestApi", Name="a"),
            id="a type that AWS identifies by an id",
        ),
        pytest.param(
            named("AWS::Route53::RecordSet", Name="a", Type="A"),
            named("AWS::Route53::RecordSet", Name="a", Type="AAAA"),
            id="an identifier of several parts",
        ),
        pytest.param(
            named("AWS::Glue::Crawler", Name={"Ref": "AWS::AccountId"}),
            named("AWS::Glue::Crawler", Name={"Ref": "AWS::AccountId"}),
            id="a reference, of a type that has no row",
        ),
        pytest.param(
            named("Custom::Thing", ThingName="a"), named("Custom::Thing", ThingName="a"), id="a type without a schema"
        ),
    ],
)
def test_names_that_do_not_meet_are_allowed(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert problems_of(stack({"One": one}), stack({"Other": other}, label="extra")) == []


@pytest.mark.parametrize(
    ("resource", "same_region", "other_region", "other_account"),
    [
        pytest.param(named("AWS::SQS::Queue", QueueName="x"), 1, 0, 0, id="regional"),
        pytest.param(ROLE, 1, 1, 0, id="IAM, once per account"),
        pytest.param(
            named("AWS::CloudWatch::Dashboard", DashboardName="x"), 1, 1, 0, id="dashboards, once per account"
        ),
        pytest.param(named("AWS::S3::Bucket", BucketName="x"), 1, 1, 1, id="buckets, once in AWS"),
    ],
)
def test_each_type_is_unique_where_aws_says_so(
    resource: dict[str, Any], same_region: int, other_region: int, other_account: int
) -> None:
    first = stack({"One": resource})

    others = {
        "same region": stack({"Other": resource}, environment="production"),
        "other region": stack({"Other": resource}, environment="production", region="us-east-1"),
        "other account": stack({"Other": resource}, environment="production", account="333333333333"),
    }
    assert {where: len(problems_of(first, other)) for where, other in others.items()} == {
        "same region": same_region,
        "other region": other_region,
        "other account": other_account,
    }


def test_resources_of_one_template_may_exclude_each_other() -> None:
    blue, green = (named("AWS::SQS::Queue", condition, QueueName="q") for condition in ("Blue", "Green"))

    assert problems_of(stack({"One": blue, "Other": green})) == []
    assert len(problems_of(stack({"One": blue, "Other": blue}))) == 1
    assert len(problems_of(stack({"One": blue}), stack({"Other": green}, label="extra"))) == 1


def test_the_same_resource_is_reported_once_however_often_it_is_there() -> None:
    crawler = named("AWS::Glue::Crawler", Name="c", DatabaseName="d")
    problems = problems_of(stack({"A": crawler, "B": crawler, "C": crawler}))

    assert [problem.partition(" have")[0] for problem in problems] == [
        "AWS::Glue::Crawler c: staging/own A and staging/own B",
        "AWS::Glue::Crawler c: staging/own A and staging/own C",
    ]


def test_two_layers_that_make_one_stack_are_refused() -> None:
    (problem,) = problems_of(stack({}), stack({}))

    assert problem.startswith(
        "AWS::CloudFormation::Stack shipping-staging-own: staging layer own and staging layer own have the same name"
    )


def test_templates_are_read_again_only_if_marks_of_names_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    monkeypatch.setattr(
        "cicd_templates.render.render.refuse_equal_names", lambda stacks: compared.append(len([*stacks]))
    )

    stacks = render(configured(), LAYERS, "yaml")
    assert compared == []
    assert not marks_repeat(name_marks(name_identities(stack.template)) for stack in stacks)
    monkeypatch.setattr("cicd_templates.render.render.marks_repeat", lambda marks: True)
    render(configured(), LAYERS, "yaml")
    assert compared == [len(stacks)]


_ENVIRONMENTS = ("tools", "staging", "production")
_ACCOUNTS = tuple(RAW["environments"][name]["account"] for name in _ENVIRONMENTS)


@pytest.mark.no_cover
@pytest.mark.parametrize("suffix", [None, "pr4918"])
@pytest.mark.parametrize("accounts", [_ACCOUNTS, ("111111111111",) * 3], ids=["an account each", "one account"])
def test_three_services_with_odd_names_have_no_name_in_common(accounts: tuple[str, ...], suffix: str | None) -> None:
    edits = [
        ("services/p1", LEDGER),
        ("services/parcel-dispatcher-eu-1", REPORTS),
        *((f"environments/{name}/account", account) for name, account in zip(_ENVIRONMENTS, accounts, strict=True)),
        *(
            (f"environments/{name}/certificate_arn", RAW["environments"][name]["certificate_arn"].replace(own, account))
            for name, own, account in zip(_ENVIRONMENTS, _ACCOUNTS, accounts, strict=True)
            if name != "tools"
        ),
    ]

    assert len(render(configured(*edits, suffix=suffix), LAYERS, "yaml")) > 40


_OWN = '''"""Layer `own`: a queue."""
from troposphere import sqs
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate

def build(env):
    layer = LayerTemplate(env)
    layer.add(sqs.Queue("Mine", QueueName=physical_name(env, "AWS::SQS::Queue", "dead-letters")))
    return layer

LAYER = Layer("own", build)
'''


@pytest.mark.no_cover
def test_a_layer_of_the_users_own_takes_no_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = with_user_layers(own_package(tmp_path, monkeypatch, own=_OWN))

    with pytest.raises(ConfigurationError) as caught:
        render(configured(), layers, "yaml")
    heading, *problems = str(caught.value).split("\n  ")
    assert heading == "3 names in AWS would be used twice:"
    assert len(problems) == 3
    assert "shipping-tools-dead-letters: tools/notifications DeadLetters and tools/own Mine" in problems[0]
    assert caught.value.exit_code == 2


def test_policies_within_roles_may_have_the_same_name_and_no_schema_is_read_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(equal_names, "chosen_identifier", lambda *type_: pytest.fail(f"reads the schema of {type_}"))
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "Work"}}

    refuse_equal_names([stack({"A": policy, "B": policy}), stack({"A": policy}, label="other")])
