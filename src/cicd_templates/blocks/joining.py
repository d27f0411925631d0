"""Joins the modules of the scan gate into the text that is inlined: in a fixed order, with the readers it needs."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cicd_templates import functions

# Each module after those whose names it uses; the readers of reports stand between the two halves.
BEFORE = ("reading", "severity")
AFTER = ("safely", "record", "artifacts", "owasp", "policy", "decide", "findings", "summary", "handler")
READERS = {
    "bandit": ("bandit", "read_bandit"),
    "cyclonedx": ("cyclonedx", "read_cyclonedx"),
    "grype": ("grype", "read_grype"),
    "junit": ("junit", "read_junit"),
    "pip-audit": ("pip_audit", "read_pip_audit"),
    "safety": ("safety", "read_safety"),
    "sarif": ("sarif", "read_sarif"),
    "semgrep": ("semgrep", "read_semgrep"),
    "snyk": ("snyk", "read_snyk"),
    "trivy": ("trivy", "read_trivy"),
}


def joined_gate(formats: Iterable[str]) -> str:
    """The scan gate that reads reports of `formats`, as one module."""
    needed = sorted(set(formats))
    modules = [*BEFORE, *(READERS[form][0] for form in needed), *AFTER]
    readers = [f'    "{form}": {_reader(form)},' for form in needed]
    table = "\n".join(["READERS = {", *readers, "}"])
    parts = [_body(module) for module in modules]
    parts.insert(len(parts) - 1, table)
    return "from __future__ import annotations\n\n" + "\n\n".join(parts) + "\n"


def _reader(form: str) -> str:
    name = READERS[form][1]
    return name if form == "junit" else f"lambda data: {name}(parsed(data))"


@cache
def _body(module: str) -> str:
    """A module's text under its name, without what it imports from its siblings."""
    (folder,) = functions.__path__
    text = Path(folder, "scan_gate", f"{module}.py").read_text(encoding="ascii")
    lines = text.splitlines()
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("cicd_templates", "__future__"):
            del lines[node.lineno - 1 : node.end_lineno]
    content = "\n".join(lines).strip()
    while "\n\n\n\n" in content:
        content = content.replace("\n\n\n\n", "\n\n\n")
    return f"# --- {module} ---\n{content}"
