"""The escape hatch: values that an environment sets on finished templates, each with its reason.

Applied last, so that what is linted, reviewed and deployed has them; nothing else may change a template by hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from cicd_templates.config.tables.patch import PatchTable
from cicd_templates.errors import ConfigurationError
from cicd_templates.template.comparison import named
from cicd_templates.template.metadata import REASONS_KEY

Patches = Mapping[str, PatchTable]


def patch(template: dict[str, Any], patches: Patches, at: str) -> None:
    """Set each value at its path, and its reason in the metadata of its resource.

    `at` is the TOML path of the table. Raises `ConfigurationError` where a path matches nothing.
    """
    for path, entry in patches.items():
        _set(template, path.split("."), entry, f'{at}."{path}"')
        section, name, *within = path.split(".")
        if section == "Resources":
            metadata = template["Resources"][name].setdefault("Metadata", {})
            said = ".".join(within).removeprefix("Properties.")
            metadata[REASONS_KEY] = [*metadata.get(REASONS_KEY, ()), f"Patched: {said}, because {entry.because}"]


def refuse_unknown(patched: Mapping[str, Patches], stacks: list[str], at: str) -> None:
    """Raise `ConfigurationError` where a patch is for none of `stacks`, the stems of the environment's files."""
    for name in patched:
        if name not in stacks:
            raise ConfigurationError(f'{at}."{name}": matches no stack here; {_known(name, stacks)}')


def _set(template: dict[str, Any], steps: list[str], entry: PatchTable, at: str) -> None:
    place: Any = template
    for depth, step in enumerate(steps[:-1]):
        place = _below(place, step, at, steps[:depth])
    last = steps[-1]
    if isinstance(place, dict) and entry.add and last not in place:
        place[last] = entry.value
        return
    _below(place, last, at, steps[:-1])
    if isinstance(place, list):
        items = named(place)
        place[int(last) if items is None else list(items).index(last)] = entry.value
    else:
        place[last] = entry.value


def _below(place: Any, step: str, at: str, before: list[str]) -> Any:
    """Return the value at `step` of `place`: by key, by the name of a list's item, or by its number."""
    known: Mapping[str, Any] = {}
    if isinstance(place, dict):
        known = place
    elif isinstance(place, list):
        items = named(place)
        known = {str(index): item for index, item in enumerate(place)} if items is None else items
    if step not in known:
        within = ".".join(before) or "the template"
        raise ConfigurationError(f"{at}: matches nothing; {within} has no {step!r}; {_known(step, list(known))}")
    return known[step]


def _known(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known[:20]) or 'none'}"
