"""Reading any template: functions, conditions, and unexpected forms."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.template.template import Template

from cicd_templates.rules.policy_statements import account_of, refers_to
from cicd_templates.rules.reading import EACH, Resource, known_text


def resource(body: dict[str, Any], **sections: Any) -> Resource:
    template = Template(None, {**sections, "Resources": {"Thing": body}}, ["eu-central-1"])
    return Resource("Thing", body, template)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="text"),
        pytest.param({"Fn::Sub": "a-${B}"}, "a-${B}", id="Sub"),
        pytest.param({"Fn::Sub": ["a-${B}", {"B": "c"}]}, "a-${B}", id="Sub with values"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "B"}, {"Fn::Sub": "c"}]]}, "a-${}-c", id="Join"),
        pytest.param({"Fn::Join": ["-", {"Ref": "List"}]}, None, id="Join of a list that is not known"),
        pytest.param({"Fn::Join": "odd"}, None, id="Join that is none"),
        pytest.param({"Fn::Sub": []}, None, id="Sub of nothing"),
        pytest.param({"Ref": "B"}, None, id="Ref"),
        pytest.param(7, None, id="number"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_a_text_is_spelled_as_far_as_the_template_does(value: Any, expected: str | None) -> None:
    assert known_text(value) == expected


@pytest.mark.parametrize(
    ("properties", "keys", "expected"),
    [
        pytest.param({"A": {"B": 1}}, ("A", "B"), [(1, ("A", "B"))], id="there"),
        pytest.param({"A": {}}, ("A", "B"), [(None, ("A",))], id="absent, where it would be"),
        pytest.param({"A": "text"}, ("A", "B"), [(None, ("A",))], id="below a text there is nothing"),
        pytest.param({"A": {"Ref": "X"}}, ("A",), [({"Ref": "X"}, ("A",))], id="a function as it stands"),
        pytest.param({"A": {"Fn::FindInMap": ["X", "Y", "Z"]}}, ("A", "B"), [], id="below a function nothing is known"),
        pytest.param({"A": [1, 2]}, ("A", EACH), [(1, ("A", 0)), (2, ("A", 1))], id="each of a list"),
        pytest.param({"A": 1}, ("A", EACH), [(1, ("A",))], id="each of what is no list"),
        pytest.param({"A": {"Ref": "X"}}, ("A", EACH), [({"Ref": "X"}, ("A",))], id="each of what is made elsewhere"),
        pytest.param({}, ("A", EACH), [], id="each of nothing"),
        pytest.param({"A": [{"Ref": "AWS::NoValue"}, 2]}, ("A", EACH), [(2, ("A", 1))], id="no value is no item"),
        pytest.param(
            {"A": {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}},
            ("A",),
            [(1, ("A", "Fn::If", 1)), (None, ("A", "Fn::If", 2))],
            id="both branches of a condition",
        ),
        pytest.param({"A": {"Fn::If": ["C", 1]}}, ("A",), [], id="a condition with one branch"),
        pytest.param({"A": {"Fn::If": [{"Ref": "C"}, 1, 2]}}, ("A",), [], id="a condition without a name"),
        pytest.param({"A": {"Fn::If": "C"}}, ("A",), [], id="a condition that is none"),
    ],
)
def test_a_path_leads_to_what_can_stand_there(
    properties: dict[str, Any], keys: tuple[str, ...], expected: list[tuple[Any, tuple[str | int, ...]]]
) -> None:
    found = resource({"Type": "A::B::C", "Properties": properties}).properties(*keys)

    assert [(each.value, each.path[1:]) for each in found] == expected


def test_a_branch_that_contradicts_the_one_around_it_is_not_taken() -> None:
    inner = {"Fn::If": ["Production", "inner yes", "inner no"]}
    body = {"Type": "A::B::C", "Properties": {"A": {"Fn::If": ["Production", inner, "outer no"]}}}
    conditions = {"Production": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}}
    found = resource(body, Conditions=conditions, Parameters={"Stage": {"Type": "String"}}).properties("A")

    assert [each.value for each in found] == ["inner yes", "outer no"]


@pytest.mark.parametrize("metadata", [None, "text", [], {"CicdTemplates": "text"}, {}])
def test_a_template_without_facts_has_none_and_is_taken_for_protected(metadata: Any) -> None:
    found = resource({"Type": "A::B::C"}, Metadata=metadata)

    assert found.facts == {}
    assert found.protected


def test_a_disposable_environment_is_not_protected() -> None:
    assert not resource({"Type": "A::B::C"}, Metadata={"CicdTemplates": {"Protection": "disposable"}}).protected


@pytest.mark.parametrize(
    ("principal", "account"),
    [
        ("111111111111", "111111111111"),
        ("arn:aws:iam::111111111111:root", "111111111111"),
        ("arn:${AWS::Partition}:iam::111111111111:root", "111111111111"),
        ("arn:${AWS::Partition}:iam::${AWS::AccountId}:root", "this"),
        ("arn:aws:iam::111111111111:role/one", None),
        ("${}", None),
        ("*", None),
    ],
)
def test_a_principal_that_is_a_whole_account_is_known(principal: str, account: str | None) -> None:
    assert account_of(principal) == account


@pytest.mark.parametrize(
    ("value", "leads"),
    [
        ({"Ref": "Thing"}, True),
        ({"Ref": "Other"}, False),
        ({"Fn::GetAtt": ["Thing", "Arn"]}, True),
        ({"Fn::GetAtt": "Thing.Arn"}, True),
        ({"Fn::GetAtt": []}, False),
        ({"Fn::GetAtt": 7}, False),
        ({"Fn::Sub": "Thing"}, False),
        ({"Ref": "Thing", "More": 1}, False),
        ("Thing", False),
    ],
)
def test_a_reference_leads_to_a_resource_or_elsewhere(value: Any, leads: bool) -> None:
    assert refers_to(resource({"Type": "A::B::C"}), value) is leads
