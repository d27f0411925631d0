"""Lets the deployment hooks `verify-image` read signed statements in the tools environment.

The hooks need two kinds of grants: the permissions of their own roles, and resource policies in the tools account.

A hook is in the account of its environment. The policies in the tools account cannot name the hooks' roles as
principals, because AWS refuses principals that do not exist yet. So the principals are the hooks' accounts, and a
condition admits only the hooks' roles.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms, s3
from awacs.aws import Action, ArnEquals, ConditionElement, StringEquals, StringLike
from troposphere import GetAtt, Sub
from troposphere.s3 import Bucket

from cicd_templates.blocks.repositories import VERIFY_IMAGE
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, role_arn, title
from cicd_templates.functions.evidence_format import DIGESTS, FOLDER
from cicd_templates.layer.iam import Grant, ResourceArn, account_principal, allow
from cicd_templates.layer.outputs import joined_text
from cicd_templates.template.partitions import regional_hosts

Hook = tuple[Environment, Service]


def verifying(environments: Sequence[Environment], service: str) -> list[Environment]:
    """Return the environments in which the service has the hook `verify-image`."""
    return [env for env in environments if (own := env.service(service)) and VERIFY_IMAGE in own.settings.hooks]


def hooks_may(
    sid: str,
    actions: Sequence[Action],
    hooks: Sequence[Hook],
    on: ResourceArn | Sequence[ResourceArn],
    *when: ConditionElement,
) -> list[Grant]:
    """Return a list with one statement of a resource policy: it lets only the roles of `hooks` call `actions`.

    If `hooks` is empty, the list is empty.
    """
    if not hooks:
        return []
    roles = [Sub(role_arn(env, service.name, VERIFY_IMAGE, "function")) for env, service in hooks]
    accounts = account_principal(*(env.account for env, _ in hooks))
    return [allow(sid, actions, on=on, to=accounts, when=[ArnEquals({"aws:PrincipalArn": roles}), *when])]


def hooks_may_read_statements(bucket: Bucket, env: Environment) -> list[Grant]:
    """Return grants for the policy of the evidence bucket: each hook may find and read signed statements.

    A hook may read only the signed statements about its own service.
    """
    grants = []
    for service in env.services:
        hooks = [(peer, service) for peer in verifying(env.runtimes, service.name)]
        name = title(service.name)
        objects = joined_text(GetAtt(bucket, "Arn"), f"/{statement_keys(service.name)}")
        listed = StringLike({"s3:prefix": listed_keys(service.name)})
        grants += hooks_may(f"LetTheHooksFindStatementsOf{name}", [s3.ListBucket], hooks, GetAtt(bucket, "Arn"), listed)
        grants += hooks_may(f"LetTheHooksReadStatementsOf{name}", [s3.GetObject], hooks, objects)
    return grants


def hooks_may_decrypt_statements(env: Environment) -> list[Grant]:
    """Return grants for the policy of the tools environment's key: hooks may decrypt signed statements in S3."""
    hooks = [(peer, service) for service in env.services for peer in verifying(env.runtimes, service.name)]
    through_s3 = StringEquals({"kms:ViaService": regional_hosts("s3", env.region)})
    return hooks_may("LetTheHooksReadStatements", [kms.Decrypt], hooks, "*", through_s3)


def may_verify_statements(tools: Environment, service: Service, alias: str) -> list[Grant]:
    """Let a hook find, read and verify the signed release statements of its service. `alias` names the signing key.

    The KMS permissions name no keys, because a key can be created after the hook. Instead, conditions allow decryption
    only through S3, and verification only through `alias`. The policy of each key must allow the hook's role, too.
    """
    evidence = f"arn:${{AWS::Partition}}:s3:::{evidence_bucket(tools)}"
    keys = Sub(f"arn:${{AWS::Partition}}:kms:{tools.region}:{tools.account}:key/*")
    return [
        allow(
            "FindTheStatements",
            [s3.ListBucket],
            on=Sub(evidence),
            when=[StringLike({"s3:prefix": listed_keys(service.name)})],
        ),
        allow("ReadTheStatements", [s3.GetObject], on=Sub(f"{evidence}/{statement_keys(service.name)}")),
        allow(
            "DecryptTheStatements",
            [kms.Decrypt],
            on=keys,
            when=[StringEquals({"kms:ViaService": regional_hosts("s3", tools.region)})],
        ),
        allow("VerifyTheSignatures", [kms.Verify], on=keys, when=[StringEquals({"kms:RequestAlias": alias})]),
    ]


def evidence_bucket(tools: Environment) -> str:
    """Return the name of the evidence bucket, for layers of other environments."""
    return physical_name(tools, "AWS::S3::Bucket", "evidence")


def listed_keys(service: str) -> str:
    """Return a pattern that matches the S3 prefixes under which the signer lists the statements about an image."""
    return f"{service}/{DIGESTS}/*"


def statement_keys(service: str) -> str:
    """Return a pattern for the S3 keys of the signed statements about a service's releases."""
    return f"{service}/*/{FOLDER}*"
