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
        loss="a key, without which what it encrypted cannot be read",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        interruption=Interruption("what it encrypted cannot be read while it is off", frozenset({"Enabled"})),
        billed="customer-managed key, per month",
        arns={"key": "kms:{region}:{account}:key/{name}"},
        # The ARN of a key does not contain a name, but an id. The id is not known before the key is created.
        names_in_environment="*",
    ),
)
