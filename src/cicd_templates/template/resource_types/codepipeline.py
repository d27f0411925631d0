"""Resource types of CodePipeline."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodePipeline::Pipeline",
        name_property="Name",
        name_limit=100,
        arns={"pipeline": "codepipeline:{region}:{account}:{name}"},
        names_in_environment="*-{prefix}",
    ),
)
