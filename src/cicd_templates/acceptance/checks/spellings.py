"""Finds out which spellings AWS accepts for a parameter path in a policy, and for a KMS key in an upload."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.checks.services import output, parameter_root
from cicd_templates.acceptance.checks.sessions import SESSION_SECONDS
from cicd_templates.acceptance.project import STAGING, TOOLS

DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
BY_PATH = "ssm:GetParametersByPath"
# A key in the same account that is not the environment's key:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
OTHER_KEY = "alias/aws/s3"
OBJECT = "acceptance/key"


def read_by_path(context: CheckContext) -> str:
    """Find out which spellings of a parameter path IAM accepts in a policy: with or without the slash at the end.

    The check reads the same parameters in two sessions. In one session, the policy has the path with its last slash. In
    the other session, the policy has the path without this slash.
    """
    access, root = context.access[STAGING], parameter_root(context, STAGING)
    role = context.facts["settings"]["roles"][STAGING]
    spellings = {"without its last slash": root.removesuffix("/"), "with its last slash": root}
    allowed = []
    for words, path in spellings.items():
        resource = f"arn:{access.partition}:ssm:{access.region}:{access.account}:parameter{path}"
        statement = {"Effect": "Allow", "Action": BY_PATH, "Resource": resource}
        keys = context.clients(STAGING).sts.assume_role(
            RoleArn=role,
            RoleSessionName="acceptance",
            DurationSeconds=SESSION_SECONDS,
            Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        ssm = context.connect(STAGING, keys["Credentials"]).ssm
        if _is_allowed(ssm.get_parameters_by_path, Path=root, Recursive=True):
            allowed.append(words)
    require(allowed, "IAM denied the path both with and without its last slash")
    return f"IAM accepts the path {' and '.join(allowed)}; `make deploy-policy` prints policies with both paths"


def encrypt_with_each_spelling(context: CheckContext) -> str:
    """Find out which names of the environment's KMS key a bucket accepts: key ARN, key id, alias or ARN of the alias.

    The check uploads an object once with each name, and reports which names the bucket accepts. The check fails in two
    cases: the bucket refuses the key ARN, or the bucket accepts a key that is not the environment's key.
    """
    s3, kms = context.clients(TOOLS).s3, context.clients(TOOLS).kms
    bucket, arn = output(context, TOOLS, "storage", "CacheBucketName"), output(context, TOOLS, "keys", "KeyArn")
    alias = f"alias/{context.project.name(TOOLS)}-key"
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]

    def is_accepted(spelling: str) -> bool:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": spelling} if spelling else {}
        return _is_allowed(s3.put_object, Bucket=bucket, Key=OBJECT, Body=b"", **encryption)

    require(is_accepted(""), "inconclusive: your credentials may not write to a bucket of the run")
    require(is_accepted(arn), "the bucket refuses the environment's own KMS key, although the request names its ARN")
    require(not is_accepted(OTHER_KEY), "the bucket accepts a KMS key that is not the environment's key")
    spellings = {"its id": key, "its alias": alias, "the ARN of its alias": f"{arn.rpartition(':')[0]}:{alias}"}
    accepted = {words: is_accepted(spelling) for words, spelling in spellings.items()}
    taken = ["its ARN", *(words for words, answer in accepted.items() if answer)]
    refused = [words for words, answer in accepted.items() if not answer]
    return (
        f"the key is accepted under these names: {', '.join(taken)}; it is refused under these names: "
        f"{', '.join(refused) or 'none'}; every other key is refused"
    )


def _is_allowed(call: Any, **request: Any) -> bool:
    """Make a call, and return whether AWS allows it."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return False
    return True


PATHS = Check(
    "parameters-by-path",
    "The printed policies allow the deployer to read the parameters below the environment's path.",
    read_by_path,
    needs=("permissions", "deployed"),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit="the local AWS compares the path in the request with the path in the policy as strings",
    question="Must a policy name the path of GetParametersByPath with or without its last slash?",
)
KEY_SPELLINGS = Check(
    "key-spellings",
    "Objects are encrypted with the key of the environment, and with no other.",
    encrypt_with_each_spelling,
    needs=("deployed",),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit="the local AWS compares the KMS key in the request with the KMS key in the policy as strings",
    question="If a bucket's policy names a KMS key by its ARN, may a request name the key by its id or alias?",
)
