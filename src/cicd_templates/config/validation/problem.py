"""A problem of the configuration, and the error that lists all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cicd_templates.errors import ConfigurationError
from cicd_templates.plurals import counted


@dataclass(frozen=True)
class Problem:
    """One mistake in the configuration file.

    It has the TOML path of the key, which may be empty, and a message that says what is right.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def configuration_error(source: str, problems: Sequence[Problem]) -> ConfigurationError:
    """Return an error for the file `source`: a first line with the number of problems, then each problem on a line."""
    return ConfigurationError("\n  ".join([f"{source}: {counted(len(problems), 'problem')}", *map(str, problems)]))
