"""What every verb is made of: the group, its options, and errors as one line with their exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from cicd_templates.errors import CicdError


class Command(click.Command):
    """Turns expected errors into one line and their exit code; tracebacks are for bugs."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error becomes a line on standard error and `ctx.exit` with its code."""
        try:
            return super().invoke(ctx)
        except CicdError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except Exception as error:
            if type(error).__module__.split(".")[0] != "botocore":
                raise
            from cicd_templates.deploy.aws.clients import explained

            click.echo(f"error: {explained(error)}", err=True)
            ctx.exit(CicdError.exit_code)


class Group(Command, click.Group):
    """A command with commands of its own, and the same errors."""


class Main(click.Group):
    """The verbs, which know the commands of each other."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; one of another command is told by its whole name."""
        for name, command in self.commands.items():
            if args[0] not in self.commands and isinstance(command, click.Group) and args[0] in command.commands:
                ctx.fail(f"No such command {args[0]!r}; there is {name} {args[0]}.")
        return super().resolve_command(ctx, args)


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A complete, audited CI/CD pipeline on AWS in plain CloudFormation."""


def verb(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function the command `name` of `main`, with `options` in the order of its help."""

    def decorate(function: Callable[..., None]) -> click.Command:
        decorated = functools.reduce(lambda inner, option: option(inner), reversed(options), function)
        return main.command(name, cls=Command)(decorated)

    return decorate


SUFFIX = click.option("--suffix", help="Work on the parallel copy of this name, rendered into build/.")
ENV = click.option("--env", "env", help="Environment, or `all`: the runtime environments, then tools.")
LAYER = click.option("--layer", help="This layer only.")
SERVICE = click.option("--service", help="This service only.")
LOCAL = click.option("--local", is_flag=True, help="Use the local AWS that `make local` started; never AWS itself.")
YES = click.option("--yes", is_flag=True, help="Execute without asking.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
TARGET = (ENV, SUFFIX, LAYER, SERVICE, LOCAL)
