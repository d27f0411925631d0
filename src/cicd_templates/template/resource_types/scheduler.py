"""Resource types of EventBridge Scheduler."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Scheduler::Schedule",
        name_property="Name",
        name_limit=64,
        name_within=("GroupName",),
        ends_with_it="its job no longer runs",
        # In the ARN of a schedule, the name of its group precedes its own name. Both names begin with the same text.
        arns={"schedule": "scheduler:{region}:{account}:schedule/{name}"},
    ),
    ResourceType(
        "AWS::Scheduler::ScheduleGroup",
        name_property="Name",
        name_limit=64,
        arns={"schedule-group": "scheduler:{region}:{account}:schedule-group/{name}"},
    ),
)
