"""Lets templates create alarms that the engine refuses: alarms on metric math, and alarms on bands of expected values.

CloudWatch describes such an alarm with `Metrics`, and without `MetricName`, `Namespace` and the other members about one
metric. The engine does not evaluate these alarms, so their state stays INSUFFICIENT_DATA:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

# The members of an alarm on one metric. The engine requires the first two in a template.
OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit")


def register(provisioners: ModuleType) -> None:
    """Replace the engine's function that makes an alarm from a template's properties.

    The new function also accepts the property `Metrics`. The engine looks the function up at each call, so it uses the
    new function at once.
    """
    describe = provisioners._cw_metric_alarm_record

    def describe_as_aws(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        if "Metrics" not in properties:
            return dict(describe(name, properties))
        others = {key: value for key, value in properties.items() if key != "Metrics"}
        # An alarm on a band of expected values has no threshold.
        missing = [key for key in (*OF_ONE_METRIC, "Threshold") if key not in properties]
        alarm = describe(name, {"MetricName": name, "Namespace": name, "Threshold": 0, **others})
        described = {key: value for key, value in alarm.items() if key not in missing}
        band = {key: properties[key] for key in ("ThresholdMetricId",) if key in properties}
        return {**described, "Metrics": properties["Metrics"], **band}

    provisioners._cw_metric_alarm_record = describe_as_aws  # type: ignore[attr-defined]
