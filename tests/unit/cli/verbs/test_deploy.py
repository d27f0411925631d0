"""Deploying every environment ends at the first protected one that would change, with its plan."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.deploy.plans import document


class Protected:
    """A protected environment whose plan is as given."""

    environment, protected, engine = "production", True, None

    def __init__(self, planned: Any) -> None:
        self.planned = planned

    def context(self) -> Any:
        return SimpleNamespace(plans=Path("plans"), recorded=frozenset())

    def plan(self, *arguments: object, **options: object) -> Any:
        return self.planned


def deploy(monkeypatch: pytest.MonkeyPatch, planned: Any) -> Result:
    monkeypatch.setattr(selection, "targets", lambda **options: [Protected(planned)])
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None, raising=False)
    monkeypatch.setattr(selection, "tools", lambda *arguments: None)
    monkeypatch.setattr(document, "to_allow", lambda planned, recorded: ["storage/Data"])
    return CliRunner().invoke(main, ["deploy", "--env", "all"])


def test_a_plan_that_changes_something_is_to_be_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    result = deploy(monkeypatch, SimpleNamespace(empty=False, local=False))

    assert result.exit_code == 4
    assert "production is protected: read plans/production.md, then make deploy PLAN=plans/production.json" in (
        result.output
    )
    assert "ALLOW=storage/Data" in result.output


@pytest.mark.parametrize("planned", [None, SimpleNamespace(empty=True, local=False)], ids=["no stacks", "no changes"])
def test_where_nothing_would_change_there_is_nothing_to_read(monkeypatch: pytest.MonkeyPatch, planned: Any) -> None:
    result = deploy(monkeypatch, planned)

    assert (result.exit_code, result.output) == (0, "")
