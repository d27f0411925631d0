"""Kinds of services: a setting that belongs to another kind is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.environment import Service
from cicd_templates.config.routes import in_order, with_priorities
from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation import shapes
from tests.conftest import RAW, configured
from tests.unit.config.problems import SERVICE, STAGING, problems_of


def worker(**settings: Any) -> tuple[str, dict[str, Any]]:
    """Return an edit that adds the worker `packer`."""
    return (
        "services/packer",
        {"shape": "worker", "checks": RAW["services"]["parcel-dispatcher"]["checks"], **settings},
    )


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"port": 8080}, ["port"]),
        ({"path_pattern": "/*", "priority": 3}, ["path_pattern", "priority"]),
        ({"health_check": {"path": "/up"}, "backend_tls": False}, ["backend_tls", "health_check"]),
        ({"rollout": "canary", "canary": {}, "bake_minutes": 6}, ["rollout", "bake_minutes", "canary"]),
        ({"hooks": ["smoke"], "probes": {"/up": 200}}, ["hooks", "probes"]),
        ({"smoke": ["true"], "integration": ["true"]}, ["smoke", "integration"]),
        ({"alarms": {"latency_seconds": 1.0, "cpu_percent": 50}}, ["alarms.latency_seconds"]),
        ({"autoscaling": {"maximum": 3, "requests_per_target": 9}}, ["autoscaling.requests_per_target"]),
        ({"rollback_on_alarm": False}, ["rollback_on_alarm"]),
        (
            {
                "autoscaling": {
                    "maximum": 3,
                    "schedules": {
                        "day": {"cron": "0 7 ? * * *", "minimum": 1, "maximum": 2},
                        "night": {"cron": "0 20 ? * * *", "minimum": 0, "maximum": 1},
                    },
                }
            },
            ["autoscaling.schedules.night.minimum"],
        ),
        ({"rollback_on_alarm": True, "circuit_breaker": False, "autoscaling": {"maximum": 3}}, []),
    ],
    ids=lambda value: ",".join(value) or "none" if isinstance(value, list) else None,
)
def test_a_worker_refuses_what_only_a_web_service_has(settings: dict[str, Any], keys: list[str]) -> None:
    found = dict(shapes.problems(ServiceTable.model_validate({"shape": "worker", **settings})))

    assert list(found) == keys


def test_a_web_service_does_not_scale_on_a_queue() -> None:
    scaling = {"maximum": 3, "messages_per_task": 10}

    assert list(shapes.problems(ServiceTable.model_validate({"autoscaling": scaling}))) == [
        ("autoscaling.messages_per_task", 'only a worker scales on a queue; remove the key, or set shape = "worker"')
    ]
    assert list(shapes.problems(ServiceTable.model_validate({"autoscaling": {"maximum": 3}}))) == []


def test_a_refusal_names_the_service_and_what_would_be_right() -> None:
    problems = problems_of(worker(port=9000))

    assert (
        "services.packer.port: a worker gets no requests, so only a web service has this key; remove"
        ' it, or set shape = "web"' in problems
    )


def test_an_environment_cannot_change_the_shape() -> None:
    problems = problems_of((f"{STAGING}/services/parcel-dispatcher/shape", "worker"), (f"{SERVICE}/port", ...))

    assert (
        "environments.staging.services.parcel-dispatcher.shape: worker differs from web in another environment; a"
        " release has one pipeline, so set one value in [services.parcel-dispatcher]" in problems
    )


def test_an_unknown_shape_is_refused() -> None:
    (problem,) = problems_of((f"{SERVICE}/shape", "daemon"))

    assert "services.parcel-dispatcher.shape" in problem
    assert "worker" in problem


def test_workers_take_no_paths_from_web_services_and_have_no_priority() -> None:
    services = configured(worker(), (f"{SERVICE}/path_pattern", "/parcels/*")).environments[1].services
    packer = next(service for service in services if service.name == "packer")

    assert packer.settings.priority is None
    assert [service.name for service in in_order(services)] == ["parcel-dispatcher"]
    workers = [Service(name, packer.settings) for name in ("one", "two")]
    assert with_priorities(workers) == tuple(workers)


def test_a_worker_may_have_a_variable_named_port() -> None:
    assert configured(worker(secrets={"PORT": "port"})).environments[1].services
    (problem, *_) = problems_of((f"{SERVICE}/secrets", {"PORT": "port"}))
    assert "secrets.PORT: is already an environment variable" in problem
