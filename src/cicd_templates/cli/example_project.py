"""Renders an example application with the example's own configuration, without changing the user's project.

The user's `templates/environments.toml`, own layers and `out/` are neither read nor changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cicd_templates import hints
from cicd_templates.cli.project_layers import tool_layers
from cicd_templates.config.load import read_configuration
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.paths import CONFIGURATION, STATE
from cicd_templates.render import out_folder, render
from cicd_templates.template.checksums import source_digest

EXAMPLES = Path("examples")


@dataclass(frozen=True)
class ExampleProject:
    """A rendered example. `services` are its services in the order of its configuration."""

    source: Path
    templates: Path
    services: tuple[str, ...]


def example_configuration(name: str) -> Path:
    """Return the path of the configuration of the example `name`.

    Raises `ConfigurationError` if there is no such example, or if it has no configuration of its own.
    """
    known = sorted(path.parent.name for path in EXAMPLES.glob(f"*/{CONFIGURATION.name}"))
    if name in known:
        return EXAMPLES / name / CONFIGURATION.name
    if name in {path.name for path in EXAMPLES.glob("*/")}:
        source = hints.make("rehearse", APP=f"{EXAMPLES}/{name}")
        raise ConfigurationError(
            f"{EXAMPLES}/{name} has no {CONFIGURATION.name}; to rehearse this example with your own templates,"
            f" use {source} instead"
        )
    raise ConfigurationError(f"no example {name!r}; {EXAMPLES}/ has {', '.join(known) or 'none'}")


def render_example(name: str) -> ExampleProject:
    """Render an example application into a folder below `.state/`.

    Raises `ConfigurationError` if no example has this `name`, or if the example has no configuration of its own.
    """
    configuration = read_configuration(example_configuration(name))
    rendered = render.render(configuration, tool_layers(), "yaml")
    folder = STATE / EXAMPLES / name
    out_folder.write_files(out_folder.files_of(rendered, folder, sources=source_digest()), folder)
    services = tuple(service.name for service in configuration.environments[0].services)
    return ExampleProject(EXAMPLES / name, folder, services)
