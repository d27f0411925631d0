"""`destroy` reads first, asks only if there is something to delete, and only plans what is protected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction import inventory as inventories
from cicd_templates.deploy.destruction import plan_file
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.reporting.inventory_items import Fate, Item
from tests.fakes.scripted_aws import aws, inventory, living
from tests.projects.stacks import stacks_of

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")
GROUP = Item("AWS::Logs::LogGroup", "/shipping/staging/x", Fate.DELETED, "", "outside the stacks")
OTHER = Item("AWS::Logs::LogGroup", "/shipping/staging/y", Fate.UNTOUCHED, "", "no proof that it is ours")


@pytest.mark.parametrize(
    ("listed", "asks"),
    [(inventory(stacks=(living(),)), True), (inventory(GROUP), True), (inventory(OTHER), False), (inventory(), False)],
    ids=["a stack", "a resource outside the stacks", "a resource of somebody else", "nothing"],
)
def test_without_a_terminal_only_a_deletion_needs_consent(
    listed: Inventory, asks: bool, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroyed: list[Any] = []

    def destroy(target: Target, reporter: object, found: Inventory) -> list[Any]:
        destroyed.append(found)
        return []

    monkeypatch.setattr(selection, "targets", lambda **options: [Target([KEYS], [KEYS], aws(), Polling(), None)])
    monkeypatch.setattr(Target, "inventory", lambda target: listed)
    monkeypatch.setattr(Target, "refuse_destruction", lambda target, found: None)
    monkeypatch.setattr(Target, "destroy", destroy)
    result = CliRunner().invoke(main, ["destroy", "--env", "staging"])

    assert (result.exit_code, destroyed) == ((2, []) if asks else (0, [listed]))
    assert ("error: there is no terminal for questions; add --yes" in result.output) is asks


def typed(monkeypatch: pytest.MonkeyPatch, *words: str, listed: Inventory = inventory()) -> tuple[str, int, list[Any]]:  # noqa: B008 - read only
    """Run `destroy` for staging, the only environment. Return the output, the exit code and what was destroyed."""
    destroyed: list[Any] = []

    def destroy(target: Target, reporter: object, found: Inventory) -> list[Any]:
        destroyed.append(found)
        return []

    monkeypatch.setattr(selection, "targets", lambda **options: [Target([KEYS], [KEYS], aws(), Polling(), None)])
    monkeypatch.setattr(inventories, "take_inventory", lambda *arguments, **options: listed)
    monkeypatch.setattr(Target, "inventory", lambda target: listed)
    monkeypatch.setattr(Target, "refuse_destruction", lambda target, found: None)
    monkeypatch.setattr(Target, "destroy", destroy)
    result = CliRunner().invoke(main, ["destroy", *words])
    return result.output, result.exit_code, destroyed


def test_a_protected_environment_is_planned_and_destroyed_by_its_plan(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = replace(inventory(GROUP, stacks=(living(),)), protected=True)
    output, code, destroyed = typed(monkeypatch, "--env", "staging", "--allow", "staging", listed=listed)

    assert (code, destroyed) == (4, [])
    path = plan_file.plan_file(local=False)
    assert f"nothing was deleted; read {path}, then run: make destroy PLAN={path}" in " ".join(output.split())

    output, code, destroyed = typed(monkeypatch, "--plan", str(path), "--confirm", "staging", listed=listed)
    assert (code, destroyed) == (0, [listed]), output


def test_declining_deletes_nothing(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "confirmation", lambda yes: lambda question: False)
    output, code, destroyed = typed(monkeypatch, "--env", "staging", listed=inventory(stacks=(living(),)))

    assert (code, destroyed) == (1, [])
    assert "error: staging: declined, nothing was deleted" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--env", "staging"], "the plan already names the environments to destroy; leave out --env"),
        ([], "its environment production is not in the configuration; plan again"),
    ],
    ids=["an environment beside the plan", "an environment that was removed"],
)
def test_a_plan_of_another_environment_destroys_nothing(
    words: list[str], expected: str, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = inventory()
    plan = plan_file.plan_destruction(
        [replace(of, scope=replace(of.scope, environment="production"))], datetime.now(UTC), local=False
    )
    plan_file.DESTRUCTION_PLANS.write(plan, Path("plan.json"))
    output, code, destroyed = typed(monkeypatch, "--plan", "plan.json", *words)

    assert (code, destroyed) == (2, [])
    assert expected in " ".join(output.split())
