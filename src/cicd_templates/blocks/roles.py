"""Creates IAM roles. Each has one purpose, its own trust policy, and only inline policies."""

from __future__ import annotations

from collections.abc import Sequence

from awacs.aws import ConditionElement, PolicyDocument
from troposphere import iam

from cicd_templates.blocks.removal_policies import because
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.iam import Grant, document, reasons, trust


def service_role(
    logical_id: str,
    env: Environment,
    service: str,
    *grants: Grant,
    name: Sequence[str],
    when: Sequence[ConditionElement] = (),
) -> iam.Role:
    """Return a role that one AWS service assumes, with `grants` as its only permissions.

    `when` contains further conditions of the trust policy. No AWS managed policy is attached, because AWS changes these
    policies and has withdrawn some of them.
    """
    return assumed_role(logical_id, env, trust(service, env, when=when), *grants, name=name)


def assumed_role(
    logical_id: str, env: Environment, trusted: PolicyDocument, *grants: Grant, name: Sequence[str]
) -> iam.Role:
    """Return a role. `trusted` is its trust policy, and `grants` are its only permissions."""
    role = iam.Role(
        logical_id,
        RoleName=physical_name(env, "AWS::IAM::Role", *name),
        AssumeRolePolicyDocument=trusted,
    )
    if grants:
        role.Policies = [iam.Policy(PolicyName=logical_id, PolicyDocument=document(grants))]
    return because(role, *reasons(grants))
