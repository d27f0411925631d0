"""Reader of SARIF 2.1.0 from any tool. Only results of the kind `fail` are findings."""

from __future__ import annotations

import contextlib
from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    ERROR,
    Finding,
    Report,
    UnusableError,
    mapping,
    number,
    rows,
    text,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers

# A result of any other kind, known or unknown, is a finding.
_NO_FAILURES = ("pass", "open", "informational", "notApplicable", "review")
_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "info"}


def by_score(score: float) -> str:
    """Return the severity of a CVSS score: 9 critical, 7 high, 4 medium. NaN is unknown."""
    for least, severity in ((9.0, "critical"), (7.0, "high"), (4.0, "medium")):
        if score >= least:
            return severity
    return "low" if score > 0 else "info" if score == 0 else "unknown"


def read_sarif(value: Any) -> Report:
    """Return the report in a SARIF log, with the results of all its runs."""
    log = mapping(value, "the report")
    if log.get("runs") is None:
        raise UnusableError("the report has no runs, so it is not SARIF")
    read = Report()
    runs = rows(log["runs"], "runs")
    if not runs:
        read.mark_incomplete("the report has an empty list of runs, so nothing was scanned")
    for run in runs:
        _read_run(run, read)
    return read


def _read_run(run: dict[str, Any], read: Report) -> None:
    tool = mapping(run.get("tool", {}), "tool")
    driver = mapping(tool.get("driver", {}), "tool.driver")
    components = [driver, *rows(tool.get("extensions"), "tool.extensions")]
    for invocation in rows(run.get("invocations"), "invocations"):
        if invocation.get("executionSuccessful") is False:
            read.mark_incomplete(f"{text(driver.get('name'))} reports that it did not succeed", ERROR)
        for key in ("toolConfigurationNotifications", "toolExecutionNotifications"):
            notices = rows(invocation.get(key), key)
            failed = [notice for notice in notices if notice.get("level", "warning") == "error"]
            if failed:
                read.mark_incomplete(f"{len(failed)} errors during the scan")
    if run.get("results") is None:
        read.mark_incomplete("a run has no results, so it scanned nothing")
    for result in rows(run.get("results"), "results"):
        if result.get("kind", "fail") not in _NO_FAILURES:
            read.add(_sarif_finding(result, run, driver, components), _suppressed(result))


def _suppressed(result: dict[str, Any]) -> bool:
    return any(
        each.get("status", "accepted") == "accepted" for each in rows(result.get("suppressions"), "suppressions")
    )


def _rule(result: dict[str, Any], components: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rule of a result: by its index, in the driver or an extension, otherwise by its id."""
    reference = mapping(result.get("rule"), "rule")
    component = mapping(reference.get("toolComponent"), "toolComponent")
    extension = component.get("index")
    place = components[0]
    if isinstance(extension, int) and 0 <= extension < len(components) - 1:
        place = components[extension + 1]
    listed = rows(place.get("rules"), "rules")
    index = result.get("ruleIndex", reference.get("index"))
    if isinstance(index, int) and 0 <= index < len(listed):
        return listed[index]
    wanted = result.get("ruleId") or reference.get("id")
    for each in components:
        for rule in rows(each.get("rules"), "rules"):
            if wanted is not None and rule.get("id") == wanted:
                return rule
    return {}


def _sarif_finding(
    result: dict[str, Any], run: dict[str, Any], driver: dict[str, Any], components: list[dict[str, Any]]
) -> Finding:
    rule = _rule(result, components)
    default = mapping(rule.get("defaultConfiguration"), "defaultConfiguration").get("level")
    level = text(result.get("level") or default or "warning")
    own, general = (mapping(each.get("properties"), "properties") for each in (result, rule))
    score = own.get("security-severity", general.get("security-severity"))
    severity = _LEVELS.get(level, "unknown")
    with contextlib.suppress(ValueError):
        # A score of 0 or less does not override the level.
        scored = float(text(score))
        severity = severity if scored <= 0 else by_score(scored)
    relations = rows(rule.get("relationships"), "relationships")
    named = [mapping(each.get("target"), "target").get("id") for each in relations]
    taxa = [each.get("id") for each in rows(result.get("taxa"), "taxa")]
    locations = rows(result.get("locations"), "locations")
    physical = mapping((locations[0] if locations else {}).get("physicalLocation"), "physicalLocation")
    region = mapping(physical.get("region"), "region")
    return Finding(
        tool=text(driver.get("name")),
        id=text(result.get("ruleId") or rule.get("id")),
        tool_severity=level,
        severity=severity,
        cwe=cwe_numbers(
            *(properties.get(key) for properties in (own, general) for key in ("cwe", "cwes", "tags")), named, taxa
        ),
        title=text(mapping(result.get("message"), "message").get("text")),
        file=text(mapping(physical.get("artifactLocation"), "artifactLocation").get("uri")),
        line=number(region.get("startLine")),
        excerpt=text(mapping(region.get("snippet"), "snippet").get("text")),
    )
