"""Commands that messages recommend: complete, so that a user can copy and run them."""

from __future__ import annotations

import shlex


def make(target: str, **variables: str | bool | None) -> str:
    """Return `make TARGET NAME=value ...`, quoted for a shell; empty and false variables are left out, true is `1`.

    Pass on the `LOCAL` and `SUFFIX` of the current command: without them the recommended command would work on AWS
    itself, or on the original environment instead of its copy.
    """
    given = {name: "1" if value is True else value for name, value in variables.items() if value}
    return " ".join(["make", target, *(f"{name}={shlex.quote(str(value))}" for name, value in given.items())])
