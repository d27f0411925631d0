"""Names: no two things may get the same name in AWS."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.reserved_words import AFTER_A_SERVICE, OF_A_PIPELINE, OF_AN_ENVIRONMENT
from tests.conftest import RAW, configured
from tests.unit.config.problems import SERVICE, problems_of

BANDIT = {"preset": "bandit"}


def service(number: int = 200, *checks: str) -> dict[str, Any]:
    return {"path_pattern": f"/{number}/*", "checks": dict.fromkeys(checks or ("bandit",), BANDIT)}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("environments/production/suffix", "x"), ("environments/production-x", RAW["environments"]["production"])],
            "environments.production.suffix: 'x' gives production and production-x the same names",
            id="suffix that makes two environments one",
        ),
    ],
)
def test_environments_with_equal_names_are_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [
                (f"{SERVICE}/checks/snyk", ...),
                (f"{SERVICE}/checks/app-1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/app1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/safety", ...),
            ],
            "services.parcel-dispatcher.checks.app1: app-1 and app1 differ only by a hyphen; choose another name",
            id="checks with one logical id",
        ),
        pytest.param(
            [("queues/late-2", {}), ("queues/late2", {})],
            "queues.late2: late-2 and late2 differ only by a hyphen; choose another name",
            id="queues with one logical id",
        ),
        pytest.param(
            [("tables/late-2", {"partition_key": "id"}), ("tables/late2", {"partition_key": "id"})],
            "tables.late2: late-2 and late2 differ only by a hyphen; choose another name",
            id="tables with one logical id",
        ),
        pytest.param(
            [("queues/bills", {}), ("tables/bills", {"partition_key": "id"})],
            "tables.bills: bills is also the name of a queue, so bills in the `uses` of a service would be ambiguous;",
            id="a queue and a table with one name",
        ),
        pytest.param(
            [("tables/bills", {"partition_key": "id"}), ("databases/bills", {})],
            "databases.bills: bills is also the name of a table, so bills in the `uses` of a service would be",
            id="a table and a database with one name",
        ),
    ],
)
def test_names_that_share_a_logical_id_are_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize(
    ("project", "resource_type", "beginning"),
    [
        ("internal-pay", "AWS::ElasticLoadBalancingV2::LoadBalancer", "internal-"),
        ("sg", "AWS::EC2::SecurityGroup", "sg-"),
        ("awsome", "AWS::SSM::Parameter", "/aws"),
        ("ssm", "AWS::SSM::Parameter", "/ssm"),
        ("amzn-s3-demo", "AWS::S3::Bucket", "amzn-s3-demo-"),
        ("sthree-x", "AWS::S3::Bucket", "sthree-"),
    ],
)
def test_no_name_of_a_project_begins_names_that_aws_reserves(project: str, resource_type: str, beginning: str) -> None:
    assert problems_of(("project/name", project)) == [
        f"project.name: {project!r} is not possible, because AWS reserves names of {resource_type} that begin with"
        f" {beginning}; choose another name"
    ]


@pytest.mark.parametrize("project", ["internals", "intern", "sgx", "laws", "pay-aws", "sthrees", "ss"])
def test_a_project_is_called_almost_as_aws_does(project: str) -> None:
    assert configured(("project/name", project)).project.name == project


@pytest.mark.parametrize("word", sorted(OF_AN_ENVIRONMENT))
def test_no_service_is_named_like_what_names_of_an_environment_begin_with(word: str) -> None:
    for name, why in (
        (word, f"{word} is reserved, because the names of other resources begin with it"),
        (
            f"{word}-x",
            f"resources of {word}-x could get the same names as other resources, whose names begin with {word}",
        ),
    ):
        assert problems_of((f"services/{name}", service())) == [f"services.{name}: {why}; choose another name"]


def test_no_service_is_the_beginning_of_such_a_word() -> None:
    # Its check `source-x` would have a role that the artifacts' bucket takes for a source action's.
    assert problems_of(("services/action", service())) == [
        "services.action: resources of action could get the same names as other resources, whose names begin with"
        " action-source; choose another name"
    ]


@pytest.mark.parametrize("word", sorted(AFTER_A_SERVICE | OF_A_PIPELINE))
def test_no_check_is_named_like_another_resource_of_the_pipeline(word: str) -> None:
    reasons = {word: f"{word} is already the name of another resource of the pipeline"}
    if word in AFTER_A_SERVICE:
        reasons[f"{word}-x"] = f"{word}-x could be confused with {word}, the name of another resource of the pipeline"
    for name, reason in reasons.items():
        assert problems_of((f"{SERVICE}/checks", {name: BANDIT})) == [
            f"services.parcel-dispatcher.checks.{name}: {reason}; choose another name"
        ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("imagescan", "imagescan could be confused with image-scan, the name of another resource of the pipeline"),
        ("review-staging", "review-staging is already an action of the pipeline"),
        ("reviewproduction", "review-production is already an action of the pipeline"),
        ("attest-staging", "attest-staging is already an action of the pipeline"),
        ("check-production", "check-production is already an action of the pipeline"),
        ("staging-smoke-test", "staging-smoke-test is already an action of the pipeline"),
        ("productionapprove", "production-approve is already an action of the pipeline"),
    ],
)
def test_a_check_is_no_action_of_the_pipeline_either_with_or_without_hyphens(name: str, expected: str) -> None:
    assert problems_of((f"{SERVICE}/checks", {name: BANDIT})) == [
        f"services.parcel-dispatcher.checks.{name}: {expected}; choose another name"
    ]


def test_checks_whose_actions_would_share_a_role_are_refused() -> None:
    # Roles of actions have lower-case names: UnitTests and Unittests are one.
    assert problems_of((f"{SERVICE}/checks", {"lint-all": BANDIT, "lintall": BANDIT})) == [
        "services.parcel-dispatcher.checks.lintall: lint-all and lintall differ only by a hyphen; choose another name"
    ]


def test_checks_whose_artifacts_codepipeline_would_not_tell_apart_are_refused() -> None:
    assert problems_of((f"{SERVICE}/checks", {"integration-api": BANDIT, "integration-ui": BANDIT})) == [
        "services.parcel-dispatcher.checks.integration-ui: CodePipeline distinguishes artifacts only by the first"
        " 10 characters of their names, and the artifacts of integration-api and integration-ui would both begin with"
        " Integratio; choose another name"
    ]


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        pytest.param("pay", "pay-image", "image", id="a purpose of ours"),
        pytest.param("pay", "pay-action-x", "action", id="a purpose that other words follow"),
        pytest.param("pay", "pay-bandit", "bandit", id="a check"),
        pytest.param("pay", "pay-bandit-x", "bandit", id="a check and more"),
    ],
)
def test_no_service_reads_as_another_and_a_word_that_follows_it(one: str, other: str, word: str) -> None:
    assert problems_of((f"services/{one}", service(7)), (f"services/{other}", service(8))) == [
        f"services.{other}: resources of {one} and of {other} could get equal names that begin with {one}-{word};"
        " rename one of the two services"
    ]


def test_a_service_and_its_check_read_as_another_services_check() -> None:
    problems = problems_of(("services/pay", service(7, "unit-lint")), ("services/pay-unit", service(8, "lint")))

    assert problems == [
        "services.pay-unit: resources of pay and of pay-unit could get equal names that begin with pay-unit-lint;"
        " rename one of the two services"
    ]
    assert configured(("services/pay", service(7, "unit-lint")), ("services/pay-unit", service(8, "bandit")))


def test_a_service_and_its_secret_read_as_another_services_secret() -> None:
    check = {"preset": "bandit", "secrets": {"TOKEN": "key-old"}}
    problems = problems_of(
        ("services/pay", {"path_pattern": "/7/*", "checks": {"lint": check}}), ("services/pay-key", service(8, "old"))
    )

    assert problems == [
        "services.pay-key: resources of pay and of pay-key could get equal names that begin with pay-key-old;"
        " rename one of the two services"
    ]


def test_services_whose_names_only_begin_alike_are_fine() -> None:
    more = [(f"services/{name}", service(at)) for at, name in enumerate(("payment", "payment-api", "pay"), start=20)]

    assert configured(*more)


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        pytest.param(
            "pr1",
            "staging-pr1: resources of this environment and of the environment staging could get equal names that begin"
            " with staging-pr1-api",
            id="a service",
        ),
        pytest.param(
            "delivery",
            "staging-delivery: resources of this environment and of the environment staging could get equal names that"
            " begin with staging-delivery",
            id="a purpose",
        ),
        pytest.param(
            "action",
            "staging-action: resources of this environment and of the environment staging could get equal names that"
            " begin with staging-action-source",
            id="its begin",
        ),
    ],
)
def test_a_copy_does_not_read_as_a_resource_of_its_original(suffix: str, expected: str) -> None:
    problems = problems_of(("services/pr1-api", service()), suffix=suffix)

    assert f"environments.staging.suffix: {expected}; choose another suffix" in problems


def test_a_copy_is_not_named_like_another_environment() -> None:
    staging = RAW["environments"]["staging"] | {"cidr": "10.9.0.0/20"}
    problems = problems_of(("environments/staging-pr1", staging), suffix="pr1")

    assert problems == [
        "environments.staging.suffix: staging-pr1: staging-pr1 is another environment; choose another suffix"
    ]


def test_an_environment_does_not_read_as_a_service_of_another_in_its_account() -> None:
    staging = RAW["environments"]["staging"] | {"cidr": "10.9.0.0/20"}
    edits = [("environments/staging-pay", staging), ("services/pay-api", service())]

    assert problems_of(*edits) == [
        "environments.staging-pay: staging-pay: resources of this environment and of the environment staging could get"
        " equal names that begin with staging-pay-api; choose another name"
    ]
    assert configured(edits[0])


def test_services_whose_artifacts_codepipeline_would_not_tell_apart_are_refused() -> None:
    # parcel-dispatcher-shipping-tools is the name of a pipeline, and so is parcel-dispatcher-sh-shipping-tools.
    assert problems_of(("services/parcel-dispatcher-sh", service())) == [
        "services.parcel-dispatcher-sh: CodePipeline names the artifact folder of a pipeline after the first 20"
        " characters of the pipeline's name, so the pipelines of parcel-dispatcher and parcel-dispatcher-sh would share"
        " the folder parcel-dispatcher-sh; choose another name"
    ]
