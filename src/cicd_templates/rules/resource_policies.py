"""E9117: a resource says for whose sake a service may use it, and is open to nobody unknown."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import RESOURCE, Statement, account_of, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule
from cicd_templates.rules.trust_policies import ASKED_OF_ACCOUNTS, SOURCES

# Keys by which a service's use of a KMS key is bound to what it encrypts, and others that name the caller.
ENCRYPTION_CONTEXT = "kms:encryptioncontext"
CALLERS = frozenset(
    {"aws:principalaccount", "aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount", *ASKED_OF_ACCOUNTS, *SOURCES}
)
PERMISSION = "AWS::Lambda::Permission"


class ResourcePolicies(ResourceRule):
    """A condition on every resource policy that a service, a whole account or anybody can use."""

    id = "E9117"
    shortdesc = "A resource policy says for whose sake"
    description = (
        "A service that may write to a topic or use a key does so for every customer of it, unless the statement "
        "asks for aws:SourceAccount or aws:SourceArn, or for the encryption context of what a key encrypts. A "
        "whole other account is narrowed to named roles, and `*` to callers that a condition names."
    )
    source_url = "docs/rules.md#e9117"
    tags = ["policies"]
    types = frozenset({*RESOURCE, PERMISSION})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each principal that is let in without the condition that it needs."""
        if resource.type == PERMISSION:
            yield from _permission(resource)
        own = str(resource.facts.get("Account", ""))
        for statement in statements(resource, RESOURCE):
            if statement.allows:
                for kind, principal, path in statement.principals():
                    lacking = _lacking(statement, kind, principal, own)
                    if lacking:
                        yield Finding(f"{statement.sid} lets {principal} in; {lacking}", path)


def _lacking(statement: Statement, kind: str, principal: str, own: str) -> str:
    keys = {key for _, key in statement.condition_keys()}
    if kind == "Service":
        if not keys & SOURCES and not any(key.startswith(ENCRYPTION_CONTEXT) for key in keys):
            return "add a condition on aws:SourceAccount or aws:SourceArn"
    elif principal == "*":
        if not keys & CALLERS:
            return "that is everybody; name the principal, or the callers by a condition"
    elif (account_of(principal) or "this") not in ("this", own) and not keys & CALLERS:
        return "that is all of another account; name its roles by aws:PrincipalArn"
    return ""


def _permission(resource: Resource) -> Iterator[Finding]:
    """A permission to invoke a function: of a service for whom, of everybody not at all."""
    sources = [found for key in ("SourceAccount", "SourceArn", "PrincipalOrgID") for found in resource.properties(key)]
    for found in resource.properties("Principal"):
        if not any(source.value for source in sources) and isinstance(found.value, str):
            if found.value == "*":
                yield Finding("everybody may invoke the function; name the principal", found.path)
            elif found.value.endswith(".amazonaws.com"):
                yield Finding(f"{found.value} may invoke the function; add SourceAccount or SourceArn", found.path)
