"""Resource types of CodeBuild."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodeBuild::Project",
        name_property="Name",
        name_limit=150,
        arns={"project": "codebuild:{region}:{account}:project/{name}"},
    ),
    ResourceType(
        "AWS::CodeBuild::ReportGroup",
        name_property="Name",
        name_limit=128,
        loss="reports",
        arns={"report-group": "codebuild:{region}:{account}:report-group/{name}"},
    ),
)
