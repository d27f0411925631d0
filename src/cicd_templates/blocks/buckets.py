"""Creates encrypted, versioned, private buckets with access logs, and bucket policies that require TLS."""

from __future__ import annotations

import json

from awacs import s3 as actions
from awacs.aws import Action, ArnLike, ArnNotLike, Bool, Null, Principal, StringEquals, StringNotEquals
from troposphere import GetAtt, Sub, encode_to_dict, events, s3

from cicd_templates.blocks.event_rules import MonitoredEnvironment, notification_rule
from cicd_templates.blocks.pipeline_event_rules import API_CALL
from cicd_templates.blocks.removal_policies import because, exempt_from_check, stateful
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, physical_name
from cicd_templates.config.reserved_words import PIPELINE, SOURCE_ACTION
from cicd_templates.layer.iam import (
    Grant,
    account_principal,
    allow,
    delivery_role_conditions,
    deny,
    document,
)
from cicd_templates.layer.limits import require_length
from cicd_templates.layer.outputs import BucketName, KeyArn, TopicArn, joined_text
from cicd_templates.template.partitions import console_address

ABORT_UPLOADS_AFTER_DAYS = 7
ACCESS_LOG_DAYS = 400
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-iam-policies.html
POLICY_LENGTH = 20_480
# API calls with which somebody could end or weaken the lock of a bucket for new objects, or remove the statement that
# protects it. CloudTrail's documentation has two names for the first call: the name of the API and the name of the
# permission.
LOCK_CALLS = [
    "DeleteBucketPolicy",
    "PutBucketObjectLockConfiguration",
    "PutBucketPolicy",
    "PutObjectLockConfiguration",
]
EVERY_S3_ACTION = Action("s3", "*")


def encrypted_bucket(
    logical_id: str,
    env: Environment,
    name: str,
    *,
    key: KeyArn,
    logs: s3.Bucket | BucketName,
    expire_days: int | None = None,
    noncurrent_days: int = 90,
    notify: bool = False,
) -> s3.Bucket:
    """Return a bucket that is encrypted with the environment's KMS key and writes its access log to `logs`.

    - `logs` is the bucket for access logs: a resource of the same stack, or a bucket name that another layer publishes.
    - Objects expire after `expire_days` days, if given. Replaced versions expire after `noncurrent_days` days.
    - If `notify` is true, the bucket sends its events to EventBridge.
    """
    event_bridge = s3.EventBridgeConfiguration(EventBridgeEnabled=True)
    bucket = _private_bucket(
        logical_id,
        env,
        name,
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=key),
        _lifecycle(expire_days, noncurrent_days),
        bucket_key=True,
    )
    bucket.LoggingConfiguration = s3.LoggingConfiguration(
        DestinationBucketName=logs if isinstance(logs, BucketName) else logs.ref(), LogFilePrefix=f"s3/{name}/"
    )
    if notify:
        bucket.NotificationConfiguration = s3.NotificationConfiguration(EventBridgeConfiguration=event_bridge)
    return bucket


