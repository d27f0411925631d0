"""Functions that turn a command's options into environments, services and ways to ask the user."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.errors import ConfigurationError, DetachedError, RefusedError
from cicd_templates.paths import CONFIGURATION, rendered_folder

if TYPE_CHECKING:
    from cicd_templates.cli.accounts import Account
    from cicd_templates.cli.targets import Target
    from cicd_templates.config.environment import Configuration, Environment, Service
    from cicd_templates.deploy.releases.pipeline_handover import PipelineHandover
    from cicd_templates.deploy.reporting.report import Reporter


def require_environment(configuration: Configuration, env: str | None) -> None:
    """Raise `ConfigurationError` if `env` is not the name of an environment; the error lists the known names.

    `env` may also be None.
    """
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
    """Return the environments that a command works on, in deploy order.

    With `checked`, verify first that the caller is in the account of each environment.
    """
    from cicd_templates.cli.targets import open_target
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    names = [environment.name for environment in configuration.environments]
    name = env or default
    if name is None:
        raise ConfigurationError(f"which environment? Name one with {hints.option('ENV')}: {', '.join(names)}, or all")
    if name != "all":
        require_environment(configuration, name)
    folder = rendered_folder(suffix)
    return [
        open_target(environment, folder, layer=layer, service=service, local=local, checked=checked)
        for environment in configuration.deploy_order
        if name in ("all", environment.name)
    ]


def refuse_edited(chosen: Sequence[Target], reporter: Reporter, *, suffix: str | None, rehearsed: bool = False) -> None:
    """Report, for each environment, whether its templates differ from what `make render` would write now.

    Raises `RefusedError` if they differ in a protected environment. With `rehearsed`, it only reports this. Use
    `rehearsed` if the command deploys nothing, or only to the local AWS.
    """
    from cicd_templates.deploy.reporting.report import Note
    from cicd_templates.template.checksums import find_edits

    for target in chosen:
        problem = find_edits(rendered_folder(suffix), target.environment)
        if problem and target.protected and not rehearsed:
            raise RefusedError(
                f"{target.environment} is protected: {problem}; run `{hints.make('render', SUFFIX=suffix)}` and review"
                " its diff"
            )
        if problem:
            reporter.report(Note(f"{target.environment}: {problem}"))


def accounts(env: str, local: bool) -> list[Account]:
    """Return the account of each environment, without templates.

    The tools environment comes first, because it depends on the others.
    """
    from cicd_templates.cli.accounts import open_plain_account
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION)
    if env != "all":
        require_environment(configuration, env)
    return [
        open_plain_account(environment, local=local)
        for environment in configuration.deploy_order[::-1]
        if env in ("all", environment.name)
    ]


def tools(suffix: str | None, local: bool) -> PipelineHandover:
    """Return the hand-over to the pipeline in the tools environment, for handing over templates and releases."""
    from cicd_templates.cli.targets import open_tools
    from cicd_templates.config.load import read_configuration

    return open_tools(read_configuration(CONFIGURATION, suffix=suffix), rendered_folder(suffix), local=local)


def environment(name: str | None, suffix: str | None) -> Environment:
    """Return the environment with this name; if `name` is empty, return the tools environment."""
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    require_environment(configuration, name)
    return next(
        candidate
        for candidate in configuration.environments
        if name == candidate.name or (not name and candidate.kind == "tools")
    )


def removed_service(name: str | None) -> str | None:
    """Return `name` if the configuration has no such service; its stacks may still exist in AWS."""
    from cicd_templates.config.load import read_configuration

    environments = read_configuration(CONFIGURATION).environments
    return None if name in {service.name for each in environments for service in each.services} else name


def only_service(environment: Environment, name: str | None) -> Service:
    """Return the service with this name; if `name` is None, return the only service.

    Raises `ConfigurationError` if there is no such service, or if several services exist and `name` is None.
    """
    known = [service.name for service in environment.services]
    if name is None and len(known) > 1:
        raise ConfigurationError(f"which service? Name one with {hints.option('SERVICE')}: {', '.join(known)}")
    for service in environment.services:
        if name in (None, service.name):
            return service
    raise ConfigurationError(f"no service {name!r}; {CONFIGURATION} has {', '.join(known) or 'none'}")


def confirmation(yes: bool) -> Callable[[str], bool]:
    """Return a function that asks a question at the terminal; with `yes`, the function agrees without asking.

    Raises `ConfigurationError` if the process has no terminal.
    """
    if yes:
        return lambda question: True
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"there is no terminal for a question; add {hints.option('YES', value=True)} to execute without asking"
        )
    return _ask


def other_changes_confirmation(hand_over: bool) -> Callable[[str], bool]:
    """Return a function that asks at the terminal whether other environments may change.

    With `hand_over`, the function agrees without asking. Otherwise, if there is no terminal, it declines.
    """
    if hand_over:
        return lambda question: True
    return _ask if sys.stdin.isatty() else lambda question: False


def _ask(question: str) -> bool:
    try:
        return terminal.confirm(question)
    except click.Abort:
        # Ctrl-C at a question means no; the caller then removes what it has prepared.
        return False


@contextlib.contextmanager
def detaching(stopped: str = "stopped between two steps; run the same command again to continue") -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C. A system or a CI job sends SIGTERM to end a process.

    Raises `DetachedError` with the text `stopped` if one of the two interrupts the block. If the block has already
    raised an error that says what is under way, that error stays as it is.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise DetachedError(stopped) from None
    finally:
        signal.signal(signal.SIGTERM, before)
