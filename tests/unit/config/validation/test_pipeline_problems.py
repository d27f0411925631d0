"""The pipeline: its path of environments, and the one environment that contains it."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import ConfigurationError
from tests.conftest import raw_configuration
from tests.unit.config.problems import problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("pipeline/path", ["staging", "qa"])],
            "pipeline.path[1]: 'qa' is not a runtime environment; runtime environments: staging, production",
            id="path to nowhere",
        ),
        pytest.param(
            [("pipeline/path", ["staging", "staging"])], "pipeline.path[1]: 'staging' is listed twice", id="loop"
        ),
        pytest.param(
            [("environments/tools", ...)],
            'environments: exactly one environment must have kind = "tools", because it contains the pipelines;'
            " here none has it",
            id="no tools",
        ),
    ],
)
def test_a_wrong_path_is_refused_by_its_step(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


def test_a_file_without_environments_says_that_one_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="exactly one environment must have kind"):
        parse_configuration(raw_configuration(("environments", {}), ("pipeline/path", ["x"])), source="file")
