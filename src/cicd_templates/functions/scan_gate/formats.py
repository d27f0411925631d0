"""Which reader is for which format, and the one way to read a report: what cannot be read is an error of its own."""

from __future__ import annotations

from collections.abc import Callable

from cicd_templates.functions.scan_gate.bandit import read_bandit
from cicd_templates.functions.scan_gate.cyclonedx import read_cyclonedx
from cicd_templates.functions.scan_gate.detect_secrets import read_detect_secrets
from cicd_templates.functions.scan_gate.grype import read_grype
from cicd_templates.functions.scan_gate.junit import read_junit
from cicd_templates.functions.scan_gate.pip_audit import read_pip_audit
from cicd_templates.functions.scan_gate.reading import Report, parsed
from cicd_templates.functions.scan_gate.safely import read_safely
from cicd_templates.functions.scan_gate.safety import read_safety
from cicd_templates.functions.scan_gate.sarif import read_sarif
from cicd_templates.functions.scan_gate.semgrep import read_semgrep
from cicd_templates.functions.scan_gate.snyk import read_snyk
from cicd_templates.functions.scan_gate.trivy import read_trivy

READERS: dict[str, Callable[[bytes], Report]] = {
    "bandit": lambda data: read_bandit(parsed(data)),
    "cyclonedx": lambda data: read_cyclonedx(parsed(data)),
    "detect-secrets": lambda data: read_detect_secrets(parsed(data)),
    "grype": lambda data: read_grype(parsed(data)),
    "junit": read_junit,
    "pip-audit": lambda data: read_pip_audit(parsed(data)),
    "safety": lambda data: read_safety(parsed(data)),
    "sarif": lambda data: read_sarif(parsed(data)),
    "semgrep": lambda data: read_semgrep(parsed(data)),
    "snyk": lambda data: read_snyk(parsed(data)),
    "trivy": lambda data: read_trivy(parsed(data)),
}


def format_of(tool: str) -> str | None:
    """The format that a tool's name stands for, or None: several of them write SARIF, and Snyk's write one JSON."""
    if tool.endswith("sarif"):
        return "sarif"
    if tool.startswith("snyk"):
        return "snyk"
    name = {"npm-audit": "pip-audit"}.get(tool, tool)
    return name if name in READERS else None


def read_report(form: str, data: bytes) -> Report:
    """The report in `data`, which is in the format `form`. Whatever is wrong with it is its status and reason."""
    return read_safely(READERS[form], form, data)
