"""Messages about wrong values, also for types of values that no table uses today."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from cicd_templates.config.pydantic_messages import message_for
from cicd_templates.config.tables.project import ProjectTable


def test_a_kind_of_mistake_without_words_of_its_own_keeps_those_of_the_library() -> None:
    detail = ErrorDetails(type="url_type", loc=("x",), msg="URL input should be a string or URL", input=True)

    assert message_for(detail, ProjectTable) == "URL input should be a string or URL, not true"
