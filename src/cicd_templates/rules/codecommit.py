"""E9115: templates do not use CodeCommit."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import ALL_POLICIES, resource_statements
from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding


class CodeCommit(ResourceRule):
    """Refuse CodeCommit repositories, source actions and permissions."""

    id = "E9115"
    shortdesc = "CodeCommit is not used"
    description = (
        "Sources come from S3 or from a connection. This rule finds CodeCommit repositories, source actions and"
        " permissions in templates that were copied from elsewhere."
    )
    source_url = "docs/rules.md#e9115"
    tags = ["pipeline", "iam"]

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each CodeCommit repository, source action and permission."""
        if resource.type.startswith("AWS::CodeCommit::"):
            yield RuleFinding("CodeCommit is not used here; take the source from S3 or a connection", ("Type",))
        if resource.type == "AWS::CodePipeline::Pipeline":
            for node in resource.properties("Stages", EACH, "Actions", EACH, "ActionTypeId", "Provider"):
                if node.value == "CodeCommit":
                    yield RuleFinding("CodeCommit is not used here; take the source from S3 or a connection", node.path)
        for statement in resource_statements(resource, *ALL_POLICIES):
            for action, path in statement.texts("Action"):
                if statement.allows and action.lower().startswith("codecommit:"):
                    yield RuleFinding(f"{statement.sid} allows {action}; CodeCommit is not used here", path)