def log_delivery_bucket(logical_id: str, env: Environment) -> s3.Bucket:
    """Return the bucket for access logs. It is the only bucket that is not encrypted with the environment's KMS key.

    Load balancers deliver access logs only to buckets that are encrypted with S3's own key (SSE-S3). With any other
    key, the creation of the load balancer fails:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    bucket = _private_bucket(
        logical_id,
        env,
        "logs",
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"),
        _lifecycle(ACCESS_LOG_DAYS, 30),
        bucket_key=False,
    )
    reason = "Encrypted with SSE-S3: load balancers cannot deliver access logs to a bucket with a customer-managed key."
    return exempt_from_check(
        because(bucket, reason),
        "CKV_AWS_18",
        "Access to this bucket is not logged, because a bucket that logs to itself grows without end.",
    )


def _private_bucket(
    logical_id: str,
    env: Environment,
    name: str,
    encryption: s3.ServerSideEncryptionByDefault,
    lifecycle: s3.LifecycleConfiguration,
    *,
    bucket_key: bool,
) -> s3.Bucket:
    rule = s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=encryption)
    if bucket_key:
        rule.BucketKeyEnabled = True
    return stateful(
        s3.Bucket(
            logical_id,
            BucketName=physical_name(env, "AWS::S3::Bucket", name),
            BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[rule]),
            VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            OwnershipControls=s3.OwnershipControls(
                Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            LifecycleConfiguration=lifecycle,
        ),
        env,
    )


def _lifecycle(expire_days: int | None, noncurrent_days: int) -> s3.LifecycleConfiguration:
    rules = [
        s3.LifecycleRule(
            Id="AbortUnfinishedUploads",
            Status="Enabled",
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                DaysAfterInitiation=ABORT_UPLOADS_AFTER_DAYS
            ),
        ),
        s3.LifecycleRule(
            Id="ExpireReplacedVersions",
            Status="Enabled",
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=noncurrent_days),
        ),
    ]
    if expire_days is not None:
        rules.append(s3.LifecycleRule(Id="ExpireObjects", Status="Enabled", ExpirationInDays=expire_days))
    return s3.LifecycleConfiguration(Rules=rules)


def encrypted_bucket_policy(logical_id: str, bucket: s3.Bucket, key: KeyArn, *grants: Grant) -> s3.BucketPolicy:
    """Return a bucket policy that requires TLS and encryption with `key`, and contains the statements `grants`.

    A request without an encryption header is allowed, because S3 then encrypts with the bucket's default key, `key`. A
    request is denied if its header asks for a different algorithm or key.
    """
    objects = joined_text(GetAtt(bucket, "Arn"), "/*")
    # A negated operator such as StringNotEquals also matches if the condition key is absent, with or without
    # `IfExists`. So a second condition requires that the condition key is present.
    algorithm, key_id = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    wrong_algorithm = [StringNotEquals({algorithm: "aws:kms"}), Null({algorithm: "false"})]
    wrong_key = [StringNotEquals({key_id: key}), Null({key_id: "false"})]
    everybody = Principal("*")
    return _policy(
        logical_id,
        bucket,
        deny("RefuseAnotherAlgorithm", [actions.PutObject], on=objects, to=everybody, when=wrong_algorithm),
        deny("RefuseAnotherKey", [actions.PutObject], on=objects, to=everybody, when=wrong_key),
        *grants,
    )


def refuse_replacement(bucket: s3.Bucket) -> Grant:
    """Deny every PutObject request without the header `If-None-Match`, so that no object can be overwritten.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    return deny(
        "RefuseToReplace",
        [actions.PutObject],
        on=joined_text(GetAtt(bucket, "Arn"), "/*"),
        to=Principal("*"),
        when=[Null({"s3:if-none-match": "true"})],
    )


def lock_objects(bucket: s3.Bucket, mode: str, days: int) -> s3.Bucket:
    """Lock each new object version of `bucket` for `days` days with S3 Object Lock. Return the bucket.

    Object Lock can be enabled for an existing bucket, but can never be disabled. Existing object versions stay
    unlocked: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
    """
    retention = s3.DefaultRetention(Mode=mode, Days=days)
    bucket.ObjectLockEnabled = True
    bucket.ObjectLockConfiguration = s3.ObjectLockConfiguration(
        ObjectLockEnabled="Enabled", Rule=s3.ObjectLockRule(DefaultRetention=retention)
    )
    return bucket


def refuse_unlocking(bucket: s3.Bucket) -> Grant:
    """Let nobody bypass governance mode. A user who bypasses it can delete a locked object version or shorten its lock.

    Most administrators may bypass this mode, and the S3 console does so without asking. With this statement, an
    administrator must first change the bucket policy.
    """
    return deny(
        "RefuseToBypassTheLock",
        [actions.BypassGovernanceRetention],
        on=joined_text(GetAtt(bucket, "Arn"), "/*"),
        to=Principal("*"),
    )


def lock_change_rule(
    logical_id: str,
    monitored: MonitoredEnvironment,
    bucket: s3.Bucket,
    security: TopicArn,
    operations: TopicArn,
) -> events.Rule:
    """Return an EventBridge rule that reports each change of the bucket's policy and of its Object Lock configuration.

    The Object Lock configuration includes the default retention. So the rule also reports if someone removes the
    default retention.
    """
    pattern = {
        "source": ["aws.s3"],
        "detail-type": [API_CALL],
        "detail": {
            "eventSource": ["s3.amazonaws.com"],
            "eventName": LOCK_CALLS,
            "requestParameters": {"bucketName": [bucket.ref()]},
        },
    }
    region = monitored.env.region
    return notification_rule(
        logical_id,
        monitored,
        "evidence-lock-changed",
        pattern,
        "<who> has called <call> for the bucket with the locked evidence.",
        {"who": "$.detail.userIdentity.arn", "call": "$.detail.eventName"},
        {"security": security, "operations": operations},
        f"{console_address(region)}/s3/buckets?region={region}",
    )


