"""Wrong edits of a configuration lead to a list of problems with exit code 2, and never to a traceback."""

from __future__ import annotations

import copy
import datetime
import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import ConfigurationError
from tests.projects.rendering import PROJECTS

NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/environments.toml"))
VALUES: list[Any] = [
    *("", "x" * 300, "é", "\0", "a\nb", "../x", "arn:aws:iam::1:role/x", "10.0.0.0/33", "::/0", "all"),
    *(0, -1, 1.5, float("nan"), 10**30, True),
    *([], [[]], ["a", "a"], [1], ["x"] * 50),
    *({}, {"a": 1}, {"": 1}, {"a": {}}, {"preset": 5}),
    *(datetime.date(2026, 1, 1), datetime.time(1, 2), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
]
# Keys that only some projects have; a value of the wrong type is put there in all of them.
SERVICE_KEYS = (
    *("autoscaling", "canary", "linear", "hooks", "probes", "secrets", "environment", "egress", "build", "alarms"),
    *("health_check", "github", "smoke", "path", "image", "priority", "path_pattern", "rollout", "bake_minutes"),
)
ENVIRONMENT_KEYS = (
    *("patch", "provided", "services", "suffix", "zones", "copy_domain", "deployment_window", "time_zone"),
    "certificate_authority",
    *("role_path", "permissions_boundary", "profile", "role_arn", "stakeholders"),
)


def paths(table: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from paths(value, (*before, key))


def edited(raw: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return the configuration with one mistake: a wrong or repeated value, a missing key, or a misspelt key."""
    raw = copy.deepcopy(raw)
    service, environment = next(iter(raw["services"])), list(raw["environments"])[-1]
    places = [
        *paths(raw),
        *(("services", service, key) for key in SERVICE_KEYS),
        *(("environments", environment, key) for key in ENVIRONMENT_KEYS),
    ]
    *parents, last = chance.choice(places)
    table = raw
    for parent in parents:
        table = table[parent]
    match chance.randrange(8):
        case 0:
            table.pop(last, None)
        case 1:
            table[f"{last}x"] = table.pop(last, 1)
        case 2 if isinstance(table.get(last), list):
            table[last] = [*table[last], *table[last]]
        case _:
            table[last] = chance.choice(VALUES)
    return raw


def refuse_or_accept(name: str, seeds: range) -> int:
    """Return how many of the edits were refused. Any error but a `ConfigurationError` fails the test."""
    raw = tomllib.loads((PROJECTS / name / "environments.toml").read_text(encoding="utf-8"))
    refused = 0
    for seed in seeds:
        try:
            parse_configuration(edited(raw, random.Random(seed)), source="file")  # noqa: S311 - edits, no secrets
        except ConfigurationError as error:
            assert str(error).startswith("file: "), seed
            assert error.exit_code == 2, seed
            refused += 1
    return refused


@pytest.mark.no_cover
@pytest.mark.parametrize("name", NAMES)
def test_a_clumsy_edit_is_refused_or_harmless(name: str) -> None:
    assert refuse_or_accept(name, range(8)) > 3


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_many_clumsy_edits_are_refused_or_harmless(name: str) -> None:
    assert refuse_or_accept(name, range(100, 300)) > 100
