"""Templates that are rendered from other configurations have no findings either."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.lint.run import find_in_templates
from tests.conftest import PROJECT, rendered_stacks

STAGING = "environments/staging"


@cache
def project_texts() -> frozenset[str]:
    return frozenset(path.read_text() for path in (PROJECT / "out").glob("*/*.yaml"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("edits", "suffix"),
    [
        pytest.param((), "pr4918", id="a copy beside the original"),
        pytest.param(
            (
                (f"{STAGING}/permissions_boundary", "arn:aws:iam::222222222222:policy/limit"),
                (f"{STAGING}/role_path", "/delivery/"),
            ),
            None,
            id="an organisation with boundary and path",
        ),
        pytest.param((("pipeline/path", ["staging"]),), None, id="a pipeline that ends in staging"),
        pytest.param(
            (
                (f"{STAGING}/allow_http", True),
                (f"{STAGING}/certificate_arn", ...),
                (f"{STAGING}/domain", ...),
            ),
            None,
            id="a disposable environment without a certificate",
        ),
        pytest.param((("project/name", "a-very-long-name"),), None, id="names that are shortened"),
        pytest.param((("environments/tools/protection", "disposable"),), None, id="disposable tools"),
    ],
)
def test_what_another_configuration_renders_is_clean(
    edits: tuple[tuple[str, Any], ...], suffix: str | None, tmp_path: Path
) -> None:
    stacks = rendered_stacks(*edits, suffix=suffix)
    # tests/golden/test_out.py lints the templates that are the same in the project of the tests.
    different = [stack for stack in stacks if stack.text not in project_texts()]
    paths = []
    for stack in different:
        path = tmp_path / stack.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(stack.text)
        paths.append(path)

    assert len(stacks) > 20
    assert paths
    assert find_in_templates(paths) == []
