"""`destroy` on the command line: it looks first, and asks only if there is something to delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.reporting.inventory_items import Fate, Item
from tests.conftest import PROJECT
from tests.fakes.scripted_aws import aws, inventory, living

KEYS = next(stack for stack in read_stacks(PROJECT / "out/staging") if stack.layer == "keys")
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
