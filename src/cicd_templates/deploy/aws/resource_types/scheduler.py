"""Finds groups of schedules by name, and deletes them with their schedules."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    unless_not_found,
)


def _find(clients: Clients, name: str) -> ExistingResource:
    return ExistingResource(clients.scheduler.get_schedule_group(Name=name)["Arn"])


def _state(clients: Clients, name: str) -> str:
    deleting = clients.scheduler.get_schedule_group(Name=name)["State"] == "DELETING"
    return "EventBridge Scheduler deletes the schedules of the group first, and then the group" if deleting else EXISTS


OPERATIONS = {
    "AWS::Scheduler::ScheduleGroup": ResourceOperations(
        find=_find,
        delete_command="scheduler delete-schedule-group --name {name}",
        leftover=Leftover(
            why="EventBridge Scheduler first deletes all schedules of a group. This takes some time.",
            removal="`aws scheduler delete-schedule-group --region {region} --name {name}`",
            state=unless_not_found(_state, ""),
            delete=lambda clients, name: clients.scheduler.delete_schedule_group(Name=name),
        ),
    ),
}
