"""Finds the layers of the project in the current folder: the layers of `templates/`, and the user's own layers.

A layer is a module that builds one CloudFormation template. The command line passes the layers to the renderer, so that
no other part of the package imports `templates/`.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.user_layers import user_error, with_user_layers


def project_layers() -> tuple[Layer, ...]:
    """Return the project's layers, including the user's own layers. A layer is a module that builds templates.

    The package `templates` defines the list `LAYERS`. Each module in `templates/extra/` defines one of the user's own
    layers, in its variable `LAYER`. Raises `ConfigurationError` if the current folder has no `templates/`, or if a
    module in `templates/extra/` is not a layer.
    """
    return with_user_layers(_templates())


def tool_layers() -> tuple[Layer, ...]:
    """Return the layers that `templates/` lists in `LAYERS`, without the user's own layers in `templates/extra/`.

    Raises `ConfigurationError` if the current folder has no `templates/`.
    """
    return tuple(_templates().LAYERS)


def _templates() -> ModuleType:
    # Python must look in the project's folder, because `templates/` is not part of the installed package.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module("templates")
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "templates":
            raise ConfigurationError(
                "there is no folder templates/ here; run the command in the project's folder"
            ) from None
        # For example, a module of templates/ was deleted.
        raise user_error(error, "templates/__init__.py") from error
    except SyntaxError as error:
        # For example, the marks of a merge conflict are left in a module.
        raise user_error(error, os.path.relpath(error.filename or "templates")) from error
