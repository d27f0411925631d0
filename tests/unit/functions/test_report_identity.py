"""A reader accepts only the reports of its own tool."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.functions.scan_gate.decide import decide
from cicd_templates.functions.scan_gate.formats import READERS, format_of, read_report
from cicd_templates.functions.scan_gate.policy import Policy
from tests.unit.functions.sample_reports import (
    CLEAN,
    ERROR,
    STOPPING,
    as_bytes,
    cyclonedx,
    format_of_sample,
    grype,
    replaced,
    safety_scan,
    sarif,
    trivy,
    without,
)

TODAY = date(2026, 11, 27)
CORPUS = os.environ.get("SCAN_REPORT_CORPUS")
FAULTS = os.environ.get("GATE_FAULT_CORPUS")


def passes(form: str, data: bytes, tool: str = "") -> bool:
    return decide(["c"], {"c": read_report(form, data, tool)}, Policy(), TODAY).verdict == "PASS"


@pytest.mark.no_cover
@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_report_passes_only_where_it_belongs(name: str, form: str) -> None:
    assert passes(form, as_bytes(CLEAN[name])) == (format_of_sample(name) == form)


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", STOPPING)
def test_a_report_that_stops_a_release_passes_nowhere(name: str, form: str) -> None:
    assert not passes(form, as_bytes(STOPPING[name]))


@pytest.mark.no_cover
@pytest.mark.skipif(CORPUS is None, reason="SCAN_REPORT_CORPUS names no corpus of scanner reports")
def test_no_report_of_the_corpus_passes_another_tools_reader() -> None:
    wrong = [
        (str(path), form)
        for path in sorted(Path(str(CORPUS)).glob("*/*"))
        for form in READERS
        if form != format_of(path.parent.name) and path.suffix != ".sarif" and passes(form, path.read_bytes())
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("form", "report", "reason"),
    [
        pytest.param("trivy", replaced(trivy(), 3, "SchemaVersion"), "SchemaVersion is 3, but", id="trivy 3"),
        pytest.param("trivy", without(trivy(), "SchemaVersion"), "SchemaVersion is none, but", id="trivy without"),
        pytest.param(
            "trivy",
            {"SchemaVersion": 2, "Results": [{"Target": "t", "secrets": [{"RuleID": "S", "Severity": "HIGH"}]}]},
            "Trivy did not write this report: one result does not have the keys that Trivy writes, such as Target and"
            " Class; its keys are: Target, sec",
            id="trivy with a list in another case",
        ),
        pytest.param(
            "trivy",
            {"SchemaVersion": 2, "Results": [{"Target": "t", "Class": "secret", "secrets": [{"RuleID": "S"}]}]},
            "its keys are: Class, Target, secrets",
            id="trivy with a class and a list in another case",
        ),
        pytest.param(
            "trivy", {"SchemaVersion": 2, "Results": [{"Class": "os-pkgs"}]}, "its keys are: Class", id="no target"
        ),
        pytest.param(
            "safety",
            replaced(safety_scan(), "4.0", "meta", "schema_version"),
            "meta.schema_version is '4.0', but the gate supports only 3.0",
            id="safety 4",
        ),
        pytest.param(
            "safety", without(safety_scan(), "meta"), "the report has no meta, so Safety did not", id="no meta"
        ),
        pytest.param("safety", [[1, 2, 3, 4, 5]], "a row is not a list of five strings", id="numbers for safety 1"),
        pytest.param("sarif", {**sarif(), "version": "2.0.0"}, "'2.0.0', but the gate supports", id="sarif 2.0"),
        pytest.param("sarif", sarif(tool=""), "a run has no tool.driver.name", id="sarif without a tool"),
        pytest.param("cyclonedx", {**cyclonedx(), "specVersion": "2.0"}, "specVersion is '2.0'", id="cyclonedx 2"),
        pytest.param("cyclonedx", {**cyclonedx(), "specVersion": True}, "specVersion is True", id="no version"),
        pytest.param("cyclonedx", {"bomFormat": "SPDX"}, "the report is not CycloneDX", id="spdx"),
        pytest.param(
            "detect-secrets",
            {"version": "0.14.3", "plugins_used": [{"name": "x"}], "results": {}},
            "the version of detect-secrets is '0.14.3', but the gate supports only 1.x",
            id="detect-secrets 0",
        ),
        pytest.param(
            "grype", replaced(grype(), "syft", "descriptor", "name"), "was written by syft, not by grype", id="syft"
        ),
        pytest.param(
            "grype",
            {"matches": [], "descriptor": {"db": 1}},
            "was written by an unnamed tool, not by grype",
            id="nobody",
        ),
        pytest.param(
            "semgrep",
            {"version": "1.9.0", "errors": [], "results": [{"rule": "x"}]},
            "Semgrep did not write this report: it has no version, or a result lacks its check_id or its path",
            id="semgrep with rows of another tool",
        ),
        pytest.param(
            "pip-audit",
            {"dependencies": [{"name": "flask", "version": "1", "vulns": None}]},
            "pip-audit did not write this report: one dependency does not have the keys that pip-audit writes, such as"
            " name and vulns; its keys are: name",
            id="pip-audit with null for a list",
        ),
        pytest.param(
            "trivy",
            trivy({"VulnerabilityID": "CVE-2", "Severity": "LOW", "CweIDs": "CWE-89"}),
            "CweIDs is not a list of strings",
            id="trivy with a text for a list",
        ),
        pytest.param(
            "cyclonedx", cyclonedx({"id": "V", "cwes": ["89"]}), "cwes is not a list of numbers", id="texts for numbers"
        ),
        pytest.param(
            "safety",
            replaced(
                safety_scan(),
                None,
                *("scan_results", "projects", 0, "files", 0, "results", "dependencies", 0, "specifications", 0),
                "vulnerabilities",
            ),
            "Safety did not write this report: the specification of flask has no known_vulnerabilities",
            id="safety without a list",
        ),
        pytest.param("pip-audit", [{}], "keys are: none", id="pip-audit with an empty row"),
        pytest.param(
            "snyk", {"vulnerabilities": [], "name": "x"}, "its keys: name, vulnerabilities", id="snyk of nothing"
        ),
    ],
)
def test_an_unknown_shape_or_version_is_refused_in_words_that_say_what_is_known(
    form: str, report: Any, reason: str
) -> None:
    read = read_report(form, as_bytes(report))

    assert (read.status, read.findings) == ("error", [])
    assert reason in read.reason


@pytest.mark.parametrize(
    ("form", "report"),
    [
        pytest.param("trivy", {**trivy(), "ReportID": "x", "Added": {}}, id="trivy"),
        pytest.param("semgrep", {**CLEAN["semgrep"], "engine_requested": "OSS"}, id="semgrep"),
        pytest.param("grype", {**grype(), "alertsByPackage": {}}, id="grype"),
        pytest.param("safety", {**safety_scan(), "added": 1}, id="safety"),
        pytest.param("sarif", {**sarif(), "properties": {}}, id="sarif"),
    ],
)
def test_an_unknown_key_in_a_known_report_changes_nothing(form: str, report: Any) -> None:
    assert passes(form, as_bytes(report))


OTHER_RUN = {**sarif(), "runs": [*sarif()["runs"], *sarif(tool="ESLint")["runs"]]}


@pytest.mark.parametrize(
    ("form", "report", "tool", "reason"),
    [
        ("sarif", sarif(tool="Semgrep OSS"), "semgrep", ""),
        ("sarif", sarif(tool="SnykCode"), "snyk", ""),
        ("sarif", sarif(tool="gitleaks"), "Gitleaks", ""),
        ("sarif", sarif(), "gitleaks", "Gosec wrote the report, but the check's tool is gitleaks"),
        ("sarif", OTHER_RUN, "gosec", "ESLint wrote the report, but the check's tool is gosec"),
        ("cyclonedx", STOPPING["cyclonedx"], "osv-scanner", ""),
        ("cyclonedx", STOPPING["cyclonedx"], "grype", "osv-scanner wrote the report, but the check's tool is grype"),
        (
            "cyclonedx",
            without(STOPPING["cyclonedx"], "metadata"),
            "grype",
            "the report does not name the tool that wrote it, but it must name the check's tool, grype",
        ),
        (
            "cyclonedx",
            replaced(
                STOPPING["cyclonedx"], [{"name": "library"}, {"name": "grype"}, {"vendor": "x"}], "metadata", "tools"
            ),
            "grype",
            "",
        ),
        ("junit", CLEAN["junit"], "jest", ""),
        ("sarif", sarif(ERROR, tool="Trivy"), "", ""),
    ],
)
def test_a_report_in_a_shared_format_names_the_checks_tool(form: str, report: Any, tool: str, reason: str) -> None:
    read = read_report(form, as_bytes(report), tool)

    assert read.reason == reason
    assert read.status == ("error" if reason else "ok")
