"""What other configurations render is as clean as the committed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.lint.run import lint_templates
from cicd_templates.render import render
from templates import LAYERS
from tests.conftest import configured

STAGING = "environments/staging"


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
    paths = []
    for stack in render.render(configured(*edits, suffix=suffix), LAYERS, "yaml"):
        path = tmp_path / stack.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(stack.text)
        paths.append(path)

    assert len(paths) > 20
    assert lint_templates(paths) == []
