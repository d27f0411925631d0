"""The reason for a statement on every resource is written into the metadata and read back."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.reasons import every_resource_reason, parse_every_resource_reason


@given(st.text(string.ascii_letters + string.digits, min_size=1), st.text(min_size=1))
def test_a_reason_is_read_as_it_was_written(sid: str, because: str) -> None:
    assert parse_every_resource_reason(every_resource_reason(sid, because)) == (sid, because)


@pytest.mark.parametrize(
    "sentence", ["Patched: Name, because I say so", "A B names every resource: x", "Read names every resource: "]
)
def test_other_reasons_are_left_alone(sentence: str) -> None:
    assert parse_every_resource_reason(sentence) is None
