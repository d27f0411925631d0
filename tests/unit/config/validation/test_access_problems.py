"""Credentials of the deployer: the options of AssumeRole are refused without a role."""

from __future__ import annotations

import pytest

from tests.conftest import environment
from tests.unit.config.problems import STAGING, problems_of

ROLE = (f"{STAGING}/role_arn", "arn:aws:iam::222222222222:role/deployer")


@pytest.mark.parametrize("option", ["external_id", "role_session_name", "source_identity"])
def test_an_option_of_a_role_is_refused_without_the_role(option: str) -> None:
    given = (f"{STAGING}/{option}", "ours-7")

    (problem,) = [problem for problem in problems_of(given) if f"environments.staging.{option}: " in problem]
    assert "needs role_arn; add role_arn or, if the AWS profile assumes the role, set " in problem
    assert getattr(environment("staging", given, ROLE).settings, option) == "ours-7"
