"""Reads a command's options: finds the environments and services that they name, and asks for confirmations."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.errors import ConfigurationError, DetachedError, NoTerminalError, RefusedError
from cicd_templates.files.paths import CONFIGURATION, rendered_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cicd_templates.cli.accounts import Account
    from cicd_templates.cli.targets import Target
    from cicd_templates.config.environment import Configuration, Environment, Service
    from cicd_templates.deploy.releases.pipeline_handover import PipelineHandover
    from cicd_templates.deploy.reporting.report import Reporter


def require_environment(configuration: Configuration, env: str | None) -> None:
    """Raise `ConfigurationError` if `env` is not an environment of the configuration. The error lists the environments.

    If `env` is None, do nothing.
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
    removed: bool = False,
    read_revision: Callable[[], str] | None = None,
    opened: Callable[[Target], None] = lambda target: None,
) -> list[Target]:
    """Return one `Target` for each environment on which a command works, in deploy order.

    - If `checked` is true, first verify that the caller's credentials are for the account of each environment.
    - If `removed` is true, `layer` and `service` may also select stacks that are no longer rendered.
    - `read_revision` is a function that returns the revision of the work tree. The default function reads the revision
      when a target first needs it.
    - `opened` is a function. It is called with each target, before the next target is opened.
    """
    from cicd_templates.cli.open_target import open_target
    from cicd_templates.cli.targets import revision_here
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    names = [environment.name for environment in configuration.environments]
    name = env or default
    if name is None:
        raise ConfigurationError(f"which environment? Name one with {hints.option('ENV')}: {', '.join(names)}, or all")
    if name != "all":
        require_environment(configuration, name)
    revision_once = functools.cache(revision_here)
    chosen: list[Target] = []
    for environment in configuration.deploy_order:
        if name in ("all", environment.name):
            target = open_target(
                environment,
                rendered_folder(suffix),
                layer=layer,
                service=service,
                local=local,
                checked=checked,
                removed=removed,
                running=chosen[0].engine if chosen else None,
                read_revision=read_revision or revision_once,
            )
            chosen.append(target)
            opened(target)
    return chosen


def refuse_edited(chosen: Sequence[Target], reporter: Reporter, *, suffix: str | None, rehearsed: bool = False) -> None:
    """Check the templates of each environment for these problems:

    - A template was edited by hand.
    - The configuration or a layer was edited after the last `make render`.
    - A template file was not written by `make render`, so no command deploys it.

    Raise `RefusedError` if a protected environment has a problem. For other environments, only report the problem.

    If `rehearsed` is true, the command deploys nothing, or only to the local AWS. In that case, report
    each problem, but raise no error.
    """
    from cicd_templates.deploy.reporting.report import Note
    from cicd_templates.template.checksums import find_edits, find_strays

    folder = rendered_folder(suffix)
    for target in chosen:
        problem = find_edits(folder, target.environment)
        if problem and target.protected and not rehearsed:
            raise RefusedError(
                f"{target.environment} is protected: {problem}; run `{hints.make('render', SUFFIX=suffix)}` and review"
                " its diff"
            )
        notes = [problem] if problem else []
        if strays := [str(path) for path in find_strays(folder, target.environment)]:
            verb = "was" if len(strays) == 1 else "were"
            notes.append(
                f"{', '.join(strays)} {verb} not written by `make render`; to remove: `{hints.remove_files(strays)}`"
            )
            if target.protected and not rehearsed:
                raise RefusedError(f"{target.environment} is protected: {notes[-1]}")
        for note in notes:
            reporter.report(Note(f"{target.environment}: {note}"))


def accounts(env: str, local: bool) -> list[Account]:
    """Return an `Account` for the environment `env`, or for every environment if `env` is `all`.

    The tools environment, which is deployed last, comes first.
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


def tools(
    suffix: str | None, local: bool, chosen: Sequence[Target] = (), *, plans_only: bool = False
) -> PipelineHandover:
    """Return a `PipelineHandover`, which uploads templates for the pipeline in the tools environment.

    - `chosen` has targets that are already open. Their stacks and AWS clients are used again.
    - If `plans_only` is true, the result cannot upload templates. An upload needs the commit that contains the
      templates, and a plan does not search for this commit.
    """
    from cicd_templates.cli.templates_handover import open_tools
    from cicd_templates.config.load import read_configuration

    known = {target.environment: target for target in chosen}
    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    return open_tools(configuration, rendered_folder(suffix), local=local, known=known, plans_only=plans_only)


def environment(name: str | None, suffix: str | None, path: Path = CONFIGURATION) -> Environment:
    """Return the environment named `name` in the configuration at `path`.

    If `name` is empty, return the tools environment, which has the pipeline.
    """
    from cicd_templates.config.load import read_configuration

    configuration = read_configuration(path, suffix=suffix)
    require_environment(configuration, name)
    return next(
        candidate
        for candidate in configuration.environments
        if name == candidate.name or (not name and candidate.kind == "tools")
    )


def only_service(environment: Environment, name: str | None, path: Path = CONFIGURATION) -> Service:
    """Return the service `name`, or the only service if `name` is None. Messages name the configuration at `path`.

    Raises `ConfigurationError` if there is no such service, or if `name` is None and there are several services.
    """
    known = [service.name for service in environment.services]
    if name is None and len(known) > 1:
        raise ConfigurationError(f"which service? Name one with {hints.option('SERVICE')}: {', '.join(known)}")
    for service in environment.services:
        if name in (None, service.name):
            return service
    raise ConfigurationError(f"no service {name!r}; {path} has {', '.join(known) or 'none'}")


def confirmation(yes: bool) -> Callable[[str], bool]:
    """Return a function that asks the user a yes-or-no question and returns the answer.

    If `yes` is true, the function returns true without asking. If `yes` is false and standard input is not a terminal,
    the function raises `NoTerminalError` when it is called.
    """
    if yes:
        return lambda question: True
    return _ask if sys.stdin.isatty() else _refuse_to_ask


def _refuse_to_ask(question: str) -> bool:
    raise NoTerminalError(
        f"there is no terminal for questions; add {hints.option('YES', value=True)} to execute without asking"
    )


def require_answers(yes: bool) -> None:
    """Raise `NoTerminalError` if there is no terminal on which the user could answer questions.

    Call this at the start of a command that asks its question only after minutes of work.
    """
    if not yes and not sys.stdin.isatty():
        _refuse_to_ask("")


def other_changes_confirmation(hand_over: bool) -> Callable[[str], bool]:
    """Return a function that answers a question about templates of environments that the command does not deploy.

    The question is whether to upload the changed templates of these environments for the pipeline. The answers:

    - If `hand_over` is true, the function returns true without asking.
    - If `hand_over` is false and there is no terminal, the function returns false without asking.
    - Otherwise, the function asks the user.
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
def detaching(stopped: str = "the command was stopped between two steps; run it again to continue") -> Iterator[None]:
    """If Ctrl-C or SIGTERM interrupts the `with` block, raise `DetachedError` with the text in `stopped`.

    CI systems send SIGTERM to end a job. Errors that the block itself raises are passed on unchanged.
    """
    from cicd_templates.local import sigterm

    try:
        with sigterm.interrupting():
            yield
    except KeyboardInterrupt:
        raise DetachedError(stopped) from None
