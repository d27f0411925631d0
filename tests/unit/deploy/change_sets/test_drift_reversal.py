"""The stacks whose drift a plan may revert."""

from __future__ import annotations

import pytest

from cicd_templates.deploy.change_sets.drift import DriftedResource, StackDrift
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from tests.fakes.rendered_stacks import rendered

EDITED = (DriftedResource("X", "AWS::SNS::Topic", "x.yaml:1", "MODIFIED"),)
UNREAD = (DriftedResource("X", "AWS::SNS::Topic", "x.yaml:1", "UNKNOWN"),)
WEIGHTS = "the change set would also revert the weights of listener rules, which ECS changes in a deployment"
RULES = "the change set would also remove the rules that other stacks add to security groups"
GROUP = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": []}}
STACKS = [
    rendered("topics", resources={"X": {"Type": "AWS::SNS::Topic", "Properties": {}}}),
    rendered("routes", resources={"R": {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {}}}),
    rendered("groups", resources={"G": GROUP}),
    rendered("clean", resources={"X": {"Type": "AWS::SNS::Topic", "Properties": {}}}),
]


@pytest.mark.parametrize(
    ("label", "resources", "reverted", "kept"),
    [
        ("topics", EDITED, True, ""),
        ("topics", UNREAD, False, ""),
        ("clean", (), False, ""),
        ("routes", EDITED, False, WEIGHTS),
        ("groups", EDITED, False, RULES),
        ("elsewhere", EDITED, False, "this plan leaves the stack out"),
    ],
)
def test_drift_is_reverted_unless_that_undoes_what_is_changed_on_purpose(
    label: str, resources: tuple[DriftedResource, ...], reverted: bool, kept: str
) -> None:
    drift = DetectedDrift((StackDrift(label, resources),), revert=True)

    assert [stack.label for stack in STACKS if drift.reverts(stack)] == ([label] if reverted else [])
    assert drift.kept(STACKS) == ({label: kept} if kept else {})


def test_drift_that_is_only_shown_is_not_reverted() -> None:
    drift = DetectedDrift((StackDrift("topics", EDITED), StackDrift("routes", EDITED)))

    assert not any(map(drift.reverts, STACKS))
    assert drift.kept(STACKS) == {}
