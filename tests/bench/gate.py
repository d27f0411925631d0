"""Compares the gate's readers with `json.loads` of the same bytes, each in a process of its own: `make bench-gate`.

Prints the table of docs/gate.md. Memory is the growth of the process's peak since just before the report is read.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cicd_templates.blocks.inlined_scan_gate import scan_gate_source
from cicd_templates.functions.scan_gate.formats import format_of, read_report

RUNS = 5
MEGABYTES = (10, 25, 50)
ROW: dict[str, Any] = {
    "code": "47 \n48     subprocess.call(command, shell=True)\n49 \n",
    "col_offset": 4,
    "filename": "src/shipping/module.py",
    "issue_confidence": "HIGH",
    "issue_cwe": {"id": 78, "link": "https://cwe.mitre.org/data/definitions/78.html"},
    "issue_severity": "HIGH",
    "issue_text": "subprocess call with shell=True identified, security issue.",
    "line_number": 48,
    "line_range": [48],
    "more_info": "https://bandit.readthedocs.io/en/1.9.4/plugins/b602.html",
    "test_id": "B602",
    "test_name": "subprocess_popen_with_shell_equals_true",
}
RESULT: dict[str, Any] = {
    "ruleId": "B602",
    "ruleIndex": 0,
    "level": "error",
    "message": {"text": "subprocess call with shell=True identified, security issue."},
    "locations": [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "src/shipping/module.py"},
                "region": {"startLine": 48, "snippet": {"text": "    subprocess.call(command, shell=True)\n"}},
            }
        }
    ],
}

# Prints the seconds and the growth of the peak memory in bytes, for `json.loads` or for the reader.
MEASURE = """
import json, sys, time
from cicd_templates.functions.scan_gate.formats import read_report
what, form, path = sys.argv[1:]
data = open(path, "rb").read()
def peak():
    # Not getrusage: its peak is that of the process which started this one, too.
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
began = time.perf_counter()
json.loads(data) if what == "loads" else read_report(form, data)
print(time.perf_counter() - began, peak() - before)
"""
COLD = """
import time
began = time.perf_counter()
import boto3, {module}
{module}.READERS["bandit"](b'{{"results": [], "errors": [], "metrics": {{"_totals": {{"loc": 1}}}}}}')
print(time.perf_counter() - began)
"""


def measured(what: str, form: str, path: Path) -> tuple[float, float]:
    """Return the median of the seconds and the largest growth of memory in bytes."""
    command = [sys.executable, "-c", MEASURE, what, form, str(path)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(RUNS)]
    return statistics.median(float(seconds) for seconds, _ in runs), max(float(grown) for _, grown in runs)


def large(form: str, megabytes: int) -> bytes:
    """Return a report of about `megabytes` MB."""
    row = ROW if form == "bandit" else RESULT
    rows = [row] * (megabytes * 1_000_000 // len(json.dumps(row)))
    if form == "bandit":
        return json.dumps({"results": rows, "errors": [], "metrics": {"_totals": {"loc": 9}}}).encode()
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "rules": [{"id": "B602"}]}}, "results": rows}]}
    ).encode()


def corpus() -> str | None:
    """Return the seconds for reading every report of the corpus, and for `json.loads` of its JSON reports."""
    root = os.environ.get("SCAN_REPORT_CORPUS")
    if not root:
        return None
    files = [(form, path.read_bytes()) for path in Path(root).glob("*/*") if (form := format_of(path.parent.name))]
    began = time.perf_counter()
    for form, data in files:
        read_report(form, data)
    reading = time.perf_counter() - began
    began = time.perf_counter()
    for _, data in files:
        json.loads(data)
    loading = time.perf_counter() - began
    size = sum(len(data) for _, data in files) / 1e6
    return (
        f"| {len(files)} reports of 15 tools | {size:.1f} | {loading:.2f} | {reading:.2f} | {reading / loading:.1f} | |"
    )


def cold(folder: Path) -> float:
    """Return the seconds from the first import to the first report read, with the gate's text from the template."""
    (folder / "index_cold.py").write_text(scan_gate_source(["bandit", "detect-secrets", "junit", "safety", "snyk"]))
    command = [sys.executable, "-c", COLD.format(module="index_cold")]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout for _ in range(RUNS)]
    return statistics.median(map(float, runs))


def main() -> None:
    """Print the table."""
    print("| report | MB | json.loads, s | reader, s | times json.loads | times its size in memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form in ("bandit", "sarif"):
            for megabytes in MEGABYTES:
                path = folder / f"{form}-{megabytes}.json"
                path.write_bytes(large(form, megabytes))
                size = path.stat().st_size
                loads, _ = measured("loads", form, path)
                reads, grown = measured("read", form, path)
                ratios = f"{reads / loads:.1f} | {grown / size:.1f}"
                print(f"| {form} | {size / 1e6:.0f} | {loads:.2f} | {reads:.2f} | {ratios} |", flush=True)
        line = corpus()
        if line:
            print(line)
        print(f"\nFrom nothing imported to a first report read: {cold(folder):.2f} s, most of it boto3.")


if __name__ == "__main__":
    main()
