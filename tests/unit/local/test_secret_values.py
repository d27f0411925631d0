"""A secret without a value has no version, and the name of a secret that is scheduled for deletion stays taken."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.secret_values import SECRET, TAKEN, register


def engine() -> tuple[Any, dict[str, Any]]:
    secrets: Any = ModuleType("secretsmanager")
    secrets._secrets = {}

    def create(request: dict[str, Any]) -> Any:
        if not request.get("Name"):
            return "no name"
        secrets._secrets.setdefault(request["Name"], {"Versions": {"first": {}}})
        return "created"

    def create_resource(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        return (create(properties) and properties["Name"], {"Arn": "arn"})

    secrets._create_secret = create
    table = {SECRET: {"create": create_resource, "delete": 1}}
    register(secrets, table, lambda code, message, status: (code, message, status))
    return secrets, table


@pytest.mark.parametrize(
    ("given", "versions"),
    [({}, 0), ({"SecretString": ""}, 0), ({"SecretString": "a"}, 1), ({"SecretBinary": b"a"}, 1)],
)
def test_a_secret_has_a_version_if_it_was_created_with_a_value(given: dict[str, Any], versions: int) -> None:
    secrets, _ = engine()

    assert secrets._create_secret({"Name": "token", **given}) == "created"
    assert len(secrets._secrets["token"]["Versions"]) == versions


@pytest.mark.parametrize(
    ("properties", "versions"),
    [({}, 0), ({"SecretString": "a"}, 1), ({"GenerateSecretString": {"PasswordLength": 40}}, 1)],
)
def test_a_secret_of_a_stack_has_a_version_if_its_template_gives_a_value(
    properties: dict[str, Any], versions: int
) -> None:
    secrets, table = engine()

    assert table[SECRET]["create"]("Token", {"Name": "token", **properties}, "stack") == ("token", {"Arn": "arn"})
    assert len(secrets._secrets["token"]["Versions"]) == versions
    assert table[SECRET]["delete"] == 1


def test_the_name_of_a_secret_that_is_being_deleted_is_taken() -> None:
    secrets, _ = engine()
    secrets._create_secret({"Name": "token", "SecretString": "a"})
    secrets._secrets["token"]["DeletedDate"] = 1

    assert secrets._create_secret({"Name": "token"}) == ("InvalidRequestException", TAKEN, 400)
    assert secrets._secrets["token"]["Versions"] == {"first": {}}


def test_a_second_creation_and_one_without_a_name_leave_the_secrets_as_they_are() -> None:
    secrets, _ = engine()
    secrets._create_secret({"Name": "token", "SecretString": "a"})
    secrets._create_secret({"Name": "token"})
    secrets._create_secret({})

    assert secrets._secrets == {"token": {"Versions": {"first": {}}}}
