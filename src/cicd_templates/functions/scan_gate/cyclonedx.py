"""Reader of CycloneDX with vulnerabilities. A document without them is an inventory, not a scan."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, rows, text
from cicd_templates.functions.scan_gate.severity import SCALE, cwe_numbers, normalised_severity


def read_cyclonedx(value: Any) -> Report:
    """Return the report of a bill of materials with vulnerabilities."""
    bill = mapping(value, "the report")
    if bill.get("bomFormat") != "CycloneDX":
        raise UnusableError("the report is no CycloneDX")
    read = Report()
    if bill.get("vulnerabilities") is None:
        read.mark_incomplete("it lists components and no vulnerabilities, so nothing was scanned")
    for row in rows(bill.get("vulnerabilities"), "vulnerabilities"):
        ratings = rows(row.get("ratings"), "ratings")
        known = [each["severity"].lower() for each in ratings if isinstance(each.get("severity"), str)]
        worst = min(known, key=lambda severity: SCALE.index(normalised_severity(severity)), default=None)
        affects = rows(row.get("affects"), "affects")
        read.findings.append(
            Finding(
                tool="cyclonedx",
                id=text(row.get("id")),
                tool_severity=worst,
                severity=normalised_severity(worst),
                cwe=cwe_numbers(row.get("cwes")),
                title=text(row.get("description")),
                package=text(affects[0].get("ref")) if affects else "",
            )
        )
    return read
