"""Defines the base class of the rules that check one resource at a time.

cfn-lint has two kinds of rules. If a rule defines the method `match`, cfn-lint calls the method once, with the whole
template. If a rule names a keyword, cfn-lint calls the rule at every place where CloudFormation's schemas contain the
keyword. The rules of this project define `match`, for two reasons:

- If a keyword rule raised an exception, cfn-lint would lose its own findings about the template.
- Keyword rules are slower, because cfn-lint looks for their keywords at every place that it visits in the schemas.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.rules.reading import Path, Resource


class RuleFinding(NamedTuple):
    """A violation: its path within the resource, and a message that says what is wrong and how to correct it."""

    message: str
    path: Path = ()


class ResourceRule(CloudFormationLintRule, ABC):
    """A rule about resources of the given `types`. If `types` is empty, the rule is about all resources."""

    types: ClassVar[Collection[str]] = ()

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return the findings about all resources in the template whose type is one of `types`."""
        return [
            RuleMatch(["Resources", name, *finding.path], finding.message)
            for name, body in cfn.get_resources(list(self.types)).items()
            if isinstance(body["Type"], str)
            for finding in self.check(Resource(name, body, cfn))
        ]

    @abstractmethod
    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each violation in `resource`."""
