"""Condition keys have the values that AWS gives them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import condition_keys


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("arn:aws:sts::111111111111:assumed-role/bandit/build-1", "arn:aws:iam::111111111111:role/bandit"),
        ("arn:aws:iam::111111111111:user/ada", "arn:aws:iam::111111111111:user/ada"),
        ("arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:root"),
    ],
)
def test_a_session_is_named_by_its_role(arn: str, role: str) -> None:
    assert condition_keys.role_of(arn) == role


def engine(value: Any) -> tuple[Any, Any]:
    evaluator, actions = ModuleType("evaluator"), ModuleType("actions")
    evaluator._resolve_condition_key = lambda key, context: value  # type: ignore[attr-defined] # the engine's
    actions.s3_service_context = lambda action, query, path, headers: {"s3:prefix": path}  # type: ignore[attr-defined] # the engine's
    condition_keys.register(evaluator, actions)
    return evaluator, actions


@pytest.mark.parametrize(
    ("key", "value", "answer"),
    [
        ("aws:PrincipalArn", "arn:aws:sts::111111111111:assumed-role/a/b", "arn:aws:iam::111111111111:role/a"),
        ("aws:PrincipalArn", None, None),
        ("aws:userid", "arn:aws:sts::111111111111:assumed-role/a/b", "arn:aws:sts::111111111111:assumed-role/a/b"),
    ],
)
def test_only_the_principals_arn_is_answered_otherwise(key: str, value: str | None, answer: str | None) -> None:
    evaluator, _ = engine(value)

    assert evaluator._resolve_condition_key(key, None) == answer


@pytest.mark.parametrize(
    ("headers", "context"),
    [
        ({"if-none-match": "*"}, {"s3:if-none-match": "*"}),
        ({"if-match": "etag"}, {"s3:if-match": "etag"}),
        ({"host": "s3"}, {}),
    ],
)
def test_a_conditional_write_says_so(headers: dict[str, str], context: dict[str, str]) -> None:
    _, actions = engine(None)

    assert actions.s3_service_context("s3:PutObject", {}, "key", headers) == {"s3:prefix": "key", **context}
