"""Situations of services other than CloudFormation for which answers of AWS were recorded.

Each function takes an account, simulated or local, and repeats the calls. It returns the answers by the keys of the
recorded answers. Only the fields of an answer that our code reads are compared.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.recorded_situations import Answers, refused

# The fields that our code reads, of any service.
NAMES = """
Code Message Buckets DeleteMarkers Errors IsTruncated Key Name TagSet UploadId Uploads Value VersionId Versions
Arn DeletionDate KeyMetadata KeyState DeletedDate SecretList Tags VersionIdsToStages
arn logGroupArn logGroupName logGroups tags
AccessKeyId Account Credentials Expiration Role SecretAccessKey SessionToken
PaginationToken Parameter Parameters ResourceARN ResourceTagMappingList
"""
READ = frozenset(NAMES.split())


def read_part(answer: Any, fields: Collection[str] = READ) -> Any:
    """Return the part of an answer that our code reads, without empty values, because our code treats these as missing.

    Of an error, the part is its code and its message. Of a secret's versions, it is their number.
    """
    if isinstance(answer, list):
        return [read_part(item, fields) for item in answer]
    if not isinstance(answer, Mapping):
        return answer
    if "Error" in answer:
        return {"Error": {key: answer["Error"][key] for key in ("Code", "Message")}}
    part: dict[str, Any] = {}
    for key, value in answer.items():
        if key == "VersionIdsToStages":
            part[key] = len(value)
        elif key == "tags":
            part[key] = dict(value)
        elif key in fields:
            part[key] = read_part(value, fields)
    return {key: value for key, value in part.items() if value not in ("", [], {}, 0, None)}


@dataclass
class ServiceAccount:
    """The clients of one account, and a function that creates a bucket.

    The simulated account has only buckets of stacks.
    """

    clients: Any
    make_bucket: Callable[[str, list[dict[str, str]]], None]

    def bucket(self, *tags: dict[str, str]) -> str:
        name = f"recorded-{uuid.uuid4().hex[:12]}"
        self.make_bucket(name, list(tags))
        return name

    def versioned(self) -> str:
        name = self.bucket()
        self.clients.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name


def tag(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


# S3.


def bucket_tags(account: ServiceAccount) -> Answers:
    s3, bare, tagged = account.clients.s3, account.bucket(), account.bucket(tag("tag1", "tag1"), tag("tag2", ""))
    return {
        "get-bucket-tags-empty": refused(lambda: s3.get_bucket_tagging(Bucket=bare)),
        "get-bucket-tags": s3.get_bucket_tagging(Bucket=tagged),
    }


def no_bucket(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, "recorded-that-does-not-exist"
    return {
        "get-no-bucket-tags": refused(lambda: s3.get_bucket_tagging(Bucket=name)),
        "head_bucket_not_exist": refused(lambda: s3.head_bucket(Bucket=name)),
        "list_object": refused(lambda: s3.list_object_versions(Bucket=name)),
    }


def no_bucket_to_delete(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, "recorded-that-does-not-exist"
    return {
        "expected_error": refused(lambda: s3.delete_bucket(Bucket=name)),
        "error-non-existent-bucket": refused(
            lambda: s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
        ),
    }


def deleted_versions(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, account.versioned()
    key = "test-key-versioned"
    versions = [s3.put_object(Bucket=name, Key=key, Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key}], "Quiet": True})
    listed = s3.list_object_versions(Bucket=name)
    objects = [{"Key": key, "VersionId": version} for version in versions]
    s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    return {
        "list-object-version": listed,
        "list-object-version-after-delete": s3.list_object_versions(Bucket=name),
    }


def filled_bucket(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, account.versioned()
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    version = s3.delete_object(Bucket=name, Key="a")["VersionId"]
    full = refused(lambda: s3.delete_bucket(Bucket=name))
    for each in s3.list_object_versions(Bucket=name)["Versions"]:
        s3.delete_object(Bucket=name, Key="a", VersionId=each["VersionId"])
    marker = refused(lambda: s3.delete_bucket(Bucket=name))
    s3.delete_object(Bucket=name, Key="a", VersionId=version)
    s3.delete_bucket(Bucket=name)
    return {"delete-with-obj-and-delete-marker": full, "delete-with-only-delete-marker": marker}


def locked_object(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, f"recorded-{uuid.uuid4().hex[:12]}"
    where = {"LocationConstraint": account.clients.region}
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    key = "test-delete-locked"
    version = s3.put_object(Bucket=name, Key=key, Body=b"test")["VersionId"]
    s3.put_object_legal_hold(Bucket=name, Key=key, LegalHold={"Status": "ON"})
    objects = {"Objects": [{"Key": key, "VersionId": version}], "Quiet": True}
    return {"delete-objects-locked": s3.delete_objects(Bucket=name, Delete=objects)}


def missing_objects(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, account.bucket()
    objects = {"Objects": [{"Key": "dummy1"}, {"Key": "dummy2"}], "Quiet": True}
    return {"deleted-resp": s3.delete_objects(Bucket=name, Delete=objects)}


def no_upload(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, account.bucket()
    abort = s3.abort_multipart_upload
    return {"abort-exc": refused(lambda: abort(Bucket=name, Key="key", UploadId="fakeid"))}


def object_that_exists(account: ServiceAccount) -> Answers:
    s3, name = account.clients.s3, account.bucket()
    s3.put_object(Bucket=name, Key="key", Body=b"", IfNoneMatch="*")
    return {"put-obj-if-none-match": refused(lambda: s3.put_object(Bucket=name, Key="key", Body=b"", IfNoneMatch="*"))}


# KMS.


def no_key(account: ServiceAccount) -> Answers:
    kms = account.clients.kms
    return {
        "describe-nonexistent-key-with-id": refused(
            lambda: kms.describe_key(KeyId="134f2428-cec1-4b25-a1ae-9048164dba47")
        ),
        "describe-key-with-invalid-uuid": refused(lambda: kms.describe_key(KeyId="fake-key-id")),
    }


def described_key(account: ServiceAccount) -> Answers:
    kms = account.clients.kms
    made = kms.create_key(Description="test - description")["KeyMetadata"]
    alias = f"alias/recorded-{uuid.uuid4().hex[:8]}"
    kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
    return {"created-key": made, "describe-key": kms.describe_key(KeyId=alias)}


# Secrets Manager.


def empty_secret(account: ServiceAccount) -> Answers:
    secrets, name = account.clients.secretsmanager, uuid.uuid4().hex
    secrets.create_secret(Name=name)
    answers = {"describe-secret": secrets.describe_secret(SecretId=name)}
    return answers | {"put-secret-value": secrets.put_secret_value(SecretId=name, SecretString="a")}


def tagged_secret(account: ServiceAccount) -> Answers:
    secrets, name = account.clients.secretsmanager, uuid.uuid4().hex
    secrets.create_secret(Name=name)
    answers = {"describe_secret": secrets.describe_secret(SecretId=name)}
    secrets.tag_resource(SecretId=name, Tags=[tag("tag1", "value1")])
    return answers | {"describe_secret_1": secrets.describe_secret(SecretId=name)}


def secret_that_is_deleted(account: ServiceAccount) -> Answers:
    secrets, name = account.clients.secretsmanager, uuid.uuid4().hex
    secrets.create_secret(Name=name, SecretString="a")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    answers = {
        "describe_secret_response": secrets.describe_secret(SecretId=name),
        "invalid_req_ex": refused(lambda: secrets.create_secret(Name=name, SecretString="b")),
        "tag_deleted_secret_error": refused(lambda: secrets.put_secret_value(SecretId=name, SecretString="b")),
    }
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    return answers | {"exception": refused(lambda: secrets.describe_secret(SecretId=name))}


def no_secret(account: ServiceAccount) -> Answers:
    secrets, name = account.clients.secretsmanager, "recorded-that-does-not-exist"
    return {
        "get_secret_value_not_found_ex": refused(lambda: secrets.put_secret_value(SecretId=name, SecretString="a")),
        "exception": refused(lambda: secrets.describe_secret(SecretId=name)),
    }


# Logs.


def log_groups(account: ServiceAccount) -> Answers:
    logs, prefix = account.clients.logs, f"/recorded/{uuid.uuid4().hex[:8]}"
    for number in range(3):
        logs.create_log_group(logGroupName=f"{prefix}/{number}")
    return {"describe-log-groups-prefix": logs.describe_log_groups(logGroupNamePrefix=prefix)}


def tagged_log_group(account: ServiceAccount) -> Answers:
    logs, name = account.clients.logs, f"/recorded/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name, tags={"env": "testing1"})
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"test1": "val1", "test2": "val2"})
    return {"list-tags-for-resource-after-tag-resource": logs.list_tags_for_resource(resourceArn=arn)}


def no_log_group(account: ServiceAccount) -> Answers:
    logs = account.clients.logs
    read = logs.get_log_events
    logs.create_log_group(logGroupName="/recorded/without-streams")
    return {
        "error-log-group-does-not-exist": refused(lambda: logs.delete_log_group(logGroupName="/recorded/lost")),
        "error-log-stream-does-not-exist": refused(
            lambda: read(logGroupName="/recorded/without-streams", logStreamName="lost")
        ),
    }


# IAM and STS.

TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"Service": "ec2.amazonaws.com"}}]}'
)


def described_role(account: ServiceAccount) -> Answers:
    iam, name = account.clients.iam, f"recorded-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, Path="/recorded/", AssumeRolePolicyDocument=TRUST)
    return {"get_role_result": iam.get_role(RoleName=name)}


def tagged_role(account: ServiceAccount) -> Answers:
    iam, name = account.clients.iam, f"recorded-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, Path="/role-with-tags/", AssumeRolePolicyDocument=TRUST, Tags=[tag("test", "value")])
    return {"get-role-response": iam.get_role(RoleName=name)}


def bad_session_name(account: ServiceAccount) -> Answers:
    arn = "arn:aws:iam::123456789012:role/recorded"
    assume = account.clients.sts.assume_role
    return {
        "invalid-session-name": refused(lambda: assume(RoleArn=arn, RoleSessionName="Session1:2")),
        "malformed-arn": refused(lambda: assume(RoleArn="nothing-valid-in-here", RoleSessionName="Session1")),
    }


def assumed_role(account: ServiceAccount) -> Answers:
    iam, name = account.clients.iam, f"recorded-{uuid.uuid4().hex[:8]}"
    caller = account.clients.sts.get_caller_identity()["Account"]
    trust = TRUST.replace('"Service": "ec2.amazonaws.com"', f'"AWS": "{caller}"')
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    return {"assume-role": account.clients.sts.assume_role(RoleArn=arn, RoleSessionName="recorded")}


# Parameter Store, the tagging API and queues.


def no_queue(account: ServiceAccount) -> Answers:
    find = account.clients.sqs.get_queue_url
    return {"queue-does-not-exist": refused(lambda: find(QueueName="recorded-that-does-not-exist"))}


def tagged_resource(account: ServiceAccount) -> Answers:
    name = account.bucket(tag("test", "test"))
    found = account.clients.tagging.get_resources(ResourceARNList=[f"arn:aws:s3:::{name}"])
    return {"get_resources": found}


def no_parameter(account: ServiceAccount) -> Answers:
    return {"get-parameter-error": refused(lambda: account.clients.ssm.get_parameter(Name="/recorded/lost"))}


S3, S3_API = "s3__test_s3", "s3__test_s3_api"
SECRETS = "secretsmanager__test_secretsmanager"
# The file, the entry, and what makes our answers by the entry's keys. A situation may answer keys of several entries.
SITUATIONS: list[tuple[str, str, Callable[[ServiceAccount], Answers]]] = [
    (S3_API, "TestS3BucketObjectTagging::test_bucket_tagging_crud", bucket_tags),
    (S3_API, "TestS3BucketObjectTagging::test_bucket_tagging_exc", no_bucket),
    (S3_API, "TestS3BucketCRUD::test_delete_versioned_bucket_with_objects", filled_bucket),
    (S3_API, "TestS3ObjectWritePrecondition::test_put_object_if_none_match", object_that_exists),
    (S3, "TestS3::test_create_bucket_head_bucket", no_bucket),
    (S3, "TestS3::test_bucket_does_not_exist", no_bucket),
    (S3, "TestS3::test_delete_bucket_no_such_bucket", no_bucket_to_delete),
    (S3, "TestS3::test_delete_non_existing_keys_in_non_existing_bucket", no_bucket_to_delete),
    (S3, "TestS3::test_delete_keys_in_versioned_bucket", deleted_versions),
    (S3, "TestS3::test_delete_non_existing_keys_quiet", missing_objects),
    (S3, "TestS3ObjectLockLegalHold::test_delete_locked_object", locked_object),
    (S3, "TestS3::test_multipart_no_such_upload", no_upload),
    ("kms__test_kms", "TestKMS::test_get_key_does_not_exist", no_key),
    ("kms__test_kms", "TestKMS::test_get_key_invalid_uuid", no_key),
    ("kms__test_kms", "TestKMS::test_describe_with_alias_arn", described_key),
    (SECRETS, "TestSecretsManager::test_create_secret_version_from_empty_secret", empty_secret),
    (SECRETS, "TestSecretsManager::test_secret_tags", tagged_secret),
    (SECRETS, "TestSecretsManager::test_force_delete_deleted_secret", secret_that_is_deleted),
    (
        SECRETS,
        "TestSecretsManager::test_exp_raised_on_creation_of_secret_scheduled_for_deletion",
        secret_that_is_deleted,
    ),
    (SECRETS, "TestSecretsManager::test_tag_untag_resource_on_deleted_secret", secret_that_is_deleted),
    (SECRETS, "TestSecretsManager::test_secret_not_found", no_secret),
    ("cloudformation__resources__test_secretsmanager", "test_cfn_handle_secretsmanager_secret", no_secret),
    ("logs__test_logs_groups", "TestLogsGroups::test_describe_log_groups_with_prefix", log_groups),
    ("logs__test_logs_groups", "TestLogsGroupsTags::test_tag_resource_api", tagged_log_group),
    ("logs__test_logs_events", "TestLogsEventsErrors::test_resource_does_not_exist", no_log_group),
    ("iam__test_iam", "TestIAMIntegrations::test_create_describe_role", described_role),
    ("iam__test_iam", "TestRoles::test_role_with_tags", tagged_role),
    ("sts__test_sts", "TestSTSIntegrations::test_sts_invalid_parameters", bad_session_name),
    ("sts__test_sts", "TestSTSIntegrations::test_assume_role", assumed_role),
    ("sqs__test_sqs", "TestSqsProvider::test_non_existent_queue", no_queue),
    ("resourcegroupstaggingapi__test_rgsa", "TestRGSAIntegrations::test_get_resources", tagged_resource),
    ("cloudformation__api__test_changesets", "TestUpdates::test_deleting_resource", no_parameter),
]
# What the simulation has: the other services are scripted, answer by answer, or those of the local AWS.
SIMULATED = (bucket_tags, no_bucket, tagged_resource, no_parameter)
