"""The variables of a run, and the references of a template."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.intrinsic_functions import resolve
from cicd_templates.rehearsal.pipeline_definition import Lock
from cicd_templates.rehearsal.pipeline_variables import is_open, namespaces, substitute

VARIABLES = {"Gate": {"Verdict": "PASS", "High": "0"}}


def test_a_variable_is_replaced_and_an_unknown_one_is_named() -> None:
    assert substitute("#{Gate.Verdict}: #{Gate.High} high", VARIABLES) == "PASS: 0 high"
    with pytest.raises(CicdError, match=r"#\{Gate.Low\}: Gate has exported High, Verdict, but not Low"):
        substitute("#{Gate.Low}", VARIABLES)
    with pytest.raises(CicdError, match="X has exported nothing, but not Y"):
        substitute("#{X.Y}", VARIABLES)


def test_namespaces_are_found_wherever_they_are_read() -> None:
    assert namespaces({"a": ["#{A.b}", {"c": "x #{B.c} #{C.d}"}], "d": 1}) == {"A", "B", "C"}


@pytest.mark.parametrize(
    ("variable", "operator", "value", "expected"),
    [
        ("#{Gate.Verdict}", "EQ", "PASS", True),
        ("#{Gate.Verdict}", "EQ", "pass", False),
        ("#{Gate.Verdict}", "NE", "FAIL", True),
        ("#{Gate.Verdict}", "CONTAINS", "AS", True),
        ("#{Gate.Verdict}", "MATCHES", "P.*", True),
        ("#{Gate.Verdict}", "MATCHES", "P", False),
        ("#{Gate.Missing}", "NE", "FAIL", False),
    ],
)
def test_a_lock_opens_for_its_value_alone(variable: str, operator: str, value: str, expected: bool) -> None:
    assert is_open(Lock("L", variable, operator, value), VARIABLES) is expected


def test_an_operator_that_codepipeline_has_not_is_an_error() -> None:
    with pytest.raises(CicdError, match="LIKE: CodePipeline's VariableCheck does not have this operator"):
        is_open(Lock("L", "#{Gate.Verdict}", "LIKE", "P"), VARIABLES)


NAMES = {"Bucket": "b-1", "Role.Arn": "arn:role", "AWS::Partition": "aws"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, "b-1"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:role"),
        ({"Fn::GetAtt": "Role.Arn"}, "arn:role"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/*"}, "arn:aws:s3:::b-1/*"),
        ({"Fn::Sub": ["${Own}/${Bucket}/${!Literal}", {"Own": {"Ref": "Bucket"}}]}, "b-1/b-1/${Literal}"),
        ({"a": [{"Ref": "Bucket"}, 1, True]}, {"a": ["b-1", 1, True]}),
        ({"a": 1, "b": {"Ref": "Bucket"}}, {"a": 1, "b": "b-1"}),
    ],
)
def test_references_are_resolved(value: Any, expected: Any) -> None:
    assert resolve(value, NAMES) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::Join": ["", []]}, "Fn::Join: a rehearsal does not support this function"),
        ({"Ref": "Nobody"}, "Nobody: the deployed stack has no parameter, resource or attribute with this name"),
    ],
)
def test_what_cannot_be_resolved_is_named(value: Any, expected: str) -> None:
    with pytest.raises(CicdError, match=expected):
        resolve(value, NAMES)
