"""The keys that encrypt buckets, topics, queues and secrets."""

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
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:1:paid", KEY),
        ("sqs:ReceiveMessage", "http://127.0.0.1/1/paid", ""),
        ("sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:1:plain", ""),
        ("secretsmanager:GetSecretValue", "arn:secret", KEY),
        ("secretsmanager:GetSecretValue", "arn:other", ""),
        ("secretsmanager:GetSecretValue", "arn:named", KEY),
        ("secretsmanager:GetSecretValue", "arn:by-id", KEY),
        ("secretsmanager:GetSecretValue", "arn:by-alias-arn", KEY),
        ("secretsmanager:GetSecretValue", "arn:of-aws", ""),
        ("secretsmanager:GetSecretValue", "arn:of-nobody", ""),
        ("secretsmanager:GetSecretValue", "arn:elsewhere", "arn:aws:kms:eu-central-1:2:key/x"),
    ],
)
def test_the_key_is_the_one_of_the_template(action: str, resource: str, expected: str) -> None:
    secrets = ModuleType("secretsmanager")
    secrets._secrets = {  # type: ignore[attr-defined]
        "a": {"ARN": "arn:secret", "KmsKeyId": KEY},
        "b": {"ARN": "arn:other", "KmsKeyId": None},
        "c": {"ARN": "arn:named", "KmsKeyId": "alias/a"},
        "d": {"ARN": "arn:by-id", "KmsKeyId": "k"},
        "e": {"ARN": "arn:by-alias-arn", "KmsKeyId": "arn:aws:kms:eu-central-1:1:alias/a"},
        "f": {"ARN": "arn:of-aws", "KmsKeyId": "alias/aws/secretsmanager"},
        "g": {"ARN": "arn:of-nobody", "KmsKeyId": "alias/none"},
        "h": {"ARN": "arn:elsewhere", "KmsKeyId": "arn:aws:kms:eu-central-1:2:key/x"},
    }
    own, managed = {"Arn": KEY, "KeyManager": "CUSTOMER"}, {"Arn": "arn:managed", "KeyManager": "AWS"}
    kms = ModuleType("kms")
    records = dict.fromkeys((KEY, "k", "alias/a", "arn:aws:kms:eu-central-1:1:alias/a"), own)
    kms._resolve_key = (records | {"alias/aws/secretsmanager": managed}).get  # type: ignore[attr-defined]
    handlers = {
        "create": lambda logical, properties, stack: (properties["Name"], {}),
        "update": lambda physical, before, properties, stack, logical_id=None: (physical, {}),
    }
    queue_handlers = {
        "create": lambda logical, properties, stack: (f"http://127.0.0.1/1/{properties['Name']}", properties),
        "update": lambda physical, before, properties, stack: (physical, properties),
    }
    table: dict[str, Any] = {
        "AWS::S3::Bucket": dict(handlers),
        "AWS::SNS::Topic": dict(handlers),
        "AWS::SQS::Queue": queue_handlers,
    }
    keys = ResourceKeys(table, secrets, kms)

    table["AWS::S3::Bucket"]["create"]("L", {"Name": "bucket", **encrypted("")}, "stack")
    table["AWS::S3::Bucket"]["update"]("bucket", {}, encrypted(KEY), "stack", logical_id="L")
    table["AWS::S3::Bucket"]["create"]("L", {"Name": "plain"}, "stack")
    table["AWS::SNS::Topic"]["create"]("T", {"Name": "arn:topic", "KmsMasterKeyId": KEY}, "stack")
    for name, key in (("paid", ""), ("plain", KEY)):
        queue = {"Name": name, "Arn": f"arn:aws:sqs:eu-central-1:1:{name}", "KmsMasterKeyId": key}
        url, _ = table["AWS::SQS::Queue"]["create"]("Q", queue, "stack")
        table["AWS::SQS::Queue"]["update"](url, queue, {**queue, "KmsMasterKeyId": "" if key else KEY}, "stack")
    assert keys.key_of(action, resource) == expected
