"""Recognizes rules that another stack of the environment adds to a security group. These rules are not drift.

CloudFormation reports them as drift, because it compares a group only with the template that defines the group:
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1198
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cicd_templates.template.stack_template import StackTemplate

SECURITY_GROUP = "AWS::EC2::SecurityGroup"
# Each property in which a group lists its rules, and the resource type of a single rule of this kind.
RULE_TYPES = {
    "SecurityGroupEgress": "AWS::EC2::SecurityGroupEgress",
    "SecurityGroupIngress": "AWS::EC2::SecurityGroupIngress",
}
_RULE = re.compile(r"/(SecurityGroup(?:Egress|Ingress))(/\d+)?")
# The ids of groups and prefix lists are unknown in a template, so only their presence is compared.
_COMPARED = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "Description")
_UNKNOWN = ("DestinationSecurityGroupId", "SourceSecurityGroupId", "DestinationPrefixListId", "SourcePrefixListId")

Rule = tuple[str, ...]


def is_rule_of_another_stack(difference: Mapping[str, Any], environment: Iterable[StackTemplate]) -> bool:
    """Return whether a security group has drifted only because other stacks in `environment` have added rules to it.

    `difference` describes how the security group in AWS differs from its template.
    """
    found = _RULE.fullmatch(difference["PropertyPath"])
    if found is None:
        return False
    try:
        expected, actual = (json.loads(difference[key]) for key in ("ExpectedValue", "ActualValue"))
    except json.JSONDecodeError:
        return False
    if found[2]:
        added, removed = [actual], [] if difference["DifferenceType"] == "ADD" else [expected]
    else:
        added = [rule for rule in actual or () if rule not in (expected or ())]
        removed = [rule for rule in expected or () if rule not in (actual or ())]
    known = {_rule(resource["Properties"]) for resource in _resources(environment, RULE_TYPES[found[1]])}
    return not removed and all(isinstance(rule, dict) and _rule(rule) in known for rule in added)


def has_rules_of_others(stack: StackTemplate) -> bool:
    """Return whether CloudFormation could remove rules that other stacks added, if it reverted the drift of `stack`.

    If the properties of a security group list rules, CloudFormation treats every other rule of the group as drift.
    """
    return any(RULE_TYPES.keys() & resource["Properties"].keys() for resource in _resources([stack], SECURITY_GROUP))


def _resources(stacks: Iterable[StackTemplate], resource_type: str) -> Sequence[Mapping[str, Any]]:
    return [each for stack in stacks for each in stack.resources.values() if each["Type"] == resource_type]


def _rule(properties: Mapping[str, Any]) -> Rule:
    """Return the properties by which a security group rule in a template is compared with a rule in AWS."""
    return (
        *(str(properties.get(key, "")) for key in _COMPARED),
        *(str(key in properties) for key in _UNKNOWN),
    )
