"""Resource types of Lambda."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Lambda::Function",
        name_property="FunctionName",
        name_limit=64,
        arns={"function": "lambda:{region}:{account}:function:{name}"},
    ),
)
