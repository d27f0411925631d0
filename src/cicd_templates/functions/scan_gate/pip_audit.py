"""Reader of both formats of pip-audit's JSON. pip-audit exits 0 even if it skipped everything."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, listing, rows, text, words


def read_pip_audit(value: Any) -> Report:
    """Return the report of `pip-audit --format json`."""
    if isinstance(value, dict) and "dependencies" not in value:
        raise UnusableError("the report has no dependencies, so pip-audit did not write it")
    listed = rows(value["dependencies"] if isinstance(value, dict) else value, "dependencies")
    read = Report()
    for dependency in listed:
        for row in rows(dependency.get("vulns"), "vulns"):
            read.findings.append(
                Finding(
                    "pip-audit",
                    text(row.get("id")),
                    None,
                    "unknown",
                    aliases=words(row.get("aliases")),
                    title=text(row.get("description")),
                    package=text(dependency.get("name")),
                    version=text(dependency.get("version")),
                    fix=listing(row.get("fix_versions")),
                )
            )
    skipped = [text(each.get("name")) for each in listed if "skip_reason" in each]
    if skipped:
        read.mark_incomplete(f"{len(skipped)} dependencies were skipped, first {skipped[0]}")
    if not listed:
        read.mark_incomplete("no dependency was scanned")
    return read
