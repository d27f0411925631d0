"""The command `secret`, which sets the value of a secret."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import ENV, LOCAL, SERVICE, SUFFIX, make_option
from cicd_templates.errors import ConfigurationError

if TYPE_CHECKING:
    from cicd_templates.config.environment import Environment


@verb(
    "secret",
    ENV,
    SUFFIX,
    SERVICE,
    LOCAL,
    make_option(
        "--name",
        variable="NAME",
        default="",
        help="The name of the secret in the configuration of a check or of the service.",
    ),
)
def secret(name: str, env: str | None, service: str | None, suffix: str | None, local: bool) -> None:
    """Set a secret of a service. The value is read from a prompt or from standard input."""
    from cicd_templates.config.naming import physical_name
    from cicd_templates.deploy.releases import secrets

    environment = selection.environment(env, suffix)
    of = selection.only_service(environment, service)
    known = _secrets_of(environment, of.name)
    if name not in known:
        missing = f"{of.name} has no secret{f' {name!r}' if name else ''} in {environment.name}"
        elsewhere = [peer.name for peer in environment.peers if _has(_secrets_of(peer, of.name), name)]
        if elsewhere and (name or not known):
            where = f"but it has one in {', '.join(elsewhere)}; choose the environment with {hints.option('ENV')}"
            raise ConfigurationError(f"{missing}, {where}")
        if not known:
            raise ConfigurationError(f"{missing}, so there is nothing to set")
        if not name:
            raise ConfigurationError(f"which secret? Name one with {hints.option('NAME')}: {', '.join(known)}")
        raise ConfigurationError(f"{missing}; its secrets are {', '.join(known)}")
    (target,) = selection.targets(env=environment.name, suffix=suffix, layer=None, service=None, local=local)
    full_name = physical_name(environment, "AWS::SecretsManager::Secret", of.name, name)
    value = secrets.read_value(sys.stdin)
    first = hints.make("deploy", ENV=environment.name, SUFFIX=suffix, LOCAL=local)
    version = secrets.set_secret(target.clients, full_name, value, first)
    terminal.show(f"set {full_name}, version {version}")


def _secrets_of(environment: Environment, service: str) -> Sequence[str]:
    """Return names of a service's secrets. In a tools environment, return the secrets that the service's checks use."""
    from cicd_templates.builds.configured_checks import checks_of

    services = [each for each in environment.services if each.name == service]
    if environment.kind == "tools":
        checks = [check for each in services for check in checks_of(each)]
        return sorted({name for check in checks for name in check.secrets.values()})
    return [name for each in services for name in each.own_secrets]


def _has(secrets: Sequence[str], name: str) -> bool:
    return name in secrets if name else bool(secrets)
