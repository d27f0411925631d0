"""The table `[project]`: the name, the owner and the tags that every environment shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.fields import PROJECT_NAME_LENGTH, Region, text, word
from cicd_templates.config.tables.table import Table
from cicd_templates.template.tags import OWN_KEYS


def _tag_key(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError(f"{key!r} is not allowed; tags that begin with aws: are AWS's own")
    # For IAM, keys that differ by capitals alone are one key, and given twice:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    own = {each.lower(): each for each in OWN_KEYS}.get(key.lower())
    if own:
        raise ValueError(f"{key!r} is not allowed; every resource has the tag {own} already, with a value of its own")
    return key


ProjectPrefix = Annotated[str, word(PROJECT_NAME_LENGTH)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TagText = Annotated[str, text(r"[A-Za-z0-9 _.:/=+@-]+", "use letters, digits, spaces and _ . : / = + @ -", 256)]
TagKey = Annotated[
    str, text(r"[A-Za-z0-9_.:/=+@-]+", "use letters, digits and _ . : / = + @ -", 128), AfterValidator(_tag_key)
]


class ProjectTable(Table):
    """`[project]`: what every environment shares."""

    name: ProjectPrefix = Field(description="First word of every physical name and parameter path")
    owner: TagText = Field(description="Tag `Owner` of every resource: the team to ask")
    cost_center: TagText = Field(description="Tag `CostCenter` of every resource")
    tags: dict[TagKey, TagText] = Field(default={}, description="Further tags of every resource")
    new_regions: tuple[Region, ...] = Field(
        default=(),
        strict=False,
        description="Regions of AWS that are newer than this version, to be taken all the same",
    )
