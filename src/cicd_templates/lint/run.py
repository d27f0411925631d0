"""Lints rendered templates with cfn-lint and our rules: all files in one process with one runner, as `.cfnlintrc` says.

A call per file would build all of cfn-lint's rules each time, which is most of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError
from cicd_templates.lint.formats import Finding


def lint_templates(paths: Sequence[Path], suffix: str | None = None) -> list[Finding]:
    """The findings in `paths`, sorted. Raises `ConfigurationError` where the copy `suffix` has nothing to lint."""
    # cfn-lint takes half a second to import, which other commands need not pay.
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    if not paths:
        render = hints.make("render", SUFFIX=suffix)
        raise ConfigurationError(f"nothing to lint: no rendered templates; run `{render}` first")
    runner = Runner(ConfigMixIn([], templates=[str(path) for path in paths]))
    return sorted(
        Finding(
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
