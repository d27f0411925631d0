"""Resource types of CloudWatch."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import NameScope, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CloudWatch::Alarm",
        name_property="AlarmName",
        name_limit=255,
        billed="alarm, per month",
        arns={"alarm": "cloudwatch:{region}:{account}:alarm:{name}"},
    ),
    ResourceType(
        "AWS::CloudWatch::CompositeAlarm",
        name_property="AlarmName",
        name_limit=255,
        names_shared_with="AWS::CloudWatch::Alarm",
    ),
    ResourceType(
        "AWS::CloudWatch::Dashboard",
        name_property="DashboardName",
        name_limit=255,
        name_scope=NameScope.ACCOUNT,
        billed="dashboard, per month",
        arns={"dashboard": "cloudwatch::{account}:dashboard/{name}"},
    ),
)
