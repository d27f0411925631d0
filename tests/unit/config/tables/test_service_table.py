"""The table of a service: what follows from the rollout that it chooses."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.service import ServiceTable


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 0),
        ({"rollback_on_alarm": True}, 0),
        ({"rollout": "blue-green", "bake_minutes": 9}, 9),
        ({"rollout": "canary"}, 10),
        ({"rollout": "linear"}, 5 + 5 * 4),
        ({"rollout": "linear", "linear": {"percent": 11, "bake_minutes": 1}}, 5 + 9),
        ({"rollout": "linear", "linear": {"percent": 100, "bake_minutes": 60}}, 5),
    ],
    ids=str,
)
def test_bake_times_add_up_as_cloudformation_adds_them(settings: dict[str, Any], expected: int) -> None:
    assert ServiceTable.model_validate(settings).total_bake_minutes == expected
