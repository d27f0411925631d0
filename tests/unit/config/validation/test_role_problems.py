"""Roles: the permissions boundary must be a policy of the role's own account or of AWS."""

from __future__ import annotations

import pytest

from tests.conftest import configured
from tests.unit.config.problems import problems_of

KEY = "environments/staging/permissions_boundary"


def test_a_boundary_of_another_account_is_refused() -> None:
    assert problems_of((KEY, "arn:aws:iam::999999999999:policy/limit")) == [
        "environments.staging.permissions_boundary: belongs to account 999999999999; a role accepts only a policy of"
        " its own account, 222222222222"
    ]


@pytest.mark.parametrize("account", ["222222222222", "aws"])
def test_a_boundary_of_the_same_account_or_of_aws_is_accepted(account: str) -> None:
    arn = f"arn:aws:iam::{account}:policy/limit"

    assert configured((KEY, arn)).environments[1].settings.permissions_boundary == arn
