"""The table of keys agrees with cfn-lint's schemas. A type that accepts a key but is missing in the table is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from cicd_templates.rules.customer_key import INHERITED
from cicd_templates.template.encryption_by_type import KEY_OF, NO_KEY

REGION = "us-east-1"
NAMES_A_KEY = re.compile(r"kms|cmk|masterkey|encryptionkey", re.IGNORECASE)
ENCRYPTS = re.compile(r"[Ee]ncrypt|SSE|Sse|sse[A-Z]|kms|KMS|Kms")
SPEAKS_OF_IT = re.compile(r"[Kk][Mm][Ss]|CMK|Cmk|[Mm]aster[Kk]ey|[Ee]ncrypt|SSE|\bSse|\bsse[A-Z]")
SHORT_NAMES = ("Id", "Key", "KeyArn", "KeyId", "KeyIdentifier")
# Beside a key: who may use it, what for, for how long, whether at all.
BESIDE_A_KEY = re.compile(r"Role|Context|ReusePeriod|Enable|Encrypted|Status|Type$|Policy|Uri|KmsAccess")

Path = tuple[str, ...]


def schema(resource_type: str) -> dict[str, Any]:
    loaded: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    return loaded


def leaves(whole: dict[str, Any], node: Any, path: Path = (), seen: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield the paths of values that are neither maps nor lists. `*` stands for the items of a list."""
    reference = node.get("$ref", "")
    if reference in seen:
        return
    if reference:
        node = whole["definitions"].get(reference.rpartition("/")[2], {})
    for name, inner in node.get("properties", {}).items():
        yield from leaves(whole, inner, (*path, name), seen | {reference} - {""})
    for choice in ("allOf", "anyOf", "oneOf"):
        for option in node.get(choice, ()):
            yield from leaves(whole, option, path, seen | {reference} - {""})
    if isinstance(node.get("items"), dict):
        yield from leaves(whole, node["items"], (*path, "*"), seen | {reference} - {""})
    if path and "properties" not in node and "items" not in node:
        yield path


def names_a_key(path: Path) -> bool:
    last = path[-1]
    short = last in SHORT_NAMES and any(ENCRYPTS.search(part) for part in path[:-1])
    return not BESIDE_A_KEY.search(last) and bool(short or NAMES_A_KEY.search(last))


@cache
def settable(resource_type: str) -> set[str]:
    whole = schema(resource_type)
    given_out = {path.removeprefix("/properties/") for path in whole.get("readOnlyProperties", ())}
    return {"/".join(path) for path in leaves(whole, {"properties": whole["properties"]})} - given_out


def test_every_type_that_takes_a_key_is_in_the_table() -> None:
    takes_one = {
        resource_type
        for resource_type in PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION)
        # Few schemas speak of encryption at all, and looking through the others takes the time.
        if SPEAKS_OF_IT.search(json.dumps(schema(resource_type), default=str))
        and any(names_a_key(tuple(path.split("/"))) for path in settable(resource_type))
    }

    assert len(takes_one) > 200
    # What is not in the schema's words may be in the table; what is in them has to be.
    assert takes_one - KEY_OF.keys() - NO_KEY.keys() == set()


def test_the_table_names_properties_that_exist() -> None:
    for resource_type, places in KEY_OF.items():
        assert {place.replace(" > ", "/") for place in places} <= settable(resource_type), resource_type


def test_no_type_is_in_both_lists_and_none_is_without_a_reason() -> None:
    assert KEY_OF.keys() & NO_KEY.keys() == set()
    assert all(NO_KEY.values())
    assert INHERITED.keys() <= KEY_OF.keys()
    for resource_type, instead in INHERITED.items():
        assert set(instead) <= schema(resource_type)["properties"].keys(), resource_type


def test_a_new_type_with_a_key_would_be_noticed() -> None:
    assert names_a_key(("NewEncryptionSettings", "KeyArn"))
    assert names_a_key(("KmsKeyId",))
    assert not names_a_key(("KmsAccessRoleArn",))
    assert not names_a_key(("KeyArn",))
