"""Applies the patches of an environment to its templates, and records the reason for each patch.

Linting, review and deployment use the patched templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd_templates.config.tables.patch import PatchTable
from cicd_templates.errors import ConfigurationError, suggestion
from cicd_templates.render.patched_shape import misshapen
from cicd_templates.template.comparison import items_by_name
from cicd_templates.template.metadata import REASONS_KEY

Patches = Mapping[str, PatchTable]
# How many names a message lists.
MOST_NAMES = 20


def apply_patches(template: dict[str, Any], patches: Patches, at: str) -> None:
    """Set each patched value in the template, and write the reason for the patch to the metadata of the resource.

    `at` is the TOML path of `patches`, for error messages. Raises `ConfigurationError` if the path of a patch matches
    nothing, or if its value has the wrong type.
    """
    for path, entry in patches.items():
        _set_value(template, path.split("."), entry, f'{at}."{path}"')
        for wrong in misshapen(template):
            raise ConfigurationError(f'{at}."{path}".value: is not possible here; {wrong}')
        section, name, *within = path.split(".")
        if section == "Resources":
            metadata = template["Resources"][name].setdefault("Metadata", {})
            property_path = ".".join(within).removeprefix("Properties.")
            metadata[REASONS_KEY] = [
                *metadata.get(REASONS_KEY, ()),
                f"Patched: {property_path}, because {entry.because}",
            ]


def refuse_unknown(patched: Mapping[str, Patches], stacks: list[str], at: str) -> None:
    """Raise `ConfigurationError` if a patch names a stack that is not in `stacks`.

    `stacks` are the short names of the environment's stacks, such as `network`.
    """
    for name in patched:
        if name not in stacks:
            raise ConfigurationError(f'{at}."{name}": matches no stack here; {suggestion(name, stacks, MOST_NAMES)}')


def _set_value(template: dict[str, Any], steps: list[str], entry: PatchTable, at: str) -> None:
    container: Any = template
    for depth, step in enumerate(steps[:-1]):
        container = _child(container, step, at, steps[:depth])
    last = steps[-1]
    if isinstance(container, dict) and entry.add and last not in container:
        container[last] = entry.value
        return
    _child(container, last, at, steps[:-1])
    if isinstance(container, list):
        items = items_by_name(container)
        container[int(last) if items is None else list(items).index(last)] = entry.value
    else:
        container[last] = entry.value


def _child(container: Any, step: str, at: str, before: list[str]) -> Any:
    """Return the value at `step` in `container`, which is a map or a list.

    In a map, `step` is a key. In a list, it is the name of an item or, if the items have no names, its index. Raises
    `ConfigurationError` if there is no such value.
    """
    known: Mapping[str, Any] = {}
    if isinstance(container, dict):
        known = container
    elif isinstance(container, list):
        items = items_by_name(container)
        known = {str(index): item for index, item in enumerate(container)} if items is None else items
    if step not in known:
        within = ".".join(before) or "the template"
        raise ConfigurationError(
            f"{at}: matches nothing; {within} has no {step!r}; {suggestion(step, list(known), MOST_NAMES)}"
        )
    return known[step]
