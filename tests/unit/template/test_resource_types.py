"""The table of resource types is complete, agrees with the registry's schemas, and is consistent."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

from cicd_templates.template import resource_types
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES, facts_of
from cicd_templates.template.resource_types.resource_type import NameScope, ResourceType

ROWS = list(RESOURCE_TYPES.values())
IDS = list(RESOURCE_TYPES)
NOT_OF_A_SERVICE = {"registry", "resource_type"}


def schema(type_name: str) -> dict[str, Any]:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", type_name).schema


def modules() -> dict[str, tuple[ResourceType, ...]]:
    names = {module.name for module in pkgutil.iter_modules(resource_types.__path__)} - NOT_OF_A_SERVICE
    return {name: importlib.import_module(f"{resource_types.__name__}.{name}").RESOURCE_TYPES for name in names}


def test_the_registry_has_every_row_of_every_module_once() -> None:
    rows = [row for rows in modules().values() for row in rows]

    assert sorted(row.type_name for row in rows) == sorted(RESOURCE_TYPES)


def test_a_module_has_the_types_of_the_service_that_it_is_named_after() -> None:
    for module, rows in modules().items():
        assert {row.type_name.split("::")[1].lower() for row in rows} == {module.removesuffix("_")}


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_properties_and_identifiers_are_those_of_the_schema(row: ResourceType) -> None:
    properties = schema(row.type_name)["properties"]
    named = {row.name_property, row.unique_property, row.import_identifier} - {""}
    for interruption in row.interruptions:
        named |= interruption.properties or set()

    assert named <= properties.keys()
    if row.import_identifier:
        assert schema(row.type_name)["primaryIdentifier"] == [f"/properties/{row.import_identifier}"]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_no_name_may_be_longer_than_the_schema_allows(row: ResourceType) -> None:
    longest = schema(row.type_name)["properties"].get(row.name_property, {}).get("maxLength")

    assert longest is None or (row.name_limit is not None and row.name_limit <= longest)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_is_consistent(row: ResourceType) -> None:
    assert not row.name_property or row.name_limit, "a type with names has a limit"
    assert row.name_scope is NameScope.REGION or row.name_limit
    assert not row.name_within or row.name_property or row.unique_property
    assert not (row.name_property and row.unique_property)
    assert not row.names_shared_with or facts_of(row.names_shared_with).name_property == row.name_property
    assert not row.kept_when_protected or row.loss, "what is kept is stateful"
    assert not row.import_identifier or row.kept_when_protected, "what is taken back was kept"
    assert all("{name}" in arn and len(arn.split(":", 3)) == 4 for arn in row.arns.values())


def test_a_type_without_a_row_has_no_facts() -> None:
    assert facts_of("Custom::Thing") == ResourceType("Custom::Thing")
    assert facts_of("AWS::S3::Bucket").name_scope is NameScope.GLOBAL
