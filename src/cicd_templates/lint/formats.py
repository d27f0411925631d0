"""What a linter found, written for a person, as SARIF, or as annotations of a pull request on GitHub.

SARIF is written here because cfn-lint's own writer needs two libraries that nobody keeps up any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# cfn-lint's severities, as SARIF and as GitHub call them.
SARIF_LEVELS = {"error": "error", "warning": "warning", "informational": "note"}
GITHUB_LEVELS = {"error": "error", "warning": "warning", "informational": "notice"}


@dataclass(frozen=True, order=True)
class Finding:
    """One finding; any of them fails the lint, whatever its level. Lines and columns count from 1."""

    path: str
    line: int
    rule: str
    message: str
    level: str = "error"
    column: int = 1
    title: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.message}"


def as_text(findings: Sequence[Finding]) -> str:
    """A line a finding, as editors and people read it."""
    return "\n".join(map(str, findings))


def as_github(findings: Sequence[Finding]) -> str:
    """A workflow command a finding, which GitHub shows beside the line.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    return "\n".join(
        f"::{GITHUB_LEVELS[finding.level]} file={_property(finding.path)},line={finding.line},col={finding.column},"
        f"title={_property(f'{finding.rule} {finding.title}')}::{_data(finding.message)}"
        for finding in findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Sequence[Finding]) -> str:
    """One run in SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""
    rules = {finding.rule: _rule(finding) for finding in findings}
    driver = {
        "name": "cfn-lint",
        "informationUri": "https://github.com/aws-cloudformation/cfn-lint",
        "rules": [rules[rule] for rule in sorted(rules)],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(finding) for finding in findings]}],
    }
    return json.dumps(log, indent=2)


def _rule(finding: Finding) -> dict[str, Any]:
    # A help address has to be absolute; those of our own rules are paths of this repository.
    address = {"helpUri": finding.source} if finding.source.startswith("https://") else {}
    return {"id": finding.rule, "shortDescription": {"text": finding.title or finding.rule}, **address}


def _result(finding: Finding) -> dict[str, Any]:
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {
        "ruleId": finding.rule,
        "level": SARIF_LEVELS[finding.level],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": finding.path}, "region": region}}],
    }
