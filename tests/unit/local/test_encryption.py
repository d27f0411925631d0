"""The keys behind buckets, topics and secrets."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.encryption import ResourceKeys

KEY = "arn:aws:kms:eu-central-1:1:key/k"


def encrypted(key: str) -> dict[str, Any]:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket/a/b", KEY),
        ("s3:GetObject", "arn:aws:s3:::plain/a", ""),
        ("s3:GetObject", "arn:aws:s3:::unknown/a", ""),
        ("sns:Publish", "arn:topic", KEY),
        ("secretsmanager:GetSecretValue", "arn:secret", KEY),
        ("secretsmanager:GetSecretValue", "arn:other", ""),
        ("secretsmanager:GetSecretValue", "arn:named", ""),
    ],
)
def test_the_key_is_the_one_of_the_template(action: str, resource: str, expected: str) -> None:
    secrets = ModuleType("secretsmanager")
    secrets._secrets = {  # type: ignore[attr-defined]
        "a": {"ARN": "arn:secret", "KmsKeyId": KEY},
        "b": {"ARN": "arn:other", "KmsKeyId": None},
        "c": {"ARN": "arn:named", "KmsKeyId": "alias/a"},
    }
    handlers = {
        "create": lambda logical, properties, stack: (properties["Name"], {}),
        "update": lambda physical, before, properties, stack, logical_id=None: (physical, {}),
    }
    table: dict[str, Any] = {"AWS::S3::Bucket": dict(handlers), "AWS::SNS::Topic": dict(handlers)}
    keys = ResourceKeys(table, secrets)

    table["AWS::S3::Bucket"]["create"]("L", {"Name": "bucket", **encrypted("")}, "stack")
    table["AWS::S3::Bucket"]["update"]("bucket", {}, encrypted(KEY), "stack", logical_id="L")
    table["AWS::S3::Bucket"]["create"]("L", {"Name": "plain"}, "stack")
    table["AWS::SNS::Topic"]["create"]("T", {"Name": "arn:topic", "KmsMasterKeyId": KEY}, "stack")
    assert keys.behind(action, resource) == expected
