"""Finds the customer managed keys of encrypted resources, so that `iam_decisions` can check the permissions for a key.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

# The KMS actions that the caller of each action also needs:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
KEY_ACTIONS = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
}
QUEUE = "AWS::SQS::Queue"


class ResourceKeys:
    """Knows which customer managed key encrypts a bucket, a topic, a queue or a secret.

    The engine records which KMS key encrypts a secret. For a bucket, a topic and a queue, this class records the key.
    """

    def __init__(self, table: dict[str, Any], secrets: ModuleType, kms: ModuleType) -> None:
        """Make the engine record the KMS key of each bucket, topic and queue. `table` has the engine's handlers."""
        self._keys: dict[str, str] = {}
        self._secrets, self._kms = secrets._secrets, kms
        for resource_type in ("AWS::S3::Bucket", "AWS::SNS::Topic", QUEUE):
            handlers = table[resource_type]
            # The properties are the second argument of create, but the third of update.
            observed = {
                name: self._observed(handlers[name], place, resource_type)
                for name, place in (("create", 1), ("update", 2))
            }
            table[resource_type] = {**handlers, **observed}

    def _observed(self, handler: Callable[..., Any], place: int, resource_type: str) -> Callable[..., Any]:
        def handle(*arguments: Any, **options: Any) -> Any:
            answer = handler(*arguments, **options)
            # The physical id of a queue is its URL, but IAM decides on its ARN.
            name = answer[1]["Arn"] if resource_type == QUEUE else answer[0]
            self._keys[name] = _key(arguments[place])
            return answer

        return handle

    def key_of(self, action: str, resource: str) -> str:
        """Return the ARN of the customer managed key that encrypts `resource`, or an empty string if there is none.

        `action` is the requested IAM action. Its prefix identifies the service of the resource.
        """
        service = action.partition(":")[0]
        if service == "secretsmanager":
            key = next((each.get("KmsKeyId") for each in self._secrets.values() if each["ARN"] == resource), None)
        else:
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            key = self._keys.get(bucket if service == "s3" else resource)
        return self._arn_of(key) if key else ""

    def _arn_of(self, key: str) -> str:
        """Return the ARN of the customer managed key whose id, alias or ARN is `key`.

        Return an empty string if AWS manages the key, or if no key has this id or alias.
        """
        if record := self._kms._resolve_key(key):
            return "" if record.get("KeyManager") == "AWS" else str(record["Arn"])
        # Without a record, only an ARN shows that the key exists somewhere, for example in another account.
        return key if key.startswith("arn:") else ""


def _key(properties: dict[str, Any]) -> str:
    """Return the KMS key in the properties of a bucket, a topic or a queue, or an empty string."""
    for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
        return str(rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID", ""))
    return str(properties.get("KmsMasterKeyId", ""))
