"""The base class of every table of `templates/environments.toml`."""

from pydantic import BaseModel, ConfigDict


# Modules of tables do not import `annotations` from `__future__`. With this import, pydantic would have to compile each
# annotation from text.
class Table(BaseModel):
    """The base class of TOML tables. Instances are frozen. A wrong type or an unknown key is an error."""

    # Each validator is built at its first use, so that a nested table is built only once, as part of the outer table.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
