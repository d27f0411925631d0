"""Stores the findings of each template, so that `make lint` lints only templates that have changed.

Findings are reused only for the same text, the same rules and settings, and the same day. The day matters because some
rules of cfn-lint check whether the support of a runtime has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import yaml

import cicd_templates
from cicd_templates.files.paths import STATE
from cicd_templates.files.private_files import write_privately
from cicd_templates.lint.formats import LintFinding

CACHE = STATE / "lint.json"
# The names of settings files. cfn-lint reads each of them that exists.
SETTINGS = (".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml")
Lint = Callable[[Sequence[Path]], list[LintFinding]]


def lint_changed(
    paths: Sequence[Path], lint: Lint, *, cache: Path = CACHE, today: date | None = None
) -> tuple[list[LintFinding], int]:
    """Return the sorted findings in the files at `paths`, and the number of files that were linted.

    One call of `lint` lints all files that have changed since their findings were stored. If no file has changed,
    `lint` is not called. If `paths` is empty, `lint` is called with an empty list, so that it raises its error for
    missing templates. Raises the errors of `lint`.
    """
    rules = rules_digest(today or date.today())
    kept = _read(cache, rules)
    # The path is part of the digest, because the settings may exclude it.
    digests = {path: hashlib.sha256(f"{path}\0".encode() + path.read_bytes()).hexdigest() for path in paths}
    changed = [path for path in paths if digests[path] not in kept]
    found = lint(changed) if changed or not paths else []
    kept |= {digests[path]: [finding for finding in found if finding.path == str(path)] for path in changed}
    known = {digest: kept[digest] for digest in digests.values()}
    # If the findings cannot be written, the next call lints the files again.
    with contextlib.suppress(OSError):
        _write(cache, rules, known)
    return sorted(finding for findings in known.values() for finding in findings), len(changed)


def rules_digest(today: date) -> str:
    """Return a digest of all that affects findings, except the template: rules, settings, schemas and `today`."""
    digest = hashlib.sha256(f"{sys.version} {today}".encode())
    settings = [folder / name for folder in (Path(), Path.home()) for name in SETTINGS]
    for path in settings:
        with contextlib.suppress(OSError):
            digest.update(path.read_bytes())
    cfnlint = find_spec("cfnlint")
    folders = [*cicd_templates.__path__, *(cfnlint.submodule_search_locations or () if cfnlint else ())]
    for folder in [*map(Path, folders), *_folders_of_rules(settings)]:
        for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".json")):
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _folders_of_rules(settings: Sequence[Path]) -> list[Path]:
    folders = []
    for path in settings:
        with contextlib.suppress(OSError, yaml.YAMLError, AttributeError):
            folders += [Path(folder) for folder in yaml.safe_load(path.read_text()).get("append_rules", ())]
    return folders


def _read(path: Path, rules: str) -> dict[str, list[LintFinding]]:
    """Return the stored findings of each template, keyed by the digest of the template's path and text.

    `rules` is the result of `rules_digest`. Return nothing if the findings were stored with other rules, or cannot be
    read.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["rules"] == rules:
            return {
                digest: [LintFinding(**finding) for finding in findings]
                for digest, findings in kept["findings"].items()
            }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # The file does not exist, or another program wrote it.
    return {}


def _write(path: Path, rules: str, findings: Mapping[str, Sequence[LintFinding]]) -> None:
    rows = {digest: [asdict(finding) for finding in found] for digest, found in findings.items()}
    write_privately(path, json.dumps({"rules": rules, "findings": rows}) + "\n")
