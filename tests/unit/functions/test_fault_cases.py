"""Reports that the gate once judged wrongly, read from the folder that `GATE_FAULT_CORPUS` names."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.functions.scan_gate.decide import decide
from cicd_templates.functions.scan_gate.exit_codes import check_run
from cicd_templates.functions.scan_gate.findings import as_json
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.policy import agreed_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Report
from cicd_templates.functions.scan_gate.record import record_problem
from cicd_templates.functions.scan_gate.summary import summary

CORPUS = os.environ.get("GATE_FAULT_CORPUS")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def rows() -> list[list[str]]:
    index = Path(CORPUS, "INDEX.tsv").read_text() if CORPUS else ""
    return [line.split("\t") for line in index.splitlines()]


def content(case: str, name: str) -> bytes | None:
    path = Path(str(CORPUS), case, name)
    return path.read_bytes() if path.is_file() else None


@pytest.mark.skipif(CORPUS is None, reason="GATE_FAULT_CORPUS names no folder of reports")
@pytest.mark.parametrize(("case", "form", "expected"), rows())
def test_each_report_of_the_folder_is_judged_rightly(case: str, form: str, expected: str) -> None:
    report, record = content(case, "report.xml") or content(case, "report.json"), content(case, "run.json")
    form = "junit" if form == "None" else form
    read = Report(status=ERROR, reason="missing") if report is None else read_report(form, report)
    if record is not None:
        problem = record_problem(record, "unit-tests", form, "abc123", execution="e1", now=NOW)
        if problem:
            read = Report(status=ERROR, reason=problem)
        else:
            check_run(record, "", read)
    policy = agreed_policy({form: content(case, "scan-policy.toml")}, {form: form})
    decision = decide([form], {form: read}, policy, NOW.date())
    found: Any = as_json(decision)["findings"]

    if expected in ("PASS", "FAIL"):
        assert decision.verdict == expected
    elif expected == "one line":
        assert [line for line in summary(decision).splitlines() if line.startswith("#")] == [
            "# PASS: nothing blocks the release"
        ]
    elif expected.startswith("package"):
        assert {(row["package"], row["version"]) for row in found} == {("jackson-databind", "2.9.1")}
    else:
        for category in expected.removesuffix(" too").split(" and "):
            assert category in found[0]["owasp"]
