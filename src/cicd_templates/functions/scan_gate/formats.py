"""Maps each report format to the function that reads it, and each tool to its report format."""

from __future__ import annotations

from collections.abc import Callable

from cicd_templates.functions.scan_gate.bandit import read_bandit
from cicd_templates.functions.scan_gate.cyclonedx import read_cyclonedx
from cicd_templates.functions.scan_gate.detect_secrets import read_detect_secrets
from cicd_templates.functions.scan_gate.grype import read_grype
from cicd_templates.functions.scan_gate.junit import read_junit
from cicd_templates.functions.scan_gate.npm_audit import read_npm_audit
from cicd_templates.functions.scan_gate.pip_audit import read_pip_audit
from cicd_templates.functions.scan_gate.reading import Report, parse_json
from cicd_templates.functions.scan_gate.safety import read_safety
from cicd_templates.functions.scan_gate.sarif import read_sarif
from cicd_templates.functions.scan_gate.semgrep import read_semgrep
from cicd_templates.functions.scan_gate.snyk import read_snyk
from cicd_templates.functions.scan_gate.trivy import read_trivy
from cicd_templates.functions.scan_gate.unusable_reports import read_or_mark_unusable

READERS: dict[str, Callable[[bytes], Report]] = {
    "bandit": lambda data: read_bandit(parse_json(data)),
    "cyclonedx": lambda data: read_cyclonedx(parse_json(data)),
    "detect-secrets": lambda data: read_detect_secrets(parse_json(data)),
    "grype": lambda data: read_grype(parse_json(data)),
    "junit": read_junit,
    "npm-audit": lambda data: read_npm_audit(parse_json(data)),
    "pip-audit": lambda data: read_pip_audit(parse_json(data)),
    "safety": lambda data: read_safety(parse_json(data)),
    "sarif": lambda data: read_sarif(parse_json(data)),
    "semgrep": lambda data: read_semgrep(parse_json(data)),
    "snyk": lambda data: read_snyk(parse_json(data)),
    "trivy": lambda data: read_trivy(parse_json(data)),
}


def format_of(tool: str) -> str | None:
    """Return the report format of a tool, or None if the format is unknown.

    A tool whose name ends with `sarif` has the format `sarif`. A tool whose name begins with `snyk` has `snyk`.
    """
    if tool.endswith("sarif"):
        return "sarif"
    if tool.startswith("snyk"):
        return "snyk"
    return tool if tool in READERS else None


def read_report(form: str, data: bytes, tool: str = "") -> Report:
    """Return the report in `data`. `form` is its format.

    If `data` is unusable, the status of the report is ERROR, and its reason says why. If `tool` is given, a SARIF or
    CycloneDX report must say that this tool wrote it.
    """
    return read_or_mark_unusable(READERS[form], form, data, tool)
