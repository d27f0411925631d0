"""Commands that a message advises, to be copied as they stand: with what the call itself was about."""

from __future__ import annotations

import shlex


def make(target: str, **variables: str | bool | None) -> str:
    """`make TARGET NAME=value ...` with the variables that say something, quoted for a shell; true is `1`.

    Without the `LOCAL` and `SUFFIX` of the call, the advice would work on AWS itself, or on the original of a copy.
    """
    given = {name: "1" if value is True else value for name, value in variables.items() if value}
    return " ".join(["make", target, *(f"{name}={shlex.quote(str(value))}" for name, value in given.items())])
