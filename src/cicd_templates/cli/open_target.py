"""Opens the `Target` of an environment: reads its rendered stacks, and creates clients for its AWS account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cicd_templates.cli.accounts import open_account
from cicd_templates.cli.targets import Target, revision_here
from cicd_templates.config.environment import Environment
from cicd_templates.deploy.aws.clients import require_account
from cicd_templates.deploy.change_sets.rendered_stacks import matching, read_stacks, select
from cicd_templates.files.paths import STATE
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine


def open_target(
    environment: Environment,
    folder: Path,
    *,
    layer: str | None,
    service: str | None,
    local: bool,
    checked: bool = True,
    removed: bool = False,
    engine: Engine | None = None,
    running: Engine | None = None,
    read_revision: Callable[[], str] = revision_here,
) -> Target:
    """Return the `Target` for `environment`, with the stacks that were rendered into `folder`.

    - `local`: use the local AWS in `engine`. If `engine` is None, use the local AWS that `make local` started. In both
      cases, plans and journals are kept apart from those for AWS.
    - `running`: the address and the process of the local AWS that `make local` started. If it is None, this data is
      read from a file.
    - `checked`: first verify that the credentials are for the right account.
    - `removed`: accept a `layer` or `service` without rendered stacks. `Target.chosen` is then empty.

    Raises an error if the templates cannot be read, the credentials do not work or the account is wrong.
    """
    stacks = read_stacks(folder / environment.qualified)
    chosen = matching(stacks, layer, service) if removed else select(stacks, layer, service)
    account = stacks[0].account
    memory = STATE
    if local:
        memory = engine.folder if engine else STATE / "local"
        engine = engine or running or engine_state_file.required()
    else:
        engine = None
    clients, polling = open_account(environment, account, stacks[0].region, engine)
    caller = require_account(clients, account) if checked else ""
    return Target(stacks, chosen, clients, polling, engine, layer, service, caller, memory, read_revision)
