"""Lints all rendered templates with one cfn-lint runner, as configured in `.cfnlintrc`.

A run per file would load all of cfn-lint's rules each time, which takes longer than the checks themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError
from cicd_templates.lint.formats import LintFinding


def lint_templates(paths: Sequence[Path], suffix: str | None = None) -> list[LintFinding]:
    """Return the findings in `paths`, sorted. Raises `ConfigurationError` if `paths` is empty.

    If the templates are those of a copy, `suffix` is its suffix. The error recommends the command that renders them.
    """
    # Importing cfn-lint takes half a second, so it is imported only here, to keep other commands fast.
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    if not paths:
        render = hints.make("render", SUFFIX=suffix)
        raise ConfigurationError(f"nothing to lint: no rendered templates; run `{render}` first")
    runner = Runner(ConfigMixIn([], templates=[str(path) for path in paths]))
    return sorted(
        LintFinding(
            path=str(match.filename),
            line=match.linenumber,
            rule=match.rule.id,
            message=match.message.strip(),
            level=match.rule.severity,
            column=match.columnnumber,
            title=match.rule.shortdesc,
            source=match.rule.source_url,
        )
        for match in runner.run()
    )
