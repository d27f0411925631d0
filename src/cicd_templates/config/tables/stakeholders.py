"""The table `[environments.<name>.stakeholders]`: who is notified, and who approves."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.field_types import matching
from cicd_templates.config.tables.table import Table

Email = Annotated[str, matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "write an e-mail address, such as team@example.com")]


class StakeholdersTable(Table):
    """`[environments.<name>.stakeholders]`: who is notified."""

    developers: tuple[Email, ...] = Field(
        default=(), strict=False, description="E-mail addresses notified of failed and successful runs"
    )
    security: tuple[Email, ...] = Field(
        default=(),
        strict=False,
        description="E-mail addresses notified of findings, of overridden stage conditions, and of images that run"
        " without a signature. If `unsigned_images` has an exception, the tools environment needs at least one address"
        " here",
    )
    operations: tuple[Email, ...] = Field(
        default=(), strict=False, description="E-mail addresses notified of alarms and of stuck runs"
    )
    approvers: tuple[Email, ...] = Field(
        default=(),
        strict=False,
        description="E-mail addresses asked to approve a release; a protected environment in `pipeline.path` needs at"
        " least one address",
    )
