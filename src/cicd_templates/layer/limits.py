"""Checks texts against AWS's length limits. The texts contain names from the configuration, which can be long."""

from __future__ import annotations

from cicd_templates.errors import ConfigurationError


def require_length(text: str, longest: int, where: str, remedy: str) -> None:
    """Raise `ConfigurationError` if `text` has more than `longest` characters. `where` says where the text occurs."""
    if len(text) > longest:
        raise ConfigurationError(f"{where} has {len(text):,} characters, but AWS accepts at most {longest:,}; {remedy}")
