"""Where things lie in a user's project, relative to its folder, and the layers that are in it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cicd_templates.errors import ConfigurationError

if TYPE_CHECKING:
    from cicd_templates.layers import Layer

CONFIGURATION = Path("templates/environments.toml")
CONFIGURATION_DOC = Path("docs/configuration.md")
OUT = Path("out")
BUILD = Path("build")


def rendered_folder(suffix: str | None) -> Path:
    """Where rendered templates lie: `out/` is committed, `build/` of parallel copies is not."""
    return BUILD if suffix else OUT


def layers() -> tuple[Layer, ...]:
    """`LAYERS` of the project's `templates/`. Raises `ConfigurationError` where there is no such folder here."""
    # The layers are the user's own: they lie in the project's folder, not in the installed package.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module("templates")
    except ModuleNotFoundError as error:
        if error.name != "templates":
            raise
        raise ConfigurationError("no folder templates/ here; run this in the project's own folder") from None
    found: tuple[Layer, ...] = module.LAYERS
    return found
