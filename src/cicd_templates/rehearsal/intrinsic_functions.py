"""Resolves Ref, Fn::GetAtt and Fn::Sub in template values. Pipelines use only these functions. Does not call AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cicd_templates.errors import CicdError

PLACEHOLDER = re.compile(r"\$\{([^!{}]+)\}")


def resolve(value: Any, names: Mapping[str, str]) -> Any:
    """Return `value` with every reference replaced by its value in `names`.

    The keys of `names` are parameters, logical ids, `Id.Attribute` and pseudo parameters. Raises `CicdError` if a
    function is not supported or a name is unknown.
    """
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return _named(argument, names)
        if function == "Fn::GetAtt":
            return _named(argument if isinstance(argument, str) else ".".join(argument), names)
        if function == "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            known = {**names, **resolve(own, names)}
            return PLACEHOLDER.sub(lambda found: _named(found.group(1), known), text).replace("${!", "${")
        if function.startswith("Fn::"):
            raise CicdError(
                f"{function}: a rehearsal does not support this function; it supports Ref, Fn::GetAtt and Fn::Sub"
            )
    return {key: resolve(item, names) for key, item in value.items()}


def _named(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise CicdError(f"{name}: the deployed stack has no parameter, resource or attribute with this name")
    return names[name]
