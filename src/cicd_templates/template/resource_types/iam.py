"""Resource types of IAM."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import NameScope, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::IAM::Group",
        name_property="GroupName",
        name_limit=128,
        name_scope=NameScope.ACCOUNT,
    ),
    ResourceType(
        "AWS::IAM::InstanceProfile",
        name_property="InstanceProfileName",
        name_limit=128,
        name_scope=NameScope.ACCOUNT,
    ),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        name_property="ManagedPolicyName",
        name_limit=128,
        name_scope=NameScope.ACCOUNT,
        arns={"policy": "iam::{account}:policy/{name}"},
    ),
    ResourceType(
        "AWS::IAM::OIDCProvider",
        loss="the trust of an identity provider",
    ),
    ResourceType(
        "AWS::IAM::Policy",
        names_may_repeat=True,
    ),
    ResourceType(
        "AWS::IAM::Role",
        name_property="RoleName",
        name_limit=64,
        name_scope=NameScope.ACCOUNT,
        arns={"role": "iam::{account}:role{role_path}{name}"},
    ),
    ResourceType(
        "AWS::IAM::User",
        name_property="UserName",
        name_limit=64,
        name_scope=NameScope.ACCOUNT,
    ),
)
