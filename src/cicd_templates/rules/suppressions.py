"""E9171: every suppression of a rule has a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.rules.reading import Path

SUPPRESSION_KEY = "cfn-lint"


class Suppressions(CloudFormationLintRule):
    """Require a reason for every suppressed rule."""

    id = "E9171"
    shortdesc = "A suppression states its reason"
    description = (
        "The metadata of a resource or of a template can suppress a rule: `cfn-lint: {config: {ignore_checks:"
        " [E9101]}}`. The key `reasons` beside `config` must give the reason for each suppressed rule in one sentence,"
        " such as `reasons: {E9101: <reason>}`, so that a reviewer can judge the suppression. This rule is mandatory in"
        " `.cfnlintrc` and cannot be suppressed."
    )
    source_url = "docs/rules.md#e9171"
    tags = ["metadata"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return a finding for each ignored rule without a reason."""
        node = list(_unexplained(cfn.template, ()))
        for name, body in cfn.get_resources().items():
            node += _unexplained(body, ("Resources", name))
        return node


def _unexplained(holder: Any, path: Path) -> Iterator[RuleMatch]:
    settings = _member(_member(holder, "Metadata"), SUPPRESSION_KEY)
    ignored, reasons = _member(_member(settings, "config"), "ignore_checks"), _member(settings, "reasons")
    for rule in ignored if isinstance(ignored, list) else []:
        reason = _member(reasons, rule) if isinstance(rule, str) else None
        if not isinstance(reason, str) or not reason.strip():
            place = [*path, "Metadata", SUPPRESSION_KEY, "config", "ignore_checks"]
            yield RuleMatch(
                place, f"{rule} is suppressed without a reason; next to `config`, add reasons: {{{rule}: <reason>}}"
            )


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
