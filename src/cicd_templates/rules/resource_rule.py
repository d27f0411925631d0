"""What every rule about a resource shares: it is handed each resource, and says what is wrong and where.

cfn-lint has two ways to call a rule: `match` with the template, or at a keyword of its schemas. These use the first:
an error at a keyword would take cfn-lint's own findings about the template along, and each rule at a keyword is
compared at every step through the schemas.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.rules.reading import Path, Resource


class Finding(NamedTuple):
    """What is wrong and what would be right, and where, from the top of the resource."""

    message: str
    path: Path = ()


class ResourceRule(CloudFormationLintRule, ABC):
    """A rule about resources of some types, or of every type."""

    types: ClassVar[Collection[str]] = ()

    def match(self, cfn: Template) -> list[RuleMatch]:
        """The findings about each resource of the types."""
        return [
            RuleMatch(["Resources", name, *finding.path], finding.message)
            for name, body in cfn.get_resources(list(self.types)).items()
            if isinstance(body["Type"], str)
            for finding in self.check(Resource(name, body, cfn))
        ]

    @abstractmethod
    def check(self, resource: Resource) -> Iterator[Finding]:
        """What is wrong with `resource`."""
