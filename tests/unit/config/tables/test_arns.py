"""Every ARN in the configuration must name exactly one resource, because a wildcard would grant access to many."""

from __future__ import annotations

import re

import pytest

from cicd_templates.config.tables.table import Table
from tests.unit.config.problems import PRODUCTION, SERVICE, STAGING, problems_of

ROLE = "arn:aws:iam::222222222222:role/"
ARNS = [
    (f"{SERVICE}/github", "connection_arn", "arn:aws:codeconnections:eu-central-1:111111111111:connection/"),
    (f"{STAGING}", "role_arn", ROLE),
    (f"{STAGING}", "permissions_boundary", "arn:aws:iam::222222222222:policy/"),
    (f"{STAGING}", "certificate_arn", "arn:aws:acm:eu-central-1:222222222222:certificate/"),
    (f"{PRODUCTION}/provided", "keys.KeyArn", "arn:aws:kms:eu-central-1:333333333333:key/"),
    (f"{SERVICE}/secrets", "TOKEN", "arn:aws:secretsmanager:eu-central-1:222222222222:secret:"),
    (f"{SERVICE}", "secret_keys", "arn:aws:kms:eu-central-1:222222222222:key/"),
]


@pytest.mark.parametrize("end", ["*", "a*", "?", "a?b"])
@pytest.mark.parametrize(("table", "key", "begin"), ARNS, ids=[key for _, key, _ in ARNS])
def test_a_wildcard_is_refused_in_every_arn(table: str, key: str, begin: str, end: str) -> None:
    value = [begin + end] if key == "secret_keys" else begin + end
    problems = problems_of(
        (table, {key: value}) if key.endswith(("Arn", "TOKEN")) or "github" in table else (f"{table}/{key}", value)
    )
    path = f"{table}/{key}".replace("/", ".")

    assert any(
        re.match(rf"{re.escape(path)}(\.\d+|\[\d+\])?: ", problem) and (begin + end)[:50] in problem
        for problem in problems
    ), problems


def test_every_field_with_an_arn_is_in_the_table_above() -> None:
    def tables(parent: type[Table]) -> list[type[Table]]:
        return [table for child in parent.__subclasses__() for table in (child, *tables(child))]

    named = {name for table in tables(Table) for name in table.model_fields if name.endswith("arn")}

    assert named <= {key for _, key, _ in ARNS}
