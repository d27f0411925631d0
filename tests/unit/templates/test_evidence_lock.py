"""The lock on the evidence bucket: only where the configuration asks for it, and who can open it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import rendered_stacks

TOOLS = "environments/tools/protection"


def storage(evidence: dict[str, Any], protection: str = "protected", suffix: str | None = None) -> dict[str, Any]:
    stacks = rendered_stacks(("evidence", evidence), (TOOLS, protection), suffix=suffix)
    (resources,) = [
        stack.template.resources
        for stack in stacks
        if stack.environment.kind == "tools" and stack.path.endswith("/storage.yaml")
    ]
    return dict(resources)


def expiration(bucket: dict[str, Any]) -> int:
    (days,) = [
        rule["ExpirationInDays"]
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    ]
    return int(days)


def test_without_a_choice_no_bucket_is_locked() -> None:
    resources = storage({})

    assert not [name for name, each in resources.items() if "ObjectLockConfiguration" in each["Properties"]]
    assert "RefuseToBypassTheLock" not in str(resources["EvidencePolicy"])


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("protection", "suffix", "evidence", "mode", "closed"),
    [
        pytest.param("protected", None, {"lock_days": 30}, "GOVERNANCE", True, id="protected"),
        pytest.param("disposable", None, {"lock_days": 30}, "GOVERNANCE", False, id="disposable"),
        pytest.param(
            "protected", None, {"lock_days": 30, "lock_mode": "compliance"}, "COMPLIANCE", True, id="compliance"
        ),
        pytest.param("protected", "pr7", {"lock_days": 30, "lock_mode": "compliance"}, "GOVERNANCE", True, id="a copy"),
    ],
)
def test_only_the_evidence_is_locked_and_only_a_disposable_environment_can_open_the_lock(
    protection: str, suffix: str | None, evidence: dict[str, Any], mode: str, closed: bool
) -> None:
    resources = storage(evidence, protection, suffix)
    locked = [name for name, each in resources.items() if "ObjectLockConfiguration" in each["Properties"]]
    properties = resources["Evidence"]["Properties"]

    assert locked == ["Evidence"]
    assert properties["ObjectLockEnabled"] is True
    assert properties["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": mode, "Days": 30}},
    }
    denials = [
        statement
        for statement in resources["EvidencePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if statement["Sid"] == "RefuseToBypassTheLock"
    ]
    assert bool(denials) == closed
    for statement in denials:
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Action"] == ["s3:BypassGovernanceRetention"]


def test_a_change_of_the_lock_notifies_security_and_operations() -> None:
    rule = storage({"lock_days": 30})["EvidenceLockChangedRule"]["Properties"]

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["s3.amazonaws.com"],
            "eventName": [
                "DeleteBucketPolicy",
                "PutBucketObjectLockConfiguration",
                "PutBucketPolicy",
                "PutObjectLockConfiguration",
            ],
            "requestParameters": {"bucketName": [{"Ref": "Evidence"}]},
        },
    }
    assert [target["Id"] for target in rule["Targets"]] == ["Security", "Operations"]
    assert "<who> has called <call>" in rule["Targets"][0]["InputTransformer"]["InputTemplate"]


def test_evidence_without_a_lock_has_no_rule_about_a_lock() -> None:
    assert "EvidenceLockChangedRule" not in storage({})


@pytest.mark.no_cover
@pytest.mark.parametrize(("days", "expected"), [(30, 1096), (1096, 1096), (3653, 3653)])
def test_locked_evidence_does_not_expire_before_its_lock_ends(days: int, expected: int) -> None:
    assert expiration(storage({"lock_days": days})["Evidence"]) == expected
