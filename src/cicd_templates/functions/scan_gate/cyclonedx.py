"""Reads CycloneDX documents with vulnerabilities. A document without vulnerabilities does not count as a scan."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    items,
    mapping,
    require_keys,
    require_version,
    rows,
    text,
)
from cicd_templates.functions.scan_gate.severity import SCALE, by_score, cwe_numbers, normalised_severity, score_of

_PURL = re.compile(r"pkg:(?P<type>[^/]+)/(?:(?P<group>.+)/)?(?P<name>[^/@?#]+)(?:@(?P<version>[^?#]+))?")
# In these ecosystems the group is a part of the name that people and other tools use.
_GROUPED = ("npm", "composer", "golang", "github")


def read_cyclonedx(value: Any) -> Report:
    """Return a bill of materials with vulnerabilities as a `Report`.

    A report without vulnerabilities is marked as incomplete, because perhaps nobody scanned its components.
    """
    bill = require_keys(value, "a CycloneDX tool", "bomFormat")
    if bill["bomFormat"] != "CycloneDX":
        raise UnusableError("the report is not CycloneDX")
    require_version(bill.get("specVersion"), "1.x", "specVersion")
    read = Report(writers=_generators(bill))
    packages = _packages(bill)
    listed = rows(bill.get("vulnerabilities"), "vulnerabilities")
    if not listed:
        read.mark_incomplete(
            "the report lists components but no vulnerabilities, so it does not show that anything was scanned; use "
            "the tool's own format"
        )
    for row in listed:
        refs = [text(affected.get("ref")) for affected in rows(row.get("affects"), "affects")]
        named = list(dict.fromkeys(packages.get(ref) or _package_of(ref) for ref in refs)) or [("", "")]
        worst, severity = _rated(rows(row.get("ratings"), "ratings"))
        read.findings.append(
            Finding(
                tool="cyclonedx",
                id=text(row.get("id")),
                tool_severity=worst,
                severity=severity,
                cwe=cwe_numbers(items(row.get("cwes"), "cwes", int)),
                aliases=[text(each.get("id")) for each in rows(row.get("references"), "references") if each.get("id")],
                title=text(row.get("description")),
                package=named[0][0],
                version=named[0][1],
                also_in=named[1:],
            )
        )
    read.covered = f"{len(packages)} components"
    return read


def _rated(ratings: list[dict[str, Any]]) -> tuple[str | None, str]:
    """Return the worst severity word in `ratings`, or None, and the severity that the gate uses.

    The gate uses the worst rating, by its word or else by its CVSS score. If a rating cannot be understood and no other
    rating is high or critical, the gate uses `unknown`.
    """
    stated = [rating["severity"].lower() for rating in ratings if isinstance(rating.get("severity"), str)]
    worst = min(stated, key=lambda each: SCALE.index(normalised_severity(each)), default=None)
    severities = []
    for rating in ratings:
        score = score_of(rating.get("score")) if text(rating.get("method")).upper().startswith("CVSS") else None
        if isinstance(rating.get("severity"), str):
            severities.append(normalised_severity(rating["severity"]))
        elif score is not None:
            severities.append(by_score(score))
        elif rating.get("score") is not None or rating.get("vector"):
            severities.append("unknown")
    known = min((each for each in severities if each != "unknown"), key=SCALE.index, default="unknown")
    return worst, "unknown" if "unknown" in severities and SCALE.index(known) > SCALE.index("high") else known


def _generators(bill: dict[str, Any]) -> list[str]:
    """Return the names of the tools in the metadata. CycloneDX 1.4 writes them as a list, 1.5 as an object."""
    tools = mapping(bill.get("metadata"), "metadata").get("tools")
    if isinstance(tools, dict):
        tools = [*rows(tools.get("components"), "components"), *rows(tools.get("services"), "services")]
    return [text(tool.get("name")) for tool in rows(tools, "tools") if tool.get("name")]


def _packages(bill: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the name and version of every component, keyed by its `bom-ref`. Nested components are included."""
    packages: dict[str, tuple[str, str]] = {}
    remaining = rows(bill.get("components"), "components")
    described = mapping(mapping(bill.get("metadata"), "metadata").get("component"), "component")
    remaining = [*remaining, described] if described else list(remaining)
    while remaining:
        component = remaining.pop()
        remaining += rows(component.get("components"), "components")
        packages[text(component.get("bom-ref"))] = _package(component)
    return packages


def _package(component: dict[str, Any]) -> tuple[str, str]:
    name, group = text(component.get("name")), text(component.get("group"))
    purl = _PURL.match(text(component.get("purl")))
    grouped = group and purl and purl["type"].lower() in _GROUPED and not name.startswith(f"{group}/")
    return f"{group}/{name}" if grouped else name, text(component.get("version"))


def _package_of(ref: str) -> tuple[str, str]:
    """Return the name and version in `ref`, a package URL. If `ref` is not a package URL, return it as the name."""
    purl = _PURL.match(ref)
    if purl is None:
        return ref, ""
    name = unquote(purl["name"])
    grouped = purl["group"] and purl["type"].lower() in _GROUPED
    return f"{unquote(purl['group'])}/{name}" if grouped else name, unquote(purl["version"] or "")
