"""Alarms that fill missing values with 0 must not depend on the newest value."""

from __future__ import annotations

import pytest

from cicd_templates.blocks.alarms import Metric, computed_alarm
from tests.conftest import environment

METRICS = {"a": Metric("AWS/ECS", "x", {}), "b": Metric("AWS/ECS", "y", {})}


@pytest.mark.parametrize(
    ("expression", "periods", "datapoints", "accepted"),
    [
        ("FILL(a, 0) + b", 3, None, False),
        ("FILL(a, 0)", 1, None, False),
        ("FILL(a, 0)", 2, 2, False),
        ("FILL(a, 0)", 4, 2, True),
        ("FILL(a, REPEAT)", 1, None, True),
        ("a - b", 5, None, True),
    ],
)
def test_an_alarm_waits_for_values_that_arrive_late(
    expression: str, periods: int, datapoints: int | None, accepted: bool
) -> None:
    def build() -> object:
        return computed_alarm(
            "Alarm", environment(), ["x"], "An alarm", METRICS, expression, above=0, tell=[], periods=periods,
            datapoints=datapoints,
        )  # fmt: skip

    if accepted:
        assert build()
        return
    with pytest.raises(ValueError, match="Alarm fills missing values with 0, so its `datapoints` must be less"):
        build()
