"""Resource types of DynamoDB."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::DynamoDB::GlobalTable",
        policies_checked_by=PolicyCheck.CFN_LINT,
    ),
    ResourceType(
        "AWS::DynamoDB::Table",
        name_property="TableName",
        name_limit=255,
        import_identifier="TableName",
        create_only=frozenset({"ImportSourceSpecification"}),
        loss="a table",
        kept_when_protected=True,
        interruptions=(
            Interruption(
                "the table is encrypted with another KMS key; readers and writers without rights on this key fail"
                " immediately",
                frozenset({"SSESpecification"}),
            ),
        ),
        policies_checked_by=PolicyCheck.CFN_LINT,
        arns={"table": "dynamodb:{region}:{account}:table/{name}"},
    ),
)
