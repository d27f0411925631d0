"""Parses schedules of jobs in the syntax of EventBridge Scheduler, and computes the time between consecutive runs.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from cicd_templates.config.tables.cron_field_types import check_cron

DAY_MINUTES = 24 * 60
RATE_MINUTES = {"minute": 1, "hour": 60, "day": DAY_MINUTES}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# The times between two runs are measured in this period. It includes a leap year, and in its years each month begins on
# many different weekdays.
FIRST_DAY, DAYS = date(2024, 1, 1), 5 * 366
EXAMPLES = '"cron(0 3 * * ? *)" or "rate(15 minutes)"'
_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)", re.DOTALL)
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)(s?)", re.ASCII)


class Interval(NamedTuple):
    """The shortest and the longest time between two consecutive runs of a schedule, in minutes.

    Both times ignore daylight saving time. When the clocks change, the real time between two runs can be an hour
    shorter or longer. If a run falls in the hour that the clocks skip in spring, EventBridge Scheduler skips this run.
    The real time between two runs can then be almost twice the longest time.
    """

    shortest: int
    longest: int


def interval_of(expression: str) -> Interval:
    """Return the shortest and the longest time between consecutive runs, in minutes.

    Raises `ValueError` for a wrong schedule; the message says what to write.
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None or not expression.isascii():
        raise ValueError(f"{expression!r} is not the schedule of a job; write {EXAMPLES}")
    kind, content = match.groups()
    if kind == "at":
        raise ValueError(f"{expression!r} runs a single time; a job runs again and again, so write {EXAMPLES}")
    return _rate_interval(expression, content) if kind == "rate" else _cron_interval(expression, content)


def _rate_interval(expression: str, content: str) -> Interval:
    match = _RATE.fullmatch(content)
    if match is None or (match[1] == "1") == bool(match[3]):
        raise ValueError(
            f"{expression!r} is not a rate; write a number and the unit minutes, hours or days, such as"
            ' "rate(15 minutes)"; after the number 1, write the unit in the singular, such as "rate(1 day)"'
        )
    minutes = int(match[1]) * RATE_MINUTES[match[2]]
    return Interval(minutes, minutes)


def _cron_interval(expression: str, content: str) -> Interval:
    fields = content.split()
    if len(fields) != 6:
        raise ValueError(
            f"{expression!r} is not a schedule; write minute, hour, day of month, month, day of week and year, such as"
            ' "cron(0 3 * * ? *)"'
        )
    check_cron(expression, "schedule", fields)
    if fields[5] != "*":
        raise ValueError(
            f"{expression!r} has the year {fields[5]!r}; after this year, the alarm on missing runs would fire; write *"
            " for the year"
        )
    minutes = sorted(
        60 * hour + minute
        for hour in _numbers(fields[1], 0, 23, expression)
        for minute in _numbers(fields[0], 0, 59, expression)
    )
    days = list(_days(fields, expression))
    if not minutes or len(days) < 2:
        raise ValueError(f"{expression!r} will never run; correct its fields")
    within = [later - earlier for earlier, later in itertools.pairwise(minutes)]
    night = minutes[0] - minutes[-1]
    between = [DAY_MINUTES * (later - earlier).days + night for earlier, later in itertools.pairwise(days)]
    return Interval(min(within + between), max(within + between))


def _days(fields: list[str], expression: str) -> Iterator[date]:
    _, _, of_month, month, of_week, _ = fields
    months = _numbers(month, 1, 12, expression, MONTHS)
    matches = _in_week(of_week, expression) if of_month == "?" else _in_month(of_month, expression)
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(number)
        if day.month in months and matches(day):
            yield day


def _in_month(field: str, expression: str) -> Callable[[date], bool]:
    """Return a function that says whether a date matches `field`, the day-of-month field of a cron expression.

    `L` is the last day of the month, and `15W` is the weekday that is nearest to the 15th.
    """
    if special := re.fullmatch(r"L(?:-(\d+))?(W?)|(\d+)W", field):
        before, weekday, near = special.groups()
        return lambda day: day.day == _special_day(day, int(before or 0), near, weekday == "W" or near is not None)
    numbers = _numbers(field, 1, 31, expression)
    return lambda day: day.day in numbers


def _special_day(day: date, before: int, near: str | None, weekday: bool) -> int:
    """Return the day that a cron field with `L` or `W` selects in the month of `day`. Return 0 if it selects none."""
    last = calendar.monthrange(day.year, day.month)[1]
    number = last - before if near is None else int(near)
    if not 1 <= number <= last or not weekday:
        return number if 1 <= number <= last else 0
    # The weekday that is nearest to a day at the weekend, in the same month.
    match day.replace(day=number).isoweekday():
        case 6:
            return number - 1 if number > 1 else number + 2
        case 7:
            return number + 1 if number < last else number - 2
    return number


def _in_week(field: str, expression: str) -> Callable[[date], bool]:
    """Return a function that says whether a date matches `field`, the day-of-week field of a cron expression.

    Days count from 1 for Sunday. So `5L` is the last Thursday of a month, and `3#2` its second Tuesday.
    """
    if special := re.fullmatch(r"(\d+|[A-Z]{3})?L|(\d+|[A-Z]{3})#(\d)", field):
        last, nth, count = special.groups()
        if last is None and nth is None:
            return lambda day: _weekday(day) == 7
        (wanted,) = _numbers(last or nth, 1, 7, expression, WEEKDAYS)
        if nth is not None:
            return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == int(count)
        return lambda day: _weekday(day) == wanted and (day + timedelta(7)).month != day.month
    numbers = _numbers(field, 1, 7, expression, WEEKDAYS)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """Return the number of the weekday: 1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1


def _numbers(field: str, lowest: int, highest: int, expression: str, names: tuple[str, ...] = ()) -> set[int]:
    numbers: set[int] = set()
    for part in field.split(","):
        values, _, step = part.partition("/")
        first, _, last = (f"{lowest}-{highest}" if values == "*" else values).partition("-")
        begin = _number(first, lowest, expression, names)
        end = _number(last, lowest, expression, names) if last else (highest if step else begin)
        if begin > end or (step and not int(step)):
            raise ValueError(
                f"{expression!r} is not a schedule; {part!r} has the step 0, or ends before it begins; for a step,"
                " write 1 or more; for a range, write two ranges, such as FRI-SAT,SUN-MON instead of FRI-MON"
            )
        numbers.update(range(begin, end + 1, int(step or 1)))
    return numbers


def _number(text: str, lowest: int, expression: str, names: tuple[str, ...]) -> int:
    if text.isdigit():
        return int(text)
    if text not in names:
        allowed = f"use a number or one of {', '.join(names)}" if names else "use a number"
        raise ValueError(f"{expression!r} is not a schedule; {text!r} is not valid in this field; {allowed}")
    return names.index(text) + lowest


def _checked(expression: str) -> str:
    interval_of(expression)
    return expression


JobSchedule = Annotated[str, AfterValidator(_checked)]
