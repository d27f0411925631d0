"""Loads the user's own layers, which are modules in `templates/extra/`, and explains their errors."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.layer.definition import Layer

# CloudFormation allows only letters, digits and hyphens in the names of stacks. An underscore becomes a hyphen.
LAYER_NAME = r"[a-z][a-z0-9]*([-_][a-z0-9]+)*"
LAYER_NAME_LENGTH = 40


def with_user_layers(package: ModuleType) -> tuple[Layer, ...]:
    """Return the layers of `package`, and the user's own layers in its folder `extra/`.

    Raises `ConfigurationError` if a module in `extra/` is not a valid layer.
    """
    layers: list[Layer] = list(package.LAYERS)
    for module in pkgutil.iter_modules([str(Path(folder, "extra")) for folder in package.__path__]):
        at = f"{package.__name__}/extra/{module.name}.py"
        user_layer = getattr(_import(f"{package.__name__}.extra.{module.name}", at), "LAYER", None)
        if not isinstance(user_layer, Layer):
            raise ConfigurationError(f"{at}: has no LAYER; add LAYER = Layer({module.name!r}, build)")
        if len(user_layer.name) > LAYER_NAME_LENGTH or not re.fullmatch(LAYER_NAME, user_layer.name):
            raise ConfigurationError(
                f"{at}: {user_layer.name!r} cannot be the name of a layer; use at most {LAYER_NAME_LENGTH}"
                " lower-case letters, digits and single underscores, beginning with a letter"
            )
        if user_layer.build is None and not user_layer.is_per_service:
            raise ConfigurationError(f"{at}: its LAYER has no build; write Layer({user_layer.name!r}, build)")
        if user_layer.name in {layer.name for layer in layers}:
            raise ConfigurationError(f"{at}: a layer {user_layer.name!r} exists already; choose another name")
        layers.append(user_layer)
    return tuple(layers)


def is_users_own(layer: Layer) -> bool:
    """Return whether `layer` is one of the user's own layers."""
    return layer.module.split(".")[1:2] == ["extra"]


def _import(name: str, at: str) -> ModuleType:
    """Import and return a module with a user's own layer.

    Raises `ConfigurationError`, with file, line and cause, if the import fails.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise user_error(error, at) from error


def user_error(error: Exception, source: str) -> ConfigurationError:
    """Return the error to report if the user's own layer in the file `source` has raised `error`."""
    if isinstance(error, SyntaxError):
        return ConfigurationError(f"{source}:{error.lineno}: {error.msg}")
    lines = _lines_in(error, source)
    line = f":{lines[-1]}" if lines else ""
    return ConfigurationError(f"{source}{line}: {type(error).__name__}: {error}")


@contextlib.contextmanager
def explained_user_errors(layers: Iterable[Layer], building: Layer | None = None) -> Iterator[None]:
    """In the `with` block, turn errors of the user's own layers into `ConfigurationError`, with file, line and cause.

    `layers` may contain all layers. `building` is the layer that is being built. An error belongs to a user's own layer
    in two cases:
    - The user's own layer is being built.
    - The traceback contains code of the user's own layer. This happens if the user's own layer offers a function, and
      another layer calls this function.

    All other errors are raised unchanged.
    """
    try:
        yield
    except CicdError:
        raise
    except Exception as error:
        for layer in filter(is_users_own, layers):
            if layer is building or _lines_in(error, layer.source):
                raise user_error(error, layer.source) from error
        raise


def _lines_in(error: Exception, source: str) -> list[int | None]:
    """Return the line numbers of the file `source` in the traceback of `error`, the innermost call last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.lineno for frame in frames if Path(frame.filename).as_posix().endswith(f"/{source}")]
