"""The table `[evidence]`: the time for which S3 Object Lock protects the evidence of releases from deletion."""

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.table import Table

# The longest default retention that S3 accepts, 100 years.
LONGEST_LOCK_DAYS = 36_500


class EvidenceTable(Table):
    """`[evidence]`: the lock that protects the evidence of releases from deletion. By default, there is no lock."""

    lock_days: Annotated[int, Field(ge=1, le=LONGEST_LOCK_DAYS)] | None = Field(
        default=None,
        description="Number of days for which S3 Object Lock protects each new file of evidence. Files that exist"
        " already are not protected. Object Lock cannot be switched off again for the bucket",
    )
    lock_mode: Literal["governance", "compliance"] = Field(
        default="governance",
        description="`governance`: nobody can delete a locked file in a protected environment, because the bucket"
        " policy forbids it; `make destroy` deletes the locked files of a disposable environment. `compliance`: nobody,"
        " not even AWS Support, can delete a locked file before its lock ends. Copies of an environment always use"
        " `governance`",
    )
