"""Turns troposphere and awacs objects into plain dicts, lists and scalars, in one pass.

troposphere's own `encode_to_dict` gives the same result. It is slower, because it converts a value inside several
nested objects once for each of these objects.
"""

from __future__ import annotations

from typing import Any

from troposphere import AWSHelperFn, BaseAWSObject, Template, encode_to_dict

_SCALARS = frozenset({str, int, bool, float, type(None)})


def template_content(template: Template) -> dict[str, Any]:
    """Return the sections of `template` that a layer can fill. Raises troposphere's errors for invalid objects."""
    sections = {
        "Conditions": template.conditions,
        "Mappings": template.mappings,
        "Metadata": template.metadata,
        "Outputs": template.outputs,
        "Parameters": template.parameters,
        "Resources": template.resources,
        "Rules": template.rules,
    }
    return {name: plain_data(section) for name, section in sections.items()}


def plain_data(value: Any) -> Any:
    """Return `value` as plain data. The result shares no dict and no list with `value`."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    # Most items are texts. A call for each of them would double the time.
    if kind is dict:
        return {key: item if type(item) is str else plain_data(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) is str else plain_data(item) for item in value]
    if isinstance(value, AWSHelperFn) and kind.to_dict is AWSHelperFn.to_dict:
        return plain_data(value.data)
    if isinstance(value, BaseAWSObject) and kind.to_dict is BaseAWSObject.to_dict and _is_complete(value):
        if value.do_validation:
            value.validate()
        return plain_data(value.resource)
    if hasattr(value, "to_dict"):
        return plain_data(value.to_dict())
    return plain_data(value.JSONrepr()) if hasattr(value, "JSONrepr") else encode_to_dict(value)


def _is_complete(value: BaseAWSObject) -> bool:
    """Return whether a troposphere object has at least one property, and all required properties."""
    properties = value.properties
    return bool(properties) and all(name in properties for name, (_, required) in value.props.items() if required)
