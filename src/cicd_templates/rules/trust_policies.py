"""E9116: a role says for whose sake a service or another account may take it."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import TRUST, Statement, account_of, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
SOURCES = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
# Services whose documentation has the source keys in the trust policy of a role that they assume.
SAYING_FOR_WHOM = frozenset(
    f"{service}.amazonaws.com" for service in ("codebuild", "codepipeline", "ecs-tasks", "events", "vpc-flow-logs")
)
ASKED_OF_ACCOUNTS = frozenset(
    {"aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourcearn", "sts:externalid"}
)


class TrustPolicies(ResourceRule):
    """A condition on every trust policy that a service, a whole account or a token can use."""

    id = "E9116"
    shortdesc = "A trust policy says for whose sake"
    description = (
        "A service acts for many customers. Without aws:SourceAccount or aws:SourceArn another customer's "
        "resource can borrow the role. Where a service is not known to send them, StringEqualsIfExists asks for "
        "them only if they come; for one that does send them it would be no lock. Another account names its roles "
        "by aws:PrincipalArn, and a token's audience and subject are both pinned."
    )
    source_url = "docs/rules.md#e9116"
    tags = ["iam"]
    types = TRUST

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each principal that is let in without the condition that it needs."""
        own = str(resource.facts.get("Account", ""))
        for statement in statements(resource, TRUST):
            if statement.allows:
                for kind, principal, path in statement.principals():
                    lacking = _lacking(statement, kind, principal, own)
                    if lacking:
                        yield Finding(f"{statement.sid} lets {principal} take the role; {lacking}", path)


def _lacking(statement: Statement, kind: str, principal: str, own: str) -> str:
    """What a principal's condition lacks, in words; empty where it is enough."""
    conditions = set(statement.condition_keys())
    keys = {key for _, key in conditions}
    if kind == "Service":
        strict = {key for operator, key in conditions if not operator.endswith("IfExists")}
        if principal in SAYING_FOR_WHOM and not strict & SOURCES:
            return "it says for whom it acts: ask for aws:SourceAccount by StringEquals"
        if not keys & SOURCES:
            return "add a condition on aws:SourceAccount, by StringEqualsIfExists if it may not send it"
    elif kind == "Federated":
        if not {":aud", ":sub"} <= {key[-4:] for key in keys} and "saml:aud" not in keys:
            return "pin the token's audience (:aud) and subject (:sub)"
    elif principal == "*":
        return "that is everybody; name the principal"
    elif (account_of(principal) or "this") not in ("this", own) and not keys & ASKED_OF_ACCOUNTS:
        return "that is all of another account; name its roles by aws:PrincipalArn"
    return ""
