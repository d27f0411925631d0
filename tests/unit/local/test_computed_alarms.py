"""CloudWatch describes an alarm on an expression as in AWS: with its expression, and without a metric of its own."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import computed_alarms

COMMON = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 5}
QUERIES = [{"Id": "result", "Expression": "a / b"}]


def engine() -> Any:
    """Return a fake of the engine's module, whose function requires one metric and a threshold."""
    module: Any = ModuleType("provisioners")

    def describe(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if properties.get("Metrics"):
            raise ValueError("metric math is not supported")
        return {
            "AlarmName": name,
            "MetricName": properties["MetricName"],
            "Namespace": properties["Namespace"],
            "Threshold": float(properties["Threshold"]),
            "Statistic": properties.get("Statistic", "Average"),
            "ExtendedStatistic": None,
            "Period": properties.get("Period", 60),
            "Dimensions": properties.get("Dimensions", []),
            "Unit": None,
            "StateValue": "INSUFFICIENT_DATA",
            **{key: properties[key] for key in COMMON},
        }

    module._cw_metric_alarm_record = describe
    computed_alarms.register(module)
    return module


def test_an_alarm_on_one_metric_stays_as_it_is() -> None:
    metric = {"MetricName": "Lost", "Namespace": "Parcels", "Threshold": 3, "Period": 300, **COMMON}
    alarm = engine()._cw_metric_alarm_record("lost", metric)

    assert {key: alarm[key] for key in metric} == metric
    assert "Metrics" not in alarm


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"Threshold": 2}, {"Threshold": 2.0}, id="an expression"),
        pytest.param({"ThresholdMetricId": "band"}, {"ThresholdMetricId": "band"}, id="a band of expected values"),
    ],
)
def test_an_alarm_on_an_expression_has_no_metric_of_its_own(
    properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked = {**COMMON, **properties, "Metrics": QUERIES}

    assert engine()._cw_metric_alarm_record("ratio", asked) == {
        "AlarmName": "ratio",
        "StateValue": "INSUFFICIENT_DATA",
        "Metrics": QUERIES,
        **COMMON,
        **expected,
    }
    assert asked["Metrics"] is QUERIES
