"""Resource types of Application Auto Scaling."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        name_property="PolicyName",
        name_limit=256,
        name_within=("ResourceId", "ScalableDimension", "ScalingTargetId", "ServiceNamespace"),
    ),
)
