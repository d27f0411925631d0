"""E9171: what is excepted from a rule says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.rules.reading import Path

KEY = "cfn-lint"


class Suppressions(CloudFormationLintRule):
    """A reason beside every suppression."""

    id = "E9171"
    shortdesc = "A suppression says why"
    description = (
        "Metadata of a resource, or of a template, can except it from a rule: `cfn-lint: {config: {ignore_checks: "
        "[E9101]}}`. Beside `config` stands `reasons: {E9101: why}`, one sentence for each rule, so that a "
        "reviewer can judge it. This rule is mandatory in `.cfnlintrc`: it cannot be ignored itself."
    )
    source_url = "docs/rules.md#e9171"
    tags = ["metadata"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A finding for each ignored rule without a reason."""
        found = list(_unexplained(cfn.template, ()))
        for name, body in cfn.get_resources().items():
            found += _unexplained(body, ("Resources", name))
        return found


def _unexplained(holder: Any, path: Path) -> Iterator[RuleMatch]:
    settings = _below(_below(holder, "Metadata"), KEY)
    ignored, reasons = _below(_below(settings, "config"), "ignore_checks"), _below(settings, "reasons")
    for rule in ignored if isinstance(ignored, list) else []:
        reason = _below(reasons, rule) if isinstance(rule, str) else None
        if not isinstance(reason, str) or not reason.strip():
            place = [*path, "Metadata", KEY, "config", "ignore_checks"]
            yield RuleMatch(place, f"{rule} is ignored without a reason; say it under {KEY}, reasons, {rule}")


def _below(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
