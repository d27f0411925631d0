"""Reads both formats of pip-audit's JSON. pip-audit exits with 0 even if it skipped every package."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    listing,
    require_keys,
    rows,
    text,
    words,
)


def read_pip_audit(value: Any) -> Report:
    """Return the output of `pip-audit --format json` as a `Report`."""
    listed = value if isinstance(value, list) else require_keys(value, "pip-audit", "dependencies")["dependencies"]
    read, skipped = Report(), []
    for dependency in rows(listed, "dependencies"):
        name = text(dependency.get("name"))
        if not name or not ("skip_reason" in dependency or isinstance(dependency.get("vulns"), list)):
            has = ", ".join(sorted(dependency)[:8]) or "none"
            raise UnusableError(
                "pip-audit did not write this report: one dependency does not have the keys that pip-audit writes, "
                f"such as name and vulns; its keys are: {has}"
            )
        if "skip_reason" in dependency:
            skipped.append(name)
        for row in rows(dependency.get("vulns"), "vulns"):
            read.findings.append(
                Finding(
                    "pip-audit",
                    text(row.get("id")),
                    None,
                    "unknown",
                    aliases=words(row.get("aliases")),
                    title=text(row.get("description")),
                    package=name,
                    version=text(dependency.get("version")),
                    fix=listing(row.get("fix_versions")),
                )
            )
    if skipped:
        read.mark_incomplete(f"{len(skipped)} dependencies were skipped; the first is {skipped[0]}")
    if not listed:
        read.mark_incomplete("no dependency was scanned")
    read.covered = f"{len(listed)} packages"
    return read