def refuse_source_replacement(bucket: s3.Bucket, env: Environment, *artifacts: str) -> Grant:
    """Deny writes to source artifacts, except by the roles of source actions and pipelines.

    Some checks run the application's own code. This code must not be able to change the source that other checks
    examine.

    `artifacts` are the names of the artifacts. The policy statement matches their S3 keys, which are
    `<pipeline>/<artifact>/<letters>`. CodePipeline truncates `<pipeline>` to 20 characters and `<artifact>` to 10.
    """
    roles = f"arn:${{AWS::Partition}}:iam::{env.account}:role{env.settings.role_path}{name_prefix(env)}"
    return deny(
        "RefuseToReplaceSources",
        [actions.PutObject],
        on=[joined_text(GetAtt(bucket, "Arn"), f"/*/{artifact}/*") for artifact in artifacts],
        to=Principal("*"),
        when=[ArnNotLike({"aws:PrincipalArn": [Sub(f"{roles}-{SOURCE_ACTION}-*"), Sub(f"{roles}-{PIPELINE}-*")]})],
    )


def delivery_roles_may_read(bucket: s3.Bucket, artifact: str, *readers: Environment) -> Grant:
    """Let the delivery roles of the environments in `readers` read the pipeline artifact named `artifact`.

    The artifact contains the reviewed templates. To deploy to an environment, the pipeline assumes the environment's
    delivery role.
    """
    return allow(
        "LetDeliveryRolesReadArtifacts",
        [actions.GetObject, actions.GetObjectVersion],
        on=joined_text(GetAtt(bucket, "Arn"), f"/*/{artifact}/*"),
        to=account_principal(*(reader.account for reader in readers)),
        when=delivery_role_conditions(*readers),
    )


def log_delivery_policy(
    logical_id: str, bucket: s3.Bucket, env: Environment, *, load_balancers: bool
) -> s3.BucketPolicy:
    """Return a policy that requires TLS and lets AWS services deliver this account's logs to the bucket."""
    mine = StringEquals({"aws:SourceAccount": env.account})
    grants = [
        allow(
            "LetS3DeliverAccessLogs",
            [actions.PutObject],
            on=joined_text(GetAtt(bucket, "Arn"), "/s3/*"),
            to=Principal("Service", "logging.s3.amazonaws.com"),
            # The account is compared separately, because the ARN of a bucket does not contain it. The ARN pattern
            # limits access to this environment.
            when=[mine, ArnLike({"aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:s3:::{name_prefix(env)}-*")})],
        )
    ]
    if load_balancers:
        source = Sub(f"arn:${{AWS::Partition}}:elasticloadbalancing:{env.region}:{env.account}:loadbalancer/*")
        grants.append(
            allow(
                "LetLoadBalancersDeliverAccessLogs",
                [actions.PutObject],
                on=joined_text(GetAtt(bucket, "Arn"), f"/alb/AWSLogs/{env.account}/*"),
                to=Principal("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),
                when=[ArnLike({"aws:SourceArn": source})],
            )
        )
    return _policy(logical_id, bucket, *grants)


def _policy(logical_id: str, bucket: s3.Bucket, *grants: Grant) -> s3.BucketPolicy:
    whole = [GetAtt(bucket, "Arn"), joined_text(GetAtt(bucket, "Arn"), "/*")]
    tls_only = deny(
        "RefuseWithoutTls",
        [EVERY_S3_ACTION],
        on=whole,
        to=Principal("*"),
        when=[Bool({"aws:SecureTransport": "false"})],
    )
    policy = document([tls_only, *grants])
    # The length of a reference counts instead of the length of its value, which is unknown before the deployment.
    require_length(
        json.dumps(encode_to_dict(policy), separators=(",", ":")),
        POLICY_LENGTH,
        f"the policy of the bucket {bucket.title}",
        "use the hook verify-image for fewer services, or reduce the number of environments",
    )
    return s3.BucketPolicy(logical_id, Bucket=bucket.ref(), PolicyDocument=policy)
