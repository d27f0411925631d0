"""`plan` on the command line: one file holds one plan."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection


def test_one_file_cannot_hold_the_plans_of_several_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [SimpleNamespace(environment=name) for name in ("staging", "production")]
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None)
    result = CliRunner().invoke(main, ["plan", "--env", "all", "--out", "x.json"])

    assert result.exit_code == 2
    assert "--out x.json can hold only one plan; name one environment with --env" in result.output
