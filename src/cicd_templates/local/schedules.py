"""Makes the local AWS refuse the schedules that AWS refuses, and store every setting of a schedule.

Without this module, the engine would create schedules in groups that do not exist, and with roles that EventBridge
Scheduler cannot assume.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

SCHEDULE = "AWS::Scheduler::Schedule"
PRINCIPAL = "scheduler.amazonaws.com"
UNTRUSTED = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
# The position of the new properties among the arguments of each operation of the engine.
PROPERTIES = {"create": 1, "update": 2}
FORGOTTEN = ("ScheduleExpressionTimezone", "KmsKeyArn", "StartDate", "EndDate")


def register(handlers: dict[str, dict[str, Any]], scheduler: Any, roles: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the functions of the engine that create and update schedules. The new functions check each schedule.

    `scheduler` is the engine's module that stores schedules and their groups. `roles` has all roles, keyed by name.
    """
    known = handlers[SCHEDULE]

    def checked(operation: str) -> Callable[..., tuple[str, dict[str, str]]]:
        def answer(*arguments: Any, **options: Any) -> tuple[str, dict[str, str]]:
            properties = arguments[PROPERTIES[operation]]
            group = properties.get("GroupName", "default")
            _require_group(scheduler, group)
            _require_name(scheduler, f"{group}/{properties.get('Name')}", operation)
            _require_trust(roles, str(properties["Target"]["RoleArn"]))
            physical_id, attributes = known[operation](*arguments, **options)
            schedule = scheduler._schedules[f"{group}/{physical_id}"]
            schedule.update({key: properties[key] for key in FORGOTTEN if key in properties})
            return physical_id, attributes

        return answer

    handlers[SCHEDULE] = {**known, **{operation: checked(operation) for operation in PROPERTIES}}


def _require_group(scheduler: Any, group: str) -> None:
    if group != "default" and group not in scheduler._schedule_groups:
        raise ValueError(f"Schedule group {group} does not exist.")


def _require_name(scheduler: Any, key: str, operation: str) -> None:
    if operation == "create" and key in scheduler._schedules:
        raise ValueError(f"Schedule {key.partition('/')[2]} already exists.")


def _require_trust(roles: Mapping[str, Mapping[str, Any]], arn: str) -> None:
    role = roles.get(arn.rpartition("/")[2])
    document = role["AssumeRolePolicyDocument"] if role else {"Statement": []}
    parsed = json.loads(document) if isinstance(document, str) else document
    services = [statement.get("Principal", {}).get("Service", ()) for statement in parsed["Statement"]]
    if not any(PRINCIPAL in ([named] if isinstance(named, str) else named) for named in services):
        raise ValueError(UNTRUSTED)
