"""Databases that PostgreSQL or RDS would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from tests.conftest import environment, raw_configuration
from tests.unit.config.problems import problems_of


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        (
            "order",
            {},
            "databases.order: PostgreSQL reserves the name order; choose another name, or set database_name, such as"
            ' "order_data"',
        ),
        (
            "rates",
            {"database_name": "postgres"},
            "databases.rates: PostgreSQL reserves the name postgres; choose another name, or set database_name, such as"
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


PROVIDED = {
    "databases.RatesHost": "rates.example.internal",
    "databases.RatesGroupId": "sg-0123456789abcdef0",
    "databases.RatesResourceId": "db-ABCDEFGHIJKL01234",
}
REMEDY = 'set it to "by hand" in this environment, and create the users yourself'


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            ("environments/staging/provided", PROVIDED),
            "the database is `provided`, and releases do not know the administrator password of a provided database",
        ),
        (("pipeline/path", ["production"]), "no release goes to this environment"),
    ],
    ids=["provided", "not on the path"],
)
def test_releases_create_users_only_in_databases_of_the_project_in_environments_of_the_pipeline(
    edit: tuple[str, Any], reason: str
) -> None:
    created = ("databases/rates", {"users": "created"})
    by_hand = ("environments/staging/databases", {"rates": {"users": "by hand"}})

    assert problems_of(created, edit) == [
        f'environments.staging.databases.rates.users: cannot be "created", because {reason}; {REMEDY}'
    ]
    assert parse_configuration(raw_configuration(created, edit, by_hand), source="x")
    assert parse_configuration(raw_configuration(("databases/rates", {}), edit), source="x")
