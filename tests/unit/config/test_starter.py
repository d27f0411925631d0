"""The configuration of a new project is valid for all answers, and marks the values to be replaced."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.config.starter import NewProject, starter_text
from cicd_templates.errors import ConfigurationError

START = NewProject(
    "acme", ["billing-api"], ["staging", "production"], ["111111111111"], "eu-central-1", "s3", "team@example.com"
)


@pytest.mark.parametrize(
    "start",
    [
        START,
        replace(START, services=["till", "ledger", "card-pay"], accounts=["1" * 12, "2" * 12, "3" * 12]),
        replace(START, environments=["live"], source="github"),
        replace(START, environments=["dev", "preprod", "reprod", "prod"], region="us-gov-east-1", source="github"),
        replace(START, environments=["dev", "live"], region="cn-north-1"),
    ],
    ids=["one account", "three services and accounts", "one environment", "another partition", "China"],
)
def test_what_is_written_is_accepted_and_starts_with_checks_that_need_no_token(start: NewProject) -> None:
    configuration = parse_configuration(tomllib.loads(starter_text(start)), source="new")

    names = [environment.name for environment in configuration.environments]
    assert names == ["tools", *start.environments]
    assert [each.account for each in configuration.environments] == (
        list(start.accounts) if len(start.accounts) > 1 else list(start.accounts) * len(names)
    )
    assert [each.protected for each in configuration.environments] == [True, *[False] * (len(names) - 2), True]
    assert configuration.pipeline.path == tuple(start.environments)
    for service in configuration.environments[-1].services:
        assert set(service.settings.checks) == {"unit-tests", "bandit", "pip-audit", "secrets"}
        assert service.settings.source == start.source


@pytest.mark.parametrize(("region", "shown"), [("cn-northwest-1", 1), ("us-gov-east-1", 0), ("eu-west-1", 0)])
def test_a_partition_that_nobody_has_checked_is_accepted_in_a_line_that_says_so(region: str, shown: int) -> None:
    line = 'unchecked_partitions = ["aws-cn"]  # service names and endpoints in this partition are unchecked'

    assert starter_text(replace(START, region=region)).count(line) == shown


@pytest.mark.parametrize("environments", [["dev", "live"], ["a", "b", "c", "d"], ["only"]])
def test_only_the_last_environment_says_that_a_person_approves_releases(environments: list[str]) -> None:
    *others, last = starter_text(replace(START, environments=environments)).split("[environments.")

    assert "and a person approves every release" not in "".join(others[:-1])
    assert "and a person approves every release" in others[-1] + last


@pytest.mark.parametrize("name", ["safety", "snyk"])
def test_one_line_turns_on_each_check_that_needs_a_token(name: str) -> None:
    text = starter_text(START).replace(f"# {name} =", f"{name} =")
    (service,) = parse_configuration(tomllib.loads(text), source="new").environments[0].services

    assert set(service.settings.checks) == {"unit-tests", "bandit", "pip-audit", "secrets", name}


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (
            replace(START, accounts=["1" * 12, "2" * 12]),
            "2 accounts are given; name one for all environments, or one for each of tools, staging, production",
        ),
        (replace(START, environments=[]), "name 1 to 12 environments, such as staging,production"),
        (replace(START, accounts=[]), "0 accounts are given; name one"),
        (
            replace(START, environments=["preprod", "tools", "live"], accounts=["1" * 12] * 3),
            "^the environment tools is always added; leave it out of the environments$",
        ),
        (
            replace(START, environments=["live", "dev", "live"]),
            "^the environments contain a name twice: live; give each name once$",
        ),
        (
            replace(START, services=["till", "ledger", "ledger", "till"]),
            "^the services contain a name twice: till, ledger; give each name once$",
        ),
    ],
)
def test_numbers_and_names_that_do_not_match_are_refused(start: NewProject, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        starter_text(start)


@pytest.mark.parametrize(
    ("region", "zones"),
    [
        pytest.param("eu-west-1", ["eu-west-1a", "eu-west-1b"], id="both zones exist"),
        pytest.param("us-west-1", ["us-west-1a", "us-west-1c"], id="there is no zone b"),
        pytest.param("xx-nowhere-1", ["xx-nowhere-1a", "xx-nowhere-1b"], id="a region that is not known"),
    ],
)
def test_the_zones_of_a_region_exist_and_a_comment_says_how_to_see_those_of_the_account(
    region: str, zones: list[str]
) -> None:
    text = starter_text(replace(START, region=region))

    for environment in tomllib.loads(text)["environments"].values():
        assert environment.get("zones", zones) == zones
    assert f"; to list its zones: aws ec2 describe-availability-zones --region {region}\n" in text
