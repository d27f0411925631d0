"""The table `[project]`: the name, the owner and the tags that every environment shares."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.field_types import PROJECT_NAME_LENGTH, Region, matching, name_part
from cicd_templates.config.tables.github import Repository
from cicd_templates.config.tables.table import Table
from cicd_templates.template.tags import OWN_KEYS


def _tag_key(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError(f"{key!r} is not allowed; tags that begin with aws: are reserved for AWS")
    # IAM ignores case in tag keys, so keys that differ only by case are one key given twice:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    own_key = {own.lower(): own for own in OWN_KEYS}.get(key.lower())
    if own_key:
        raise ValueError(f"{key!r} is not allowed; the tag {own_key} is set on every resource already")
    return key


ProjectPrefix = Annotated[str, name_part(PROJECT_NAME_LENGTH)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
# IAM, ECS, SQS and others accept the letters and digits of every script, but no combining characters.
TagText = Annotated[
    str, matching(r"[\w .:/=+@-]+", "use letters, digits, spaces and _ . : / = + @ -", 256, every_script=True)
]
TagKey = Annotated[
    str,
    matching(r"[A-Za-z0-9_.:/=+@-]+", "use the letters A to Z and a to z, digits and _ . : / = + @ -", 128),
    AfterValidator(_tag_key),
]


UncheckedPartition = Literal["aws-cn"]


class ProjectTable(Table):
    """`[project]`: the values that every environment shares."""

    name: ProjectPrefix = Field(description="First part of every physical name and of every Parameter Store path")
    owner: TagText = Field(description="Value of the tag `Owner` of every resource: the responsible team")
    cost_center: TagText = Field(description="Value of the tag `CostCenter` of every resource")
    tags: dict[TagKey, TagText] = Field(default={}, description="Additional tags of every resource")
    repository: Repository | None = Field(
        default=None,
        description="`owner/name` of the GitHub repository that contains this project; needed for `pull_requests`",
    )
    new_regions: tuple[Region, ...] = Field(
        default=(),
        strict=False,
        description="Additional AWS regions to accept. List a new region here if this version of the tool does not know"
        " the region, or still reports that the region lacks a required AWS service",
    )
    unchecked_partitions: tuple[UncheckedPartition, ...] = Field(
        default=(),
        strict=False,
        description="Additional AWS partitions to accept; only `aws-cn` is possible. The tool has not been tested with"
        " the names of the AWS services in these partitions",
    )
