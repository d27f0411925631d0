"""Resource types of CloudWatch Logs."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Logs::LogGroup",
        name_property="LogGroupName",
        name_limit=512,
        import_identifier="LogGroupName",
        loss="logs",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        arns={
            "log-group": "logs:{region}:{account}:log-group:{name}",
            "log-stream": "logs:{region}:{account}:log-group:{name}",
        },
        names_in_environment="{path}*",
    ),
)
