"""Resource types of KMS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::KMS::Alias",
        name_property="AliasName",
        name_limit=256 - len("alias/"),
        arns={"alias": "kms:{region}:{account}:alias/{name}"},
    ),
    ResourceType(
        "AWS::KMS::Key",
        import_identifier="KeyId",
        loss="a key without which the encrypted data cannot be read",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        interruptions=(
            Interruption("encrypted data cannot be read while the key is disabled", frozenset({"Enabled"})),
        ),
        billed="customer-managed key, per month",
        arns={"key": "kms:{region}:{account}:key/{name}"},
        # The ARN of a key contains an id instead of a name. The id is unknown before the key is created.
        names_in_environment="*",
    ),
)
