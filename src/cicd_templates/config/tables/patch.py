"""The table `[environments.<name>.patch."<stack>"]`: changes to finished templates."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cicd_templates.config.tables.field_types import text
from cicd_templates.config.tables.table import Table

PatchPath = Annotated[
    str,
    text(
        r"(Resources|Parameters|Outputs)\.\w+\..+",
        'write a path in quotes, such as "Resources.Vpc.Properties.CidrBlock"; it begins with Resources, Parameters'
        " or Outputs",
    ),
]
# A reviewer reads the reason, so a single word is not enough.
Reason = Annotated[str, text(r"[^\n]{10,}", "explain why in at least ten characters on one line")]


class PatchTable(Table):
    """`[environments.<name>.patch."<stack>"]`: changes to a finished template, one table per quoted path."""

    value: Any = Field(
        description='New value at the path, in CloudFormation\'s long form; `{ Ref = "AWS::NoValue" }` removes the'
        " old one"
    )
    because: Reason = Field(
        description="Reason for the reviewer, shown in the template and in REVIEW.md; at least ten characters"
    )
    add: bool = Field(
        default=False, description="Add a value where there is none; without it, the path must already have a value"
    )
