"""Base class of the rules that check resources one at a time.

cfn-lint calls a rule in one of two ways: `match` with the whole template, or at a keyword of its schemas. These rules
use `match`: an exception at a keyword would also lose cfn-lint's own findings about the template, and cfn-lint compares
every keyword rule at each step of its way through the schemas.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.rules.reading import Path, Resource


class RuleFinding(NamedTuple):
    """A message that says what is wrong and what would be right, and the path of the place within the resource."""

    message: str
    path: Path = ()


class ResourceRule(CloudFormationLintRule, ABC):
    """A rule about resources of the given `types`, or of every type if there are none."""

    types: ClassVar[Collection[str]] = ()

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return the findings about every resource of `types` in the template."""
        return [
            RuleMatch(["Resources", name, *finding.path], finding.message)
            for name, body in cfn.get_resources(list(self.types)).items()
            if isinstance(body["Type"], str)
            for finding in self.check(Resource(name, body, cfn))
        ]

    @abstractmethod
    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each violation in `resource`."""
