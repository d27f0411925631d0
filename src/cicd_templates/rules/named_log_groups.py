"""W9143: every resource that writes logs refers to a log group in the template."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

LOG_GROUP_PLACES = {
    "AWS::CodeBuild::Project": ("LogsConfig", "CloudWatchLogs", "GroupName"),
    "AWS::ECS::TaskDefinition": ("ContainerDefinitions", EACH, "LogConfiguration", "Options", "awslogs-group"),
    "AWS::Lambda::Function": ("LoggingConfig", "LogGroup"),
}
DEFAULT_NAMES = {"AWS::CodeBuild::Project": "/aws/codebuild/", "AWS::Lambda::Function": "/aws/lambda/"}


class ExplicitLogs(ResourceRule):
    """Require an explicit log group, instead of one that an AWS service creates."""

    id = "W9143"
    shortdesc = "Each resource that writes logs refers to its log group"
    description = (
        "If a function or a build project has no log group, Lambda or CodeBuild creates a log group without a key,"
        " retention or tags. This log group remains when the stack is deleted. So every function and build project must"
        " name its log group, or the template must have a log group whose name begins with the service's prefix,"
        " /aws/lambda/ or /aws/codebuild/."
    )
    source_url = "docs/rules.md#w9143"
    tags = ["logs"]
    types = LOG_GROUP_PLACES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each missing log group, and for each log group that ECS creates at run time."""
        for node in resource.properties(*LOG_GROUP_PLACES[resource.type]):
            if not node.value and not self._made_here(resource):
                yield RuleFinding(
                    "no log group is set; create one with a key and retention, and refer to it here", node.path
                )
        if resource.type == "AWS::ECS::TaskDefinition":
            for node in resource.properties("ContainerDefinitions", EACH, "LogConfiguration"):
                if node.value is None:
                    yield RuleFinding(
                        "a container without LogConfiguration writes no logs; add it, with a log group", node.path
                    )
            for node in resource.properties(
                "ContainerDefinitions", EACH, "LogConfiguration", "Options", "awslogs-create-group"
            ):
                if str(node.value).lower() == "true":
                    yield RuleFinding(
                        "the log group is created at run time; create it in the template, with a key and retention",
                        node.path,
                    )

    @staticmethod
    def _made_here(resource: Resource) -> bool:
        """Return whether the template has a log group with a default name, such as `/aws/lambda/x` for a function.

        ECS task definitions have no default log group. For them, return True, because no log group can be missing.
        """
        # Containers do not have to log to CloudWatch; if they do, cfn-lint's E3046 requires the name of the group.
        prefix = DEFAULT_NAMES.get(resource.type, "")
        return not prefix or any(
            (known_text(node.value) or "").startswith(prefix)
            for group in resource.others("AWS::Logs::LogGroup")
            for node in group.properties("LogGroupName")
        )
