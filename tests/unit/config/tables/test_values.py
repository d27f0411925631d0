"""Values that a table refuses on their own, each with its path and a valid value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.conftest import environment
from tests.unit.config.problems import AUTHORITY, PRODUCTION, SERVICE, STAGING, problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/account", 222222222222)],
            'environments.staging.account: write it in quotes: "222222222222"',
            id="account as a number",
        ),
        pytest.param(
            [(f"{STAGING}/account", "22222222222")],
            "environments.staging.account: '22222222222' is not allowed; write the AWS account id as 12 digits",
            id="11-digit account",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "many")],
            "environments.staging.nat: use 'none', 'single' or 'per-zone', not 'many'",
            id="unknown word",
        ),
        pytest.param(
            [(f"{STAGING}/log_retention_days", 31)],
            "environments.staging.log_retention_days: use 1, 3, 5, 7",
            id="retention that CloudWatch has not",
        ),
        pytest.param(
            [("project/name", "p" * 17)],
            "project.name: 'ppppppppppppppppp' is not allowed; use lower-case letters, digits and single hyphens,"
            " beginning with a letter, such as card-pay; at most 16 characters",
            id="too long",
        ),
        pytest.param(
            [("project/tags", {"a b": "c"})],
            "project.tags.a b: 'a b' is not allowed; use the letters A to Z and a to z, digits",
            id="tag key",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_authority", f"{AUTHORITY}-----BEGIN PRIVATE KEY-----\n")],
            "is not allowed; write one or more PEM certificates, and no private key; at most 3000 characters",
            id="private key beside the authority",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_authority", AUTHORITY * 6)],
            "is not allowed; write one or more PEM certificates, and no private key; at most 3000 characters",
            id="authority longer than Lambda's variables",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_authority", AUTHORITY.replace("M", "A"))],
            "environments.staging.certificate_authority: not a certificate that a client can trust: ",
            id="authority that is no certificate",
        ),
        pytest.param(
            [(f"{STAGING}/cidr", "8.8.0.0/16")],
            "environments.staging.cidr: '8.8.0.0/16' is a public range; use a private one",
            id="public",
        ),
        pytest.param(
            [(f"{STAGING}/cidr", "10.0.0.0/8")],
            "environments.staging.cidr: '10.0.0.0/8' has the prefix /8; use a prefix from /16 to /24",
            id="too large",
        ),
        pytest.param(
            [(f"{STAGING}/cidr", "ten")],
            "environments.staging.cidr: 'ten' is not an IPv4 range such as 10.20.0.0/16: ",
            id="no network",
        ),
        pytest.param(
            [("environments/production/services/parcel-dispatcher/cpu", "a")],
            "environments.production.services.parcel-dispatcher.cpu: use 256, 512",
            id="wrong override is reported where it stands",
        ),
        pytest.param(
            [(f"{SERVICE}/port", 80)],
            "services.parcel-dispatcher.port: write a number of at least 1024, not 80",
            id="port that needs root",
        ),
        pytest.param(
            [(f"{SERVICE}/port", 70000)],
            "services.parcel-dispatcher.port: write a number of at most 65535, not 70000",
            id="port that TCP has not",
        ),
        pytest.param(
            [(f"{SERVICE}/alarms", {"error_percent": 0})],
            "services.parcel-dispatcher.alarms.error_percent: write a number above 0.0, not 0",
            id="number at its open limit",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "per-zones")],
            "use 'none', 'single' or 'per-zone', not 'per-zones'; did you mean 'per-zone'?",
            id="word that is nearly known",
        ),
        pytest.param(
            [("pipeline/path", "staging")],
            "pipeline.path: write a list in square brackets, not 'staging'",
            id="text for a list",
        ),
        pytest.param([("pipeline/path", [])], "pipeline.path: write at least 1 value", id="empty list"),
        pytest.param(
            [(f"{STAGING}/zones", [f"eu-central-1{letter}" for letter in "abcde"])],
            "environments.staging.zones: write at most 4 values",
            id="more zones than there are subnets for",
        ),
        pytest.param(
            [(f"{SERVICE}/cpu", True), (f"{SERVICE}/port", True)],
            "services.parcel-dispatcher.port: write a whole number without quotes, not true",
            id="truth for a number",
        ),
        pytest.param(
            [(f"{SERVICE}/memory", 512.5)],
            "services.parcel-dispatcher.memory: write a whole number without quotes, not 512.5",
            id="fraction for a whole number",
        ),
        pytest.param(
            [(f"{SERVICE}/alarms", {"error_percent": "5"})],
            "services.parcel-dispatcher.alarms.error_percent: write a number without quotes, not '5'",
            id="quoted number",
        ),
        pytest.param(
            [(f"{STAGING}/allow_http", "yes")],
            "environments.staging.allow_http: write true or false without quotes, not 'yes'",
            id="text for a truth",
        ),
        pytest.param(
            [("project/owner", ["a", 1, date(2026, 1, 31), False, {}])],
            "project.owner: write a string in quotes, not ['a', 1, 2026-01-31, false, a table]",
            id="list for a text",
        ),
        pytest.param(
            [("project/tags", "a=b")], "project.tags: write a table, not 'a=b'", id="text for a table of one's own"
        ),
        pytest.param(
            [(f"{SERVICE}/health_check", 1)],
            "services.parcel-dispatcher.health_check: write a table, not 1",
            id="number for a table",
        ),
        pytest.param(
            [("project/tags", {"owner": "me"})],
            "project.tags.owner: 'owner' is not allowed; the tag Owner is set on every resource already",
            id="tag that resources have",
        ),
        pytest.param(
            [("project/tags", {"AWS:x": "me"})],
            "project.tags.AWS:x: 'AWS:x' is not allowed; tags that begin with aws: are reserved for AWS",
            id="tag of AWS",
        ),
        pytest.param(
            [("project/tags", {"a": "b" * 257})],
            f"project.tags.a: '{'b' * 57}'... is not allowed; use letters,"
            " digits, spaces and _ . : / = + @ -; at most 256 characters",
            id="long text is not shown in full",
        ),
        pytest.param(
            [(f"{STAGING}/region", "Frankfurt")],
            "environments.staging.region: 'Frankfurt' is not allowed; write an AWS region, such as eu-central-1",
            id="no region",
        ),
        pytest.param(
            [("project/name", "pay\n")], "project.name: 'pay\\n' is not allowed; use lower-case", id="line break"
        ),
    ],
)
def test_a_refused_value_names_its_path_and_what_would_be_right(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/checks/bandit/preset", "bandid")],
            "services.parcel-dispatcher.checks.bandit.preset: use 'bandit', 'node-tests', 'npm-audit', 'pip-audit',",
            id="unknown preset",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit/image", "python:3.13")],
            "services.parcel-dispatcher.checks.bandit.image: 'python:3.13' is not allowed; write an image with",
            id="image without digest",
        ),
        pytest.param(
            [(f"{SERVICE}/build", {"dockerfile": "../Dockerfile"})],
            "services.parcel-dispatcher.build.dockerfile: '../Dockerfile' is not allowed; write a path relative to"
            " the source",
            id="path out of the source",
        ),
        pytest.param(
            [(f"{SERVICE}/egress", {"10.0.0.1/8": [443]})],
            "services.parcel-dispatcher.egress.10.0.0.1/8: '10.0.0.1/8' is not an IPv4 range such as 10.20.0.0/16:"
            " 10.0.0.1/8",
            id="a range that is none",
        ),
        pytest.param(
            [
                (
                    f"{SERVICE}/autoscaling",
                    {"maximum": 2, "schedules": {"n": {"cron": "0 7 * *", "minimum": 1, "maximum": 2}}},
                )
            ],
            "services.parcel-dispatcher.autoscaling.schedules.n.cron: '0 7 * *' is not a schedule; write minute",
            id="a schedule that is none",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "0 9 * * MON")],
            "environments.production.deployment_window: '0 9 * * MON' is not a deployment window; write seconds"
            " (always *)",
            id="five fields",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "0 * 9 ? * MON")],
            "environments.production.deployment_window: '0 * 9 ? * MON' is not a deployment window; write seconds"
            " (always *)",
            id="seconds",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "* * 9-25 ? * MON")],
            "environments.production.deployment_window: '* * 9-25 ? * MON' is not a deployment window; the hour is"
            " '9-25', but must be from 0",
            id="an hour that no day has",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "* * nine ? * MON")],
            "environments.production.deployment_window: '* * nine ? * MON' is not a deployment window; the hour is"
            " 'nine', but must be from",
            id="a word for an hour",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "* * 9 * * MON")],
            "environments.production.deployment_window: '* * 9 * * MON' is not a deployment window; write ? for"
            " the day of month or the day of week, but not for both",
            id="both days",
        ),
        pytest.param(
            [(f"{PRODUCTION}/time_zone", "Europe/Berlim")],
            "environments.production.time_zone: 'Europe/Berlim' is not a time zone; use a name such as Europe/Berlin",
            id="time zone",
        ),
        pytest.param(
            [(f"{PRODUCTION}/time_zone", "../etc/passwd")],
            "environments.production.time_zone: '../etc/passwd' is not a time zone",
            id="a path for a time zone",
        ),
        pytest.param(
            [("pipeline/verify_parallelism", 0)],
            "pipeline.verify_parallelism: write a number of at least 1, not 0",
            id="no check at a time",
        ),
    ],
)
def test_a_refused_value_is_the_only_problem(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize("window", ["* * 9-16 ? * MON-THU", "* 0/15 8,9 1-7 * ?", "* * * L * ?", "* * * ? * 6L 2027"])
def test_windows_that_codepipeline_accepts_are_accepted(window: str) -> None:
    assert environment("production", (f"{PRODUCTION}/deployment_window", window)).settings.deployment_window == window
