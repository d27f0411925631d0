"""Makes change sets of the local AWS predict replacements correctly. The predictions come from AWS's own schemas.

By itself, the engine knows the create-only properties of only some resource types. For all other types, it predicts
that every changed property may replace the resource. This module uses the CloudFormation schemas in cfn-lint instead.
Only the predictions change, not the execution of change sets.

This module runs inside the interpreters of the local AWS and of this program, so it imports only the standard library.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

# Whether a change of a property replaces its resource, in the words of DescribeChangeSet.
ALWAYS, CONDITIONALLY, NEVER = "Always", "Conditionally", "Never"
# The function of a custom resource decides with each update whether it replaces the resource.
CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"

Recreation = Callable[[str, str], str]


def schemas_folder() -> Path:
    """Return the folder with the schemas that are part of cfn-lint. Does not import cfn-lint."""
    found = importlib.util.find_spec("cfnlint")
    assert found
    assert found.origin
    return Path(found.origin).parent / "data/schemas"


class Schemas:
    """The schemas of resource types, stored as in cfn-lint: an index for each region, and a file for each schema."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = cache(self._read_index)
        self._schema = cache(self._read_schema)

    def recreation(self, region: str, resource_type: str, name: str) -> str | None:
        """Return `Always`, `Conditionally` or `Never`: whether a change of the property `name` replaces its resource.

        If only a part of the property is create-only, such as `TableInput/Name`, the result is `Conditionally`. Return
        None if the type has no schema.
        """
        file = self._index(region).get(resource_type)
        if file is None or resource_type == CUSTOM_RESOURCE:
            return None
        schema = self._schema(file)
        if name in _paths(schema, "createOnlyProperties"):
            return ALWAYS
        perhaps = _paths(schema, "createOnlyProperties") | _paths(schema, "conditionalCreateOnlyProperties")
        return CONDITIONALLY if name in {path.partition("/")[0] for path in perhaps} else NEVER

    def _read_index(self, region: str) -> dict[str, str]:
        path = self._folder / f"providers/{region}.json"
        index: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return index

    def _read_schema(self, file: str) -> dict[str, list[str]]:
        schema: dict[str, list[str]] = json.loads((self._folder / f"resources/{file}.json").read_text())
        return schema


def _paths(schema: Mapping[str, list[str]], key: str) -> set[str]:
    return {pointer.removeprefix("/properties/") for pointer in schema.get(key, ())}


def recreation_by_schema(
    engine: Recreation, known: Mapping[str, Any], schemas: Schemas, region: Callable[[], str]
) -> Recreation:
    """Return a function that says whether a changed property replaces its resource.

    The returned function reads the schemas. For the types in `known` and for types without a schema, such as custom
    resources, it calls `engine`, the engine's own function.
    """

    def recreation(resource_type: str, name: str) -> str:
        answer = None if resource_type in known else schemas.recreation(region(), resource_type, name)
        return answer or engine(resource_type, name)

    return recreation


def register(stacks: ModuleType, provisioners: ModuleType, folder: Path, region: Callable[[], str]) -> None:
    """Make the engine use the schemas in `folder` to predict replacements.

    `stacks` is the engine's module that compares templates for change sets.
    """
    stacks._property_recreation = recreation_by_schema(  # type: ignore[attr-defined] # a function of the engine
        stacks._property_recreation, provisioners._REPLACING_PROPERTIES, Schemas(folder), region
    )
