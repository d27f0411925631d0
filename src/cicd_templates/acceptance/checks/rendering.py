"""Renders the project of the run again with changed settings, which the journal remembers."""

from __future__ import annotations

from typing import Any

from cicd_templates.acceptance.check import Bench
from cicd_templates.acceptance.project import settings_of


def render_with(bench: Bench, **changes: Any) -> None:
    """Change settings of the project, write it, and render it. The settings are facts of the run."""
    bench.facts["settings"] = {**bench.facts.get("settings", {}), **changes}
    bench.save()
    bench.project.write(settings_of(bench.facts))
    bench.commands.run("render", "--suffix", bench.project.suffix)
