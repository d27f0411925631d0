"""Finds the rules and notifications that a SARIF run defines, and the severity levels that are configured for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.functions.scan_gate.reading import mapping, rows

_WORST_FIRST = ("error", "warning", "note", "none")


class Descriptors:
    """An index of the rules or the notifications that the tool components of a run define.

    Sections 3.52 (reporting descriptors) and 3.54 (tool components) of SARIF 2.1.0 define how results refer to rules.
    """

    def __init__(self, components: list[dict[str, Any]], kind: str) -> None:
        """Index the rules or the notifications of `components`, which are the driver and its extensions.

        `kind` is `rules` or `notifications`.
        """
        self._components = components
        self._lists = [rows(component.get(kind), kind) for component in components]
        self._by_guid: dict[str, dict[str, Any]] = {}
        self._by_id: list[dict[str, dict[str, Any]]] = []
        self._anywhere: dict[str, dict[str, Any]] = {}
        for listed in self._lists:
            own: dict[str, dict[str, Any]] = {}
            for descriptor in listed:
                self._by_guid.setdefault(str(descriptor.get("guid")).lower(), descriptor)
                own.setdefault(str(descriptor.get("id")), descriptor)
            self._by_id.append(own)
            self._anywhere = {**own, **self._anywhere}
        self._names = {str(each.get("name")): number for number, each in reversed(list(enumerate(components)))}
        self._guids = {str(each.get("guid")).lower(): number for number, each in enumerate(components)}

    def find(self, reference: dict[str, Any], index: object = None, name: object = None) -> dict[str, Any]:
        """Return the descriptor of a rule or notification, or an empty object if it is not found.

        `index` is the `ruleIndex` of a result, and `name` is its `ruleId`. The search uses these values, in this order:

        - `index`, and then the index in `reference`
        - the guid in `reference`
        - `name` or, if it is missing, the id in `reference`

        The id `CA1000/md5` also finds the rule `CA1000`.
        """
        component = self._component(mapping(reference.get("toolComponent"), "toolComponent"))
        for position in (index, reference.get("index")):
            if component is not None and _is_index(position, self._lists[component]):
                return self._lists[component][position]  # type: ignore[index]
        guid = reference.get("guid")
        if isinstance(guid, str) and guid.lower() in self._by_guid:
            return self._by_guid[guid.lower()]
        own = self._by_id[component] if component is not None else {}
        for part in _ids(name if isinstance(name, str) else reference.get("id")):
            found = own.get(part) or self._anywhere.get(part)
            if found:
                return found
        return {}

    def _component(self, reference: dict[str, Any]) -> int | None:
        """Return the number of the tool component to which `reference` refers, or None. The driver has the number 0."""
        index, guid, name = reference.get("index"), reference.get("guid"), reference.get("name")
        if _is_index(index, self._components[1:]):
            return index + 1  # type: ignore[operator]
        if isinstance(guid, str) and guid.lower() in self._guids:
            return self._guids[guid.lower()]
        if isinstance(name, str):
            return self._names.get(name)
        return 0 if index is None or index == -1 else None


def _is_index(value: object, listed: list[dict[str, Any]]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(listed)


def _ids(name: object) -> Iterator[str]:
    """Yield an id and then its parents: `CA1000/md5`, then `CA1000`."""
    while isinstance(name, str) and name:
        yield name
        name = name.rpartition("/")[0]


class Levels:
    """The severity levels of a SARIF run's rules or notifications. An invocation can override a default level."""

    def __init__(self, descriptors: Descriptors, invocations: list[dict[str, Any]], key: str) -> None:
        """Read the levels with which each invocation, in its property `key`, overrides the default levels of rules."""
        self._overrides: list[dict[int, str]] = []
        for invocation in invocations:
            levels: dict[int, str] = {}
            for override in rows(invocation.get(key), key):
                descriptor = descriptors.find(mapping(override.get("descriptor"), "descriptor"))
                level = mapping(override.get("configuration"), "configuration").get("level")
                if descriptor and isinstance(level, str):
                    levels[id(descriptor)] = level
            self._overrides.append(levels)

    def of(self, descriptor: dict[str, Any], invocation: object = None) -> str | None:
        """Return the level that the invocation with the number `invocation` sets for a rule, or else the default level.

        Without such an invocation, return the worst of all levels. Return None if no level is set.
        """
        default = mapping(descriptor.get("defaultConfiguration"), "defaultConfiguration").get("level")
        if isinstance(invocation, int) and not isinstance(invocation, bool) and 0 <= invocation < len(self._overrides):
            override = self._overrides[invocation].get(id(descriptor))
            return override if override is not None else default
        overrides = [levels[id(descriptor)] for levels in self._overrides if id(descriptor) in levels]
        stated = [*overrides, *([default] if isinstance(default, str) else [])]
        # A level that SARIF does not define counts as worse than all others, because its meaning is unknown.
        return min(stated, key=lambda level: _WORST_FIRST.index(level) if level in _WORST_FIRST else -1, default=None)
