"""`deploy` deploys a protected environment only from its plan, and executes a plan only where it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from tests.unit.deploy.plans.test_document import PLAN


class Protected:
    """A protected environment with a given plan."""

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


def test_a_plan_with_changes_must_be_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    result = deploy(monkeypatch, SimpleNamespace(empty=False, local=False))

    assert result.exit_code == 4
    assert "production is protected: read plans/production.md, then make deploy PLAN=plans/production.json" in (
        result.output
    )
    assert "ALLOW=storage/Data" in result.output


@pytest.mark.parametrize("planned", [None, SimpleNamespace(empty=True, local=False)], ids=["no stacks", "no changes"])
def test_a_plan_without_changes_need_not_be_read(monkeypatch: pytest.MonkeyPatch, planned: Any) -> None:
    result = deploy(monkeypatch, planned)

    assert (result.exit_code, result.output) == (0, "")


def test_a_single_protected_environment_is_refused_with_the_commands_that_deploy_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = Protected(None)
    monkeypatch.setattr(target, "command", lambda verb: f"make {verb} ENV=production", raising=False)
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None)
    result = CliRunner().invoke(main, ["deploy", "--env", "production"])

    assert result.exit_code == 3
    assert (
        "production is protected, so it can be deployed only from a reviewed plan: make plan ENV=production, then"
        " make deploy PLAN=plans/production.json"
    ) in result.output


class Planned(Protected):
    """The environment of a plan. It keeps what is executed, and may have another wave to plan."""

    environment, protected = "staging-pr1", False

    def __init__(self, following: Plan | None) -> None:
        super().__init__(following)
        self.executed: list[tuple[Plan, Path]] = []

    def execute(self, made: Plan, path: Path, *arguments: object, **options: object) -> Plan | None:
        self.executed.append((made, path))
        return self.planned  # type: ignore[no-any-return] # a plan, or none


def deploy_plan(monkeypatch: pytest.MonkeyPatch, folder: Path, target: Protected, *words: str) -> Result:
    """Run `deploy` with a plan for the local AWS in `folder`. `target` is the only environment of the configuration."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None)
    monkeypatch.setattr(selection, "tools", lambda *arguments: None)
    document.write(PLAN, Path("plan.json"), "summary", "page")
    return CliRunner().invoke(main, ["deploy", "--plan", "plan.json", *words])


def test_a_plan_is_executed_as_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Planned(None)
    result = deploy_plan(monkeypatch, tmp_path, target, "--local")

    assert (result.exit_code, result.output) == (0, "")
    assert target.executed == [(PLAN, Path("plan.json"))]


def test_the_next_planned_wave_must_be_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = deploy_plan(monkeypatch, tmp_path, Planned(replace(PLAN, id="2")), "--local")

    assert result.exit_code == 4
    assert (
        "the plan was deployed, and the next wave was planned: read plans/staging-pr1.md, then make deploy"
        " PLAN=plans/staging-pr1.json"
    ) in result.output


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--local", "--env", "production"], 2, "plan.json is already a plan for staging-pr1; leave out --env"),
        (["--local", "--layer", "keys"], 2, "plan.json is already a plan for staging-pr1; leave out --env"),
        ([], 3, "is a plan for the local AWS; add --local"),
    ],
    ids=["another environment", "a layer", "AWS itself"],
)
def test_a_plan_is_refused_with_options_that_say_something_else(
    words: list[str], code: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Planned(None)
    result = deploy_plan(monkeypatch, tmp_path, target, *words)

    assert (result.exit_code, target.executed) == (code, [])
    assert expected in result.output


def test_a_plan_for_an_environment_that_was_removed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = deploy_plan(monkeypatch, tmp_path, Protected(None), "--local")

    assert result.exit_code == 3
    assert "plan.json: its environment 'staging-pr1' is not in the configuration; plan again" in result.output


def test_a_disposable_environment_is_deployed_after_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed: list[dict[str, object]] = []
    target = SimpleNamespace(
        environment="staging", protected=False, deploy=lambda *arguments, **options: deployed.append(options)
    )
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None)
    monkeypatch.setattr(selection, "tools", lambda *arguments: None)
    result = CliRunner().invoke(main, ["deploy", "--env", "staging", "--allow", "storage/Data,,keys/Key"])

    assert (result.exit_code, result.output) == (0, "")
    (options,) = deployed
    assert (options["allowed"], options["deployed"]) == (["storage/Data", "keys/Key"], frozenset({"staging"}))
    assert options["eager"] is False
