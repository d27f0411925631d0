"""Finds patched values of the wrong data type, such as a list as `DeletionPolicy`, or a number as argument of `Ref`.

Only the data types are checked, because all later steps rely on them. The lint rules check the content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TEXTS = ("Type", "Condition", "DeletionPolicy", "UpdateReplacePolicy")
MAPPINGS = ("Properties", "Metadata")


def misshapen(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield a message for each value with the wrong data type in a resource, parameter, output or function."""
    for section in ("Resources", "Parameters", "Outputs"):
        for name, body in template.get(section, {}).items():
            at = f"{section}.{name}"
            yield from _wrong_members(section, body, at)
            yield from _wrong_functions(body, at)


def _wrong_members(section: str, body: Mapping[str, Any], at: str) -> Iterator[str]:
    texts = ("Type", "Default") if section == "Parameters" else TEXTS if section == "Resources" else ()
    for key in texts:
        if not isinstance(body.get(key, ""), str):
            yield f"{at}.{key} has to be a string"
    for key in MAPPINGS if section == "Resources" else ():
        if not isinstance(body.get(key, {}), Mapping):
            yield f"{at}.{key} has to be a table"


def _wrong_functions(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not _is_callable(key, part):
                yield f"{at}.{key} has arguments that CloudFormation does not accept"
            else:
                yield from _wrong_functions(part, f"{at}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _wrong_functions(part, f"{at}[{index}]")


def _is_callable(key: str, arguments: Any) -> bool:
    """Return false if `key` is an intrinsic function and `arguments` are not valid for it, otherwise true."""
    match key, arguments:
        case "Ref", str():
            return True
        case "Fn::Sub", str() | [str(), dict()]:
            return True
        case "Fn::GetAtt", str() | [str(), str() | dict()]:
            return True
        case "Fn::Join", [str(), list() | dict()]:
            return True
        case "Fn::Select", [int() | str() | dict(), list() | dict()]:
            return True
        case "Fn::If", [str(), _, _]:
            return True
    return key not in {"Ref", "Fn::Sub", "Fn::GetAtt", "Fn::Join", "Fn::Select", "Fn::If"}
