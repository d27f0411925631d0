"""Options of the verbs. `make deploy ENV=staging` sets `--env` through the environment variable CICD_TEMPLATES_ENV."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError

BOOLEAN = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
# `make render status FORMAT=yaml` is one format for both targets, and YAML is not JSON.
FORMAT = {"json": True, "text": False, "yaml": False}


class Option(click.Option):
    """An option that make can set with `variable`, of which a message then speaks by that name.

    For a flag `words` are the values of that variable, and what they mean. With `empty_counts` an empty variable is a
    value, for an option whose absence would loosen something.
    """

    def __init__(
        self,
        *arguments: Any,
        variable: str | None = None,
        words: Mapping[str, bool] = BOOLEAN,
        empty_counts: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(*arguments, envvar=hints.PREFIX + variable if variable else None, **attributes)
        self.variable, self.words, self.empty_counts = variable, words, empty_counts

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value unless make's target does not take it; None for no value or an empty one."""
        taken = os.environ.get(hints.TAKEN_BY_TARGET)
        if taken is not None and self.variable not in taken.split():
            return None
        if self.empty_counts and os.environ.get(f"{hints.PREFIX}{self.variable}") == "":
            return ""
        return super().resolve_envvar_value(ctx)

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the variable's value as it was typed, for a flag true or false. Raises `ConfigurationError`."""
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


def option(*declarations: str, variable: str | None = None, **attributes: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds an `Option`, which make sets with `variable`."""
    return click.option(*declarations, cls=Option, variable=variable, **attributes)


SUFFIX = option("--suffix", variable="SUFFIX", help="Work on the parallel copy with this suffix, below build/.")
ENV = option("--env", variable="ENV", help="Environment, or `all`: the runtime environments, then tools.")
LAYER = option("--layer", variable="LAYER", help="Only this layer.")
SERVICE = option("--service", variable="SERVICE", help="Only this service.")
LOCAL = option(
    "--local", variable="LOCAL", is_flag=True, help="Use the local AWS that `make local` started; never AWS itself."
)
YES = option("--yes", variable="YES", is_flag=True, help="Execute without asking.")
# A CI job whose variable is not set types `DIGEST=`, which must not accept every plan.
DIGEST = option(
    "--digest",
    variable="DIGEST",
    empty_counts=True,
    help="With --plan: the digest of the plan that was reviewed; refuse any other plan.",
)
JSON = option("--json", "as_json", variable="FORMAT", words=FORMAT, is_flag=True, help="Print JSON for machines.")
TARGET = (ENV, SUFFIX, LAYER, SERVICE, LOCAL)
