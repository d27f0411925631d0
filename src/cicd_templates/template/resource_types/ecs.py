"""Resource types of ECS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ECS::Cluster",
        name_property="ClusterName",
        name_limit=255,
        arns={"cluster": "ecs:{region}:{account}:cluster/{name}", "task": "ecs:{region}:{account}:task/{name}"},
    ),
    ResourceType(
        "AWS::ECS::Service",
        name_property="ServiceName",
        name_limit=255,
        name_within=("Cluster",),
        ends_with_it="its tasks are stopped",
        billed="Fargate task, per second",
        arns={"service": "ecs:{region}:{account}:service/{name}"},
    ),
    ResourceType(
        "AWS::ECS::TaskDefinition",
        name_property="Family",
        name_limit=255,
        has_revisions=True,
    ),
)
