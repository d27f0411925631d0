"""The command `secret`, which sets the value of a secret."""

from __future__ import annotations

import sys

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import ENV, LOCAL, SERVICE, SUFFIX, make_option
from cicd_templates.errors import ConfigurationError


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
    from cicd_templates.builds.configured_checks import checks_of
    from cicd_templates.config.naming import physical_name
    from cicd_templates.deploy.releases import secrets

    environment = selection.environment(env, suffix)
    of = selection.only_service(environment, service)
    names_of_checks = {secret_name for check in checks_of(of) for secret_name in check.secrets.values()}
    known = sorted(names_of_checks) if environment.kind == "tools" else of.own_secrets
    if not known:
        raise ConfigurationError(f"{of.name} has no secret in {environment.name}, so there is nothing to set")
    if not name:
        raise ConfigurationError(f"which secret? Name one with {hints.option('NAME')}: {', '.join(known)}")
    if name not in known:
        raise ConfigurationError(
            f"{of.name} has no secret {name!r} in {environment.name}; its secrets are {', '.join(known)}"
        )
    (target,) = selection.targets(env=environment.name, suffix=suffix, layer=None, service=None, local=local)
    full_name = physical_name(environment, "AWS::SecretsManager::Secret", of.name, name)
    value = secrets.read_value(sys.stdin)
    first = hints.make("deploy", ENV=environment.name, SUFFIX=suffix, LOCAL=local)
    version = secrets.set_secret(target.clients, full_name, value, first)
    terminal.show(f"set {full_name}, version {version}")
