"""Joins the modules of the scan gate into one inline text, with only the report readers that the service needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cicd_templates import functions

# A module comes after the modules that define the names it uses. The report readers come between BEFORE and AFTER.
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
    """Return the source of the scan gate as one module, with the readers for reports in `formats`."""
    needed = sorted(set(formats))
    readers = dict.fromkeys(name for form in needed for name in READER_NAMES[form][0])
    modules = [_module(name) for name in (*BEFORE, *readers, *AFTER)]
    _refuse_duplicate_names(modules)
    entries = [f'    "{form}": {_reader(form)},' for form in needed]
    table = "\n".join(["READERS = {", *entries, "}"])
    *parts, handler = [module.body for module in modules]
    return "\n\n".join([_import_block(modules), *parts, table, handler]) + "\n"


def _refuse_duplicate_names(modules: Iterable[_Module]) -> None:
    """Raise `ValueError` if two modules define the same name: one definition would replace the other."""
    owners: dict[str, str] = {}
    for module in modules:
        title = module.body.splitlines()[0]
        for name in module.names:
            if name in owners:
                raise ValueError(f"{name} is defined twice: {owners[name]} and {title}")
            owners[name] = title


def _reader(form: str) -> str:
    name = READER_NAMES[form][1]
    return name if form == "junit" else f"lambda data: {name}(parse_json(data))"


@dataclass(frozen=True)
class _Module:
    """A module of the scan gate.

    `body` is a heading with the module's name, followed by the module's text without imports. `imports` are the imports
    from the standard library: `(module, name)`, or `(module, "")` for `import module`. `names` are the names that the
    module defines.
    """

    body: str
    imports: frozenset[tuple[str, str]]
    names: tuple[str, ...]


# The first match is where the imports end. The linter requires imports at the top, so only the text before the match is
# parsed with `ast`. A regular expression is enough to find definitions, because they begin in the first column.
_AFTER_IMPORTS = re.compile(r"^(?!from |import |[ )]|# (?:ruff|fmt):|$)", re.MULTILINE)
_DEFINED = re.compile(r"^(?:async )?(?:def|class) (\w+)|^(\w+(?:, \w+)*)(?:: [^=\n]+)? = ", re.MULTILINE)


@cache
def _module(name: str) -> _Module:
    (folder,) = functions.__path__
    text = Path(folder, "scan_gate", f"{name}.py").read_text(encoding="ascii")
    _, title, rest = text.split('"""', 2)
    start = next(_AFTER_IMPORTS.finditer(rest)).start()
    imports: set[tuple[str, str]] = set()
    for node in ast.parse(rest[:start]).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("cicd_templates"):
            imports |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            imports |= {(alias.name, "") for alias in node.names}
    kept = "\n".join(line for line in rest[start:].splitlines() if not line.startswith(("# ruff:", "# fmt:")))
    # Replace two empty lines by one, to keep the code in the template short.
    body = re.sub(r"\n{3,}", "\n\n", kept).strip()
    names = [name for function, variables in _DEFINED.findall(body) for name in (function or variables).split(", ")]
    return _Module(f"# --- {name}: {title.splitlines()[0]}\n{body}", frozenset(imports), tuple(names))


def _import_block(modules: Iterable[_Module]) -> str:
    """Return the import statements of all `modules`, each once."""
    wanted = set().union(*(module.imports for module in modules))
    plain = [f"import {module}" for module, name in sorted(wanted) if not name]
    named: dict[str, list[str]] = {}
    for module, name in sorted(each for each in wanted if each[1]):
        named.setdefault(module, []).append(name)
    first, *rest = sorted(named, key=lambda module: (module != "__future__", module))
    lines = {module: f"from {module} import {', '.join(named[module])}" for module in named}
    return "\n".join([lines[first], "", *plain, *(lines[module] for module in rest)])
