"""E9116: a trust policy must have a condition if it allows access to AWS services, other accounts or tokens."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import TRUST_POLICIES, PolicyStatement, account_of, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
SOURCE_KEYS = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
# Services whose documentation shows the source keys in the trust policies of their roles.
SERVICES_WITH_SOURCE_KEYS = frozenset(
    f"{service}.amazonaws.com" for service in ("codebuild", "ecs-tasks", "events", "scheduler", "vpc-flow-logs")
)
ACCOUNT_CONDITION_KEYS = frozenset(
    {"aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourcearn", "sts:externalid"}
)


class TrustPolicies(ResourceRule):
    """Require a condition if a trust policy lets AWS services, whole accounts or users with tokens assume a role."""

    id = "E9116"
    shortdesc = "A trust policy must have a condition if it trusts a service, another account or a token"
    description = (
        "A statement that trusts an AWS service needs a condition on aws:SourceAccount or aws:SourceArn. Without the"
        " condition, another customer's resource could use the role through the service (the confused deputy problem)."
        " If AWS documents that the service sends one of these keys, use StringEquals. Otherwise use"
        " StringEqualsIfExists, which also allows requests without the key. A statement that trusts another account"
        " needs a condition on aws:PrincipalArn that admits only certain roles. A statement that trusts an identity"
        " provider needs a condition that requires a certain audience and a certain subject."
    )
    source_url = "docs/rules.md#e9116"
    tags = ["iam"]
    types = TRUST_POLICIES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each principal that is trusted without a required condition."""
        own = str(resource.facts.get("Account", ""))
        for statement in resource_statements(resource, TRUST_POLICIES):
            if statement.allows:
                for kind, principal, path in statement.principals():
                    lacking = _lacking(statement, kind, principal, own)
                    if lacking:
                        yield RuleFinding(f"{statement.sid} lets {principal} assume the role; {lacking}", path)


def _lacking(statement: PolicyStatement, kind: str, principal: str, own: str) -> str:
    """Return what to add to the condition for a principal, or an empty string if the condition is sufficient."""
    conditions = set(statement.condition_keys())
    keys = {key for _, key in conditions}
    if kind == "Service":
        strict = {key for operator, key in conditions if not operator.endswith("IfExists")}
        if principal in SERVICES_WITH_SOURCE_KEYS and not strict & SOURCE_KEYS:
            return "the service sends the source account; require aws:SourceAccount with StringEquals"
        if not keys & SOURCE_KEYS:
            return "add a condition on aws:SourceAccount, with StringEqualsIfExists if the service can omit this key"
    elif kind == "Federated":
        if not {":aud", ":sub"} <= {key[-4:] for key in keys} and "saml:aud" not in keys:
            return "require a certain audience (:aud) and subject (:sub)"
    elif principal == "*":
        return "this allows everybody; name the principal"
    elif (account_of(principal) or "this") not in ("this", own) and not keys & ACCOUNT_CONDITION_KEYS:
        return "this allows everybody in another account; limit it to certain roles with aws:PrincipalArn"
    return ""
