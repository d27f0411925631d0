"""All mistakes in the environments file are reported at once, each with its path and a valid value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.config.load import parse_configuration, read_configuration
from cicd_templates.errors import ConfigurationError
from tests.conftest import configured, environment, raw_configuration
from tests.unit.config.problems import SERVICE, STAGING, moved_to, problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([("colour", "red")], "colour: unknown key; known keys are project, pipeline", id="unknown table"),
        pytest.param([("projct", {})], "projct: unknown key; did you mean project?", id="misspelt table"),
        pytest.param([(f"{STAGING}/nap", "x")], "environments.staging.nap: unknown key; did you mean nat?", id="typo"),
        pytest.param(
            [(f"{SERVICE}/health_check", {"pat": "/"})],
            "services.parcel-dispatcher.health_check.pat: unknown key; did you mean path?",
            id="unknown nested key",
        ),
        pytest.param(
            [(f"{SERVICE}/autoscaling", {"maximun": 4})],
            "services.parcel-dispatcher.autoscaling.maximun: unknown key; did you mean maximum?",
            id="unknown key of a table that may be left out",
        ),
        pytest.param(
            [(f"{SERVICE}/autoscaling", {})],
            "services.parcel-dispatcher.autoscaling.maximum: missing; this key is required: Maximum number of tasks",
            id="missing key of a table that may be left out",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit/nothing", 1)],
            "services.parcel-dispatcher.checks.bandit.nothing: unknown key; known keys are preset, image",
            id="unknown key of a table with a name of one's own",
        ),
        pytest.param(
            [(f"{STAGING}/region", ...)],
            "environments.staging.region: missing; this key is required: AWS region",
            id="missing key",
        ),
        pytest.param([("project", ...)], "project: missing; add a [project] table", id="missing table"),
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
            [("environments/all", {})],
            "environments.all: 'all' is not allowed as a name, because ENV=all means every environment; choose another",
            id="name that means every environment",
        ),
    ],
)
def test_each_mistake_is_reported_with_its_path_and_its_cure(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {"preset": "bandit", "comands": []})],
            "services.parcel-dispatcher.checks.bandit.comands: unknown key; did you mean commands?",
            id="misspelt key of a check",
        ),
    ],
)
def test_a_mistake_in_the_file_is_the_only_problem(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


def test_all_problems_are_reported_at_once() -> None:
    problems = problems_of((f"{STAGING}/account", "1"), (f"{STAGING}/nat", "x"), ("environments/tools/kind", "y"))

    assert [problem.split(":")[0] for problem in problems] == [
        "environments.tools.kind",
        "environments.staging.account",
        "environments.staging.nat",
    ]


def test_problems_between_tables_are_reported_with_those_within_one() -> None:
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
        "services.parcel-dispatcher.port",
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
            [("pipeline/path", ["production"]), ("pipeline/verify_parallelism", 0)],
            ["pipeline.verify_parallelism"],
            id="the pipeline",
        ),
        pytest.param([("pipeline/path", "production")], ["pipeline.path"], id="the path of the pipeline"),
        pytest.param(
            [("project/owner", "a, b"), ("project/repository", "acme/pay"), (f"{STAGING}/pull_requests", True)],
            ["project.owner"],
            id="the owner, beside a repository that is needed",
        ),
        pytest.param(
            [("project/repository", "acme"), (f"{STAGING}/pull_requests", True)],
            ["project.repository"],
            id="the repository that is needed",
        ),
        pytest.param(
            [*moved_to("cn-north-1", "aws-cn"), ("project/unchecked_partitions", "aws-cn")],
            ["project.unchecked_partitions"],
            id="the partition",
        ),
        pytest.param(
            [*moved_to("cn-north-1", "aws-cn"), ("project/unchecked_partitions", ["aws-cn"]), ("project/nam", "x")],
            ["project.nam"],
            id="a key of the project, beside a partition",
        ),
        pytest.param([("project", ...)], ["project"], id="the whole project"),
        pytest.param(
            [("project", "acme"), (f"{STAGING}/pull_requests", True)], ["project"], id="a value for the project"
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
def test_one_mistake_is_not_reported_as_two(edits: list[tuple[str, Any]], expected: list[str]) -> None:
    assert [problem.split(":")[0] for problem in problems_of(*edits)] == expected


def test_a_wrong_shared_setting_is_reported_once_and_not_per_environment() -> None:
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
        ("environments/production/services/parcel-dispatcher/health_check", {"grace_seconds": 99}),
    ]
    production = environment("production", *edits).services[0].settings
    staging = environment("staging", *edits).services[0].settings

    assert (production.health_check.path, production.health_check.grace_seconds) == ("/ready", 99)
    assert (staging.health_check.grace_seconds, staging.cpu, production.cpu) == (10, 256, 512)


def test_a_service_with_equal_settings_in_several_environments_is_one_object() -> None:
    ledger = {"priority": 20, "path_pattern": "/ledger/*", "checks": {"bandit": {"preset": "bandit"}}}
    edits = [("services/ledger", ledger), ("environments/production/services/ledger", {"desired_count": 3})]
    services = [environment.services[1] for environment in configured(*edits).environments]

    assert {service.name for service in services} == {"ledger"}
    assert len({service.settings.desired_count for service in services}) == 2
    assert [service is services[0] for service in services] == [True, True, False]


def test_two_services_live_in_one_environment_with_priorities_of_their_own() -> None:
    ledger = {"priority": 20, "path_pattern": "/ledger/*", "checks": {"bandit": {"preset": "bandit"}}}
    services = environment("staging", ("services/ledger", ledger)).services

    assert [service.name for service in services] == ["parcel-dispatcher", "ledger"]


def test_an_environment_without_network_says_so_when_asked_for_it() -> None:
    with pytest.raises(LookupError, match="tools has no cidr"):
        _ = environment("tools").network


def test_an_unknown_environment_has_no_settings() -> None:
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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


PATHS = [
    "project", "project/name", "pipeline/path", "services", "services/parcel-dispatcher", "environments",
    "environments/staging", "environments/staging/cidr", "environments/staging/zones", "environments/staging/services",
    "environments/staging/provided", "services/parcel-dispatcher/health_check", "services/parcel-dispatcher/image",
]  # fmt: skip


@given(st.sampled_from(PATHS), json_values)
def test_every_wrong_value_is_a_configuration_error(path: str, value: Any) -> None:
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
