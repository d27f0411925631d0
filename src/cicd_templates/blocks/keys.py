"""Creates the customer-managed KMS key of an environment, and the statements that let services and roles use the
key.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms as actions
from awacs.aws import Action, ArnLike, AWSPrincipal, Bool, ForAllValuesStringEquals, Principal, StringEquals
from troposphere import Sub, kms

from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.iam import Grant, account_principal, allow, delivery_role_conditions, document
from cicd_templates.layer.outputs import KeyArn
from cicd_templates.template.partitions import logs_principal, regional_hosts

# The shortest and the longest waiting period, in days, that ScheduleKeyDeletion accepts before it deletes a key. The
# shortest suits a disposable environment.
DISPOSABLE_WINDOW_DAYS = 7
PROTECTED_WINDOW_DAYS = 30

# In a key policy, the resource `*` means the key itself.
THIS_KEY = "*"

ADMINISTRATION = [
    actions.CancelKeyDeletion,
    actions.CreateAlias,
    actions.DeleteAlias,
    actions.DescribeKey,
    actions.DisableKey,
    actions.DisableKeyRotation,
    actions.EnableKey,
    actions.EnableKeyRotation,
    actions.GetKeyPolicy,
    actions.GetKeyRotationStatus,
    actions.ListGrants,
    actions.ListKeyPolicies,
    actions.ListKeyRotations,
    actions.ListResourceTags,
    actions.PutKeyPolicy,
    actions.RevokeGrant,
    actions.RotateKeyOnDemand,
    actions.ScheduleKeyDeletion,
    actions.TagResource,
    actions.UntagResource,
    actions.UpdateAlias,
    actions.UpdateKeyDescription,
]
USE = [
    actions.Decrypt,
    actions.DescribeKey,
    actions.Encrypt,
    actions.GenerateDataKey,
    actions.GenerateDataKeyWithoutPlaintext,
    actions.ReEncryptFrom,
    actions.ReEncryptTo,
]

# The KMS actions of a role that reads encrypted data, and of a role that also writes encrypted data.
DECRYPTION = [actions.Decrypt, actions.DescribeKey]
ENCRYPTION = [
    *DECRYPTION,
    actions.Encrypt,
    actions.GenerateDataKey,
    actions.ReEncryptFrom,
    actions.ReEncryptTo,
]


def customer_key(logical_id: str, env: Environment, *statements: Grant) -> kms.Key:
    """Return a symmetric KMS key with rotation. IAM policies in the key's account determine who may use the key.

    `statements` let other principals, such as AWS services, use the key. The key policy lists each action, so that an
    auditor can see what is allowed. (AWS's default key policy allows `kms:*`.)

    People cannot create KMS grants, because a grant stays valid even when its creator loses all permissions. Only an
    AWS service, such as RDS, can create a grant on a person's behalf:
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
    """
    account = AWSPrincipal(Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))
    return stateful(
        kms.Key(
            logical_id,
            Description=f"Encrypts everything of {env.project.name} {env.qualified}",
            EnableKeyRotation=True,
            PendingWindowInDays=PROTECTED_WINDOW_DAYS if env.protected else DISPOSABLE_WINDOW_DAYS,
            KeyPolicy=document(
                [
                    allow("LetTheAccountAdministerTheKey", ADMINISTRATION, on=THIS_KEY, to=account),
                    allow("LetTheAccountGrantItsUseByPolicy", USE, on=THIS_KEY, to=account),
                    allow(
                        "LetTheAccountGrantItsUseToAwsServices",
                        [actions.CreateGrant],
                        on=THIS_KEY,
                        to=account,
                        when=[Bool({"kms:GrantIsForAWSResource": "true"})],
                    ),
                    *statements,
                ]
            ),
        ),
        env,
    )


def key_alias(logical_id: str, env: Environment, key: kms.Key) -> kms.Alias:
    """Return an alias of the key. People find an alias more easily than the key's id."""
    return kms.Alias(
        logical_id, AliasName=f"alias/{physical_name(env, 'AWS::KMS::Alias', 'key')}", TargetKeyId=key.ref()
    )


def logs_may_encrypt(env: Environment, *log_groups: str) -> Grant:
    """Let CloudWatch Logs use the key for the log groups with these names. A name may end in `*`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    arns = [Sub(f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{name}") for name in log_groups]
    return allow(
        "LetLogsEncryptOurLogGroups",
        [
            actions.Decrypt,
            actions.DescribeKey,
            actions.Encrypt,
            actions.GenerateDataKey,
            actions.ReEncryptFrom,
            actions.ReEncryptTo,
        ],
        on=THIS_KEY,
        to=Principal("Service", logs_principal(env.region)),
        when=[ArnLike({"kms:EncryptionContext:aws:logs:arn": arns})],
    )


def alarms_and_rules_may_publish(env: Environment, *names: str) -> Grant:
    """Let alarms and EventBridge rules publish to the encrypted topics `names`.

    Without this grant, messages would be lost, and AWS would report no error. The grant applies to every alarm and rule
    that publishes to the topics, because KMS does not know which alarm or rule publishes. The policies of the topics
    limit which alarms and rules may publish: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    topics = [Sub(f"arn:${{AWS::Partition}}:sns:{env.region}:{env.account}:{name}") for name in names]
    return allow(
        "LetAlarmsAndRulesPublish",
        [actions.Decrypt, actions.GenerateDataKey],
        on=THIS_KEY,
        to=Principal("Service", ["cloudwatch.amazonaws.com", "events.amazonaws.com"]),
        when=[StringEquals({"kms:EncryptionContext:aws:sns:topicArn": topics})],
    )


def rules_may_send_dead_letters(env: Environment, name: str) -> Grant:
    """Let EventBridge rules send undelivered events to an encrypted queue. `name` is the queue's physical name.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    return _may_send_dead_letters("LetRulesSendDeadLetters", "events.amazonaws.com", env, name)


def topics_may_send_dead_letters(env: Environment, name: str) -> Grant:
    """Let topics send undelivered messages to an encrypted queue. `name` is the queue's physical name.

    https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
    """
    return _may_send_dead_letters("LetTopicsSendDeadLetters", "sns.amazonaws.com", env, name)


def _may_send_dead_letters(sid: str, sender: str, env: Environment, name: str) -> Grant:
    queue = Sub(f"arn:${{AWS::Partition}}:sqs:{env.region}:{env.account}:{name}")
    return allow(
        sid,
        [actions.Decrypt, actions.GenerateDataKey],
        on=THIS_KEY,
        to=Principal("Service", sender),
        when=[StringEquals({"kms:EncryptionContext:aws:sqs:arn": queue})],
    )


def delivery_roles_may_decrypt(env: Environment, *readers: Environment) -> Grant:
    """Let the pipeline's delivery roles in the given environments decrypt objects that they read from S3.

    The statement allows no other use of the key.
    """
    return allow(
        "LetDeliveryRolesReadArtifacts",
        [actions.Decrypt, actions.DescribeKey],
        on=THIS_KEY,
        to=account_principal(*(reader.account for reader in readers)),
        when=[
            *delivery_role_conditions(*readers),
            StringEquals({"kms:ViaService": regional_hosts("s3", env.region)}),
        ],
    )


def may_decrypt(sid: str, key: KeyArn) -> Grant:
    """Let a role in the key's account decrypt with `key`."""
    return allow(sid, DECRYPTION, on=key)


def may_encrypt(sid: str, key: KeyArn) -> Grant:
    """Let a role in the key's account encrypt and decrypt with `key`."""
    return allow(sid, ENCRYPTION, on=key)


def may_use_through(
    sid: str, env: Environment, services: Sequence[str], uses: Sequence[Action], keys: KeyArn | Sequence[KeyArn | str]
) -> Grant:
    """Let a role call KMS actions on `keys`, but only through one of the AWS services in `services`.

    `uses` has the actions. `services` has the prefixes of the services' host names, such as `sqs`.
    """
    hosts = [host for service in services for host in regional_hosts(service, env.region)]
    return allow(sid, uses, on=keys, when=[StringEquals({"kms:ViaService": hosts})])


def fargate_may_encrypt(env: Environment, cluster: str) -> list[Grant]:
    """Let Fargate encrypt the ephemeral storage of the tasks of one cluster.

    The key policy contains the cluster's name before the cluster exists, so the name comes from `naming`, not from AWS:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-create-storage-key.html
    """
    fargate = Principal("Service", "fargate.amazonaws.com")
    of_the_cluster = StringEquals(
        {
            "kms:EncryptionContext:aws:ecs:clusterAccount": env.account,
            "kms:EncryptionContext:aws:ecs:clusterName": cluster,
        }
    )
    return [
        allow(
            "LetFargateMakeDataKeysForTheCluster",
            [actions.GenerateDataKeyWithoutPlaintext],
            on=THIS_KEY,
            to=fargate,
            when=[of_the_cluster],
        ),
        allow(
            "LetFargateGrantDecryptionToItsTasks",
            [actions.CreateGrant],
            on=THIS_KEY,
            to=fargate,
            when=[of_the_cluster, ForAllValuesStringEquals({"kms:GrantOperations": ["Decrypt"]})],
        ),
    ]
