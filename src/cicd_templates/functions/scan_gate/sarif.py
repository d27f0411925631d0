"""Reads SARIF 2.1.0 from any tool. Only results of the kind `fail` are findings.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.bandit_metrics import check_metrics
from cicd_templates.functions.scan_gate.reading import (
    ERROR,
    Finding,
    Report,
    UnusableError,
    mapping,
    number,
    require_keys,
    rows,
    text,
)
from cicd_templates.functions.scan_gate.sarif_rules import Descriptors, Levels
from cicd_templates.functions.scan_gate.sarif_taxa import Taxonomies
from cicd_templates.functions.scan_gate.severity import SCALE, by_score, cwe_numbers, normalised_severity, score_of

# A result of any other kind is a finding, even if the kind is unknown.
_NO_FAILURES = ("pass", "open", "informational", "notApplicable", "review")
_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "info"}
# Properties in which tools state a severity beside the level, and words that only these properties have.
_STATED = ("issue_severity", "severity", "problem.severity")
_STATED_WORDS = {"error": "high", "warning": "medium", "recommendation": "low"}
# Parts of a run that decide about its findings, and that may be stored in another file.
_DECISIVE = ("results", "invocations", "driver", "extensions", "policies")


def read_sarif(value: Any) -> Report:
    """Return a SARIF log as one `Report` with the results of all its runs."""
    log = require_keys(value, "a SARIF tool", "version", "runs")
    if log["version"] != "2.1.0":
        raise UnusableError(f"the version of SARIF is {text(log['version'])[:40]!r}, but the gate supports only 2.1.0")
    read = Report()
    runs = rows(log["runs"], "runs")
    if not runs:
        read.mark_incomplete("the report has an empty list of runs, so nothing was scanned")
    for run in _joined_with_external(runs, rows(log.get("inlineExternalProperties"), "inlineExternalProperties")):
        _read_run(run, read)
    read.covered = f"{len(runs)} runs"
    return read


def _joined_with_external(runs: list[dict[str, Any]], external: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return copies of the runs, completed with the results, invocations and drivers in `external`.

    `external` is the log's list `inlineExternalProperties`, in which a SARIF log may store parts of its runs.
    """
    joined = [dict(run) for run in runs]
    by_guid = {
        text(mapping(run.get("automationDetails"), "automationDetails").get("guid")).lower(): run for run in joined
    }
    for properties in external:
        run = by_guid.get(text(properties.get("runGuid")).lower()) or (joined[0] if joined else {})
        for key in ("results", "invocations"):
            if properties.get(key) is not None:
                run[key] = [*rows(run.get(key), key), *rows(properties[key], key)]
        if properties.get("driver") is not None and not mapping(run.get("tool"), "tool").get("driver"):
            run["tool"] = {**mapping(run.get("tool"), "tool"), "driver": properties["driver"]}
    return joined


def _read_run(run: dict[str, Any], read: Report) -> None:
    tool = mapping(run.get("tool"), "tool")
    driver = mapping(tool.get("driver"), "tool.driver")
    name = text(driver.get("name"))
    if not name:
        raise UnusableError("a run has no tool.driver.name, which SARIF requires")
    read.writers.append(name)
    components = [driver, *rows(tool.get("extensions"), "tool.extensions")]
    invocations = rows(run.get("invocations"), "invocations")
    results = rows(run.get("results"), "results")
    for invocation in invocations:
        _check_invocation(invocation, name, bool(results), read)
    _check_notifications(components, invocations, name, read)
    external = mapping(run.get("externalPropertyFileReferences"), "externalPropertyFileReferences")
    elsewhere = [key for key in _DECISIVE if external.get(key)]
    if elsewhere:
        read.mark_incomplete(f"a run keeps its {' and '.join(elsewhere)} in another file, which the gate does not have")
    if run.get("results") is None:
        read.mark_incomplete("a run has no results, so it scanned nothing")
    rules = Descriptors(components, "rules")
    levels = Levels(rules, invocations, "ruleConfigurationOverrides")
    taxonomies = Taxonomies(run, components)
    for result in results:
        # An absent result is in the baseline, but no longer in the source.
        if result.get("kind", "fail") not in _NO_FAILURES and result.get("baselineState") != "absent":
            rule = rules.find(mapping(result.get("rule"), "rule"), result.get("ruleIndex"), result.get("ruleId"))
            position = mapping(result.get("provenance"), "provenance").get("invocationIndex")
            finding = _sarif_finding(name, result, rule, levels.of(rule, position))
            finding.cwe = sorted({*finding.cwe, *taxonomies.cwe_numbers(rule, result)})
            read.add(finding, _suppressed(result))
    metrics = mapping(run.get("properties"), "properties").get("metrics")
    if name == "Bandit" and metrics is not None:
        check_metrics(metrics, (mapping(row.get("properties"), "").get("issue_severity") for row in results), read)


