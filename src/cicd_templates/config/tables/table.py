"""What every table of `templates/environments.toml` is: a frozen model that refuses keys it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A TOML table: frozen, strict about types, and closed to keys that it does not know."""

    # Built when first used: a table within others is then built once, with them.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
