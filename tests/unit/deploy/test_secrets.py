"""Secrets: from a prompt or standard input, and never in a message."""

from __future__ import annotations

import io

import pytest

from cicd_templates.deploy.secrets import read_value
from cicd_templates.errors import ConfigurationError


class Terminal(io.StringIO):
    """A person's."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "expected"), [("token", "token"), ("token\n", "token"), ("token\r\n", "token"), ("a\nb\n", "a\nb")]
)
def test_standard_input_is_the_value_but_for_its_last_line_break(text: str, expected: str) -> None:
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
        pytest.param("tok\0en", "no text of at most 65,536 bytes", id="NUL"),
        pytest.param("x" * 65_537, "no text of at most 65,536 bytes", id="too long"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_without_saying_it(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected) as refused:
        read_value(io.StringIO(text))
    assert "tok" not in str(refused.value)


def test_two_different_values_set_nothing() -> None:
    values = iter(["one", "two"])

    with pytest.raises(ConfigurationError, match="the two values differ; nothing was set") as refused:
        read_value(Terminal(), lambda prompt: next(values))
    assert "one" not in str(refused.value)
