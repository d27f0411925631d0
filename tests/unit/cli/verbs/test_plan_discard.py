"""`plan-discard` uses the environment of the given plan, if no option names one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.deploy.plans import document
from tests.unit.deploy.plans.test_document import PLAN


@pytest.mark.parametrize(
    ("words", "selected", "discarded"),
    [
        (["--plan", "plan.json"], ("staging", "pr1"), "plan.json"),
        (["--plan", "plan.json", "--env", "production"], ("production", None), "plan.json"),
        (["--env", "staging", "--suffix", "pr2"], ("staging", "pr2"), None),
    ],
    ids=["the environment of the plan", "a named environment", "every plan of an environment"],
)
def test_the_plans_of_one_environment_are_discarded(
    words: list[str],
    selected: tuple[str, str | None],
    discarded: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Path | None] = []

    def discard(path: Path | None) -> int:
        given.append(path)
        return 2

    def targets(**options: Any) -> list[Any]:
        assert (options["env"], options["suffix"]) == selected
        return [SimpleNamespace(environment=selected[0], discard=discard)]

    monkeypatch.setattr(selection, "targets", targets)
    monkeypatch.chdir(tmp_path)
    document.write(replace(PLAN, environment="staging-pr1"), Path("plan.json"), "summary", "page")
    result = CliRunner().invoke(main, ["plan-discard", *words])

    assert (result.exit_code, result.output) == (0, f"{selected[0]}: discarded 2 change sets\n")
    assert given == [discarded and Path(discarded)]
