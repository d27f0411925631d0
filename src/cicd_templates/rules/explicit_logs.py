"""W9143: whatever logs names a log group of ours."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, spelled
from cicd_templates.rules.resource_rule import Finding, ResourceRule

PLACES = {
    "AWS::CodeBuild::Project": ("LogsConfig", "CloudWatchLogs", "GroupName"),
    "AWS::ECS::TaskDefinition": ("ContainerDefinitions", EACH, "LogConfiguration", "Options", "awslogs-group"),
    "AWS::Lambda::Function": ("LoggingConfig", "LogGroup"),
}
DEFAULT_NAMES = {"AWS::CodeBuild::Project": "/aws/codebuild/", "AWS::Lambda::Function": "/aws/lambda/"}


class ExplicitLogs(ResourceRule):
    """A log group that is in the template instead of one that a service makes."""

    id = "W9143"
    shortdesc = "What logs names its log group"
    description = (
        "A service that finds no log group makes one: without key, retention or tags, and it stays when the stack "
        "goes. Functions and build projects name theirs, or the template has a group of the name that the service "
        "would use."
    )
    source_url = "docs/rules.md#w9143"
    tags = ["logs"]
    types = PLACES

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding where no group is named."""
        for found in resource.properties(*PLACES[resource.type]):
            if not found.value and not self._made_here(resource):
                yield Finding("names no log group; make one with key and retention, and name it", found.path)
        if resource.type == "AWS::ECS::TaskDefinition":
            for found in resource.properties("ContainerDefinitions", EACH, "LogConfiguration"):
                if found.value is None:
                    yield Finding(
                        "a container without LogConfiguration leaves no trace; name its log group", found.path
                    )
            for found in resource.properties(
                "ContainerDefinitions", EACH, "LogConfiguration", "Options", "awslogs-create-group"
            ):
                if str(found.value).lower() == "true":
                    yield Finding("the log group is made at run time; make one with key and retention", found.path)

    @staticmethod
    def _made_here(resource: Resource) -> bool:
        """Whether a group of the name that the service would use is in the template."""
        # Containers may log elsewhere than to CloudWatch; where they do not, cfn-lint's E3046 asks for the group.
        prefix = DEFAULT_NAMES.get(resource.type, "")
        return not prefix or any(
            (spelled(found.value) or "").startswith(prefix)
            for group in resource.others("AWS::Logs::LogGroup")
            for found in group.properties("LogGroupName")
        )
