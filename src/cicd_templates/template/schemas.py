"""Reads the create-only and identifying properties of resource types from the CloudFormation schemas in cfn-lint."""

from __future__ import annotations

from functools import cache


@cache
def create_only(region: str, resource_type: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the properties whose change always replaces a resource, and the properties whose change may replace it.

    Properties are paths such as `a/b`. Both results are empty for a type without a schema, such as a custom resource.
    """
    schema = _schema(region, resource_type)
    return _names(schema, "createOnlyProperties"), _names(schema, "conditionalCreateOnlyProperties")


@cache
def chosen_identifier(region: str, resource_type: str) -> tuple[str, ...]:
    """Return the properties that identify a resource of this type, if the template can set all of them.

    The result is empty if AWS chooses the value of one of these properties, or if the type has no schema.
    """
    schema = _schema(region, resource_type)
    identifier = sorted(_names(schema, "primaryIdentifier"))
    return () if _names(schema, "readOnlyProperties") & set(identifier) else tuple(identifier)


def _schema(region: str, resource_type: str) -> dict[str, list[str]]:
    # cfn-lint takes half a second to import, so it is imported only when a schema is needed.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        schema: dict[str, list[str]] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return {}
    return schema


def _names(schema: dict[str, list[str]], key: str) -> frozenset[str]:
    return frozenset(pointer.removeprefix("/properties/") for pointer in schema.get(key, ()))
