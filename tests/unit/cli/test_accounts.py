"""Accounts without templates: which credentials they use, and that copies are swept under their lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.cli import accounts
from cicd_templates.cli.accounts import Account, open_account, open_plain_account
from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.locking.holder import Holder
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.errors import RefusedError
from cicd_templates.files.paths import STATE
from cicd_templates.local.engine_process import Engine
from tests.conftest import environment
from tests.fakes.scripted_aws import inventory
from tests.fakes.simulated_aws import EPOCH, SimulatedAws

COPY = Scope("shipping", "staging", "pr1", "222222222222", "eu-central-1")
PARAMETER = "/shipping/staging-pr1/deployment-lock"
STAGING = "environments/staging"


class Silent:
    def report(self, event: Event) -> None:
        pass


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    aws: Any = SimulatedAws()
    monkeypatch.setattr(accounts, "take_inventory", lambda *arguments, **options: inventory())
    return Account(replace(COPY, suffix=None), aws, aws.clock.polling(), "arn:me", tmp_path)


def test_a_copy_is_destroyed_under_its_own_lock(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    def destroy(clients: Any, *arguments: object, require_lock: Any) -> list[Remainder]:
        require_lock()
        held.extend(clients.values)
        return [Remainder("T", "a", "why", explained=True), Remainder("T", "b", "why", explained=False)]

    monkeypatch.setattr(accounts, "destroy", destroy)

    assert account.sweep(COPY, Silent()) == 1
    assert held == [PARAMETER]
    assert vars(account.clients)["values"] == {}


def test_a_copy_on_which_somebody_works_is_not_swept(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "destroy", lambda *arguments, **options: pytest.fail("destroyed"))
    other = replace(Holder.here("deploy", "arn:other", EPOCH), host="elsewhere")
    vars(account.clients)["values"][PARAMETER] = other.to_json()

    with pytest.raises(RefusedError, match=f"make unlock ENV=staging SUFFIX=pr1 HOLDER={other.id}$"):
        account.sweep(COPY, Silent())


def test_the_credentials_are_those_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Access] = []
    monkeypatch.setattr(accounts, "aws_clients", made.append)
    role = "arn:aws:iam::222222222222:role/deployer"
    settings = {
        "profile": "dev",
        "role_arn": role,
        "external_id": "ours-7",
        "role_session_name": "release-team",
        "source_identity": "ada",
        "allow_endpoint_urls": True,
    }
    named = environment("staging", *((f"{STAGING}/{key}", value) for key, value in settings.items()))
    open_account(named, "222222222222", "eu-central-1", None)
    open_account(environment("staging"), "222222222222", "eu-central-1", None)

    assert made == [
        Access("eu-central-1", "dev", role, "ours-7", "release-team", "ada", allow_endpoint_urls=True),
        Access("eu-central-1"),
    ]


@pytest.mark.parametrize(
    ("auth", "role", "assumed"),
    [(True, "deployer", True), (False, "deployer", False), (True, "", False)],
    ids=["with IAM", "without IAM", "without a role"],
)
def test_a_role_is_assumed_on_a_local_aws_that_enforces_iam(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: bool, role: str, assumed: bool
) -> None:
    arn = f"arn:aws:iam::222222222222:role/{role}"
    monkeypatch.setattr(accounts, "local_clients_as", lambda clients, role_arn: (clients.endpoint_url, role_arn))
    named = environment("staging", *([(f"{STAGING}/role_arn", arn)] if role else []))
    engine = Engine(1, 1, tmp_path, "secret", auth=auth)
    clients: Any = open_account(named, "222222222222", "eu-central-1", engine)[0]

    assert (clients == ("http://127.0.0.1:1", arn)) is assumed


def test_an_account_is_that_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    aws: Any = SimulatedAws()
    monkeypatch.setattr(accounts, "aws_clients", lambda access: aws)
    monkeypatch.setattr(accounts, "require_account", lambda clients, account: f"arn of {account}")
    opened = open_plain_account(environment("staging"), local=False)

    assert (opened.scope, opened.caller, opened.state) == (replace(COPY, suffix=None), "arn of 222222222222", STATE)
