"""The actual state of resources, as a change set that reverts drift describes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.drift_aware import (
    ActualState,
    actual_states,
    ignored_drift,
    with_actual_states,
)
from cicd_templates.template import policy_diff


def change(status: str | None, **more: Any) -> dict[str, Any]:
    said = {"ResourceDriftStatus": status} if status else {}
    return {"LogicalResourceId": "Role", "Action": "Modify", **said, **more}


def context(**properties: Any) -> str:
    return json.dumps({"Properties": properties})


@pytest.mark.parametrize(
    ("described", "states"),
    [
        pytest.param(
            change("MODIFIED", BeforeContext=context(Path="/x"), AfterContext=context(Path="/")),
            {"Role": ActualState({"Path": "/x"}, {"Path": "/"})},
            id="changed",
        ),
        pytest.param(
            change("DELETED", AfterContext=context(Path="/")), {"Role": ActualState(None, {"Path": "/"})}, id="deleted"
        ),
        pytest.param(change("UNKNOWN"), {"Role": ActualState(None, None)}, id="without contexts"),
        pytest.param(
            change("MODIFIED", BeforeContext='{"Properties": {"Pol', AfterContext="[]"),
            {"Role": ActualState(None, None)},
            id="a context that was cut",
        ),
        pytest.param(
            change("MODIFIED", BeforeContext='{"Properties": []}', AfterContext='{"Tags": 1}'),
            {"Role": ActualState(None, None)},
            id="a context of another shape",
        ),
        pytest.param(change("IN_SYNC", BeforeContext=context()), {}, id="as in the template"),
        pytest.param(change(None, BeforeContext=context()), {}, id="added by the template"),
    ],
)
def test_each_drifted_resource_has_its_properties_before_and_after(
    described: dict[str, Any], states: dict[str, ActualState]
) -> None:
    assert actual_states([described]) == states


def role(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Policies": [{"PolicyName": "P", "PolicyDocument": {"Statement": [statement]}}]}


TEMPLATE = {"Role": {"Type": "AWS::IAM::Role", "Properties": role("s3:GetObject")}}


@pytest.mark.parametrize(
    ("state", "widens"),
    [
        pytest.param(ActualState(role("s3:GetObject"), role("s3:GetObject")), False, id="nothing changes"),
        pytest.param(ActualState(role("s3:GetObject", "s3:PutObject"), role("s3:GetObject")), False, id="less access"),
        pytest.param(ActualState(role("s3:ListBucket"), role("s3:GetObject")), True, id="access that was taken away"),
        pytest.param(ActualState(None, role("s3:GetObject")), True, id="the role was deleted"),
        pytest.param(ActualState(None, None), True, id="nobody knows"),
    ],
)
def test_access_is_compared_with_what_is_there_and_not_with_the_last_template(state: ActualState, widens: bool) -> None:
    before, after = with_actual_states({"Role": state}, TEMPLATE, TEMPLATE)

    assert policy_diff.compare("Role", before, after).widens is widens


def test_a_drifted_resource_that_the_template_no_longer_has_stays_away() -> None:
    state = ActualState(role("s3:GetObject"), None)

    assert with_actual_states({"Role": state}, TEMPLATE, {}) == ({}, {})


def test_drift_that_is_not_reverted_has_its_reason() -> None:
    reasons = ("MANAGED_BY_AWS", "WRITE_ONLY_PROPERTY", "SENSITIVE_PROPERTY", "SOMETHING_NEW")
    ignored = [{"Path": f"/{number}", "Reason": reason} for number, reason in enumerate(reasons)]

    assert ignored_drift(
        [change("MODIFIED", ResourceDriftIgnoredAttributes=[*ignored, {"Path": "/4"}]), change(None)]
    ) == (
        "Role /0 is not reverted: AWS manages it",
        "Role /1 is not reverted: AWS does not return its value",
        "Role /2 is not reverted: its value is a secret",
        "Role /3 is not reverted: SOMETHING_NEW",
        "Role /4 is not reverted: CloudFormation gives no reason",
    )
