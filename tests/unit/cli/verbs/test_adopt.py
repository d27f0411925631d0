"""`adopt` shows what it would import, and imports only what the user accepted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.deploy.destruction import reimport


class Import:
    """The import of a kept bucket into the stack of storage."""

    stack = SimpleNamespace(label="storage", name="shipping-staging-storage")
    resources = (SimpleNamespace(resource_type="AWS::S3::Bucket", physical_id="shipping-staging-logs"),)

    def write(self, folder: Path) -> list[str]:
        return [f"aws cloudformation create-change-set --template-body file://{folder.name}/a.json"]


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Offer one import in staging and none in production. Return what was imported, and under which lock."""
    done: list[Any] = []

    @contextlib.contextmanager
    def held(verb: str, caller: str, now: datetime) -> Iterator[None]:
        done.append(f"{verb} by {caller}")
        yield

    clients = SimpleNamespace(endpoint_url=None, local=False)
    targets = [
        SimpleNamespace(
            environment=name,
            clients=clients,
            chosen=[name],
            stacks=[],
            state=tmp_path,
            account="1" * 12,
            polling=None,
            caller="a",
            lock=lambda: SimpleNamespace(held=held),
        )
        for name in ("staging", "production")
    ]
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.setattr(
        reimport, "find_reimports", lambda clients, chosen, stacks: [Import()] if chosen == ["staging"] else []
    )
    monkeypatch.setattr(reimport, "import_resources", lambda clients, plan, polling: done.append(plan.stack.label))
    monkeypatch.setattr("cicd_templates.deploy.change_sets.aws_commands.for_caller", lambda command, *of: command)
    return done


def adopt(monkeypatch: pytest.MonkeyPatch, *, agreed: bool) -> Result:
    monkeypatch.setattr(selection, "confirmation", lambda yes: lambda question: agreed)
    return CliRunner().invoke(main, ["adopt", "--env", "all"])


def test_accepted_resources_are_imported(imported: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    result = adopt(monkeypatch, agreed=True)

    assert result.stdout.splitlines() == [
        "staging: storage imports",
        "  AWS::S3::Bucket shipping-staging-logs",
        "  by the same steps as these commands:",
        "    aws cloudformation create-change-set --template-body file://adopt/a.json",
        "  storage: imported",
        "production: nothing to import",
    ]
    assert (result.exit_code, imported) == (0, ["adopt by a", "storage"])


def test_declined_resources_are_not_imported(imported: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    result = adopt(monkeypatch, agreed=False)

    assert (result.exit_code, imported) == (1, [])
    assert result.stderr == "error: shipping-staging-storage: declined, nothing was imported\n"
