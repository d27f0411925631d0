"""Resource types of Step Functions."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        name_property="StateMachineName",
        name_limit=80,
    ),
)
