"""Databases that PostgreSQL or RDS would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import environment
from tests.unit.config.problems import problems_of


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        (
            "order",
            {},
            "databases.order: PostgreSQL reserves the name order; choose another one, or set database_name, such as"
            ' "order_data"',
        ),
        (
            "rates",
            {"database_name": "postgres"},
            "databases.rates: PostgreSQL reserves the name postgres; choose another one, or set database_name, such as"
            ' "postgres_data"',
        ),
        (
            "rates",
            {"min_capacity": 8},
            "databases.rates.min_capacity: 8 is more than max_capacity, 4; raise max_capacity",
        ),
        ("rates", {"max_capacity": 1.3}, "databases.rates.max_capacity: 1.3 is not possible; use steps of 0.5, such"),
        ("rates", {"database_name": "Rates"}, "databases.rates.database_name: 'Rates' is not allowed; use lower-case"),
        ("rates", {"version": "9"}, "databases.rates.version: "),
    ],
    ids=["a word of SQL", "a database of RDS", "capacities", "a step", "capitals", "version"],
)
def test_a_database_that_cannot_be_created_is_refused_once(name: str, settings: dict[str, Any], expected: str) -> None:
    (problem,) = problems_of((f"databases/{name}", settings))

    assert problem.startswith(expected)


def test_a_reserved_word_can_name_the_table_if_the_database_has_another_name() -> None:
    found = environment("staging", ("databases/order", {"database_name": "orders"}))

    assert found.databases["order"].name_in_cluster("order") == "orders"
