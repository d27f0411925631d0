"""Checks length limits of AWS for texts that contain names from the configuration, because names can be long."""

from __future__ import annotations

from cicd_templates.errors import ConfigurationError


def require_length(text: str, longest: int, where: str, remedy: str) -> None:
    """Raise `ConfigurationError` if `text` has more than `longest` characters. `where` is the place of the text."""
    if len(text) > longest:
        raise ConfigurationError(f"{where} has {len(text):,} characters, and AWS accepts {longest:,}; {remedy}")
