"""Secrets are read from a prompt or standard input, and no message contains their value."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.releases.secrets import read_value, set_secret
from cicd_templates.errors import CicdError, ConfigurationError


class Terminal(io.StringIO):
    """A standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "expected"), [("token", "token"), ("token\n", "token"), ("token\r\n", "token"), ("a\nb\n", "a\nb")]
)
def test_standard_input_without_its_last_line_break_is_the_value(text: str, expected: str) -> None:
    assert read_value(io.StringIO(text)) == expected


def test_a_person_types_it_twice() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "token"

    assert read_value(Terminal(), ask) == "token"
    assert asked == ["Value: ", "Again: "]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "the value is empty", id="empty"),
        pytest.param("\n", "the value is empty", id="a line break"),
        pytest.param("tok\0en", "a null character or more than 65,536 bytes", id="NUL"),
        pytest.param("x" * 65_537, "a null character or more than 65,536 bytes", id="too long"),
    ],
)
def test_an_invalid_value_is_refused_without_showing_the_value(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected) as refused:
        read_value(io.StringIO(text))
    assert "tok" not in str(refused.value)


def test_two_different_values_set_nothing() -> None:
    values = iter(["one", "two"])

    with pytest.raises(ConfigurationError, match="the two values differ, so nothing was set") as refused:
        read_value(Terminal(), lambda prompt: next(values))
    assert "one" not in str(refused.value)


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_bytes_that_are_no_text_are_refused_without_saying_them(errors: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"tok\xe9n"), encoding="utf-8", errors=errors)

    with pytest.raises(ConfigurationError) as refused:
        read_value(stream)
    assert str(refused.value) == "the value is not UTF-8 text, so nothing was set"
    # A traceback would otherwise show the error that keeps the bytes.
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("text", ["x" * 65_536, "\u00e9" * 32_768], ids=["letters", "two bytes each"])
def test_the_longest_value_is_counted_in_bytes(text: str) -> None:
    assert read_value(io.StringIO(text)) == text
    with pytest.raises(ConfigurationError):
        read_value(io.StringIO(text + "\u00e9"))


@pytest.fixture
def stubbed() -> Iterator[tuple[Clients, Stubber]]:
    session = boto3.session.Session(aws_access_key_id="1", aws_secret_access_key="1")
    clients = Clients(session, "eu-central-1")
    with Stubber(clients.secretsmanager) as stub:
        yield clients, stub


REQUEST: dict[str, Any] = {"SecretId": "shipping-token", "SecretString": "a-value"}


def test_a_value_becomes_the_current_version(stubbed: tuple[Clients, Stubber]) -> None:
    clients, stub = stubbed
    version = "11111111-2222-3333-4444-555555555555"
    stub.add_response("put_secret_value", {"VersionId": version}, REQUEST)

    assert set_secret(clients, "shipping-token", "a-value", "make deploy") == version


def test_a_secret_that_is_not_there_names_the_command_that_makes_it(stubbed: tuple[Clients, Stubber]) -> None:
    clients, stub = stubbed
    stub.add_client_error("put_secret_value", "ResourceNotFoundException", expected_params=REQUEST)

    with pytest.raises(
        CicdError, match=r"shipping-token: the secret does not exist; deploy it first: make deploy ENV=x$"
    ) as refused:
        set_secret(clients, "shipping-token", "a-value", "make deploy ENV=x")
    assert "a-value" not in str(refused.value)
