"""Joins the modules of the scan gate's Lambda function into one inline text. The text contains only the needed
report readers.
"""

from __future__ import annotations

from collections.abc import Iterable

from cicd_templates.blocks.inlined_modules import joined_text, read_module

# The modules that the scan gate shares with other functions.
SHARED = ("functions/pipeline_jobs", "functions/zip_names")
# Each module comes after the modules whose names it uses. The report readers come between BEFORE and AFTER.
BEFORE = ("untrusted_text", "reading", "severity")
AFTER = (
    *(
        "unusable_reports",
        "record",
        "exit_codes",
        "artifacts",
        "report_artifacts",
        "owasp",
        "kinds",
        "waivers",
        "policy",
    ),
    *("decide", "findings", "summary", "last_release", "templates_version", "handler"),
)
READER_NAMES = {
    "bandit": (("bandit_metrics", "bandit"), "read_bandit"),
    "cyclonedx": (("cyclonedx",), "read_cyclonedx"),
    "detect-secrets": (("detect_secrets",), "read_detect_secrets"),
    "grype": (("grype",), "read_grype"),
    "junit": (("junit",), "read_junit"),
    "npm-audit": (("npm_audit",), "read_npm_audit"),
    "pip-audit": (("pip_audit",), "read_pip_audit"),
    "safety": (("safety",), "read_safety"),
    "sarif": (("bandit_metrics", "sarif_rules", "sarif_taxa", "sarif"), "read_sarif"),
    "semgrep": (("semgrep",), "read_semgrep"),
    "snyk": (("snyk",), "read_snyk"),
    "trivy": (("trivy",), "read_trivy"),
}


def scan_gate_source(formats: Iterable[str]) -> str:
    """Return the source of the scan gate's Lambda function, with readers for the report formats in `formats`.

    Raises `ValueError` if two modules define the same name.
    """
    needed = sorted(set(formats))
    readers = dict.fromkeys(name for form in needed for name in READER_NAMES[form][0])
    modules = [read_module(f"functions/scan_gate/{name}") for name in (*BEFORE, *readers, *AFTER)]
    entries = [f'    "{form}": {_reader(form)},' for form in needed]
    return joined_text([*map(read_module, SHARED), *modules], "\n".join(["READERS = {", *entries, "}"]))


def _reader(form: str) -> str:
    name = READER_NAMES[form][1]
    return name if form == "junit" else f"lambda data: {name}(parse_json(data))"
