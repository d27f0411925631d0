"""The targets of a command: opened in deploy order, with what they share read once."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.cli import open_target, selection, targets
from cicd_templates.cli.targets import Target
from cicd_templates.errors import CicdError
from cicd_templates.files.paths import OUT
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine
from tests.conftest import PROJECT

EVERYTHING: dict[str, Any] = {"env": "all", "suffix": None, "layer": None, "service": None}
ENGINE = Engine(1, 2, Path("engine"))


class Shared:
    """What all environments of a command share. Counts how often each part is read."""

    def __init__(self) -> None:
        self.engines = self.revisions = 0

    def required(self) -> Engine:
        self.engines += 1
        return ENGINE

    def revision(self, folder: Path) -> str:
        self.revisions += 1
        return f"revision of {folder.name}"


@pytest.fixture
def shared(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> Shared:
    shared = Shared()
    monkeypatch.setattr(engine_state_file, "required", shared.required)
    monkeypatch.setattr(targets, "revision", shared.revision)
    monkeypatch.setattr(open_target, "open_account", lambda environment, account, *_: (f"clients of {account}", None))
    monkeypatch.setattr(open_target, "require_account", lambda clients, account: f"ada in {account}")
    shutil.copytree(PROJECT / "out", OUT)
    return shared


@pytest.mark.parametrize(("local", "engines"), [(True, 1), (False, 0)], ids=["the local AWS", "AWS"])
def test_what_the_environments_share_is_read_once(local: bool, engines: int, shared: Shared, in_project: Path) -> None:
    chosen = selection.targets(**EVERYTHING, local=local)
    revisions = {target.read_revision() for target in chosen}

    assert [target.environment for target in chosen] == ["staging", "production", "tools"]
    assert {target.engine for target in chosen} == {ENGINE if local else None}
    assert (shared.engines, shared.revisions, revisions) == (engines, 1, {f"revision of {in_project.name}"})


def test_only_the_chosen_environment_is_opened(shared: Shared) -> None:
    chosen = selection.targets(**EVERYTHING | {"env": "production"}, local=True)

    assert ([target.environment for target in chosen], shared.engines) == (["production"], 1)


def test_a_command_may_bring_the_revision(shared: Shared) -> None:
    chosen = selection.targets(**EVERYTHING, local=True, read_revision=lambda: "read by another thread")

    assert {target.context().revision for target in chosen} == {"read by another thread"}
    assert shared.revisions == 0


def test_each_target_is_announced_before_the_next_one_is_opened(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Target] = []

    def require_account(clients: str, account: str) -> str:
        if len(opened) == 2:
            raise CicdError("the credentials do not work")
        return "ada"

    monkeypatch.setattr(open_target, "require_account", require_account)
    with pytest.raises(CicdError, match="the credentials do not work"):
        selection.targets(**EVERYTHING, local=False, opened=opened.append)

    assert [target.environment for target in opened] == ["staging", "production"]


def test_a_plan_starts_from_what_was_opened(monkeypatch: pytest.MonkeyPatch, shared: Shared) -> None:
    known: list[Any] = []
    monkeypatch.setattr("cicd_templates.cli.templates_handover.open_tools", lambda *_, **options: known.append(options))
    target: Any = SimpleNamespace(environment="staging")
    selection.tools(None, False, [target], plans_only=True)

    assert known == [{"local": False, "known": {"staging": target}, "plans_only": True}]
