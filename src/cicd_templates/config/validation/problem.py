"""Defines a problem of the configuration, and the error that lists all problems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cicd_templates.errors import ConfigurationError
from cicd_templates.plurals import counted


class Problem(NamedTuple):
    """One mistake in the configuration file.

    `path` is the TOML path of the key, and may be empty. `message` says what to write instead. `also_in` lists the
    other environments that have the same mistake at the same key.
    """

    path: str
    message: str
    also_in: tuple[str, ...] = ()

    def __str__(self) -> str:
        others = f" (also in {', '.join(self.also_in)})" if self.also_in else ""
        return f"{self.path}: {self.message}{others}" if self.path else self.message


class InvalidConfigurationError(ConfigurationError):
    """The configuration has problems. The message lists them."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n  ".join([f"{source}: {counted(len(problems), 'problem')}", *map(str, problems)]))
        self.problems = tuple(problems)


def configuration_error(source: str, problems: Sequence[Problem]) -> InvalidConfigurationError:
    """Return the error that lists all problems of the file `source`: their number, then one line for each."""
    return InvalidConfigurationError(source, problems)
