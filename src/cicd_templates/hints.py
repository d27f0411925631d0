"""Formats the commands and options in messages, so that a user can copy and run them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

PREFIX = "CICD_TEMPLATES_"
TAKEN_BY_TARGET = f"{PREFIX}MAKE"


def under_make() -> bool:
    """Return whether make started the program. The Makefile sets `CICD_TEMPLATES_MAKE` to show this."""
    return TAKEN_BY_TARGET in os.environ


def option(variable: str, value: str | bool = "", *, name: str = "") -> str:
    """Return a command-line option as the user types it: `ENV=dev` under make, otherwise `--env dev`.

    - `variable` is the option's name under make, such as `ENV`.
    - `value` is the option's value, or True for a flag.
    - `name` is the option's name without make. The default is `variable` in lower case, such as `--env`.
    """
    if under_make():
        return f"{variable}={'1' if value is True else value}"
    words = [name or f"--{variable.lower().replace('_', '-')}"]
    return " ".join([*words, value] if isinstance(value, str) and value else words)


def make(target: str, **variables: str | bool | None) -> str:
    """Return the command `make TARGET NAME=value ...`, quoted for a shell.

    Variables with empty or false values are left out. True becomes `1`. Callers must pass the `LOCAL` and the `SUFFIX`
    of the running command. Without `LOCAL`, the returned command would change AWS instead of the local AWS. Without
    `SUFFIX`, it would change the original environment instead of its parallel copy.
    """
    given = {name: "1" if value is True else value for name, value in variables.items() if value}
    return " ".join(["make", target, *(f"{name}={shlex.quote(str(value))}" for name, value in given.items())])


def remove_files(paths: Iterable[str]) -> str:
    """Return the command that removes the files at `paths`, quoted for a shell."""
    return shlex.join(["rm", "--", *paths])
