"""The base class of every table of `templates/environments.toml`."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """The base class of TOML tables. Instances are frozen; wrong types and unknown keys are refused.

    Modules of tables do not import `annotations` from `__future__`, because pydantic would then have to compile each
    annotation from text.
    """

    # Each validator is built at its first use, so that a nested table is built only once, as part of the outer table.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
