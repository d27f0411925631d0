"""Field types for AWS's cron expressions in deployment windows and schedules.

https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

_NUMBER_OR_NAME = r"(\d+|[A-Z]{3})"
_CRON_PART = rf"(\*|{_NUMBER_OR_NAME}(-{_NUMBER_OR_NAME})?)(/\d+)?"
_CRON_FIELD = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*")
_CRON_DAY = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*|\?|L(-\d+)?W?|\d+[LW]|\d+#\d|[A-Z]{{3}}L")
_CRON_LIMITS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 1, 7))
_YEAR = ("year", 1970, 2199)


def _window(value: str) -> str:
    fields = value.split()
    if len(fields) not in (6, 7) or fields[0] != "*":
        raise ValueError(
            f"{value!r} is not a deployment window; write seconds (always *), minute, hour, day of month, month and day"
            ' of week, such as "* * 9-16 ? * MON-THU"'
        )
    return check_cron(value, "deployment window", fields[1:])


def _schedule(value: str) -> str:
    fields = value.split()
    if len(fields) != 6:
        raise ValueError(
            f"{value!r} is not a schedule; write minute, hour, day of month, month, day of week and year, such as"
            ' "0 7 ? * MON-FRI *"'
        )
    return check_cron(value, "schedule", fields)


def check_cron(value: str, kind: str, fields: Sequence[str]) -> str:
    """Return the cron expression `value`. Raise `ValueError` if one of its `fields` is not valid.

    `fields` are the parts of the expression, beginning with the minute. `kind` is the word for the expression in error
    messages, such as `schedule`.
    """
    for field, (name, lowest, highest) in zip(fields, (*_CRON_LIMITS, _YEAR), strict=False):
        pattern = _CRON_DAY if name.startswith("day") else _CRON_FIELD
        numbers = [int(number) for number in re.findall(r"(?<![/#\d])\d+", field)]
        if not pattern.fullmatch(field) or any(not lowest <= number <= highest for number in numbers):
            raise ValueError(
                f"{value!r} is not a {kind}; the {name} is {field!r}, but must be from {lowest} to {highest}"
            )
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(
            f"{value!r} is not a {kind}; write ? for the day of month or the day of week, but not for both"
        )
    return value


Window = Annotated[str, AfterValidator(_window)]
Schedule = Annotated[str, AfterValidator(_schedule)]
