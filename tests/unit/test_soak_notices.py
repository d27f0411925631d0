"""`make soak` counts a missing permission only if the action fails, or if an alarm notifies somebody of exactly it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.local.iam_decisions import ALLOWED, DENIED
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from tests.soak.notices import FAILED_ACTION, Alarms, deployed_alarms, how_noticed, logged_data

TOPIC = "arn:aws:sns:eu-west-1:1:on-call"
ROLE, ACTION = "parcels-courier-function", "sqs:SendMessage"
SESSION = f"arn:aws:sts::1:assumed-role/{ROLE}/s"
REASON = "the courier could not send: AccessDeniedException"
ALARM: dict[str, Any] = {
    "AlarmName": "lost-parcels",
    "Namespace": "Parcels",
    "MetricName": "Lost",
    "Dimensions": [{"Name": "Depot", "Value": "north"}],
    "Statistic": "Sum",
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "ActionsEnabled": True,
    "AlarmActions": [TOPIC],
}


def metric(name: str = "Lost", value: Any = 1, namespace: str = "Parcels", **dimensions: str) -> str:
    dimensions = dimensions or {"Depot": "north"}
    declared = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": [{"Name": name}]}
    return json.dumps({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [declared]}, **dimensions, name: value})


def row(decision: str = DENIED, action: str = ACTION, principal: str = SESSION) -> list[str]:
    return [principal, action, "arn:aws:sqs:eu-west-1:1:queue", decision, ""]


def noticed(
    log: str,
    state: ActionState = ActionState.SUCCEEDED,
    error: str = "",
    rows: list[list[str]] | None = None,
    subscribed: str = TOPIC,
    **alarm: Any,
) -> str:
    step = ActionProgress("Sort/Courier", "Lambda", state, error=error, log=log)
    return how_noticed(
        step, ROLE, ACTION, [row()] if rows is None else rows, Alarms([ALARM | alarm], frozenset({subscribed}))
    )


def test_a_denial_that_an_alarm_tells_is_noticed() -> None:
    assert noticed(f"START\n{REASON}\n{metric()}\nEND") == "the alarm lost-parcels"


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(REASON, id="only a message"),
        pytest.param(f"{REASON}: Lost 1", id="the name of the metric in a message"),
        pytest.param(metric(), id="no reason"),
        pytest.param(f"{REASON}\n{metric('Delayed')}", id="another metric"),
        pytest.param(f"{REASON}\n{metric(namespace='Letters')}", id="another namespace"),
        pytest.param(f"{REASON}\n{metric(Depot='south')}", id="another value of the dimension"),
        pytest.param(f"{REASON}\n{metric(Van='north')}", id="another dimension"),
        pytest.param(f"{REASON}\n{metric(Depot='north', Van='7')}", id="one dimension too many"),
        pytest.param(f"{REASON}\n{metric(value=0)}", id="a value that the alarm accepts"),
        pytest.param(f"{REASON}\n{metric(value=[0, 0])}", id="values that the alarm accepts"),
        pytest.param(f"{REASON}\n{metric(value='many')}", id="no number"),
        pytest.param(f"{REASON}\n{metric()[:-1]}", id="a line that was cut"),
        pytest.param(f"{REASON}\n{metric().replace('_aws', '_other')}", id="another format"),
        pytest.param(f'{REASON}\n{{"Lost": 1, "Depot": "north"}}', id="no directive"),
        pytest.param(f'{REASON}\n"text"\n7\nnull\n{{"_aws": []}}', id="other JSON"),
    ],
)
def test_a_log_that_raises_no_alarm_is_not_noticed(log: str) -> None:
    assert noticed(log) == ""


@pytest.mark.parametrize(
    "alarm",
    [
        pytest.param({"ActionsEnabled": False}, id="without its actions"),
        pytest.param({"AlarmActions": []}, id="without a topic"),
        pytest.param({"AlarmActions": [f"{TOPIC}-2"]}, id="with a topic without subscription"),
        pytest.param({"Threshold": 1.0}, id="above more than this"),
        pytest.param({"ComparisonOperator": "LessThanThreshold"}, id="below"),
        pytest.param({"ComparisonOperator": "LessThanLowerThreshold"}, id="outside of a band"),
        pytest.param({"EvaluationPeriods": 3}, id="of three periods"),
        pytest.param({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, id="of two of three periods"),
        pytest.param({"Dimensions": []}, id="without dimensions"),
        pytest.param({"Namespace": None, "MetricName": None, "Metrics": [{"Id": "m"}]}, id="of an expression"),
    ],
)
def test_an_alarm_that_would_notify_nobody_does_not_count(alarm: dict[str, Any]) -> None:
    assert noticed(f"{REASON}\n{metric()}", **alarm) == ""


@pytest.mark.parametrize(
    "alarm",
    [
        {"EvaluationPeriods": 3, "DatapointsToAlarm": 1},
        {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 5.0},
        {"ComparisonOperator": "LessThanOrEqualToThreshold", "Threshold": 5.0},
        {"ComparisonOperator": "LessThanThreshold", "Threshold": 6.0},
        {"Statistic": "SampleCount", "ComparisonOperator": "LessThanThreshold", "Threshold": 2.0},
        {"AlarmActions": ["arn:aws:lambda:eu-west-1:1:function:other", TOPIC]},
    ],
    ids=["one of three periods", "at least", "at most", "below", "a number of values", "a second action"],
)
def test_an_alarm_that_one_value_is_enough_for_counts(alarm: dict[str, Any]) -> None:
    assert noticed(f"{REASON}\n{metric(value=[5])}", **alarm) == "the alarm lost-parcels"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(ALLOWED)],
        [row(action="sqs:ReceiveMessage")],
        [row(principal="arn:aws:sts::1:assumed-role/other/s")],
    ],
    ids=["no decision", "allowed", "another action", "another role"],
)
def test_an_alarm_for_another_reason_does_not_count(rows: list[list[str]]) -> None:
    assert noticed(f"{REASON}\n{metric()}", rows=rows) == ""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (f"IAM denied: {SESSION} may not {ACTION} on arn:aws:sqs:eu-west-1:1:queue", FAILED_ACTION),
        (f"IAM denied: {SESSION} may not sqs:ReceiveMessage on arn:aws:sqs:eu-west-1:1:queue", ""),
        ("it reported nothing", ""),
    ],
)
def test_a_failed_action_must_name_the_permission(error: str, expected: str) -> None:
    assert noticed(f"{REASON}\n{metric()}", ActionState.FAILED, error) == expected


def test_each_metric_is_read_with_each_list_of_its_dimensions() -> None:
    declared = [
        {"Namespace": "A", "Dimensions": [["x"], ["x", "y"], []], "Metrics": [{"Name": "m"}, {"Name": "n"}]},
        {"Namespace": "B", "Dimensions": [["y"]], "Metrics": [{"Name": "n"}]},
    ]
    line = json.dumps({"_aws": {"CloudWatchMetrics": declared}, "x": "1", "y": "2", "m": [1, 2.5], "n": 3})
    one, two = ("x", "1"), ("y", "2")

    assert {(each.namespace, each.name, each.dimensions, each.value) for each in logged_data(f"text\n{line}")} == {
        *(("A", "m", frozenset(names), value) for names in ([one], [one, two], []) for value in (1.0, 2.5)),
        *(("A", "n", frozenset(names), 3.0) for names in ([one], [one, two], [])),
        ("B", "n", frozenset([two]), 3.0),
    }


class Pages:
    """A session with a client whose lists have two pages."""

    def __init__(self, **lists: list[Any]) -> None:
        self._lists = lists

    def client(self, service: str) -> Pages:
        assert service in ("cloudwatch", "sns")
        return self

    def get_paginator(self, operation: str) -> Pages:
        return Pages(**{operation: self._lists[operation]})

    def paginate(self) -> list[Any]:
        (pages,) = self._lists.values()
        return pages


def test_every_page_of_the_deployed_alarms_and_subscriptions_is_read() -> None:
    session: Any = Pages(
        describe_alarms=[{"MetricAlarms": [ALARM]}, {"MetricAlarms": [{**ALARM, "AlarmName": "late-parcels"}]}],
        list_subscriptions=[{"Subscriptions": [{"TopicArn": "other"}]}, {"Subscriptions": [{"TopicArn": TOPIC}]}],
    )

    assert deployed_alarms(session).raised_by(metric()) == ["lost-parcels", "late-parcels"]
