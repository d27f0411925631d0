"""Unusual templates of others: a rule may report any finding about them, but must never raise an exception."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from cfnlint.template.template import Template
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.rules.physical_names import NAME_PROPERTIES
from cicd_templates.rules.policy_statements import POLICY_TYPES
from cicd_templates.rules.registry import RULES
from cicd_templates.rules.resource_rule import ResourceRule
from cicd_templates.template.encryption_by_type import KEY_OF
from tests.unit.rules.linted import runner

REGION = "us-east-1"
ALL = [rule() for rule in RULES]
FUNCTIONS: tuple[dict[str, Any], ...] = (
    {"Ref": "AWS::NoValue"},
    {"Ref": "Other"},
    {"Fn::GetAtt": ["Other", "Arn"]},
    {"Fn::GetAtt": "Other.Arn"},
    {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
    {"Fn::Sub": ["${A}", {"A": {"Ref": "Other"}}]},
    {"Fn::Sub": None},
    {"Fn::Join": ["", ["a", {"Ref": "Other"}]]},
    {"Fn::Join": 7},
    {"Fn::If": ["Condition", {"Ref": "AWS::NoValue"}, ["a"]]},
    {"Fn::If": ["Unknown", 1, 2]},
    {"Fn::If": [["Condition"], 1, 2]},
    {"Fn::If": []},
    {"Fn::FindInMap": ["a", "b", "c"]},
    {"Fn::ImportValue": "x"},
    {"Fn::Transform": {"Name": "x"}},
)
# Words that rules look for, so that what is drawn leads them deep.
WORDS = (
    "Statement",
    "Effect",
    "Allow",
    "Deny",
    "Action",
    "Resource",
    "Principal",
    "Condition",
    "Service",
    "AWS",
    "Federated",
    "Sid",
    "Bool",
    "Version",
    "aws:SecureTransport",
    "false",
    "*",
    "sts:AssumeRole",
    "iam:PassRole",
    "s3:*",
    "111111111111",
    "alias/aws/s3",
    "Key",
    "Value",
    "Tags",
    "Stages",
    "Actions",
    "ActionTypeId",
    "Category",
    "Invoke",
    "Build",
    "Deploy",
    "Approval",
    "Name",
    "Namespace",
    "BeforeEntry",
    "Conditions",
    "Rules",
    "RuleTypeId",
    "Provider",
    "VariableCheck",
    "Configuration",
    "Operator",
    "EQ",
    "Result",
    "FAIL",
    "RunOrder",
    "OnFailure",
    "PolicyDocument",
    "KeyPolicy",
    "AssumeRolePolicyDocument",
    "Policies",
    "ManagedPolicyArns",
    "Metadata",
    "Why",
    "Code",
    "ZipFile",
    "SecurityGroupIngress",
    "CidrIp",
    "0.0.0.0/0",
    "IpProtocol",
    "FromPort",
    "ToPort",
    "Environment",
    "Variables",
    "API_TOKEN",
    "Type",
    "BucketEncryption",
    "ServerSideEncryptionConfiguration",
    "ServerSideEncryptionByDefault",
    "SSEAlgorithm",
    "AES256",
    "cfn-lint",
    "config",
    "ignore_checks",
    "reasons",
    "CicdTemplates",
    "StackTags",
    "Layer",
    "keys",
    "Protection",
    "protected",
    "Account",
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 400),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(WORDS),
)
ODD = st.recursive(
    st.one_of(SCALARS, st.sampled_from(FUNCTIONS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), inner, max_size=4),
    ),
    max_leaves=14,
)
TYPES = sorted(
    {*KEY_OF, *NAME_PROPERTIES, *POLICY_TYPES}.union(*(rule.types for rule in ALL if isinstance(rule, ResourceRule)))
)
RESOURCES = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {"Type": st.one_of(st.sampled_from(TYPES), st.just("Custom::Thing"), ODD)},
        optional={
            "Properties": ODD,
            "Metadata": ODD,
            "DeletionPolicy": ODD,
            "UpdateReplacePolicy": ODD,
            "Condition": ODD,
        },
    ),
)


def lint(content: dict[str, Any]) -> int:
    template = Template(None, content, [REGION])
    return sum(len(rule.match(template)) for rule in ALL)


def acceptable(content: dict[str, Any]) -> bool:
    """Return whether cfn-lint itself can read the template. Rules never see any other template."""
    try:
        Template(None, content, [REGION])
    except Exception:
        return False
    return True


@given(
    resources=st.dictionaries(st.text("ABC", min_size=1, max_size=2), RESOURCES, max_size=3),
    metadata=ODD,
    conditions=st.sampled_from([{}, {"Condition": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}}]),
)
def test_no_rule_raises_whatever_the_template_is(
    resources: dict[str, Any], metadata: Any, conditions: dict[str, Any]
) -> None:
    content = {"Metadata": metadata, "Conditions": conditions, "Resources": resources}

    if acceptable(content):
        assert lint(content) >= 0


def values_of(whole: dict[str, Any], node: Any, chance: random.Random, depth: int = 0) -> Any:
    """Return a value that fits a schema, or sometimes a function or nonsense instead."""
    node = whole.get("definitions", {}).get(node["$ref"].rpartition("/")[2], {}) if "$ref" in node else node
    if depth > 6 or chance.random() < 0.1:
        return chance.choice([*FUNCTIONS, 7, "text", [], {}, None])
    if "properties" in node:
        chosen = [name for name in node["properties"] if chance.random() < 0.6]
        return {name: values_of(whole, node["properties"][name], chance, depth + 1) for name in chosen}
    if isinstance(node.get("items"), dict):
        return [values_of(whole, node["items"], chance, depth + 1) for _ in range(chance.randrange(3))]
    return chance.choice([*node.get("enum", ["text"]), *WORDS, 7, True])


def corpus(seed: int) -> Iterator[dict[str, Any]]:
    """Yield templates with a resource of every type that cfn-lint knows, as its schema describes it."""
    chance = random.Random(seed)  # noqa: S311  # nothing is kept secret by it
    types = sorted(PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION))
    for start in range(0, len(types), 50):
        resources = {}
        for index, resource_type in enumerate(types[start : start + 50]):
            whole = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
            properties = values_of(whole, {"properties": whole.get("properties", {})}, chance)
            resources[f"R{index}"] = {"Type": resource_type, "Properties": properties}
        yield {"Resources": resources}


@pytest.mark.no_cover
def test_no_rule_raises_on_a_template_of_every_type() -> None:
    templates = list(corpus(seed=1))
    found = [lint(template) for template in templates]

    assert len(templates) > 30
    # They are looked at, not passed over.
    assert min(found) > 5


ODD_RESOURCES = {
    "loop": {"Fn::ForEach::Things": ["X", ["a"], {"${X}": {"Type": "AWS::S3::Bucket"}}]},
    "no resources": {"A": None, "B": [], "C": "text", "D": {"Type": ["AWS::S3::Bucket"]}},
    "properties that are a list": {"A": {"Type": "AWS::S3::Bucket", "Properties": [1]}},
    "policies from elsewhere": {"A": {"Type": "AWS::IAM::Role", "Properties": {"Policies": {"Ref": "X"}}}},
}


@pytest.mark.no_cover
def test_cfn_lint_reports_no_error_of_a_rule_of_ours() -> None:
    matches = [match for each in ODD_RESOURCES.values() for match in runner().validate_template({"Resources": each})]
    errors = [match.message for match in matches if match.rule.id == "E0002"]

    assert [message for message in errors if "E91" in message or "W91" in message] == []
    # Those of ours did run.
    assert "E9131" in {match.rule.id for match in matches}
