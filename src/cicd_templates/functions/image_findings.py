"""Reads the findings of the registry's scan of an image, and returns them as an in-toto predicate for vulnerabilities.

https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cicd_templates.functions.evidence_format import moment

BASIC_SCANNER, ENHANCED_SCANNER = "https://aws.amazon.com/ecr/", "https://aws.amazon.com/inspector/"
# A basic scan ends as COMPLETE; an enhanced scan stays ACTIVE while Inspector monitors the image.
SCANNED = ("COMPLETE", "ACTIVE")
# The attributes of a finding of a basic scan that are scores.
SCORES = ("CVSS2_SCORE", "CVSS3_SCORE", "CVSS4_SCORE")


def read_findings(ecr: Any, repository: str, digest: str, pushed_at: str) -> dict[str, Any]:
    """Return the predicate about the findings of the registry's scan. `repository` is the name of the repository.

    ECR scans an image when it is pushed, but does not report the start of the scan. So the predicate has `pushed_at` as
    the start. Raises `ValueError` if the scan has no result.
    """
    paginator = ecr.get_paginator("describe_image_scan_findings")
    pages = list(paginator.paginate(repositoryName=repository, imageId={"imageDigest": digest}))
    status = pages[0]["imageScanStatus"]["status"]
    if status not in SCANNED:
        raise ValueError(f"the registry's scan of {digest} has status {status}")
    scans = [page.get("imageScanFindings", {}) for page in pages]
    results = [_basic_result(finding) for scan in scans for finding in scan.get("findings", ())]
    results += [_enhanced_result(finding) for scan in scans for finding in scan.get("enhancedFindings", ())]
    scanner = ENHANCED_SCANNER if status == "ACTIVE" else BASIC_SCANNER
    return {
        "scanner": {
            "uri": scanner,
            "db": {"uri": scanner, **_known("lastUpdate", scans[0].get("vulnerabilitySourceUpdatedAt"))},
            "result": sorted(results, key=lambda result: str(result["id"])),
        },
        "metadata": {"scanStartedOn": pushed_at, **_known("scanFinishedOn", scans[0].get("imageScanCompletedAt"))},
    }


def _known(name: str, time: datetime | None) -> dict[str, str]:
    return {name: moment(time)} if time else {}


def _basic_result(finding: dict[str, Any]) -> dict[str, Any]:
    attributes = {each["key"]: each.get("value", "") for each in finding.get("attributes", ())}
    severity = [{"method": "ECR", "score": finding.get("severity", "UNDEFINED")}]
    severity += [{"method": name, "score": attributes[name]} for name in SCORES if name in attributes]
    others = {name: value for name, value in sorted(attributes.items()) if name not in SCORES}
    return {"id": finding.get("name", ""), "severity": severity, "annotations": [others] if others else []}


def _enhanced_result(finding: dict[str, Any]) -> dict[str, Any]:
    details = finding.get("packageVulnerabilityDetails", {})
    severity = [{"method": "Inspector", "score": finding.get("severity", "UNTRIAGED")}]
    severity += [
        {"method": f"CVSS {each.get('version', '')} {each.get('source', '')}".strip(), "score": str(each["baseScore"])}
        for each in details.get("cvss", ())
        if "baseScore" in each
    ]
    packages = [
        {name: str(package[name]) for name in ("name", "version", "fixedInVersion") if name in package}
        for package in details.get("vulnerablePackages", ())
    ]
    return {
        "id": details.get("vulnerabilityId") or finding.get("title", ""),
        "severity": severity,
        "annotations": packages,
    }
