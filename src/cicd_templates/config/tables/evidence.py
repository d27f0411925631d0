"""The table `[evidence]`: how long nobody can delete the evidence of releases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.table import Table

# The longest default retention that S3 accepts, 100 years.
LONGEST_LOCK_DAYS = 36_500


class EvidenceTable(Table):
    """`[evidence]`: a lock that keeps the evidence of releases from being deleted. By default there is none."""

    lock_days: Annotated[int, Field(ge=1, le=LONGEST_LOCK_DAYS)] | None = Field(
        default=None,
        description="Days for which S3 Object Lock protects each file of evidence after it was stored; the bucket can"
        " never be unlocked again, and files that exist already stay without protection",
    )
    lock_mode: Literal["governance", "compliance"] = Field(
        default="governance",
        description="`governance`: in a protected environment, nobody can delete a locked file before the bucket"
        " policy is changed, and `make destroy` deletes it in a disposable environment; `compliance`: nobody can"
        " delete it before its time is over, not even AWS Support, so a copy of the environment always uses"
        " `governance`",
    )
