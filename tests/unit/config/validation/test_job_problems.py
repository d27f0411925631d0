"""Jobs: settings that jobs cannot have are refused by name, and so are runs that would overlap."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation import jobs, shapes
from tests.conftest import RAW, configured
from tests.unit.config.problems import STAGING, problems_of

JOB = {"schedule": "cron(0 3 * * ? *)", "command": ["python3", "-m", "depot.count"]}
CHECKS = RAW["services"]["parcel-dispatcher"]["checks"]


def job(**settings: Any) -> tuple[str, dict[str, Any]]:
    """Return an edit that adds the job `counter`."""
    return ("services/counter", {"shape": "job", "checks": CHECKS, "job": JOB, **settings})


def found(**settings: Any) -> dict[str, str]:
    return dict(jobs.problems(ServiceTable.model_validate({"shape": "job", "job": JOB, **settings})))


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({}, []),
        ({"port": 8080, "path_pattern": "/count"}, ["port", "path_pattern"]),
        ({"health_check": {"path": "/up"}}, ["health_check"]),
        ({"rollout": "canary", "hooks": ["verify-image"]}, ["rollout", "hooks"]),
        ({"desired_count": 2, "autoscaling": {"maximum": 3}}, ["desired_count", "autoscaling"]),
        ({"circuit_breaker": True, "rollback_on_alarm": True}, ["circuit_breaker", "rollback_on_alarm"]),
        ({"alarms": {"cpu_percent": 50}}, ["alarms"]),
        ({"smoke": ["true"], "integration": ["true"]}, ["smoke", "integration"]),
        ({"containers": {"proxy": {"image": f"a.b/c@sha256:{'0' * 64}"}}}, ["containers"]),
        ({"volumes": {"tmp": {"path": "/tmp", "memory_mib": 8}}, "ephemeral_storage_gib": 21}, []),
        ({"job": None}, ["job"]),
    ],
    ids=lambda value: ",".join(value) or "none" if isinstance(value, list) else None,
)
def test_a_job_refuses_what_it_cannot_have(settings: dict[str, Any], keys: list[str]) -> None:
    assert list(found(**settings)) == keys


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ({"port": 9000}, "port: a job gets no requests, so only a web service has this key; remove it, or set shape ="),
        ({"autoscaling": {"maximum": 2}}, "autoscaling: the tasks of a job end by themselves, and no ECS service runs"),
        (
            {"job": {**JOB, "max_minutes": 1440}},
            "job.max_minutes: two runs could overlap: a run may take 1,440 minutes, but with cron(",
        ),
    ],
    ids=["port", "autoscaling", "maximum"],
)
def test_a_refusal_names_the_service_and_the_key(edit: dict[str, Any], line: str) -> None:
    assert any(problem.startswith(f"services.counter.{line}") for problem in problems_of(job(**edit)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"schedule": "rate(1 minute)"},
            {"job.schedule": "with rate(1 minute), the shortest time between the starts of two runs is 1 minute;"},
        ),
        ({"schedule": "rate(5 minutes)", "max_minutes": 4}, {}),
        ({"schedule": "rate(5 minutes)", "max_minutes": 5}, {"job.max_minutes": "runs is 5 minutes; use at most 4"}),
        (
            {"schedule": "rate(30 minutes)", "max_minutes": 20, "window_minutes": 15},
            {"job.max_minutes": "the starts of two runs is 30 minutes and window_minutes is 15; use at most 14"},
        ),
        ({"schedule": "rate(30 minutes)", "window_minutes": 29}, {"job.schedule": "a shorter window_minutes"}),
    ],
    ids=["too often", "fits", "too long", "window", "window too long"],
)  # fmt: skip
def test_runs_that_could_overlap_are_refused(settings: dict[str, Any], expected: dict[str, str]) -> None:
    problems = found(job={**JOB, **settings})

    assert problems.keys() == expected.keys()
    for key, text in expected.items():
        assert text in problems[key]


@pytest.mark.parametrize("shape", ["web", "worker"])
def test_only_a_job_runs_on_a_schedule(shape: str) -> None:
    settings = ServiceTable.model_validate({"shape": shape, "job": JOB})

    assert dict(shapes.problems(settings)) == {
        "job": 'only a job runs on a schedule; remove the table, or set shape = "job"'
    }


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ({"schedule": "daily"}, "services.counter.job.schedule: 'daily' is not the schedule of a job; write"),
        ({"time_zone": "Berlin"}, "services.counter.job.time_zone: 'Berlin' is not a time zone; use a name such as"),
        ({"command": []}, "services.counter.job.command"),
        ({"retries": 186}, "services.counter.job.retries"),
        ({"max_minutes": 0}, "services.counter.job.max_minutes"),
        ({"window_minutes": 1441}, "services.counter.job.window_minutes"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_value_is_refused_with_one_line(edit: dict[str, Any], line: str) -> None:
    (problem,) = problems_of(job(job={**JOB, **edit}))

    assert problem.startswith(line)


def test_an_environment_can_have_a_schedule_of_its_own() -> None:
    edits = [job(), (f"{STAGING}/services/counter", {"job": {"schedule": "rate(1 hour)", "enabled": False}})]
    staging, production = (configured(*edits).environment(name) for name in ("staging", "production"))
    assert staging is not None
    assert production is not None
    own, other = (
        next(service.settings.job for service in environment.services if service.name == "counter")
        for environment in (staging, production)
    )
    assert own is not None
    assert other is not None

    assert (own.schedule, own.enabled, own.command) == (
        "rate(1 hour)",
        False,
        tuple(JOB["command"]),
    )
    assert (other.schedule, other.enabled) == (JOB["schedule"], True)
