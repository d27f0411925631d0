"""Defines the click group of all commands, and how a command reports an expected error and exits."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from cicd_templates import hints
from cicd_templates.cli import terminal, verbs
from cicd_templates.errors import CicdError
from cicd_templates.printable import printable


class Command(click.Command):
    """A click command that prints an expected error without a traceback, and exits with the error's exit code."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments and return the click context.

        If make started the command, error messages have no usage line, because the user typed make variables, not
        options.
        """
        try:
            return super().make_context(info_name, args, parent, **extra)
        except CicdError as error:
            terminal.show_error(error)
            raise click.exceptions.Exit(error.exit_code) from None
        except click.UsageError as error:
            _make_printable(error)
            if hints.under_make():
                error.ctx = None
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Print an expected error on standard error, and exit with the error's exit code."""
        try:
            return super().invoke(ctx)
        except CicdError as error:
            terminal.show_error(error)
            ctx.exit(error.exit_code)
        except click.ClickException as error:
            _make_printable(error)
            raise
        except BrokenPipeError:
            # The program that reads the output, such as `head`, has closed the pipe. click then exits without a
            # message.
            raise
        except OSError as error:
            # For example, the disk is full, a permission is missing, or a folder has the name of the file.
            at = str(error.filename) if error.filename else terminal.discard_unwritable_output()
            terminal.show_error(f"{f'{at}: ' if at else ''}{error.strerror or error}")
            ctx.exit(CicdError.exit_code)
        except Exception as error:
            if type(error).__module__.split(".")[0] != "botocore":
                raise
            from cicd_templates.deploy.aws.clients import explain

            terminal.show_error(explain(error))
            ctx.exit(CicdError.exit_code)


def _make_printable(error: click.ClickException) -> None:
    """Replace the unprintable characters in the message of a click error.

    The message can quote arguments and environment variables. The module `terminal` replaces such characters in all
    other messages, but click prints this message without `terminal`.
    """
    vars(error)["message"] = printable(error.message)


class Group(Command, click.Group):
    """A click command with subcommands, which reports errors in the same way as `Command`."""


class Main(Group):
    """The click group that contains all commands. It imports the module of a command only when the command is needed.

    A module of `verbs` has the name of its command, with underscores in place of hyphens.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        self._import_all()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with a name, or None if there is none."""
        module = cmd_name.replace("-", "_")
        if module in _modules():
            import_module(f"{verbs.__name__}.{module}")
        else:
            # A module can define a second command.
            self._import_all()
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the click command that `args` names.

        If `args` names a subcommand without its group, the error message shows the complete command, such as
        `gate waive`.
        """
        if self.get_command(ctx, args[0]) is None:
            for name, command in self.commands.items():
                if isinstance(command, click.Group) and args[0] in command.commands:
                    ctx.fail(f"No such command {args[0]!r}; did you mean '{name} {args[0]}'?")
        return super().resolve_command(ctx, args)

    def _import_all(self) -> None:
        for module in _modules():
            import_module(f"{verbs.__name__}.{module}")


def _modules() -> list[str]:
    """Return the names of the modules in `verbs`."""
    (folder,) = verbs.__path__
    names = sorted(name.removesuffix(".py") for name in os.listdir(folder) if name.endswith(".py"))
    return [name for name in names if name != "__init__"]


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cicd-templates", prog_name="cicd-templates")
def main() -> None:
    """Render, lint, review and deploy a CI/CD pipeline on AWS in plain CloudFormation.

    With make, most options are variables, such as ENV=staging for --env. The environment variable CICD_TEMPLATES_ENV
    sets --env, too.
    """


def verb(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., None]], click.Command]:
    """Return a decorator that converts a function to a click command with this name and these options.

    The command's help lists the options in the given order.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        decorated = functools.reduce(lambda inner, option: option(inner), reversed(options), function)
        return main.command(name, cls=Command)(decorated)

    return decorate
