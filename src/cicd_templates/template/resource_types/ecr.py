"""Resource types of ECR."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ECR::Repository",
        name_property="RepositoryName",
        name_limit=256,
        import_identifier="RepositoryName",
        create_only=frozenset({"EncryptionConfiguration"}),
        loss="images",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.OWN_RULE,
        arns={"repository": "ecr:{region}:{account}:repository/{name}"},
    ),
)
