"""E9117: a resource policy must have a condition if it allows access to AWS services, other accounts or `*`."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import RESOURCE_POLICIES, PolicyStatement, account_of, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.rules.trust_policies import ACCOUNT_CONDITION_KEYS, SOURCE_KEYS
from cicd_templates.template.partitions import is_service_principal

# Condition keys that limit the use of a KMS key to certain data, and condition keys that identify the caller.
ENCRYPTION_CONTEXT = "kms:encryptioncontext"
CALLER_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
        *ACCOUNT_CONDITION_KEYS,
        *SOURCE_KEYS,
    }
)
PERMISSION = "AWS::Lambda::Permission"


class ResourcePolicies(ResourceRule):
    """Require a condition if a resource policy allows services, whole accounts or `*`."""

    id = "E9117"
    shortdesc = "A resource policy must have a condition if it allows a service, another account or everybody"
    description = (
        "An AWS service acts for many customers. If a policy lets a service use a topic or a key, every customer could"
        " use the topic or the key through the service (the confused deputy problem). So a statement that allows a"
        " service needs a condition on aws:SourceAccount or aws:SourceArn. In the policy of a KMS key, a condition on"
        " the encryption context is enough, too. If the principal is another account, the condition must admit only"
        " certain roles of the account. If the principal is `*`, the condition must admit only certain callers."
    )
    source_url = "docs/rules.md#e9117"
    tags = ["policies"]
    types = frozenset({*RESOURCE_POLICIES, PERMISSION})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each principal that has access without a required condition."""
        if resource.type == PERMISSION:
            yield from _permission(resource)
        own = str(resource.facts.get("Account", ""))
        for statement in resource_statements(resource, RESOURCE_POLICIES):
            if statement.allows:
                for kind, principal, path in statement.principals():
                    lacking = _lacking(statement, kind, principal, own)
                    if lacking:
                        yield RuleFinding(f"{statement.sid} allows {principal}; {lacking}", path)


def _lacking(statement: PolicyStatement, kind: str, principal: str, own: str) -> str:
    keys = {key for _, key in statement.condition_keys()}
    if kind == "Service":
        if not keys & SOURCE_KEYS and not any(key.startswith(ENCRYPTION_CONTEXT) for key in keys):
            return "add a condition on aws:SourceAccount or aws:SourceArn"
    elif principal == "*":
        if not keys & CALLER_KEYS:
            return "this allows everybody; name the principal, or restrict the callers with a condition"
    elif (account_of(principal) or "this") not in ("this", own) and not keys & CALLER_KEYS:
        return "this allows everybody in another account; limit it to certain roles with aws:PrincipalArn"
    return ""


def _permission(resource: Resource) -> Iterator[RuleFinding]:
    """Yield a finding if a Lambda permission allows `*` or an AWS service without any limit.

    A source account, a source ARN and an organization are such limits.
    """
    sources = [node for key in ("SourceAccount", "SourceArn", "PrincipalOrgID") for node in resource.properties(key)]
    for node in resource.properties("Principal"):
        if not any(source.value for source in sources) and isinstance(node.value, str):
            if node.value == "*":
                yield RuleFinding("anybody can invoke the function; name the principal", node.path)
            elif is_service_principal(node.value):
                yield RuleFinding(
                    f"{node.value} can invoke the function on behalf of any account; add SourceAccount or SourceArn",
                    node.path,
                )
