"""E9112: every grant on all resources has a reason."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import IDENTITY_POLICIES, PolicyStatement, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding


class EveryResource(ResourceRule):
    """Require a reason for each grant on the resource `*`."""

    id = "E9112"
    shortdesc = "Every grant on all resources has a reason"
    description = (
        "A policy can limit most actions to certain resources. If a statement in a role's policy has to allow every"
        " resource, the role's metadata must state the reason under the key `Why`: `<Sid> names every resource:"
        " <reason>`. An ARN that has only `*` after the partition counts as every resource."
    )
    source_url = "docs/rules.md#e9112"
    tags = ["iam"]
    types = frozenset(IDENTITY_POLICIES)

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each statement that allows access to every resource and has no stated reason."""
        for statement in resource_statements(resource, IDENTITY_POLICIES):
            if statement.allows and not _explained(statement, resource.reasons):
                for text, path in statement.texts("Resource"):
                    if _everything(text):
                        yield RuleFinding(
                            f"{statement.sid} allows every resource; list certain resources instead, or add a reason to"
                            " `Why` in the Metadata: '<Sid> names every resource: <reason>'",
                            path,
                        )


def _everything(text: str) -> bool:
    """Return whether `text` is `*`, or an ARN with only `*` after the partition."""
    if text.startswith("arn:"):
        return set(text.replace("${AWS::Partition}", "aws").split(":", 2)[-1]) <= set(":*/")
    return bool(text) and set(text) == {"*"}


def _explained(statement: PolicyStatement, reasons: list[str]) -> bool:
    beginning = f"{statement.node.value.get('Sid')} names every resource: "
    return any(reason.startswith(beginning) and reason != beginning for reason in reasons)
