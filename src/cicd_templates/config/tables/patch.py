"""The table `[environments.<name>.patch."<stack>"]`: changes to finished templates."""

import math
from collections.abc import Iterable
from datetime import date, time
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.field_types import matching
from cicd_templates.config.tables.table import Table

PatchPath = Annotated[
    str,
    matching(
        r"(Resources|Parameters|Outputs)\.\w+\..+",
        'write a path in quotes, such as "Resources.Vpc.Properties.CidrBlock"; it begins with Resources, Parameters'
        " or Outputs",
    ),
]
# A reviewer reads the reason, so a single word is not enough.
Reason = Annotated[str, matching(r"[^\n]{10,}", "explain why in at least ten characters on one line")]


def _template_value(value: Any) -> Any:
    """Return `value`. Raises `ValueError` if a part of it is valid in TOML but not in a template.

    For example, `Version = 2012-10-17` without quotes is a date in TOML, but a template needs a string.
    """
    for steps, part in _parts(value, ""):
        where = f"{steps.removeprefix('.')}: " if steps else ""
        if isinstance(part, date | time):
            raise ValueError(f'{where}{part.isoformat()} is a date or time; write it in quotes: "{part.isoformat()}"')
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError(
                f"{where}{part} is not a number that a template can contain; write a finite number or a string"
            )
    return value


def _parts(value: Any, steps: str) -> Iterable[tuple[str, Any]]:
    """Yield the path and the value of each part of `value` that is neither a table nor a list."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _parts(part, f"{steps}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _parts(part, f"{steps}[{index}]")
    else:
        yield steps, value


class PatchTable(Table):
    """`[environments.<name>.patch."<stack>"]`: changes to a finished template. Each key is a path in the template."""

    value: Annotated[Any, AfterValidator(_template_value)] = Field(
        description='New value at the path, in CloudFormation\'s long form; `{ Ref = "AWS::NoValue" }` removes the'
        " old one"
    )
    because: Reason = Field(
        description="Reason for the reviewer, shown in the template and in REVIEW.md; at least ten characters"
    )
    add: bool = Field(
        default=False, description="Add a value where there is none; by default, the path must already have a value"
    )
