"""Returns the checks of a service: the configured values, completed with the values of presets."""

from __future__ import annotations

from cicd_templates.builds.check_presets import PRESETS
from cicd_templates.builds.release_check import PYTHON_IMAGE, TIMEOUT_MINUTES, ReleaseCheck
from cicd_templates.config.environment import Service
from cicd_templates.config.tables.checks import CheckTable


def checks_of(service: Service) -> list[ReleaseCheck]:
    """Return the checks of a service in the order of its configuration, completed with the values of presets."""
    return [_check(name, table) for name, table in service.settings.checks.items()]


def _check(name: str, table: CheckTable) -> ReleaseCheck:
    """Return the check that `table` configures. Its preset supplies the values that the table leaves out.

    Validation ensures that a table without a preset has all required values.
    """
    preset = PRESETS[table.preset]() if table.preset else None
    format_ = table.format or (preset.format if preset else None)
    assert format_ is not None, "validation refuses a check without a format"
    return ReleaseCheck(
        name=name,
        image=table.image or (preset.image if preset else PYTHON_IMAGE),
        tools=preset.tools if preset and not table.install else (),
        install=table.install or (preset.install if preset else ()),
        version=table.version or (preset.version if preset else ""),
        commands=table.commands or (preset.commands if preset else ()),
        format=format_,
        tool=table.tool or (preset.tool if preset and not table.has_own_commands else ""),
        secrets=table.secrets or (preset.secrets if preset else {}),
        timeout_minutes=table.timeout_minutes or TIMEOUT_MINUTES,
        runs_application=table.may_run_application,
    )
