"""Warns about services that are probably not written in Python, but keep a default setting for Python.

If none of a service's checks is for Python, the service is probably written in another language.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Configuration, Service
from cicd_templates.config.tables.checks import Preset
from cicd_templates.config.tables.table import Table

PRESET_LANGUAGES: dict[Preset, str] = {
    "bandit": "Python",
    "node-tests": "Node",
    "npm-audit": "Node",
    "pip-audit": "Python",
    "safety": "Python",
    "snyk": "Python",
    "unit-tests": "Python",
}


def warnings(configuration: Configuration) -> Iterator[str]:
    """Yield a warning for each service that keeps a default for Python, although none of its checks is for Python."""
    services = {service.name: service for environment in configuration.environments for service in environment.services}
    for service in services.values():
        defaults = _python_defaults(service)
        if defaults and "Python" not in _languages(service):
            yield (
                f"services.{service.name}: {' and '.join(defaults)}: the default works only for Python, but none of "
                f"the service's checks is for Python; set your own commands"
            )


def _languages(service: Service) -> set[str]:
    presets = [
        check.preset for check in service.settings.checks.values() if check.preset and not check.has_own_commands
    ]
    return {PRESET_LANGUAGES[preset] for preset in presets if preset in PRESET_LANGUAGES}


def _python_defaults(service: Service) -> list[str]:
    """Return the keys for which the service uses a default that works only for Python."""
    tables: dict[str, tuple[Table, str]] = {"build.sbom": (service.settings.build, "sbom")}
    if service.settings.is_web:
        tables["smoke"] = (service.settings, "smoke")
    return [key for key, (table, name) in tables.items() if name not in table.model_fields_set]
