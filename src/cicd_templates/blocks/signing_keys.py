"""Creates the KMS key for signing evidence, and an EventBridge rule that reports changes of this key."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms as actions
from awacs.aws import AWSPrincipal
from troposphere import GetAtt, Sub, events, iam, kms

from cicd_templates.blocks.event_rules import MonitoredService, notification_rule
from cicd_templates.blocks.image_hooks import hooks_may
from cicd_templates.blocks.keys import ADMINISTRATION, DISPOSABLE_WINDOW_DAYS, PROTECTED_WINDOW_DAYS, THIS_KEY
from cicd_templates.blocks.pipeline_event_rules import API_CALL
from cicd_templates.blocks.removal_policies import because, stateful
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.iam import allow, document
from cicd_templates.layer.outputs import TopicArn
from cicd_templates.template.partitions import console_address

# API calls with which somebody could sign, could prevent the signer from signing, or could make hooks verify with
# another key. KMS reports the ARN of the key or of the alias with each call.
REPORTED_CALLS = [
    "CreateAlias",
    "CreateGrant",
    "DeleteAlias",
    "DisableKey",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "UpdateAlias",
]
SIGNING = "signing"


def signing_key(
    logical_id: str, env: Environment, service: Service, signer: iam.Role, verifiers: Sequence[Environment]
) -> kms.Key:
    """Return an asymmetric KMS key for signatures. Only the role `signer` may sign with it.

    The account may administer the key and verify signatures. The hooks of the environments in `verifiers` may verify
    signatures, too.

    The key policy gives the account no right to sign. So an IAM policy in the account cannot let a different role sign:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    account = AWSPrincipal(Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))
    key = kms.Key(
        logical_id,
        Description=f"Signs the evidence of {service.name} in {env.project.name} {env.qualified}",
        KeySpec="ECC_NIST_P256",
        KeyUsage="SIGN_VERIFY",
        PendingWindowInDays=PROTECTED_WINDOW_DAYS if env.protected else DISPOSABLE_WINDOW_DAYS,
        # This check makes KMS refuse a key policy that would leave nobody with the right to change the policy.
        BypassPolicyLockoutSafetyCheck=False,
        KeyPolicy=document(
            [
                allow("LetTheAccountAdministerTheKey", ADMINISTRATION, on=THIS_KEY, to=account),
                allow("LetTheAccountVerify", [actions.GetPublicKey, actions.Verify], on=THIS_KEY, to=account),
                allow(
                    "LetOnlyTheSignerSign",
                    # Before it signs a statement about a deployment, the signer verifies the statements about the
                    # release.
                    [actions.GetPublicKey, actions.Sign, actions.Verify],
                    on=THIS_KEY,
                    to=AWSPrincipal(GetAtt(signer, "Arn")),
                ),
                *hooks_may("LetTheHooksVerify", [actions.Verify], [(peer, service) for peer in verifiers], THIS_KEY),
            ]
        ),
    )
    # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    because(key, "KMS does not rotate asymmetric keys, and verifiers would not know the new key.")
    return stateful(key, env)


def signing_key_alias(logical_id: str, env: Environment, service: Service, key: kms.Key) -> kms.Alias:
    """Return the alias of the service's signing key."""
    return kms.Alias(logical_id, AliasName=alias_name(env, service), TargetKeyId=key.ref())


def alias_name(env: Environment, service: Service) -> str:
    """Return the alias name of the service's signing key, including the prefix `alias/`."""
    return f"alias/{physical_name(env, 'AWS::KMS::Alias', service.name, SIGNING)}"


def alias_arn(env: Environment, service: Service) -> Sub:
    """Return the ARN of the alias of the service's signing key. `env` is the tools environment."""
    return Sub(f"arn:${{AWS::Partition}}:kms:{env.region}:{env.account}:{alias_name(env, service)}")


def key_change_rule(
    logical_id: str, monitored: MonitoredService, key: kms.Key, security: TopicArn, operations: TopicArn
) -> events.Rule:
    """Return an EventBridge rule that reports changes of the key, such as a new policy or grant, or its deletion."""
    pattern = {
        "source": ["aws.kms"],
        "detail-type": [API_CALL],
        "detail": {
            "eventSource": ["kms.amazonaws.com"],
            "eventName": REPORTED_CALLS,
            # The parameters of a call may name the key in several ways, but CloudTrail always adds the key's ARN. If
            # the call moves an alias to a different key, CloudTrail adds the ARN of the alias.
            "resources": {"ARN": [GetAtt(key, "Arn"), alias_arn(monitored.env, monitored.service)]},
        },
    }
    region = monitored.env.region
    return notification_rule(
        logical_id,
        monitored,
        "signing-key-changed",
        pattern,
        "<who> has called <call> for the key that signs the evidence.",
        {"who": "$.detail.userIdentity.arn", "call": "$.detail.eventName"},
        {"security": security, "operations": operations},
        f"{console_address(region)}/kms/home?region={region}#/kms/keys",
    )
