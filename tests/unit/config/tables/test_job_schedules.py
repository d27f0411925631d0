"""Schedules of jobs: what EventBridge Scheduler accepts, and the time between consecutive runs."""

from __future__ import annotations

import re

import pytest

from cicd_templates.config.tables.job_schedules import Interval, interval_of

DAY = 24 * 60


@pytest.mark.parametrize(
    ("schedule", "shortest", "longest"),
    [
        ("rate(1 minute)", 1, 1),
        ("rate(15 minutes)", 15, 15),
        ("rate(1 hour)", 60, 60),
        ("rate(7 days)", 7 * DAY, 7 * DAY),
        ("cron(0 3 * * ? *)", DAY, DAY),
        ("cron(*/20 * * * ? *)", 20, 20),
        ("cron(0/15 8-17 ? * MON-FRI *)", 15, 2 * DAY + 14 * 60 + 15),
        ("cron(30 6,18 * * ? *)", 12 * 60, 12 * 60),
        ("cron(0 0 ? * 2 *)", 7 * DAY, 7 * DAY),
        ("cron(0 0 ? * SUN *)", 7 * DAY, 7 * DAY),
        ("cron(0 0 ? * L *)", 7 * DAY, 7 * DAY),
        ("cron(0 0 1 * ? *)", 28 * DAY, 31 * DAY),
        ("cron(0 0 L * ? *)", 28 * DAY, 31 * DAY),
        ("cron(0 0 L-2 * ? *)", 28 * DAY, 31 * DAY),
        ("cron(0 0 LW * ? *)", 28 * DAY, 33 * DAY),
        ("cron(0 0 1W * ? *)", 28 * DAY, 33 * DAY),
        ("cron(0 0 15W * ? *)", 28 * DAY, 32 * DAY),
        ("cron(0 0 31W * ? *)", 29 * DAY, 63 * DAY),
        ("cron(0 0 31 * ? *)", 31 * DAY, 61 * DAY),
        ("cron(0 0 ? * 6L *)", 28 * DAY, 35 * DAY),
        ("cron(0 0 ? * FRIL *)", 28 * DAY, 35 * DAY),
        ("cron(0 0 ? * 3#2 *)", 28 * DAY, 35 * DAY),
        ("cron(0 0 1 JAN,JUL ? *)", 181 * DAY, 184 * DAY),
    ],
)
def test_the_times_between_two_runs_follow_from_the_schedule(schedule: str, shortest: int, longest: int) -> None:
    assert interval_of(schedule) == Interval(shortest, longest)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("every day", 'is not the schedule of a job; write "cron(0 3 * * ? *)" or'),
        ("cron(0 3 * * ? *) ", "is not the schedule of a job"),
        ("rate(\u0663 minutes)", "is not the schedule of a job"),
        ("at(2027-01-01T03:00:00)", "runs a single time; a job runs again and again, so write"),
        ("rate(1 minutes)", "is not a rate; write a number and the unit minutes, hours or days, such as"),
        ("rate(2 hour)", "is not a rate"),
        ("rate(0 minutes)", "is not a rate"),
        ("rate(5 weeks)", "is not a rate"),
        ("cron(0 3 * * ?)", 'write minute, hour, day of month, month, day of week and year, such as "cron(0 3'),
        ("cron(0 3 * * * *)", "write ? for the day of month or the day of week, but not for both"),
        ("cron(0 24 * * ? *)", "the hour is '24', but must be from 0 to 23"),
        ("cron(0 3 * * ? 2027)", "has the year '2027'; after this year"),
        ("cron(0 3 30 2 ? *)", "will never run"),
        ("cron(0 3 ? * 2#6 *)", "will never run"),
        ("cron(0 3 ? * FOO *)", "'FOO' is not valid in this field; use a number or one of SUN, MON"),
        ("cron(0 3 * FOO ? *)", "'FOO' is not valid in this field; use a number or one of JAN, FEB"),
        ("cron(0 MON * * ? *)", "'MON' is not valid in this field; use a number"),
        ("cron(0 3 5L * ? *)", "'5L' is not valid in this field; use a number"),
        ("cron(0 3 ? * 3W *)", "'3W' is not valid in this field; use a number or one of SUN"),
        ("cron(0 3 ? * FRI-MON *)", "'FRI-MON' has the step 0, or ends before it begins"),
        ("cron(0/0 3 * * ? *)", "'0/0' has the step 0, or ends before it begins"),
    ],
)
def test_a_wrong_schedule_is_refused_with_what_would_be_right(schedule: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        interval_of(schedule)

    assert repr(schedule) in str(caught.value)


def test_a_time_in_the_night_belongs_to_the_time_between_two_days() -> None:
    assert interval_of("cron(0 1,23 * * ? *)") == Interval(2 * 60, 22 * 60)
