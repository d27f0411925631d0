"""Creates IAM roles for workflows of GitHub Actions. A workflow assumes its role with an OIDC token of GitHub."""

from __future__ import annotations

from collections.abc import Sequence

from awacs.aws import StringEquals
from troposphere import Sub, iam

from cicd_templates.blocks.roles import assumed_role
from cicd_templates.config.environment import Environment
from cicd_templates.layer.iam import Grant, trust_web_identity

# Issuer and audience of the tokens of GitHub Actions. An account has only one identity provider for this issuer, and
# this project does not create it:
# https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
GITHUB = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def github_role(logical_id: str, env: Environment, subject: str, *grants: Grant, name: Sequence[str]) -> iam.Role:
    """Return a role that a GitHub workflow can assume if the subject of its token is exactly `subject`.

    GitHub sets the subject, such as `repo:octocat/Hello-World:pull_request`:
    https://docs.github.com/en/actions/reference/security/oidc
    """
    token = StringEquals({f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": subject})
    provider = Sub(f"arn:${{AWS::Partition}}:iam::{env.account}:oidc-provider/{GITHUB}")
    return assumed_role(logical_id, env, trust_web_identity(provider, when=[token]), *grants, name=name)
