"""Schedules on the local AWS: it refuses what EventBridge Scheduler refuses, and stores every setting."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local.schedules import SCHEDULE, UNTRUSTED, register

ROLE = "arn:aws:iam::222222222222:role/x/starter"
PROPERTIES = {
    "Name": "nightly",
    "GroupName": "jobs",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "KmsKeyArn": "key",
    "Target": {"RoleArn": ROLE},
}


def trusting(*services: Any) -> dict[str, dict[str, Any]]:
    statements = [{"Effect": "Allow", "Principal": {"Service": named}} for named in services]
    return {"starter": {"AssumeRolePolicyDocument": json.dumps({"Statement": statements})}}


def handled(operation: str, properties: dict[str, Any], roles: Any, *names: str) -> dict[str, Any]:
    """Return the stored schedules after an operation. `names` are the schedules that exist before."""
    scheduler = SimpleNamespace(
        _schedule_groups={"jobs": {}}, _schedules={name: {"State": "ENABLED"} for name in names}
    )

    def original(*arguments: Any) -> tuple[str, dict[str, str]]:
        group, name = properties.get("GroupName", "default"), properties["Name"]
        scheduler._schedules[f"{group}/{name}"] = {"State": "ENABLED"}
        return name, {"Arn": "arn"}

    handlers: dict[str, dict[str, Any]] = {SCHEDULE: {"create": original, "update": original, "delete": None}}
    register(handlers, scheduler, roles)
    arguments = ("Schedule", properties) if operation == "create" else ("nightly", {}, properties)
    assert handlers[SCHEDULE][operation](*arguments, "stack") == ("nightly", {"Arn": "arn"})
    stored: dict[str, Any] = scheduler._schedules
    return stored


@pytest.mark.parametrize(
    "roles", [trusting("scheduler.amazonaws.com"), trusting("x", ["y", "scheduler.amazonaws.com"])]
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_schedule_keeps_its_time_zone_and_its_key(operation: str, roles: Any) -> None:
    existing = ["jobs/nightly"] if operation == "update" else []

    assert handled(operation, PROPERTIES, roles, *existing) == {
        "jobs/nightly": {"State": "ENABLED", "ScheduleExpressionTimezone": "Europe/Berlin", "KmsKeyArn": "key"}
    }


def test_the_default_group_exists_always() -> None:
    properties = {"Name": "nightly", "Target": {"RoleArn": ROLE}}

    assert handled("create", properties, trusting("scheduler.amazonaws.com")) == {
        "default/nightly": {"State": "ENABLED"}
    }


@pytest.mark.parametrize(
    ("properties", "roles", "existing", "reason"),
    [
        ({"GroupName": "none"}, trusting("scheduler.amazonaws.com"), [], "Schedule group none does not exist."),
        ({}, trusting("scheduler.amazonaws.com"), ["jobs/nightly"], "Schedule nightly already exists."),
        ({}, trusting("events.amazonaws.com"), [], UNTRUSTED),
        ({}, {"starter": {"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow"}]}}}, [], UNTRUSTED),
        ({}, {}, [], UNTRUSTED),
    ],
    ids=["no group", "same name", "another service", "no service", "no role"],
)
def test_what_the_service_refuses_is_refused(
    properties: dict[str, Any], roles: Any, existing: list[str], reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        handled("create", {**PROPERTIES, **properties}, roles, *existing)
