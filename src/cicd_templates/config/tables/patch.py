"""The table `[environments.<name>.patch."<stack>"]`: changes of finished templates."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cicd_templates.config.tables.fields import text
from cicd_templates.config.tables.table import Table

# Where a patch is set, and why: the second is read by a reviewer, so a word is none.
PatchPath = Annotated[
    str,
    text(
        r"(Resources|Parameters|Outputs)\.\w+\..+",
        'write a path in quotes, such as "Resources.Vpc.Properties.CidrBlock"; it begins with Resources, Parameters'
        " or Outputs",
    ),
]
Reason = Annotated[str, text(r"[^\n]{10,}", "say why in at least ten characters, on one line")]


class PatchTable(Table):
    """`[environments.<name>.patch."<stack>"]`: values set on a finished template, by quoted path, each a table."""

    value: Any = Field(
        description='What stands there then, in CloudFormation\'s long form; `{ Ref = "AWS::NoValue" }` removes'
    )
    because: Reason = Field(
        description="Why, as a reviewer reads it in the template and in REVIEW.md; at least ten characters"
    )
    add: bool = Field(default=False, description="Nothing stands there yet; otherwise something has to")
