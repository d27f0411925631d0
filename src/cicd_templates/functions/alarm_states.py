"""Reads the states that CloudWatch alarms had during a deployment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cicd_templates.functions.evidence_format import moment


def alarm_states(cloudwatch: Any, names: Sequence[str], began: datetime, ended: datetime) -> list[dict[str, Any]]:
    """Return an entry for each alarm: its state at `ended`, and its changes of state from `began` to `ended`.

    If an alarm cannot be read, its entry contains the reason. CloudWatch keeps the history of an alarm for 30
    days:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-history.html
    """
    return [_states(cloudwatch, name, began, ended) for name in sorted(names)]


def _states(cloudwatch: Any, name: str, began: datetime, ended: datetime) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    try:
        alarms = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmName=name,
            HistoryItemType="StateUpdate",
            StartDate=began,
            EndDate=ended,
            ScanBy="TimestampAscending",
        )
        items = [item for page in pages for item in page["AlarmHistoryItems"]]
    except ClientError as error:
        return {"name": name, "unread": error.response["Error"]["Code"]}
    if not alarms:
        return {"name": name, "unread": "there is no metric alarm with this name"}
    changes = [{"on": moment(item["Timestamp"]), "to": _new_state(item)} for item in items]
    return {"name": name, "state": alarms[0]["StateValue"], "changes": changes}


def _new_state(item: dict[str, Any]) -> str:
    """Return the new state of an alarm after a state change.

    If the data of the change contains no state, for example because the data is cut off, return the change's summary.
    """
    try:
        return str(json.loads(item["HistoryData"])["newState"]["stateValue"])
    except (KeyError, TypeError, ValueError):
        return str(item.get("HistorySummary", ""))
