"""The table of a service: the values that follow from its rollout strategy."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.service import ServiceTable
from tests.conftest import configured
from tests.unit.config.problems import SERVICE, problems_of

ARN = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:database-Ab12Cd"


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


def test_variables_with_secrets_are_refused_by_name_with_the_way_out_and_without_the_value() -> None:
    # The shape of a key in two parts, so that no scanner takes this file for a leak.
    values = {
        "KEY_ID": "AKIA" + "A2B3C4D5E6F7G2H3",
        "DATABASE_URL": "postgres://app:Xk29fjw0@db/pay",
        "SSHPASS": "summer",
        "HOST": "db",
    }

    assert problems_of((f"{SERVICE}/environment", values)) == [
        "services.parcel-dispatcher.environment: KEY_ID (its value contains an AWS access key) and DATABASE_URL (its"
        " value contains a password) and SSHPASS (its name is that of a secret) would be a secret that everybody can"
        ' read in the template; move it to `secrets`, as KEY_ID = "a-name", and set its value with `make secret`'
    ]


def test_a_secret_in_one_environment_is_refused_at_its_place() -> None:
    [problem] = problems_of((f"environments/staging/{SERVICE}/environment", {"API_TOKEN": "summer"}))

    assert problem.startswith(
        "environments.staging.services.parcel-dispatcher.environment: API_TOKEN (its name is that of a secret) would"
    )


@pytest.mark.parametrize("source", [f"{ARN}:password::", f"{ARN}:db.user-name::", ARN, "/pay/{environment}", "/pay"])
def test_a_source_of_a_secret_is_accepted(source: str) -> None:
    assert configured((f"{SERVICE}/secrets", {"DATABASE": source}))


@pytest.mark.parametrize(
    "source",
    [
        f"{ARN}:password",
        f"{ARN}:::",
        f"{ARN}:password:AWSCURRENT:",
        f"{ARN}:*::",
        f"{ARN}:a:b::",
        "database:password::",
        "/pay/database:password::",
        "/pay/{env}",
        "/pay/{environment",
        "{environment}/pay",
        "pay-{environment}",
        ARN.replace("database", "{environment}"),
    ],
)
def test_another_source_of_a_secret_is_refused_with_the_three_forms(source: str) -> None:
    [problem] = problems_of((f"{SERVICE}/secrets", {"DATABASE": source}))

    assert problem.startswith("services.parcel-dispatcher.secrets.DATABASE: '")
    assert problem.endswith("append the key to the ARN, as in :password::")
