"""The base class of every table of `templates/environments.toml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A TOML table: frozen, strict about types, without unknown keys."""

    # Built at the first use, so that a table inside others is built only once, together with them.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
