"""What a verb works on, from the words of its options: environments, services, and whether a person agrees."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError, DetachedError
from cicd_templates.paths import CONFIGURATION, rendered_folder

if TYPE_CHECKING:
    from cicd_templates.cli.targets import Account, Target
    from cicd_templates.config.environment import Configuration, Environment, Service
    from cicd_templates.deploy.releases.handover import Tools


def require_environment(configuration: Configuration, env: str | None) -> None:
    """Raise `ConfigurationError` with the known names where `env` names no environment."""
    if env is not None and configuration.environment(env) is None:
        known = ", ".join(environment.name for environment in configuration.environments)
        raise ConfigurationError(f"no environment {env!r}; {CONFIGURATION} has {known}")


def targets(
    *,
    env: str | None,
    suffix: str | None,
    layer: str | None,
    service: str | None,
    local: bool,
    default: str | None = None,
    checked: bool = True,
) -> list[Target]:
    """The environments that a verb works on, in the order of a deployment; `checked` for the account first of all."""
    from cicd_templates.cli.targets import open_target
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    names = [environment.name for environment in configuration.environments]
    asked = env or default
    if asked is None:
        raise ConfigurationError(f"which environment? Name one with {hints.option('ENV')}: {', '.join(names)}, or all")
    if asked != "all":
        require_environment(configuration, asked)
    folder = rendered_folder(suffix)
    return [
        open_target(environment, folder, layer=layer, service=service, local=local, checked=checked)
        for environment in configuration.deploy_order
        if asked in ("all", environment.name)
    ]


def accounts(env: str, local: bool) -> list[Account]:
    """The account of each environment, for what needs none of its templates; tools first, as it reads the others."""
    from cicd_templates.cli.targets import open_plain_account
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION)
    if env != "all":
        require_environment(configuration, env)
    return [
        open_plain_account(environment, local=local)
        for environment in configuration.deploy_order[::-1]
        if env in ("all", environment.name)
    ]


def tools(suffix: str | None, local: bool) -> Tools:
    """The tools environment, which hands templates and releases to the pipeline."""
    from cicd_templates.cli.targets import open_tools
    from cicd_templates.config.load import read_configuration

    return open_tools(read_configuration(CONFIGURATION, suffix=suffix), rendered_folder(suffix), local=local)


def environment(name: str | None, suffix: str | None) -> Environment:
    """The environment of that name, or the tools environment."""
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    require_environment(configuration, name)
    return next(each for each in configuration.environments if name == each.name or (not name and each.kind == "tools"))


def only_service(environment: Environment, name: str | None) -> Service:
    """The service of that name, or the only one there is."""
    known = [service.name for service in environment.services]
    if name is None and len(known) > 1:
        raise ConfigurationError(f"which service? Name one with {hints.option('SERVICE')}: {', '.join(known)}")
    for service in environment.services:
        if name in (None, service.name):
            return service
    raise ConfigurationError(f"no service {name!r}; {CONFIGURATION} has {', '.join(known) or 'none'}")


def confirmation(yes: bool) -> Callable[[str], bool]:
    """What asks the person at the terminal, or agrees for who said `yes`. Raises where nobody can answer."""
    if yes:
        return lambda question: True
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"there is no terminal to ask at; add {hints.option('YES', value=True)} to execute without a question"
        )
    return _asked


def _asked(question: str) -> bool:
    try:
        return click.confirm(f"  {question}", default=False)
    except click.Abort:
        # Ctrl-C at a question is a no, after which nothing is left of what was shown.
        return False


@contextlib.contextmanager
def detaching() -> Iterator[None]:
    """For the length of a block, the end that a system or a CI job asks for is the same as Ctrl-C.

    Raises `DetachedError` for either where the work itself has not said what is under way.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise DetachedError("stopped between two steps; the same command takes up what it finds") from None
    finally:
        signal.signal(signal.SIGTERM, before)
