"""`sweep` lists each copy, and destroys only expired copies after a question."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import accounts, main, selection
from cicd_templates.deploy.destruction import sweep
from cicd_templates.deploy.destruction.sweep import EnvironmentCopy
from tests.conftest import configured

TODAY = datetime(2026, 11, 28, tzinfo=UTC)


def copy(name: str, stays: str = "") -> EnvironmentCopy:
    scope: Any = SimpleNamespace(qualified=name)
    return EnvironmentCopy(scope, TODAY, TODAY, 3, stays)


class Account:
    """An account with given copies, which records the swept copies. `left` resources remain of each copy."""

    clients = None

    def __init__(self, *copies: EnvironmentCopy, left: int = 0) -> None:
        self.scope, self.left, self.swept = copies, left, list[str]()

    def sweep(self, scope: Any, reporter: object) -> int:
        self.swept.append(scope.qualified)
        return self.left


def run(monkeypatch: pytest.MonkeyPatch, account: Account, options: str = "--yes") -> Result:
    monkeypatch.setattr(selection, "accounts", lambda env, local: [account])
    monkeypatch.setattr(sweep, "find_copies", lambda clients, scope, age, now: scope)
    return CliRunner().invoke(main, ["sweep", *options.split()])


def test_without_an_expired_copy_nothing_is_asked_or_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(copy("staging-pr1", "the copy expires on 2026-12-01 09:00 UTC"))
    result = run(monkeypatch, account, options="--json")

    assert (result.exit_code, account.swept) == (0, [])
    assert "staging-pr1: 3 stacks, kept: the copy expires on 2026-12-01 09:00 UTC" in result.output
    assert "no copy has expired" in result.output


def test_only_expired_copies_are_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(copy("staging-pr1", "the copy expires on Monday"), copy("staging-pr2"), copy("staging-pr3"))
    result = run(monkeypatch, account)

    assert (result.exit_code, account.swept) == (0, ["staging-pr2", "staging-pr3"])
    assert "staging-pr2: 3 stacks, expired" in result.output


def test_what_is_declined_is_not_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(copy("staging-pr1"))
    questions: list[str] = []
    monkeypatch.setattr(selection, "confirmation", lambda yes: questions.append)
    result = run(monkeypatch, account, options="--older-than 0h")

    assert (result.exit_code, account.swept) == (1, [])
    assert questions == ["Destroy 1 copy?"]
    assert "error: declined, nothing was deleted" in result.output


def test_remainders_of_copies_fail_the_command_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, Account(copy("staging-pr1"), copy("staging-pr2"), left=2))

    assert result.exit_code == 1
    assert "error: 4 resources are left " in result.output


@pytest.mark.parametrize(
    ("options", "opened"),
    [("--yes", ["tools", "production", "staging"]), ("--yes --env staging", ["staging"])],
    ids=["all environments", "one environment"],
)
def test_copies_are_looked_for_in_every_environment_or_in_one(
    options: str, opened: list[str], in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def open_account(environment: Any, *, local: bool) -> Account:
        seen.append(environment.name)
        return Account()

    monkeypatch.setattr(accounts, "open_plain_account", open_account)
    monkeypatch.setattr(sweep, "find_copies", lambda clients, scope, age, now: [])
    result = CliRunner().invoke(main, ["sweep", *options.split()])

    assert (result.exit_code, "no copy has expired" in result.output) == (0, True)
    assert sorted(seen) == sorted(opened)
    assert seen == [environment.name for environment in configured().deploy_order[::-1] if environment.name in seen]
