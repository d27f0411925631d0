"""E9115: nothing of CodeCommit."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import EVERY, statements
from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule


class CodeCommit(ResourceRule):
    """No repository, source action or permission of CodeCommit."""

    id = "E9115"
    shortdesc = "Nothing of CodeCommit"
    description = (
        "Sources come from S3 or a connection. No repository, source action or permission of CodeCommit may come "
        "back by a template that was copied from elsewhere."
    )
    source_url = "docs/rules.md#e9115"
    tags = ["pipeline", "iam"]

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each thing of CodeCommit."""
        if resource.type.startswith("AWS::CodeCommit::"):
            yield Finding("CodeCommit is not used here; take the source from S3 or a connection", ("Type",))
        if resource.type == "AWS::CodePipeline::Pipeline":
            for found in resource.properties("Stages", EACH, "Actions", EACH, "ActionTypeId", "Provider"):
                if found.value == "CodeCommit":
                    yield Finding("the source is CodeCommit; take it from S3 or a connection", found.path)
        for statement in statements(resource, *EVERY):
            for action, path in statement.texts("Action"):
                if statement.allows and action.lower().startswith("codecommit:"):
                    yield Finding(f"{statement.sid} allows {action}; CodeCommit is not used here", path)
