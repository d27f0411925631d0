"""Opens AWS clients for the account of an environment, for commands that do not read rendered templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cicd_templates import hints
from cicd_templates.config.environment import Environment
from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.clients import Clients, aws_clients, local_clients, local_clients_as, require_account
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import take_inventory
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.reporting.report import Heading, Inventoried, Left, Reporter
from cicd_templates.files.paths import STATE
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine

LOCAL_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Account:
    """AWS clients for the account of an environment, for commands that do not read rendered templates.

    Because such a command reads no templates, it can work on a parallel copy that was rendered on another machine.
    """

    scope: Scope
    clients: Clients
    polling: Polling
    caller: str
    state: Path

    def sweep(self, copy: Scope, reporter: Reporter) -> int:
        """Destroy `copy`, a parallel copy of an environment, and report the events.

        Returns how many resources are left for an unknown reason. Raises `RefusedError` if the copy is protected.
        """
        reporter.report(Heading("Destroying", copy.qualified, copy.account, copy.region, ""))
        inventory = take_inventory(self.clients, copy, protected=False)
        make = hints.make("destroy", ENV=copy.environment, SUFFIX=copy.suffix, LOCAL=self.clients.local)
        guards.refuse_protected(copy.qualified, (), protected=inventory.protected, make=make)
        reporter.report(Inventoried(copy.qualified, inventory.items))
        with self._lock(copy).held("sweep", self.caller, datetime.now(UTC)) as lock:
            left = destroy(self.clients, inventory, self.polling, reporter, require_lock=lock.require_held)
        reporter.report(Left(copy.qualified, tuple(left)))
        return sum(not remainder.explained for remainder in left)

    def _lock(self, copy: Scope) -> EnvironmentLock:
        def unlock(holder: str) -> str:
            local = self.clients.local
            return hints.make("unlock", ENV=copy.environment, SUFFIX=copy.suffix, HOLDER=holder, LOCAL=local)

        folder = self.state / "locks"
        return EnvironmentLock(self.clients, self.polling, copy.qualified, copy.root, folder, unlock)


def open_plain_account(environment: Environment, *, local: bool) -> Account:
    """Return AWS clients for the account of `environment`. Raises an error if the caller is in another account."""
    scope = Scope(environment.project.name, environment.name, None, environment.account, environment.region)
    engine = engine_state_file.required() if local else None
    clients, polling = open_account(environment, scope.account, scope.region, engine)
    caller = require_account(clients, scope.account)
    return Account(scope, clients, polling, caller, STATE / "local" if local else STATE)


def open_account(environment: Environment, account: str, region: str, engine: Engine | None) -> tuple[Clients, Polling]:
    """Return AWS clients for `account`, and the polling settings.

    If `engine` is given, the clients call the local AWS. On AWS, and on a local AWS that enforces IAM, the clients
    assume the environment's `role_arn`.
    """
    settings = environment.settings
    if engine is not None:
        clients = local_clients(engine.url, account, region, engine.secret)
        if engine.auth and settings.role_arn:
            clients = local_clients_as(clients, settings.role_arn)
        return clients, Polling(poll_seconds=LOCAL_POLL_SECONDS)
    access = Access(
        region,
        settings.profile,
        settings.role_arn,
        settings.external_id,
        settings.role_session_name,
        settings.source_identity,
        settings.allow_endpoint_urls,
    )
    return aws_clients(access), Polling()
