"""Checks every account with `make doctor` before anything is deployed."""

from __future__ import annotations

import json

from cicd_templates.acceptance.check import Check, CheckContext, CheckFailed, require
from cicd_templates.acceptance.project import ENVIRONMENTS


def examine(context: CheckContext) -> str:
    """Run `doctor` for each environment, and require that it reports no problem."""
    subjects = set()
    for environment in ENVIRONMENTS:
        answer = context.commands.on("doctor", environment, "--json", expected=(0, 1))
        try:
            examined = json.loads(answer.output)
        except ValueError:
            raise CheckFailed(f"{environment}: `doctor` printed no JSON: {answer.last_lines}") from None
        for row in (row for rows in examined.values() for row in rows):
            require(not row["fix"], f"{environment}: {row['subject']}: {row['finding']}")
            subjects.add(row["subject"])
    return f"nothing to fix; {len(subjects)} subjects were examined in {len(ENVIRONMENTS)} environments"


DOCTOR = Check(
    "doctor",
    "`make doctor` finds nothing in the accounts that would make the deployment fail.",
    examine,
    needs=("permissions",),
)
