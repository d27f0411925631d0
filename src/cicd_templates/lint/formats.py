"""Formats lint findings as text, as SARIF, or as annotations of a GitHub pull request.

This module writes SARIF itself, because cfn-lint's SARIF formatter needs two libraries that are no longer maintained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.printable import printable

# For each severity of cfn-lint: the level in SARIF, and the workflow command of GitHub.
SARIF_LEVELS = {"error": "error", "warning": "warning", "informational": "note"}
GITHUB_LEVELS = {"error": "error", "warning": "warning", "informational": "notice"}


@dataclass(frozen=True, order=True)
class LintFinding:
    """A finding of cfn-lint. `line` and `column` count from 1. `make lint` fails for findings of every level."""

    path: str
    line: int
    rule: str
    message: str
    level: str = "error"
    column: int = 1
    title: str = ""
    source: str = ""

    def __str__(self) -> str:
        return printable(f"{self.path}:{self.line}: {self.rule} {self.message}")


def as_text(findings: Sequence[LintFinding]) -> str:
    """Return one line per finding: `<path>:<line>: <rule> <message>`."""
    return "\n".join(map(str, findings))


def as_github(findings: Sequence[LintFinding]) -> str:
    """Return one workflow command per finding. GitHub shows each command as an annotation beside the line.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    return "\n".join(
        f"::{GITHUB_LEVELS[finding.level]} file={_escape_property(finding.path)},line={finding.line},"
        f"col={finding.column},"
        f"title={_escape_property(f'{finding.rule} {finding.title}')}::{_escape_message(finding.message)}"
        for finding in findings
    )


def _escape_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_message(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Sequence[LintFinding]) -> str:
    """Return the findings as one run in SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""
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


def _rule(finding: LintFinding) -> dict[str, Any]:
    # SARIF requires absolute help URIs, but the project's own rules have paths in this repository instead.
    address = {"helpUri": finding.source} if finding.source.startswith("https://") else {}
    return {"id": finding.rule, "shortDescription": {"text": finding.title or finding.rule}, **address}


def _result(finding: LintFinding) -> dict[str, Any]:
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {
        "ruleId": finding.rule,
        "level": SARIF_LEVELS[finding.level],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": finding.path}, "region": region}}],
    }
