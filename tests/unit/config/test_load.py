"""The environments file: everything wrong in it is said at once, where it stands and what would be right."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.config.load import parse_configuration, read_configuration
from cicd_templates.config.regions import REGIONS
from cicd_templates.config.tables.fields import REGION
from cicd_templates.errors import ConfigurationError
from tests.conftest import RAW, configured, environment, raw_configuration

STAGING = "environments/staging"
CERTIFICATE = RAW["environments"]["staging"]["certificate_arn"]
SERVICE = "services/payment-processor"


def problems_of(*edits: tuple[str, Any], suffix: str | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(raw_configuration(*edits), source="file", suffix=suffix)
    assert caught.value.exit_code == 2
    heading, *problems = str(caught.value).split("\n  ")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    assert heading == f"file: {count}"
    return problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([("colour", "red")], "colour: unknown key; known keys are project, pipeline", id="unknown table"),
        pytest.param([("projct", {})], "projct: unknown key; did you mean project?", id="misspelt table"),
        pytest.param([(f"{STAGING}/nap", "x")], "environments.staging.nap: unknown key; did you mean nat?", id="typo"),
        pytest.param(
            [(f"{SERVICE}/health_check", {"pat": "/"})],
            "services.payment-processor.health_check.pat: unknown key; did you mean path?",
            id="unknown nested key",
        ),
        pytest.param(
            [(f"{SERVICE}/autoscaling", {"maximun": 4})],
            "services.payment-processor.autoscaling.maximun: unknown key; did you mean maximum?",
            id="unknown key of a table that may be left out",
        ),
        pytest.param(
            [(f"{SERVICE}/autoscaling", {})],
            "services.payment-processor.autoscaling.maximum: missing; this key is required: Maximum number of tasks",
            id="missing key of a table that may be left out",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit/nothing", 1)],
            "services.payment-processor.checks.bandit.nothing: unknown key; known keys are preset, image",
            id="unknown key of a table with a name of one's own",
        ),
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
            [(f"{STAGING}/region", ...)],
            "environments.staging.region: missing; this key is required: AWS region",
            id="missing key",
        ),
        pytest.param([("project", ...)], "project: missing; add a [project] table", id="missing table"),
        pytest.param(
            [("project/name", "p" * 17)],
            "project.name: 'ppppppppppppppppp' is not allowed; use lower-case letters, digits and single hyphens,"
            " beginning with a letter, such as card-pay; at most 16 characters",
            id="too long",
        ),
        pytest.param(
            [("project/tags", {"a b": "c"})],
            "project.tags.a b: 'a b' is not allowed; use letters, digits",
            id="tag key",
        ),
        pytest.param(
            [(f"{STAGING}/cidr", "10.40.0.0/16"), ("environments/production/cidr", "10.40.128.0/17")],
            "environments.production.cidr: 10.40.128.0/17 overlaps 10.40.0.0/16 of staging",
            id="overlapping networks",
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
        pytest.param([(f"{STAGING}/cidr", ...)], "environments.staging.cidr: missing; a runtime", id="no range"),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a", "eu-west-1b"])],
            "environments.staging.zones[1]: eu-west-1b is not a zone of eu-central-1",
            id="zone of another region",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a", "eu-central-1a"])],
            "environments.staging.zones[1]: eu-central-1a is already listed",
            id="zone twice",
        ),
        pytest.param(
            [(f"{STAGING}/zones", ["eu-central-1a"])],
            "environments.staging.zones: a load balancer needs at least two",
            id="one zone",
        ),
        pytest.param(
            [(f"{STAGING}/region", "eu-west-1"), (f"{STAGING}/zones", ["eu-west-1a", "eu-west-1b"])],
            "environments.staging.region: eu-west-1 differs from eu-central-1 of tools",
            id="environments of one pipeline in different regions",
        ),
        pytest.param(
            [(f"{STAGING}/nat", "none")],
            "environments.staging.services.payment-processor.image: a public image cannot be pulled",
            id="public image without a way to pull it",
        ),
        pytest.param(
            [("environments/production/allow_http", True)],
            "environments.production.allow_http: a protected environment serves TLS only",
            id="plain HTTP in production",
        ),
        pytest.param(
            [(f"{STAGING}/allow_http", True)],
            "environments.staging.allow_http: contradicts certificate_arn",
            id="both transports",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", ...)],
            "environments.staging.certificate_arn: missing; set the ARN of an ACM certificate in eu-central-1, or"
            " set allow_http",
            id="no certificate",
        ),
        pytest.param(
            [("environments/production/certificate_arn", ...)],
            "environments.production.certificate_arn: missing; set the ARN of an ACM certificate in eu-central-1",
            id="no certificate in production",
        ),
        pytest.param(
            [("environments/production/log_retention_days", 30)],
            "environments.production.log_retention_days: 30 days are too few; a protected environment keeps logs"
            " for at least a year: use 365, 400",
            id="logs kept too briefly for an audit",
        ),
        pytest.param(
            [(f"{SERVICE}/memory", 4096)],
            "services.payment-processor.memory: Fargate does not offer 4096 MiB with cpu = 256; use 512, 1024",
            id="size that Fargate has not",
        ),
        pytest.param(
            [("environments/production/services/payment-processor/memory", 512)],
            "Fargate does not offer 512 MiB with cpu = 512; use 1024 to 4096 in steps of 1024",
            id="size out of Fargate's range",
        ),
        pytest.param(
            [("pipeline/path", ["staging", "qa"])],
            "pipeline.path[1]: 'qa' is not a runtime environment; runtime environments: staging, production",
            id="path to nowhere",
        ),
        pytest.param(
            [("pipeline/path", ["staging", "staging"])], "pipeline.path[1]: 'staging' is already on the path", id="loop"
        ),
        pytest.param(
            [("environments/tools", ...)],
            'environments: exactly one environment must have kind = "tools", where the pipeline lives; here none'
            " has it",
            id="no tools",
        ),
        pytest.param(
            [("environments/production/suffix", "x"), ("environments/production-x", RAW["environments"]["production"])],
            "environments.production.suffix: 'x' gives production and production-x the same names",
            id="suffix that makes two environments one",
        ),
        pytest.param(
            [("environments/a-very-long-name", {})],
            "environments.a-very-long-name: 'a-very-long-name' is not allowed as a name; use at most 12 lower-case",
            id="environment name too long",
        ),
        pytest.param(
            [("environments/QA", {})], "environments.QA: 'QA' is not allowed as a name; use at most 12", id="capitals"
        ),
        pytest.param(
            [("environments/qa", 1)],
            "environments.qa: is a value, not a table; write a table [environments.qa]",
            id="value",
        ),
        pytest.param(
            [("services", [])], "services: is a value, not a table; write tables [services.<name>]", id="no tables"
        ),
        pytest.param(
            [(f"{STAGING}/services", {"other": {}})],
            "environments.staging.services.other: there is no [services.other] to override",
            id="override of nothing",
        ),
        pytest.param(
            [("services/other", {})],
            "environments.staging.services.other.priority: 100 is already the priority of payment-processor",
            id="two services with one priority",
        ),
        pytest.param(
            [("environments/production/services/payment-processor/cpu", "a")],
            "environments.production.services.payment-processor.cpu: use 256, 512",
            id="wrong override is told where it stands",
        ),
        pytest.param(
            [(f"{SERVICE}/port", 80)],
            "services.payment-processor.port: write a number of at least 1024, not 80",
            id="port that needs root",
        ),
        pytest.param(
            [("environments/production/services/payment-processor/architecture", "arm64")],
            "environments.production.services.payment-processor.architecture: arm64 differs from x86_64 in another",
            id="two processors for one image",
        ),
        pytest.param(
            [(f"{STAGING}/services/payment-processor/hooks", ["smoke"])],
            "environments.staging.services.payment-processor.hooks: ECS runs hooks only while requests shift",
            id="rollout that cannot be meant",
        ),
        pytest.param(
            [(f"{SERVICE}/secrets", {"PORT": "port"})],
            "services.payment-processor.secrets.PORT: is already an environment variable",
            id="secret in the place of a variable",
        ),
        pytest.param(
            [
                (f"{STAGING}/nat", "none"),
                (f"{STAGING}/services/payment-processor/rollout", "canary"),
                (f"{STAGING}/services/payment-processor/hooks", ["smoke"]),
            ],
            "environments.staging.services.payment-processor.hooks: the smoke hook connects to the public address",
            id="smoke without a way out",
        ),
        pytest.param(
            [(f"{SERVICE}/port", 70000)],
            "services.payment-processor.port: write a number of at most 65535, not 70000",
            id="port that TCP has not",
        ),
        pytest.param(
            [(f"{SERVICE}/alarms", {"error_percent": 0})],
            "services.payment-processor.alarms.error_percent: write a number above 0.0, not 0",
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
            "services.payment-processor.port: write a whole number without quotes, not true",
            id="truth for a number",
        ),
        pytest.param(
            [(f"{SERVICE}/memory", 512.5)],
            "services.payment-processor.memory: write a whole number without quotes, not 512.5",
            id="fraction for a whole number",
        ),
        pytest.param(
            [(f"{SERVICE}/alarms", {"error_percent": "5"})],
            "services.payment-processor.alarms.error_percent: write a number without quotes, not '5'",
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
            "services.payment-processor.health_check: write a table, not 1",
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
            id="long text is not told in full",
        ),
        pytest.param(
            [("environments/all", {})],
            "environments.all: ENV=all means every environment; choose another name",
            id="name that means every environment",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", CERTIFICATE.replace("222222222222", "333333333333"))],
            "environments.staging.certificate_arn: belongs to account 333333333333 in eu-central-1; a load balancer"
            " accepts only a certificate of its own account and region, 222222222222 in eu-central-1",
            id="certificate of another account",
        ),
        pytest.param(
            [(f"{STAGING}/certificate_arn", CERTIFICATE.replace("eu-central-1", "us-east-1"))],
            "environments.staging.certificate_arn: belongs to account 222222222222 in us-east-1; a load balancer",
            id="certificate of another region",
        ),
        pytest.param(
            [(f"{STAGING}/region", "eu-centrl-1")],
            "environments.staging.region: eu-centrl-1 is not an AWS region; did you mean eu-central-1?"
            ' If AWS has added it since this version, set project.new_regions = ["eu-centrl-1"]',
            id="misspelt region",
        ),
        pytest.param(
            [(f"{STAGING}/region", "xx-moonbase-1")],
            "environments.staging.region: xx-moonbase-1 is not an AWS region; if AWS has added it since",
            id="region like none",
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
def test_each_mistake_is_told_with_its_path_and_what_would_be_right(
    edits: list[tuple[str, Any]], expected: str
) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


def test_all_problems_are_told_at_once() -> None:
    problems = problems_of((f"{STAGING}/account", "1"), (f"{STAGING}/nat", "x"), ("environments/tools/kind", "y"))

    assert [problem.split(":")[0] for problem in problems] == [
        "environments.tools.kind",
        "environments.staging.account",
        "environments.staging.nat",
    ]


def test_what_tables_must_agree_on_is_told_beside_what_is_wrong_in_one_of_them() -> None:
    problems = problems_of(
        ("project/name", "P"),
        (f"{SERVICE}/port", 80),
        (f"{STAGING}/nap", 1),
        ("pipeline/path", ["staging", "qa"]),
        ("environments/production/stakeholders/approvers", ...),
        ("environments/production/log_retention_days", 30),
        (f"{SERVICE}/checks/b", {}),
    )

    assert [problem.split(":")[0] for problem in problems] == [
        "project.name",
        "services.payment-processor.port",
        "environments.staging.nap",
        "pipeline.path[1]",
        "environments.production.log_retention_days",
    ]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([(f"{STAGING}/nap", 1)], ["environments.staging.nap"], id="an environment on the path"),
        pytest.param([("environments/tools/nap", 1)], ["environments.tools.nap"], id="the tools environment"),
        pytest.param(
            [("pipeline/path", ["stage"]), ("pipeline/verify_parallelism", 0)],
            ["pipeline.verify_parallelism"],
            id="the pipeline",
        ),
        pytest.param([(f"{STAGING}/region", "eu-centrl-1")], ["environments.staging.region"], id="a misspelt region"),
        pytest.param(
            [("environments/tools/region", "eu-centrl-1")], ["environments.tools.region"], id="the first region"
        ),
        pytest.param(
            [("pipeline/path", ["tools", "production"])],
            ["pipeline.path[0]"],
            id="tools on the path, without approvers",
        ),
    ],
)
def test_one_mistake_is_not_told_as_two(edits: list[tuple[str, Any]], expected: list[str]) -> None:
    assert [problem.split(":")[0] for problem in problems_of(*edits)] == expected


def test_a_region_newer_than_the_table_is_taken_where_the_file_says_so() -> None:
    edits: list[tuple[str, Any]] = [
        (f"environments/{name}/region", "xx-moonbase-1") for name in ("tools", "staging", "production")
    ]
    edits += [
        (f"environments/{name}/{key}", value)
        for name in ("staging", "production")
        for key, value in (
            ("zones", ["xx-moonbase-1a", "xx-moonbase-1b"]),
            ("certificate_arn", RAW["environments"][name]["certificate_arn"].replace("eu-central-1", "xx-moonbase-1")),
        )
    ]

    assert len(problems_of(*edits)) == 3
    assert environment("staging", *edits, ("project/new_regions", ["xx-moonbase-1"])).region == "xx-moonbase-1"


def test_the_regions_are_those_of_the_sdk() -> None:
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    names = {name for partition in partitions for name in partition["regions"] if not name.endswith("-global")}

    assert sorted(names) == list(REGIONS)
    assert all(re.fullmatch(REGION, name) for name in names)


def test_a_wrong_shared_setting_is_told_once_and_not_per_environment() -> None:
    assert len(problems_of((f"{SERVICE}/port", 80))) == 1


def test_a_suffix_of_the_command_line_is_checked_like_one_of_the_file() -> None:
    assert problems_of(suffix="PR 1") == [
        "suffix: 'PR 1' is not allowed; use at most 10 lower-case letters, digits and single hyphens, beginning"
        " with a letter, such as"
        " pr4918"
    ]


def test_a_suffix_of_the_command_line_wins_over_the_file() -> None:
    edit = (f"{STAGING}/suffix", "blue")

    assert environment("staging", edit).qualified == "staging-blue"
    assert environment("staging", edit, suffix="pr1").qualified == "staging-pr1"


def test_an_override_wins_key_by_key_and_leaves_the_rest() -> None:
    edits = [
        (f"{SERVICE}/health_check", {"path": "/ready", "grace_seconds": 10}),
        ("environments/production/services/payment-processor/health_check", {"grace_seconds": 99}),
    ]
    production = environment("production", *edits).services[0].settings
    staging = environment("staging", *edits).services[0].settings

    assert (production.health_check.path, production.health_check.grace_seconds) == ("/ready", 99)
    assert (staging.health_check.grace_seconds, staging.cpu, production.cpu) == (10, 256, 512)


def test_two_services_live_in_one_environment_with_priorities_of_their_own() -> None:
    ledger = {"priority": 200, "path_pattern": "/ledger/*", "checks": {"bandit": {"preset": "bandit"}}}
    services = environment("staging", ("services/ledger", ledger)).services

    assert [service.name for service in services] == ["payment-processor", "ledger"]


def test_an_environment_without_network_says_so_when_asked_for_it() -> None:
    with pytest.raises(LookupError, match="tools has no cidr"):
        _ = environment("tools").network


def test_an_unknown_environment_is_none() -> None:
    assert configured().environment("qa") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, "no such file", id="missing"),
        pytest.param(b"", "project: missing", id="empty"),
        pytest.param(b"\xff\xfe", "is not UTF-8 at byte 0", id="not UTF-8"),
        pytest.param(b"[project", "is not valid TOML", id="not TOML"),
        pytest.param(b"\xef\xbb\xbf[project]", "begins with a byte order mark, .* without BOM", id="byte order mark"),
        pytest.param(b"environments = 1\n", "environments: is a value, not a table", id="value for tables"),
    ],
)
def test_an_unreadable_file_is_one_clear_error(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "environments.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=expected) as caught:
        read_configuration(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        read_configuration(tmp_path)


def test_a_file_without_permission_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigurationError, match="not readable"):
        read_configuration(tmp_path / "environments.toml")


def test_a_file_without_environments_says_that_one_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="exactly one environment must have kind"):
        parse_configuration(raw_configuration(("environments", {}), ("pipeline/path", ["x"])), source="file")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    "project", "project/name", "pipeline/path", "services", "services/payment-processor", "environments",
    "environments/staging", "environments/staging/cidr", "environments/staging/zones", "environments/staging/services",
    "environments/staging/provided", "services/payment-processor/health_check", "services/payment-processor/image",
]  # fmt: skip


@given(st.sampled_from(PATHS), json_values)
def test_no_value_anywhere_escapes_as_anything_but_a_configuration_error(path: str, value: Any) -> None:
    try:
        configuration = parse_configuration(raw_configuration((path, value)), source="file")
    except ConfigurationError as error:
        assert str(error).startswith("file: ")
    else:
        assert configuration.environments


def test_every_environment_knows_the_others_and_the_one_with_the_pipeline() -> None:
    tools, staging, production = configured().environments

    assert [peer.name for peer in tools.runtimes] == ["staging", "production"]
    assert (staging.tools.name, tools.tools.name, production.peers[0].peers) == ("tools", "tools", ())


PRODUCTION, TOOLS = "environments/production", "environments/tools"
SHORT = {"cron": "0 7 * *", "minimum": 1, "maximum": 2}
OWN = f"222222222222.dkr.ecr.eu-central-1.amazonaws.com/x@sha256:{'0' * 64}"
CONNECTION = "arn:aws:codeconnections:eu-central-1:111111111111:connection/1"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/checks", ...)],
            "services.payment-processor.checks: no check is configured, so the gate would have nothing to judge",
            id="no check",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit/preset", "bandid")],
            "services.payment-processor.checks.bandit.preset: use 'bandit', 'safety', 'secrets', 'snyk'",
            id="unknown preset",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {"version": "x", "commands": ["x"], "image": f"a.b/c@sha256:{'0' * 64}"})],
            "services.payment-processor.checks.bandit.format: missing; a check without a preset must set it",
            id="own check without format",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/sixth", {"preset": "bandit"})],
            "services.payment-processor.checks: 6 checks are too many; the gate, a Lambda action, accepts 5",
            id="more checks than the gate takes",
        ),
        pytest.param(
            [
                (f"{SERVICE}/checks/snyk", ...),
                (f"{SERVICE}/checks/app-1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/app1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/safety", ...),
            ],
            "services.payment-processor.checks.app1: app-1 and app1 differ only by a hyphen; choose another name",
            id="checks with one logical id",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit/image", "python:3.13")],
            "services.payment-processor.checks.bandit.image: 'python:3.13' is not allowed; write an image with",
            id="image without digest",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {"preset": "bandit", "comands": []})],
            "services.payment-processor.checks.bandit.comands: unknown key; did you mean commands?",
            id="misspelt key of a check",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"repository": "me/pay"})],
            "services.payment-processor.github.connection_arn: missing; create a connection in the AWS console",
            id="GitHub without a connection",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"connection_arn": CONNECTION})],
            "services.payment-processor.github.repository: missing; the placeholder octocat/Hello-World may not"
            " release to production, which is protected",
            id="placeholder in a protected path",
        ),
        pytest.param(
            [(f"{SERVICE}/github", {"releases": True})],
            "services.payment-processor.github.repository: missing; the placeholder",
            id="placeholder for GitHub Actions",
        ),
        pytest.param(
            [(f"{SERVICE}/build", {"dockerfile": "../Dockerfile"})],
            "services.payment-processor.build.dockerfile: '../Dockerfile' is not allowed; write a path relative to"
            " the source",
            id="path out of the source",
        ),
        pytest.param(
            [(f"{PRODUCTION}/stakeholders/approvers", ...)],
            "environments.production.stakeholders.approvers: missing; a protected environment on the path needs an"
            " approver",
            id="nobody approves",
        ),
        pytest.param(
            [(f"{STAGING}/domain", ...)],
            "environments.staging.domain: missing; set the host name that certificate_arn is for",
            id="certificate without a host",
        ),
        pytest.param(
            [(f"{SERVICE}/egress", {"10.0.0.1/8": [443]})],
            "services.payment-processor.egress.10.0.0.1/8: '10.0.0.1/8' is not an IPv4 range such as 10.20.0.0/16:"
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
            "services.payment-processor.autoscaling.schedules.n.cron: '0 7 * *' is not a schedule; write minute",
            id="a schedule that is none",
        ),
        pytest.param(
            [(f"{STAGING}/services/payment-processor/secrets", {"PORT": "acquirer-key"})],
            "environments.staging.services.payment-processor.secrets.PORT: is already an environment variable",
            id="a variable with two values",
        ),
        pytest.param(
            [
                (f"{STAGING}/nat", "none"),
                (f"{SERVICE}/image", OWN),
                (f"{STAGING}/services/payment-processor/hooks", ["smoke"]),
                (f"{STAGING}/services/payment-processor/rollout", "canary"),
                (f"{STAGING}/services/payment-processor/rollback_on_alarm", True),
            ],
            "environments.staging.services.payment-processor.hooks: the smoke hook connects to the public address",
            id="a smoke test without a way out",
        ),
        pytest.param(
            [(f"{STAGING}/services/payment-processor/architecture", "arm64")],
            "environments.staging.services.payment-processor.architecture: arm64 differs from x86_64",
            id="a release for two processors",
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
            " '9-25', but goes from 0",
            id="an hour that no day has",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "* * nine ? * MON")],
            "environments.production.deployment_window: '* * nine ? * MON' is not a deployment window; the hour is"
            " 'nine', but goes from",
            id="a word for an hour",
        ),
        pytest.param(
            [(f"{PRODUCTION}/deployment_window", "* * 9 * * MON")],
            "environments.production.deployment_window: '* * 9 * * MON' is not a deployment window; write ? for"
            " exactly one",
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
def test_what_a_release_needs_is_asked_for_by_its_path(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize("window", ["* * 9-16 ? * MON-THU", "* 0/15 8,9 1-7 * ?", "* * * L * ?", "* * * ? * 6L 2027"])
def test_windows_as_codepipeline_takes_them_are_taken(window: str) -> None:
    assert environment("production", (f"{PRODUCTION}/deployment_window", window)).settings.deployment_window == window
