"""What is required of running environments: drift that is found, alarms with actions, keys that may be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks import running
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.project import ENVIRONMENTS
from cicd_templates.errors import CicdError, DetachedError
from tests.fakes.answering_aws import FakeAws
from tests.unit.acceptance.check_context import check_context, stack, stacks

GROUPS = {"short": ("/acceptance/flow-log", 1), "long": ("/acceptance/audit", 365)}
UNREACHED = EndpointConnectionError(endpoint_url="https://monitoring")
KEY_POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": "kms:DescribeKey"},
        {"Effect": "Deny", "Action": ["kms:Encrypt"]},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]},
    ]
}


def rendered(folder: Path, *groups: str) -> None:
    place = folder / "build/abcde/staging-abcde"
    place.mkdir(parents=True)
    resources: dict[str, Any] = {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    for name in groups:
        group, days = GROUPS[name]
        properties = {"LogGroupName": group, "RetentionInDays": days}
        resources[name] = {"Type": "AWS::Logs::LogGroup", "Properties": properties}
    (place / "network.yaml").write_text(json.dumps({"Resources": resources}))


@pytest.mark.parametrize(
    ("codes", "problem"),
    [
        ([4, 0], ""),
        ([0, 0], "drift detection did not find a change that was made outside CloudFormation"),
        ([4, 4], "drift detection still finds drift"),
        ([1], "`drift` ended with 1"),
        ([4, 1], "`drift` ended with 1"),
    ],
)
def test_drift_is_found_and_taken_back(tmp_path: Path, codes: list[int], problem: str) -> None:
    rendered(tmp_path, "long", "short")
    made = check_context(tmp_path, {"drift": [Answer(code, "") for code in codes]}, {"logs.put_retention_policy": {}})
    if problem:
        with pytest.raises(CicdError, match=problem):
            running.show_drift(made)
    else:
        assert "found no drift after the change was undone" in running.show_drift(made)
    assert [(request["logGroupName"], request["retentionInDays"]) for _, request in made.clients("staging").calls] == [
        ("/acceptance/flow-log", 3),
        ("/acceptance/flow-log", 1),
    ]


def test_a_change_is_taken_back_when_the_credentials_expire_in_between(tmp_path: Path) -> None:
    rendered(tmp_path, "short")
    made = check_context(tmp_path, {"drift": Answer(75, "", "expired")}, {"logs.put_retention_policy": {}})
    with pytest.raises(DetachedError, match="expired"):
        running.show_drift(made)
    assert [request["retentionInDays"] for _, request in made.clients("staging").calls] == [3, 1]


def test_without_a_log_group_to_change_the_check_fails(tmp_path: Path) -> None:
    rendered(tmp_path, "long")
    with pytest.raises(CheckFailed, match="no template of staging has a log group"):
        running.show_drift(check_context(tmp_path))


def alarms(environment: str, *, topic: str = "operations", **properties: Any) -> FakeAws:
    name = f"acceptance-{environment}-abcde"
    resources = {
        "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": ["topic"], **properties}},
        "Group": {"Type": "AWS::Logs::LogGroup"},
    }
    answers = {
        "sns.list_topics": [{"Topics": [{"TopicArn": f"arn:aws:sns:eu-central-1:1:{name}-{topic}"}]}],
        "cloudformation.list_stacks": stacks(stack(f"{name}-health", "CREATE_COMPLETE")),
        "cloudformation.get_template": {"TemplateBody": json.dumps({"Resources": resources})},
    }
    return FakeAws(answers)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({}, "", id="all have one"),
        pytest.param({"AlarmActions": []}, "staging: health/Errors has no action", id="none"),
        pytest.param({"ActionsEnabled": False}, "staging: health/Errors has no action", id="disabled"),
        pytest.param({"topic": "developers"}, "staging has no topic for operations", id="no topic"),
    ],
)
def test_every_alarm_has_an_action(tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    aws = {name: alarms(name, **(options if name == "staging" else {})) for name in ENVIRONMENTS}
    made = check_context(tmp_path, aws=aws)
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            running.see_alarms(made)
    else:
        assert running.see_alarms(made).startswith("3 alarms of 3 environments have an action")


def test_an_environment_without_alarms_is_a_failure(tmp_path: Path) -> None:
    aws = {name: alarms(name) for name in ENVIRONMENTS}
    for fake in aws.values():
        fake.answers["cloudformation.list_stacks"] = stacks()

    with pytest.raises(CheckFailed, match="no alarm is deployed"):
        running.see_alarms(check_context(tmp_path, aws=aws))


def cloudwatch(names: list[str], histories: list[Any]) -> dict[str, Any]:
    """Return the answers of CloudWatch. A history has, oldest first, the states of the actions of an alarm."""

    def history(**request: Any) -> Any:
        states = histories[0] if len(histories) == 1 else histories.pop(0)
        if isinstance(states, Exception):
            return states
        items = [
            {
                "Timestamp": datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
                "HistoryData": json.dumps({"actionState": state}),
            }
            for minute, state in enumerate(states)
        ]
        return {"AlarmHistoryItems": items[::-1]}

    return {
        "cloudwatch.describe_alarms": [{"MetricAlarms": [{"AlarmName": name} for name in names]}],
        "cloudwatch.set_alarm_state": {},
        "cloudwatch.describe_alarm_history": history,
    }


@pytest.mark.parametrize(
    ("names", "histories", "problem"),
    [
        pytest.param(["a", "b"], [[], [], ["Succeeded"]] * 3, "", id="heard"),
        pytest.param(["a"], [[], UNREACHED, ["Succeeded"]] * 3, "", id="a poll without network"),
        pytest.param(["a"], [["Succeeded"], ["Succeeded", "Succeeded"]] * 3, "", id="heard twice"),
        pytest.param(["a"], [["Failed"]], "staging: the action of an alarm has not finished", id="not heard"),
        pytest.param(["a"], [["Succeeded"]], "the action of an alarm has not finished", id="of an earlier attempt"),
        pytest.param([], [[]], "staging has no alarm", id="no alarm"),
    ],
)
def test_an_alarm_is_heard_when_cloudwatch_says_so(
    tmp_path: Path, names: list[str], histories: list[Any], problem: str
) -> None:
    made = check_context(tmp_path, aws=cloudwatch(names, list(histories)))
    if problem:
        with pytest.raises(CicdError, match=problem):
            running.hear_alarms(made)
    else:
        assert "reached the encrypted topic" in running.hear_alarms(made)
    states = [request["StateValue"] for call, request in made.clients("tools").calls if "set_alarm" in call]
    assert states == ["ALARM", "OK"] * (len(states) // 2), "each alarm is taken back"
    assert len(states) == (2 * bool(names) if problem else 6)


def kms(*, state: str = "Enabled", rotated: bool = True, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "kms.describe_key": {"KeyMetadata": {"KeyId": "1", "KeyState": state}},
        "kms.get_key_rotation_status": {"KeyRotationEnabled": rotated},
        "kms.get_key_policy": {"Policy": json.dumps(policy or KEY_POLICY)},
    }


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({}, "", id="may be used"),
        pytest.param({"state": "Disabled"}, "the key of staging is Disabled", id="disabled"),
        pytest.param({"rotated": False}, "the key of staging is not rotated", id="not rotated"),
        pytest.param(
            {"policy": {"Statement": KEY_POLICY["Statement"][:2]}}, "nobody may use the key of staging", id="no use"
        ),
    ],
)
def test_every_key_may_be_used(tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    made = check_context(tmp_path, aws=kms(**options))
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            running.use_keys(made)
    else:
        assert running.use_keys(made).startswith("the KMS keys of 3 environments are enabled")
