"""Which properties of a resource type cannot change in place, by the type's own schema as cfn-lint carries it."""

from __future__ import annotations

from functools import cache


@cache
def create_only(region: str, resource_type: str) -> tuple[frozenset[str], frozenset[str]]:
    """The properties whose change makes a new resource, and those whose change may, slashes between their parts.

    Both are empty for a type without a schema, such as a custom resource.
    """
    # cfn-lint takes half a second to import, which rendering need not pay.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return frozenset(), frozenset()
    return _names(schema, "createOnlyProperties"), _names(schema, "conditionalCreateOnlyProperties")


def _names(schema: dict[str, list[str]], key: str) -> frozenset[str]:
    return frozenset(pointer.removeprefix("/properties/") for pointer in schema.get(key, ()))
