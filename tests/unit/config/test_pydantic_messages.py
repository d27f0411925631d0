"""Messages about wrong values: a type of value that no table has today gets a message, too."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from cicd_templates.config.pydantic_messages import message_for


def test_a_kind_of_mistake_without_words_of_its_own_keeps_those_of_the_library() -> None:
    detail = ErrorDetails(type="url_type", loc=("x",), msg="URL input should be a string or URL", input=True)

    assert message_for(detail) == "URL input should be a string or URL, not true"
