"""Options of the commands.

make passes its variables to the commands as environment variables. For example, `make deploy ENV=staging` sets
CICD_TEMPLATES_ENV, which is the value of `--env`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError

BOOLEAN = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
# `make render status FORMAT=yaml` passes the format to both commands, so `status` accepts `yaml` and prints text.
FORMAT_WORDS = {"json": True, "text": False, "yaml": False}


class Option(click.Option):
    """A command-line option that make can also set, with the make variable `variable`.

    If make started the program, messages name the variable instead of the option. For a flag, `words` maps the allowed
    values of the variable to true or false.

    Usually, an empty variable counts as unset. Two kinds of options treat an empty variable differently:

    - `empty_counts` is for an option that makes a command stricter. An empty variable counts as set, so it does not
      switch the option off.
    - `narrows` is for an option that limits what a command affects, such as `--suffix`. An empty variable is an error,
      because a command without the option could affect more than the user intended.
    """

    def __init__(
        self,
        *arguments: Any,
        variable: str | None = None,
        words: Mapping[str, bool] = BOOLEAN,
        empty_counts: bool = False,
        narrows: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(*arguments, envvar=hints.PREFIX + variable if variable else None, **attributes)
        self.variable, self.words, self.empty_counts, self.narrows = variable, words, empty_counts, narrows

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of this option's environment variable, or None if the variable is unset.

        A variable that the make target does not use counts as unset. The result for an empty variable depends on the
        option:

        - If `narrows` is true, raise `ConfigurationError`. An example is `SUFFIX=$PULL_REQUEST` outside a pull request.
        - If `empty_counts` is true, return an empty string.
        - Otherwise, return None.
        """
        taken = os.environ.get(hints.TAKEN_BY_TARGET)
        if taken is not None and self.variable not in taken.split():
            return None
        if self.narrows and os.environ.get(f"{hints.PREFIX}{self.variable}", "set").strip() == "":
            typed = f"{self.variable}=" if hints.under_make() else f"{self.envvar}="
            raise ConfigurationError(
                f"`{typed}` has no value; write a value directly after the =, or leave out `{typed}`"
            )
        if self.empty_counts and os.environ.get(f"{hints.PREFIX}{self.variable}") == "":
            return ""
        return super().resolve_envvar_value(ctx)

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the environment variable's value: the text as it was typed, or a boolean for a flag.

        Raises `ConfigurationError` if a flag's value is not in `words`.
        """
        value = self.resolve_envvar_value(ctx)
        if value is None:
            return None
        if not self.is_flag:
            # click would split the value of a repeated option at its spaces.
            return (value,) if self.multiple else value
        word = value.strip().lower()
        if word and word not in self.words:
            typed = self.variable if hints.under_make() else self.envvar
            kind, right = ("boolean", "1 or 0") if self.words is BOOLEAN else ("format", "json or text")
            raise ConfigurationError(f"`{typed}={value}` is not a {kind}; use {right}")
        return bool(word) and self.words[word]

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return the name of the option as the user typed it."""
        return f"{self.variable}=" if hints.under_make() and self.variable else super().get_error_hint(ctx)


def make_option(*declarations: str, variable: str | None = None, **attributes: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds an `Option` to a command. `variable` is the make variable that sets this option."""
    return click.option(*declarations, cls=Option, variable=variable, **attributes)


SUFFIX = make_option(
    "--suffix", variable="SUFFIX", narrows=True, help="Work on the parallel copy with this suffix, in build/SUFFIX/."
)
ENV = make_option(
    "--env", variable="ENV", help="Name of an environment, or `all` for the runtime environments and then tools."
)
LAYER = make_option("--layer", variable="LAYER", narrows=True, help="Only this layer.")
SERVICE = make_option("--service", variable="SERVICE", narrows=True, help="Only this service.")
LOCAL = make_option(
    "--local",
    variable="LOCAL",
    narrows=True,
    is_flag=True,
    help="Use the local AWS that `make local` started; never AWS itself.",
)
YES = make_option("--yes", variable="YES", is_flag=True, help="Execute without asking.")
# A CI job passes `DIGEST=` if its own variable is not set. An empty digest must not accept every plan.
DIGEST = make_option(
    "--digest",
    variable="DIGEST",
    empty_counts=True,
    help="With --plan: the digest of the reviewed plan. A plan with another digest is refused.",
)
JSON = make_option(
    "--json", "as_json", variable="FORMAT", words=FORMAT_WORDS, is_flag=True, help="Print JSON for machines."
)
TARGET = (ENV, SUFFIX, LAYER, SERVICE, LOCAL)
PLAN_OUT = make_option(
    "--out",
    variable="OUT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the plan; by default .state/plans/ENV.json.",
)
DRIFT = make_option(
    "--drift",
    variable="DRIFT",
    is_flag=True,
    help="Also show changes that were made to the stacks outside CloudFormation.",
)
REVERT_DRIFT = make_option(
    "--revert-drift",
    variable="REVERT_DRIFT",
    is_flag=True,
    help="Let the plan also revert changes that were made to the stacks outside CloudFormation.",
)
WAIT = make_option(
    "--wait",
    variable="WAIT",
    is_flag=True,
    help="Wait for stacks that another operation is changing, instead of stopping with an error.",
)
