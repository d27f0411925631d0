"""Repetitions: a mistake that one line corrects is one problem, whatever the number of environments that have it."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.repetitions import without_repetitions
from tests.conftest import RAW, raw_configuration
from tests.unit.config.problems import SERVICE, STAGING, problems_of

PRODUCTION = "environments/production"
IN_STAGING, IN_PRODUCTION = (f"{each}/services/parcel-dispatcher" for each in (STAGING, PRODUCTION))
SMOKE = "ECS runs hooks only while requests shift"
THIRD = {
    **RAW["environments"]["staging"],
    "cidr": "10.99.0.0/16",
    "suffix": "third",
    "services": {"parcel-dispatcher": {"cpu": 512, "memory": 1024}},
}


@pytest.mark.parametrize(
    ("edits", "at", "also"),
    [
        pytest.param(
            [(f"{SERVICE}/hooks", ["smoke"])],
            "services.parcel-dispatcher.hooks",
            "",
            id="a mistake of the shared table",
        ),
        pytest.param(
            [(f"{SERVICE}/hooks", ["smoke"]), ("environments/third", THIRD)],
            "services.parcel-dispatcher.hooks",
            "",
            id="a mistake of the shared table in three environments, which set other keys",
        ),
        pytest.param(
            [(f"{SERVICE}/hooks", ["smoke"]), (f"{IN_STAGING}/hooks", [])],
            "environments.production.services.parcel-dispatcher.hooks",
            "",
            id="not where an environment sets something else",
        ),
        pytest.param(
            [(f"{SERVICE}/hooks", ["smoke"]), (f"{IN_STAGING}/hooks", []), ("environments/third", THIRD)],
            "environments.production.services.parcel-dispatcher.hooks",
            " (also in third)",
            id="two environments of three",
        ),
        pytest.param(
            [(f"{IN_STAGING}/rollout", "blue-green"), (f"{SERVICE}/hooks", ["smoke"])],
            "environments.production.services.parcel-dispatcher.hooks",
            "",
            id="a mistake that one environment corrects by another key",
        ),
    ],
)
def test_a_mistake_of_a_shared_table_is_listed_once(edits: list[tuple[str, Any]], at: str, also: str) -> None:
    (problem,) = [problem for problem in problems_of(*edits) if SMOKE in problem]

    assert problem.startswith(f"{at}: {SMOKE}")
    assert problem.endswith(also or 'use rollout = "blue-green", "canary" or "linear"')


def test_the_same_mistake_written_twice_is_listed_twice() -> None:
    edits = [(f"{IN_STAGING}/hooks", ["smoke"]), (f"{IN_PRODUCTION}/hooks", ["smoke"])]

    assert [problem.split(":")[0] for problem in problems_of(*edits)] == [
        f"environments.{name}.services.parcel-dispatcher.hooks" for name in ("staging", "production")
    ]


def test_a_mistake_that_the_settings_of_each_environment_cause_stands_in_the_environment() -> None:
    edits: list[tuple[str, Any]] = [(f"{each}/linear", {"percent": 50.0}) for each in (IN_STAGING, IN_PRODUCTION)]
    found = problems_of((f"{SERVICE}/linear", {"bake_minutes": 1}), (f"{SERVICE}/rollout", "linear"), *edits)

    (bake,) = [problem for problem in found if "alarms may need three minutes" in problem]
    assert bake.startswith("environments.staging.services.parcel-dispatcher.linear.bake_minutes: 1 is too short")
    assert bake.endswith(" (also in production)")


def test_what_one_line_of_the_project_corrects_is_listed_once() -> None:
    edits: list[tuple[str, Any]] = [(f"{each}/pull_requests", True) for each in (STAGING, PRODUCTION)]

    assert problems_of(*edits) == [
        "environments.staging.pull_requests: needs the repository of this project; write repository ="
        ' "owner/name" into [project] (also in production)'
    ]


def test_each_environment_with_a_mistake_of_its_own_is_listed() -> None:
    edits: list[tuple[str, Any]] = [(f"{each}/certificate_arn", ...) for each in (STAGING, PRODUCTION)]

    assert [problem.split(":")[0] for problem in problems_of(*edits)] == [
        "environments.staging.certificate_arn",
        "environments.production.certificate_arn",
    ]


@pytest.mark.parametrize("edits", [[(f"{IN_STAGING}/smoke", ["true"])], []], ids=["its own list", "the shared list"])
def test_an_item_of_a_list_belongs_to_the_table_that_has_the_list(edits: list[tuple[str, Any]]) -> None:
    raw = raw_configuration(*edits)
    at = "services.parcel-dispatcher.smoke[0]"
    problems = [Problem(f"environments.{name}.{at}", "wrong") for name in ("staging", "production")]

    found = without_repetitions(problems, parse_configuration(raw, source="file").environments)

    assert list(map(str, found)) == (list(map(str, problems)) if edits else [f"{at}: wrong"])


OWN_LEVELS = [(f"{each}/environment", {"LEVEL": "debug"}) for each in (IN_STAGING, IN_PRODUCTION)]
ONLY_STAGING = [("environments/production", ...), ("pipeline/path", ["staging"])]
CONTAINER = {"image": f"public.ecr.aws/envoy/envoy@sha256:{'0' * 64}", "user": "1000:1000"}
# Edits below a service's table, with the key at which a mistake is reported.
WRONG_KEYS = [
    ({"hooks": ["smoke"]}, "hooks"),
    ({"egress": {"10.0.0.0/8": [443]}}, "egress"),
    ({"secrets": {"PORT": "port"}}, "secrets.PORT"),
    ({"secret_keys": [f"arn:aws:kms:eu-west-1:111111111111:key/{'0' * 36}"]}, "secret_keys"),
    ({"autoscaling": {"minimum": 9, "maximum": 6, "cpu_percent": 60}}, "autoscaling.minimum"),
    ({"containers": {"proxy": CONTAINER | {"memory": "lots"}}}, "containers.proxy.memory"),
    ({"checks": {"lint": {"preset": "bandit", "colour": "red"}}}, "checks.lint.colour"),
    ({"checks": {"lint": {"format": "sarif"}}}, "checks.lint.tool"),
    ({"source": "github", "github": {"repository": "a/b"}}, "github.connection_arn"),
]


def paths_of(*edits: tuple[str, Any]) -> set[str]:
    return {problem.partition(":")[0] for problem in problems_of(*edits)}


@pytest.mark.parametrize("others", [[], OWN_LEVELS, ONLY_STAGING], ids=["no overrides", "overrides", "one environment"])
@pytest.mark.parametrize(("wrong", "key"), WRONG_KEYS, ids=[key for _, key in WRONG_KEYS])
def test_a_mistake_of_a_shared_table_is_reported_there(wrong: dict[str, Any], key: str, others: list[Any]) -> None:
    paths = paths_of(*((f"{SERVICE}/{name}", value) for name, value in wrong.items()), *others)

    assert f"services.parcel-dispatcher.{key}" in paths
    assert not [path for path in paths if path.startswith("environments.")]


@pytest.mark.parametrize(("wrong", "key"), WRONG_KEYS, ids=[key for _, key in WRONG_KEYS])
def test_a_mistake_of_an_environments_own_table_is_reported_there(wrong: dict[str, Any], key: str) -> None:
    # The tools environment has the checks and the sources of releases.
    name = "tools" if key.startswith(("checks", "github")) else "production"
    paths = paths_of(*((f"environments/{name}/services/parcel-dispatcher/{each}", wrong[each]) for each in wrong))

    assert {path for path in paths if path.endswith(key)} == {f"environments.{name}.services.parcel-dispatcher.{key}"}


@pytest.mark.parametrize(
    ("shared", "own", "at"),
    [
        pytest.param(
            {"proxy": CONTAINER | {"memory": "lots"}, "agent": CONTAINER},
            {"agent": {"cpu": 64}},
            "services.parcel-dispatcher.containers.proxy.memory",
            id="the environment overrides another container",
        ),
        pytest.param(
            {"proxy": {"user": "1000:1000"}},
            {"proxy": {"cpu": 64}},
            "services.parcel-dispatcher.containers.proxy.image",
            id="a key is missing in the container of the shared table",
        ),
        pytest.param(
            {"proxy": CONTAINER},
            {"agent": {"user": "1000:1000"}},
            "environments.staging.services.parcel-dispatcher.containers.agent.image",
            id="a key is missing in the environment's own container",
        ),
        pytest.param(
            {"proxy": CONTAINER},
            {"proxy": {"memory": "lots"}},
            "environments.staging.services.parcel-dispatcher.containers.proxy.memory",
            id="the environment overrides the container's key",
        ),
        pytest.param(
            {"proxy": CONTAINER | {"ports": [9000]}},
            {"proxy": {"ports": [9000, 80]}},
            "environments.staging.services.parcel-dispatcher.containers.proxy.ports[1]",
            id="an item of the environment's own list is wrong",
        ),
        pytest.param(
            {"proxy": CONTAINER | {"ports": [9000, 80]}},
            {"proxy": {"cpu": 64}},
            "services.parcel-dispatcher.containers.proxy.ports[1]",
            id="an item of the shared list is wrong",
        ),
    ],
)
def test_a_wrong_value_is_reported_in_the_table_that_has_it(
    shared: dict[str, Any], own: dict[str, Any], at: str
) -> None:
    assert paths_of((f"{SERVICE}/containers", shared), (f"{IN_STAGING}/containers", own)) == {at}
