"""Texts of two services count as equal if they differ only in names that come from the service."""

from __future__ import annotations

import pytest

from cicd_templates.review.service_names import with_placeholders


@pytest.mark.parametrize(
    ("service", "text", "expected"),
    [
        pytest.param("till", "build-till.JobRole: till/app.zip", "build-{service}.JobRole: {service}/app.zip"),
        pytest.param("till", "Store/till-shop-tools/App/*", "Store/{pipeline}/App/*", id="folder of artifacts"),
        pytest.param("general-ledger", "Store/general-ledger-shop-/App/*", "Store/{pipeline}/App/*", id="cut short"),
        pytest.param("app", "the application is apparent", "the application is apparent", id="part of a word"),
        pytest.param("till", "Store/till-shop-tools", "Store/{service}-shop-tools", id="a name and no folder"),
    ],
)
def test_what_is_named_after_a_service_gets_a_placeholder(service: str, text: str, expected: str) -> None:
    assert with_placeholders(text, service) == expected
