"""The table `[pipeline]`: the path of a release and the limits of its pipeline."""

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import Word, matching
from cicd_templates.config.tables.table import Table

VersionId = Annotated[
    str, matching(r"[\w.-]+", "write the id of a version in S3, such as 3HL4kqtJvjVBH40Nrjfkd", longest=1024)
]


class PipelineTable(Table):
    """`[pipeline]`: how a release moves through the environments."""

    path: tuple[Word, ...] = Field(
        default=("staging", "production"),
        strict=False,
        min_length=1,
        description="Runtime environments, in the order in which a release reaches them",
    )
    verify_parallelism: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="Number of checks that run in parallel; in a new account the CodeBuild quota can be 1"
    )
    approval_hours: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=72, description="Hours that a release waits for approval before the run fails"
    )
    reserve_concurrency: bool = Field(
        default=False,
        description="Reserve and limit the concurrency of each function; a new account, whose Lambda quota is 10,"
        " cannot reserve any",
    )
    enhanced_scanning: bool = Field(
        default=False,
        description="Let Amazon Inspector scan the images continuously. The setting applies to the whole registry of"
        " the tools account. So a parallel copy of the project (`SUFFIX=`) never changes this setting",
    )
    waiver_days: Annotated[int, Field(ge=1, le=1096)] = Field(
        default=366,
        description="A waiver must end within this number of days from today. The same is true for a setting of a scan"
        " policy that is weaker than the default",
    )
    weaker_policy: Literal["allow", "refuse"] = Field(
        default="allow",
        description="What happens if an application's scan policy accepts a finding that the default policy blocks."
        " `allow`: the release continues, and the approver is notified. `refuse`: the release stops. Waivers are valid"
        " with both values",
    )
    older_templates: VersionId | None = Field(
        default=None,
        description="Let runs deploy one older version of the reviewed templates, given by its S3 version id; by"
        " default, runs can deploy only the newest version",
    )
