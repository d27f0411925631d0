"""Find the layers of the project in the current folder: those of this package's templates, and the user's own layers.

The user's own layers are in `templates/extra/`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer


def project_layers() -> tuple[Layer, ...]:
    """Return the project's layers: `LAYERS` of `templates/`, and the `LAYER` of each module in `templates/extra/`.

    Raises `ConfigurationError` if the current folder has no `templates/`, or if a module in `templates/extra/` has no
    `LAYER` or uses the name of another layer.
    """
    # Python must look in the project's folder, because `templates/` is not part of the installed package.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        package = importlib.import_module("templates")
    except ModuleNotFoundError as error:
        if error.name != "templates":
            raise
        raise ConfigurationError("no folder templates/ here; run this in the project's own folder") from None
    return with_user_layers(package)


def with_user_layers(package: ModuleType) -> tuple[Layer, ...]:
    """Return `LAYERS` of `package`, and the layers in its folder `extra/`, which an upgrade never changes."""
    layers: list[Layer] = list(package.LAYERS)
    for module in pkgutil.iter_modules([str(Path(folder, "extra")) for folder in package.__path__]):
        at = f"{package.__name__}/extra/{module.name}.py"
        user_layer = getattr(importlib.import_module(f"{package.__name__}.extra.{module.name}"), "LAYER", None)
        if user_layer is None:
            raise ConfigurationError(f"{at}: has no LAYER; add LAYER = Layer({module.name!r}, build)")
        if user_layer.name in {layer.name for layer in layers}:
            raise ConfigurationError(f"{at}: a layer {user_layer.name!r} exists already; choose another name")
        layers.append(user_layer)
    return tuple(layers)
