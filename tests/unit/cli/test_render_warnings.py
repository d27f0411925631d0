"""The command `render` warns of settings that contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from tests.projects.rendering import PROJECTS, link_templates


def test_render_warns_of_a_default_for_python_in_a_service_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_templates(tmp_path / "project", PROJECTS / "not-python")
    monkeypatch.chdir(tmp_path / "project")
    answer = CliRunner().invoke(main, ["render", "--out", str(tmp_path / "out")])

    assert answer.exit_code == 0, answer.output
    (line,) = [line for line in answer.output.splitlines() if line.startswith("  warning ")]
    assert "services.page: build.sbom: the default works only for Python, but none of" in line
