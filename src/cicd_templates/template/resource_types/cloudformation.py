"""Resource types of CloudFormation."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CloudFormation::ChangeSet",
        name_limit=128,
        arns={"changeset": "cloudformation:{region}:{account}:changeSet/{name}"},
        # A change set's ARN does not contain the name of its stack.
        names_in_environment="*",
    ),
    ResourceType(
        "AWS::CloudFormation::Stack",
        name_limit=128,
        arns={"stack": "cloudformation:{region}:{account}:stack/{name}"},
    ),
)
