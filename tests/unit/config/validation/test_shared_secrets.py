"""A secret of one environment that another one would read is refused. A secret that environments share is accepted."""

from __future__ import annotations

import pytest

from tests.conftest import RAW, configured
from tests.unit.config.problems import SERVICE, problems_of

STAGING_ARN = "arn:aws:secretsmanager:eu-central-1:222222222222:secret:{}-Ab12Cd"


def expected(source: str, owner: str, reader: str) -> list[str]:
    placeholder = "write {environment} in the path of the secret, or " if source.startswith("/") else ""
    return [
        f"services.parcel-dispatcher.secrets.DATABASE: {source} belongs to {owner}, but {reader} would read it as well;"
        f" {placeholder}give each environment a secret of its own: set the variable in the table"
        " environments.<name>.services.parcel-dispatcher.secrets"
    ]


@pytest.mark.parametrize(
    ("source", "owner", "reader"),
    [
        pytest.param("/shipping/staging/database", "staging", "production", id="a step of a path"),
        pytest.param("/shipping-production/database", "production", "staging", id="with the project"),
        pytest.param(STAGING_ARN.format("database"), "staging", "production", id="the account of an ARN"),
        pytest.param(
            "arn:aws:secretsmanager:eu-central-1:999999999999:secret:production/database-Ab12Cd",
            "production",
            "staging",
            id="the name in an ARN of a third account",
        ),
        pytest.param(
            "arn:aws:secretsmanager:eu-central-1:999999999999:secret:pay/Production-Ab12Cd:password::",
            "production",
            "staging",
            id="the last step of a name, before one of its keys",
        ),
    ],
)
def test_a_secret_of_one_environment_is_not_read_by_another(source: str, owner: str, reader: str) -> None:
    assert problems_of((f"{SERVICE}/secrets", {"DATABASE": source})) == expected(source, owner, reader)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("database", id="a name, which every environment has"),
        pytest.param("/shipping/tools/database", id="tools, where nothing of the service runs"),
        pytest.param("/staging-area/prestaging/my-staging-key", id="words that contain the name"),
        pytest.param("/staging/production/database", id="both"),
        pytest.param("arn:aws:secretsmanager:eu-central-1:999999999999:secret:database-Ab12Cd", id="a third account"),
    ],
)
def test_a_secret_that_belongs_to_no_single_environment_is_shared(source: str) -> None:
    assert configured((f"{SERVICE}/secrets", {"DATABASE": source}))


@pytest.mark.parametrize("name", ["database", "staging/database"])
@pytest.mark.parametrize("edit", [f"{SERVICE}/secrets", f"environments/production/{SERVICE}/secrets"])
def test_a_secret_in_another_partition_is_only_this_problem(edit: str, name: str) -> None:
    source = f"arn:aws-cn:secretsmanager:cn-north-1:222222222222:secret:{name}-Ab12Cd"

    assert problems_of((edit, {"DATABASE": source})) == [
        f"{edit.replace('/', '.')}.DATABASE: {source} is in the partition aws-cn, but eu-central-1 is in aws; name a"
        " secret that a task in eu-central-1 can read"
    ]


def test_an_environment_may_name_a_secret_of_another_account_itself() -> None:
    source = STAGING_ARN.format("database")
    of_production = ("environments/production/services/parcel-dispatcher/secrets", {"DATABASE": source})

    assert configured((f"{SERVICE}/secrets", {"DATABASE": source}), of_production)


@pytest.mark.parametrize(
    "source",
    ["/shipping/staging/database", "/STAGING", STAGING_ARN.format("pay/staging"), STAGING_ARN.format("staging/x")],
)
def test_an_environment_does_not_name_a_secret_of_another_one_itself(source: str) -> None:
    of_production = ("environments/production/services/parcel-dispatcher/secrets", {"DATABASE": source})

    assert problems_of(of_production) == [
        f"environments.production.services.parcel-dispatcher.secrets.DATABASE: {source} belongs to staging, but"
        " production would read it; use a secret of production. If the path of a secret contains the name of an"
        " environment, only this environment may read the secret"
    ]


def test_an_environment_is_known_by_any_name_and_with_its_suffix() -> None:
    renamed = ("environments/blue", {**RAW["environments"]["staging"], "suffix": "eu2"})
    path = ("pipeline/path", ["blue", "production"])
    source = (f"{SERVICE}/secrets", {"DATABASE": "/pay/blue-eu2/database"})

    assert problems_of(("environments/staging", ...), renamed, path, source) == [
        problem.replace("staging", "blue") for problem in expected("/pay/blue-eu2/database", "blue", "production")
    ]


def test_each_environment_reads_the_path_with_its_own_name() -> None:
    configuration = configured((f"{SERVICE}/secrets", {"DATABASE": "/pay/{environment}/{environment}-db"}))

    assert [
        environment.services[0].settings.secrets["DATABASE"]
        for environment in configuration.environments
        if environment.kind == "runtime"
    ] == ["/pay/staging/staging-db", "/pay/production/production-db"]


def test_in_one_account_the_account_tells_nothing() -> None:
    together = [(f"environments/{name}/account", "222222222222") for name in ("tools", "staging", "production")]
    certificate = "arn:aws:acm:eu-central-1:222222222222:certificate/00000000-0000-4000-8000-000000000003"
    moved = ("environments/production/certificate_arn", certificate)

    assert configured((f"{SERVICE}/secrets", {"DATABASE": STAGING_ARN.format("db")}), moved, *together)
