"""Resource types of Secrets Manager."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::SecretsManager::Secret",
        name_property="Name",
        name_limit=512,
        import_identifier="Id",
        loss="a secret's value",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="secret, per month",
        arns={"secret": "secretsmanager:{region}:{account}:secret:{name}"},
    ),
)
