"""A project with any number of services, which differ by their name and path alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

from cicd_templates.config.environment import Configuration
from cicd_templates.config.load import parse_configuration

PROJECT = Path(__file__).parents[1] / "projects/shipping/environments.toml"


def configuration(services: int) -> Configuration:
    """Return the configuration of the tests' project with `services` services, all with the checks of its first one."""
    raw = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    checks = next(iter(raw["services"].values()))["checks"]
    numbers = range(1, services + 1)
    raw["services"] = {f"service-{n}": {"path_pattern": f"/{n}/*", "checks": checks} for n in numbers}
    for environment in raw["environments"].values():
        environment.pop("services", None)
    return parse_configuration(raw, source="bench")
