"""What a rule finds in a fragment of a template, as a person would write it down."""

from __future__ import annotations

from typing import Any

from cfnlint.rules._rule import CloudFormationLintRule
from cfnlint.template.template import Template


def findings(
    rule: CloudFormationLintRule, resources: dict[str, Any], facts: dict[str, Any] | None = None, **sections: Any
) -> list[str]:
    """`<path>: <message>`, the path from the resources on; `facts` are those of a template that is rendered here."""
    metadata = {"Metadata": {"CicdTemplates": facts}} if facts else {}
    template = Template(None, {**metadata, **sections, "Resources": resources}, ["eu-central-1"])
    return [
        f"{'/'.join(map(str, match.path)).removeprefix('Resources/')}: {match.message}"
        for match in rule.match(template)
    ]
