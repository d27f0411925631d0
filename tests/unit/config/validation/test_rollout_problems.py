"""Rollouts: combinations of settings that CloudFormation refuses or that never end are refused by their key."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation import rollouts

ALARMS = {"rollback_on_alarm": True}
HOOKS = {"hooks": ["verify-image", "smoke"]}


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        (
            {"rollout": "canary", "bake_minutes": 1000, "canary": {"bake_minutes": 1000}, **ALARMS},
            "bake_minutes",
            "2000",
        ),
        ({"rollout": "canary"}, "rollout", "a canary deployment whose tasks do not start would last until"),
        ({"rollout": "blue-green", **HOOKS}, "rollout", "whose tasks do not start"),
        (
            {"rollout": "blue-green", "bake_minutes": 0, **ALARMS},
            "bake_minutes",
            "0 is too short, because alarms may need three minutes",
        ),
        ({"rollout": "linear", "linear": {"bake_minutes": 2}, **ALARMS}, "linear.bake_minutes", "2 is too short"),
        (
            {"rollout": "linear", "circuit_breaker": True, **ALARMS},
            "circuit_breaker",
            "ECS has no circuit breaker for linear",
        ),
        ({"hooks": ["smoke"]}, "hooks", "ECS runs hooks only while requests shift"),
        ({"circuit_breaker": False}, "circuit_breaker", "tries to start a failing release for three hours"),
        ({"backend_tls": True}, "image", "the default image serves only plain HTTP"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_rollout_that_could_not_end_is_refused_by_its_key(settings: dict[str, Any], key: str, message: str) -> None:
    ((problem_key, problem_message),) = rollouts.problems(ServiceTable.model_validate(settings))

    assert problem_key == key
    assert message in problem_message
