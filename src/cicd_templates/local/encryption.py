"""The customers' keys behind what is encrypted in the local AWS, which does not ask KMS for who reads or writes it.

Runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

# The key that an action needs of its caller, beside itself:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
KEY_ACTIONS = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
}


class Keys:
    """The customers' keys behind what is encrypted, as the templates say it: the engine forgets most of them."""

    def __init__(self, table: dict[str, Any], secrets: ModuleType) -> None:
        """Listen to the engine's `table` of handlers, and look into its secrets."""
        self._keys: dict[str, str] = {}
        self._secrets = secrets._secrets
        for resource_type in ("AWS::S3::Bucket", "AWS::SNS::Topic"):
            handlers = table[resource_type]
            # Properties come second where a resource is created, third where it is updated.
            heard = {name: self._heard(handlers[name], place) for name, place in (("create", 1), ("update", 2))}
            table[resource_type] = {**handlers, **heard}

    def _heard(self, handler: Callable[..., Any], place: int) -> Callable[..., Any]:
        def handle(*arguments: Any, **options: Any) -> Any:
            answer = handler(*arguments, **options)
            self._keys[answer[0]] = _key(arguments[place])
            return answer

        return handle

    def behind(self, action: str, resource: str) -> str:
        """The ARN of the key that `action` on `resource` needs; empty where none is a customer's."""
        service = action.partition(":")[0]
        if service == "secretsmanager":
            key = next((each.get("KmsKeyId") for each in self._secrets.values() if each["ARN"] == resource), None)
        else:
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            key = self._keys.get(bucket if service == "s3" else resource)
        return str(key) if key and key.startswith("arn:") else ""


def _key(properties: dict[str, Any]) -> str:
    """The key in a bucket's or a topic's properties, empty without one."""
    for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
        return str(rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID", ""))
    return str(properties.get("KmsMasterKeyId", ""))