def _check_invocation(invocation: dict[str, Any], name: str, found: bool, read: Report) -> None:
    """Mark the report as incomplete if an invocation's success flag, signal or exit code shows a failure."""
    code, signal = number(invocation.get("exitCode")), invocation.get("exitSignalName")
    if invocation.get("executionSuccessful") is not True:
        read.mark_incomplete(f"{name} reports that it did not succeed", ERROR)
    elif signal or invocation.get("exitSignalNumber") or code < 0 or 128 < code <= 128 + 64:
        read.mark_incomplete(f"a signal terminated {name}", ERROR)
    elif invocation.get("processStartFailureMessage"):
        read.mark_incomplete(f"{name} could not be started", ERROR)
    elif code and not found:
        read.mark_incomplete(f"{name} exited with {code}, but reported no result")


def _check_notifications(
    components: list[dict[str, Any]], invocations: list[dict[str, Any]], name: str, read: Report
) -> None:
    """Mark the report as incomplete if the tool reported errors in notifications.

    If a notification has no level, the level of its descriptor is used.
    """
    descriptors = Descriptors(components, "notifications")
    levels = Levels(descriptors, invocations, "notificationConfigurationOverrides")
    failed = 0
    for position, invocation in enumerate(invocations):
        for key in ("toolConfigurationNotifications", "toolExecutionNotifications"):
            for notice in rows(invocation.get(key), key):
                descriptor = descriptors.find(mapping(notice.get("descriptor"), "descriptor"))
                level = notice.get("level") or levels.of(descriptor, position) or "warning"
                # Semgrep writes a warning for each file and rule that it could not analyse. In Semgrep's JSON, these
                # are errors.
                failed += (
                    level == "error"
                    or bool(notice.get("exception"))
                    or (name.startswith("Semgrep") and level == "warning")
                )
    if failed:
        read.mark_incomplete(f"{failed} errors during the scan")


def _suppressed(result: dict[str, Any]) -> bool:
    return any(
        each.get("status", "accepted") == "accepted" for each in rows(result.get("suppressions"), "suppressions")
    )


def _sarif_finding(tool: str, result: dict[str, Any], rule: dict[str, Any], configured: str | None) -> Finding:
    own, general = (mapping(each.get("properties"), "properties") for each in (result, rule))
    stated = result.get("level") or configured
    severity = _stated_severity(stated, own, general)
    locations = rows(result.get("locations"), "locations")
    physical = mapping((locations[0] if locations else {}).get("physicalLocation"), "physicalLocation")
    region = mapping(physical.get("region"), "region")
    return Finding(
        tool=tool,
        id=text(result.get("ruleId") or mapping(result.get("rule"), "rule").get("id") or rule.get("id")),
        tool_severity=text(stated or "warning"),
        severity=severity or "unknown",
        stated=severity is not None,
        cwe=cwe_numbers(*(properties.get(key) for properties in (own, general) for key in ("cwe", "cwes", "tags"))),
        title=text(mapping(result.get("message"), "message").get("text")),
        file=text(mapping(physical.get("artifactLocation"), "artifactLocation").get("uri")),
        line=number(region.get("startLine")),
        excerpt=text(mapping(region.get("snippet"), "snippet").get("text")),
    )


def _stated_severity(level: object, own: dict[str, Any], general: dict[str, Any]) -> str | None:
    """Return the severity that a result or its rule states, or None: first a score, then a level, then a property."""
    by_level = _LEVELS.get(text(level), "unknown") if level else None
    scores = [each["security-severity"] for each in (own, general) if each.get("security-severity") is not None]
    if scores:
        score = score_of(scores[0])
        if score is None:
            word = normalised_severity(scores[0])
            severe = by_level is not None and SCALE.index(by_level) <= SCALE.index("high")
            return by_level if word == "unknown" and severe else word
        # A score of 0 or less does not override the level.
        if not score <= 0:
            return by_score(score)
    if by_level:
        return by_level
    words = [text(each.get(key)).lower() for each in (own, general) for key in _STATED if each.get(key)]
    return _STATED_WORDS.get(words[0], normalised_severity(words[0])) if words else None
