"""E9112: a grant on every resource says why."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import IDENTITY, Statement, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule


class EveryResource(ResourceRule):
    """No `*` among resources without a reason."""

    id = "E9112"
    shortdesc = "A grant on every resource says why"
    description = (
        "Few actions have no resource level. Where a statement of a role's policy has to name every resource, the "
        "metadata of its resource says so under `Why`: `<Sid> names every resource: <reason>`. An ARN of nothing "
        "but `*` counts too."
    )
    source_url = "docs/rules.md#e9112"
    tags = ["iam"]
    types = frozenset(IDENTITY)

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each statement that allows something on everything and has no reason."""
        for statement in statements(resource, IDENTITY):
            if statement.allows and not _explained(statement, resource.reasons):
                for text, path in statement.texts("Resource"):
                    if _everything(text):
                        yield Finding(
                            f"{statement.sid} is on every resource; name them, or say by its Sid under Metadata, Why: "
                            "'<Sid> names every resource: <reason>'",
                            path,
                        )


def _everything(text: str) -> bool:
    """Whether nothing of an ARN is said but that it is one."""
    if text.startswith("arn:"):
        return set(text.replace("${AWS::Partition}", "aws").split(":", 2)[-1]) <= set(":*/")
    return bool(text) and set(text) == {"*"}


def _explained(statement: Statement, reasons: list[str]) -> bool:
    beginning = f"{statement.found.value.get('Sid')} names every resource: "
    return any(reason.startswith(beginning) and reason != beginning for reason in reasons)
