"""Autoscaling: a minimum above the maximum and a table without a target are refused by their key."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.autoscaling import AutoscalingTable
from cicd_templates.config.validation import autoscaling


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        (
            {"minimum": 5, "maximum": 2, "cpu_percent": 50},
            "autoscaling.minimum",
            "5 is above the maximum of 2",
        ),
        ({"maximum": 4}, "autoscaling", "has no target"),
        (
            {"maximum": 4, "schedules": {"night": {"cron": "0 20 ? * * *", "minimum": 3, "maximum": 1}}},
            "autoscaling.schedules.night.minimum",
            "3 is above the maximum of 1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_limits_that_contradict_each_other_are_refused_by_their_key(
    settings: dict[str, Any], key: str, message: str
) -> None:
    ((problem_key, problem_message),) = autoscaling.problems(AutoscalingTable.model_validate(settings))

    assert problem_key == key
    assert message in problem_message
