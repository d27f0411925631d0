"""Turns troposphere and awacs objects into plain dicts, lists and scalars, in one pass.

troposphere's own function `encode_to_dict` gives the same result. It is slower: for example, it converts a value that
is inside three nested objects three times.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import cache
from typing import Any

from troposphere import AWSHelperFn, BaseAWSObject, Template, encode_to_dict

from cicd_templates.render.key_order import in_order

_SCALARS = frozenset({str, int, bool, float, type(None)})


def template_content(template: Template) -> dict[str, Any]:
    """Return the sections of `template` that a layer can fill. Raises troposphere's errors for invalid objects."""
    sections: dict[str, dict[str, Any]] = {
        "Conditions": template.conditions,
        "Mappings": template.mappings,
        "Metadata": template.metadata,
        "Outputs": template.outputs,
        "Parameters": template.parameters,
        "Resources": template.resources,
        "Rules": template.rules,
    }
    # The entries of a section keep the order of the layer.
    return {name: {key: plain_data(entry) for key, entry in section.items()} for name, section in sections.items()}


def plain_data(value: Any) -> Any:
    """Return `value` as plain data, with its keys in the order of `key_order`.

    The result shares no dict and no list with `value`.
    """
    kind: Any = type(value)
    if kind in _SCALARS:
        return value
    # Most items are texts. A call for each of them would double the time.
    if kind is dict:
        return in_order({key: item if type(item) is str else plain_data(item) for key, item in value.items()})
    if kind is list or kind is tuple:
        return [item if type(item) is str else plain_data(item) for item in value]
    return _conversion(kind)(value)


@cache
def _conversion(kind: Any) -> Callable[[Any], Any]:
    """Return the function that turns objects of one class into plain data."""
    if issubclass(kind, AWSHelperFn) and kind.to_dict is AWSHelperFn.to_dict:
        return lambda value: plain_data(value.data)
    if issubclass(kind, BaseAWSObject) and kind.to_dict is BaseAWSObject.to_dict:
        required = {name for name, (_, is_required) in kind.props.items() if is_required}
        return lambda value: _object_data(value, required)
    if hasattr(kind, "to_dict"):
        return lambda value: plain_data(value.to_dict())
    if hasattr(kind, "JSONrepr"):
        return lambda value: plain_data(value.JSONrepr())
    return encode_to_dict


def _object_data(value: BaseAWSObject, required: Set[str]) -> Any:
    properties = value.properties
    # troposphere itself reports a missing property, and decides what becomes of an object without any.
    if not properties or not required <= properties.keys():
        return plain_data(value.to_dict())
    if value.do_validation:
        value.validate()
    return plain_data(value.resource)
