"""A recommended command can be copied, and works on the same environment and AWS as the command that printed it."""

from __future__ import annotations

import pytest

from cicd_templates import hints


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({}, "make deploy", id="nothing"),
        pytest.param({"LOCAL": True, "SUFFIX": "pr1"}, "make deploy LOCAL=1 SUFFIX=pr1", id="local copy"),
        pytest.param({"LOCAL": False, "SUFFIX": None, "ENV": ""}, "make deploy", id="options that were not given"),
        pytest.param({"ENV": "it's; touch x"}, "make deploy ENV='it'\"'\"'s; touch x'", id="quoted for a shell"),
    ],
)
def test_a_command_carries_what_applies(variables: dict[str, str | bool | None], expected: str) -> None:
    assert hints.make("deploy", **variables) == expected
