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

    found = without_repetitions(problems, raw, parse_configuration(raw, source="file"))

    assert list(map(str, found)) == (list(map(str, problems)) if edits else [f"{at}: wrong"])
