"""Renders the project of the run again with changed settings, and records these settings in the journal."""

from __future__ import annotations

from typing import Any

from cicd_templates.acceptance.check import CheckContext
from cicd_templates.acceptance.project import settings_of


def render_with(context: CheckContext, **changes: Any) -> None:
    """Change settings of the project, then write and render the project. Record the settings as facts of the run."""
    context.facts["settings"] = {**context.facts.get("settings", {}), **changes}
    context.save()
    context.project.write(settings_of(context.facts))
    context.commands.run("render", "--suffix", context.project.suffix)
