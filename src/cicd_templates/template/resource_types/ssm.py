"""Resource types of Systems Manager."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::SSM::Parameter",
        name_property="Name",
        name_limit=1011,
        # AWS also reserves these beginnings without the slash, but all paths here begin with a slash:
        # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
        reserved_beginnings=("/aws", "/ssm"),
        arns={"parameter": "ssm:{region}:{account}:parameter{name}"},
        names_in_environment="{path}*",
    ),
)
