"""Rules that another stack adds to a security group are no drift; rules that somebody adds by hand are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.drift import drifted_resources
from cicd_templates.deploy.change_sets.security_group_rules import has_rules_of_others, is_rule_of_another_stack
from tests.unit.deploy.change_sets.test_drift import ENVIRONMENT, STACKS, aws, drifted

# As the stack `ingress` of the service adds it to the group of the load balancer, which the stack `cluster` has.
OURS = {
    "DestinationSecurityGroupId": "sg-0123",
    "Description": "Requests and health checks of parcel-dispatcher",
    "IpProtocol": "tcp",
    "FromPort": 8080,
    "ToPort": 8080,
}
NONE = {"CidrIp": "127.0.0.1/32", "Description": "Nothing", "IpProtocol": "-1"}


def difference(actual: Any, path: str = "/SecurityGroupEgress/1", kind: str = "ADD", expected: Any = None) -> Any:
    return {
        "PropertyPath": path,
        "ExpectedValue": json.dumps(expected),
        "ActualValue": json.dumps(actual),
        "DifferenceType": kind,
    }


WHOLE = "/SecurityGroupEgress"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(difference(OURS), True, id="a rule of the service"),
        pytest.param(difference([NONE, OURS], WHOLE, "NOT_EQUAL", [NONE]), True, id="in the whole list"),
        pytest.param(difference({**OURS, "ToPort": 9090}), False, id="other ports"),
        pytest.param(difference({**OURS, "Description": "mine"}), False, id="another description"),
        pytest.param(difference({**OURS, "IpProtocol": "-1"}), False, id="every protocol"),
        pytest.param(difference({**OURS, "CidrIp": "0.0.0.0/0"}), False, id="a range beside it"),
        pytest.param(difference(OURS, "/SecurityGroupIngress/1"), False, id="the other direction"),
        pytest.param(difference(OURS, kind="NOT_EQUAL", expected=NONE), False, id="instead of another rule"),
        pytest.param(difference([OURS], WHOLE, "NOT_EQUAL", [NONE]), False, id="a rule of the template is gone"),
        pytest.param(difference(None, WHOLE, "REMOVE", [NONE]), False, id="all rules are gone"),
        pytest.param(difference("all", "/SecurityGroupEgress/1"), False, id="no rule"),
        pytest.param(difference("b", "/GroupDescription", "NOT_EQUAL", "a"), False, id="another property"),
        pytest.param({**difference(OURS), "ActualValue": "text"}, False, id="no JSON"),
    ],
)
def test_only_a_rule_that_a_stack_of_the_environment_adds_is_expected(found: Any, expected: bool) -> None:
    assert is_rule_of_another_stack(found, ENVIRONMENT) is expected


@pytest.mark.parametrize(
    ("differences", "listed"),
    [([difference(OURS)], 0), ([difference(OURS), difference({**OURS, "ToPort": 1})], 1), ([], 1)],
    ids=["only ours", "one by hand beside it", "no details"],
)
def test_a_group_with_rules_of_other_stacks_alone_has_no_drift(differences: list[Any], listed: int) -> None:
    group = {**drifted("MODIFIED", *differences), "ResourceType": "AWS::EC2::SecurityGroup"}
    fake: Any = aws(describe_stack_resource_drifts={"StackResourceDrifts": [group]})

    assert len(list(drifted_resources(fake, STACKS["cluster"], ENVIRONMENT, "arn:stack", ["MODIFIED"]))) == listed


def test_drift_of_a_stack_whose_groups_list_rules_is_not_reverted_as_a_whole() -> None:
    assert has_rules_of_others(STACKS["cluster"])
    assert not has_rules_of_others(STACKS["keys"])
