"""Lint rendered templates with cfn-lint as `.cfnlintrc` configures it, all files in one process with one runner.

One run per file would create all of cfn-lint's rules every time, which takes most of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError
from cicd_templates.lint.formats import LintFinding


def lint_templates(paths: Sequence[Path], suffix: str | None = None) -> list[LintFinding]:
    """Return the findings in `paths`, sorted. Raise `ConfigurationError` if the copy `suffix` has no templates."""
    # Importing cfn-lint takes half a second, which other commands should not pay.
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
