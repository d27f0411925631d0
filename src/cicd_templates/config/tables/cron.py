"""AWS's cron expressions, as deployment windows and schedules take them.

https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

# AWS's cron expressions, in Quartz's words:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
_NUMBER_OR_NAME = r"(\d+|[A-Z]{3})"
_CRON_PART = rf"(\*|{_NUMBER_OR_NAME}(-{_NUMBER_OR_NAME})?)(/\d+)?"
_CRON_FIELD = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*")
_CRON_DAY = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*|\?|L(-\d+)?W?|\d+[LW]|\d+#\d|[A-Z]{{3}}L")
_CRON_LIMITS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 1, 7))
_YEAR = ("year", 1970, 2199)


def _window(text: str) -> str:
    fields = text.split()
    if len(fields) not in (6, 7) or fields[0] != "*":
        raise ValueError(
            f"{text!r} is no window: write seconds (always *), minute, hour, day of month, month and day of week,"
            ' such as "* * 9-16 ? * MON-THU"'
        )
    return _cron(text, "window", fields[1:])


def _schedule(text: str) -> str:
    # https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
    fields = text.split()
    if len(fields) != 6:
        raise ValueError(
            f"{text!r} is no schedule: write minute, hour, day of month, month, day of week and year, such as"
            ' "0 7 ? * MON-FRI *"'
        )
    return _cron(text, "schedule", fields)


def _cron(text: str, what: str, fields: Sequence[str]) -> str:
    """`text` where `fields`, from the minute on, are what AWS takes."""
    for value, (name, lowest, highest) in zip(fields, (*_CRON_LIMITS, _YEAR), strict=False):
        pattern = _CRON_DAY if name.startswith("day") else _CRON_FIELD
        numbers = [int(number) for number in re.findall(r"(?<![/#\d])\d+", value)]
        if not pattern.fullmatch(value) or any(not lowest <= number <= highest for number in numbers):
            raise ValueError(f"{text!r} is no {what}: its {name} is {value!r}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{text!r} is no {what}: exactly one of day of month and day of week is `?`")
    return text


Window = Annotated[str, AfterValidator(_window)]
Schedule = Annotated[str, AfterValidator(_schedule)]
