"""The text for a reviewer about the users of databases that releases create."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.review import environment_page
from cicd_templates.review.database_users import user_rows
from cicd_templates.review.reviewed_stacks import review_stacks
from tests.unit.review.conftest import one, resource, stack_of


def published(*users: str) -> dict[str, Any]:
    value = {"Fn::Join": [",", list(users)]}
    return {
        "LedgerUsersParameter": resource("SSM::Parameter", Type="StringList", Value=value),
        "LedgerHostParameter": resource("SSM::Parameter", Type="String", Value="host"),
        "LedgerUsersRole": resource("IAM::Role", AssumeRolePolicyDocument={"Statement": []}),
    }


def test_each_user_has_a_row_with_its_rights() -> None:
    users = published("readwrite_till:USAGE:CREATE", "read_reports:USAGE", "read_nothing")
    rows = user_rows(one(users, label="databases", layer="databases"))

    assert rows == [
        ("databases.Ledger", "readwrite_till", "the schema public", "yes", "each release"),
        ("databases.Ledger", "read_reports", "the schema public", "no", "each release"),
        ("databases.Ledger", "read_nothing", "nothing", "no", "each release"),
    ]


def test_a_parameter_of_another_layer_lists_no_users() -> None:
    assert user_rows(one(published("a:USAGE"), label="mine", layer="mine")) == []


@pytest.mark.parametrize(("layer", "expected"), [("databases", True), ("mine", False)])
def test_the_page_has_the_section_only_if_there_are_users(layer: str, expected: bool) -> None:
    stack = stack_of(published("read_reports:USAGE"), label=layer, layer=layer)
    review = environment_page.Review(review_stacks([stack]))
    (page,) = review.pages({stack.environment: environment_page.Overrides({}, ())}).values()

    assert ("## Users of databases" in page) is expected
    assert ("read\\_reports" in page or "read_reports" in page) is expected
