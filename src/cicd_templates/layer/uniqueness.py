"""Checks that values which are built from names in the configuration are unique."""

from __future__ import annotations

from collections.abc import Iterable

from cicd_templates.errors import ConfigurationError


def require_unique(values: Iterable[tuple[str, str]], what: str, where: str, remedy: str) -> None:
    """Raise `ConfigurationError` if two owners have the same value. `values` has pairs: the owner and the value.

    The message begins with `where` and ends with `remedy`. `what` is the word for the value, such as `namespace`.
    """
    owners: dict[str, str] = {}
    for owner, value in values:
        if value in owners:
            raise ConfigurationError(
                f"{where}: {owners[value]} and {owner} would have the same {what} {value}; {remedy}"
            )
        owners[value] = owner
