"""Commands that messages recommend, complete, so that a user can copy and run them; options as the user types them."""

from __future__ import annotations

import os
import shlex

PREFIX = "CICD_TEMPLATES_"
TAKEN_BY_TARGET = f"{PREFIX}MAKE"


def under_make() -> bool:
    """Return whether make runs the program: then the environment names the variables that the target takes."""
    return TAKEN_BY_TARGET in os.environ


def option(variable: str, value: str | bool = "", *, name: str = "") -> str:
    """Return an option as the user types it: `ENV=` under make, otherwise `--env`; true as a value means a flag.

    `name` is the name of an option that is not called like its variable.
    """
    if under_make():
        return f"{variable}={'1' if value is True else value}"
    words = [name or f"--{variable.lower().replace('_', '-')}"]
    return " ".join([*words, value] if isinstance(value, str) and value else words)


def make(target: str, **variables: str | bool | None) -> str:
    """Return `make TARGET NAME=value ...`, quoted for a shell; empty and false variables are left out, true is `1`.

    Pass on the `LOCAL` and `SUFFIX` of the current command: without them the recommended command would work on AWS
    itself, or on the original environment instead of its copy.
    """
    given = {name: "1" if value is True else value for name, value in variables.items() if value}
    return " ".join(["make", target, *(f"{name}={shlex.quote(str(value))}" for name, value in given.items())])
