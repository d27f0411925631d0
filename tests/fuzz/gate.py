"""Feed the gate's readers with mutated reports: `make fuzz`. Prints the number of reports and each failure.

Two properties must hold. Reading a report ends in a status, never in an exception. And a report that blocks a release
still blocks it when it is damaged: truncated, nested too deeply, with a duplicate key, with NaN, with a wrong number,
or with a value of another type. No reader can notice a well-formed report from which a finding was removed.
"""

from __future__ import annotations

import copy
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from cicd_templates.functions.scan_gate.decide import FAIL, decide
from cicd_templates.functions.scan_gate.formats import format_of, read_report
from cicd_templates.functions.scan_gate.policy import Policy
from cicd_templates.functions.scan_gate.reading import OK

INPUTS = int(os.environ.get("INPUTS", "100000"))
SEED = int(os.environ.get("SEED", "1"))
LARGEST = 20_000
TODAY = date(2026, 11, 24)

OWN: dict[str, Any] = {
    "bandit": {
        "results": [{"test_id": "B602", "issue_severity": "HIGH", "issue_confidence": "HIGH", "filename": "a.py"}],
        "errors": [],
        "metrics": {"_totals": {"loc": 9}},
    },
    "safety": {
        "report_meta": {"packages_found": 2},
        "scanned_packages": {"flask": {}},
        "vulnerabilities": [{"vulnerability_id": "1", "package_name": "flask", "ignored": False, "severity": None}],
    },
    "snyk": {
        "ok": False,
        "dependencyCount": 3,
        "vulnerabilities": [{"id": "S1", "severity": "critical", "packageName": "p", "version": "1"}],
    },
    "sarif": {
        "runs": [
            {
                "tool": {"driver": {"name": "x", "rules": [{"id": "R", "properties": {"security-severity": "9.1"}}]}},
                "invocations": [{"executionSuccessful": True}],
                "results": [{"ruleId": "R", "kind": "fail", "level": "error", "message": {"text": "bad"}}],
            }
        ]
    },
    "trivy": {
        "SchemaVersion": 2,
        "Results": [{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "HIGH"}]}],
    },
    "grype": {"matches": [{"vulnerability": {"id": "CVE-1", "severity": "High"}, "artifact": {"name": "p"}}]},
    "semgrep": {"results": [{"check_id": "r", "path": "a.py", "extra": {"severity": "ERROR"}}], "errors": []},
    "pip-audit": {"dependencies": [{"name": "p", "version": "1", "vulns": [{"id": "PYSEC-1"}]}], "fixes": []},
    "cyclonedx": {"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-1", "ratings": [{"severity": "high"}]}]},
    "detect-secrets": {"plugins_used": [{"name": "x"}], "results": {"a.py": [{"type": "AWS", "line_number": 1}]}},
}
# A value is replaced by one of another type. None of them is empty: an empty value could mean that nothing was found.
OTHERS: list[Any] = ["x", 7, -1.5, True, ["x"], {"x": "y"}, 10**400]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from paths_of(each, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return a copy of `value`; `change` has been called with the parent and the key of the value at `path`."""
    changed = copy.deepcopy(value)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return changed


def mutated(kind: str, data: bytes, value: Any, path: tuple[Any, ...], chance: random.Random) -> bytes:
    """Return the report with one mutation of the given kind."""

    def put(new: Any) -> bytes:
        return json.dumps(replaced(value, path, lambda parent, key: parent.__setitem__(key, new))).encode()

    if kind == "cut":
        return data[: chance.randrange(len(data.rstrip()))]
    if kind == "bytes":
        noise = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        at = chance.randrange(len(data))
        return data[:at] + noise + data[at + chance.randrange(9) :]
    if kind == "dropped":
        return json.dumps(replaced(value, path, lambda parent, key: parent.__delitem__(key))).encode()
    if kind == "null":
        return put(None)
    if kind == "nan":
        return put("@").replace(b'"@"', b"NaN", 1)
    if kind == "twice":
        return b'{"x": 1, "x": 1, ' + data.strip()[1:] if isinstance(value, dict) else b'[{"x": 1, "x": 1}]'
    if kind == "deep":
        return put("@").replace(b'"@"', b"[" * 100_000 + b"]" * 100_000, 1)
    now = value
    for key in path:
        now = now[key]
    return put(chance.choice([other for other in OTHERS if not isinstance(other, type(now))]))


KINDS = ("cut", "bytes", "dropped", "null", "nan", "twice", "type", "type", "type", "type")
# These mutants are well-formed, so they may contain fewer findings than before.
MAY_PASS = ("bytes", "dropped", "null")


def stops(form: str, data: bytes) -> bool:
    """Return whether a report blocks a release."""
    return decide(["check"], {"check": read_report(form, data)}, Policy(), TODAY).verdict == FAIL


def seeds() -> list[tuple[str, bytes]]:
    """Return small reports that block a release: our own, and those of the corpus if it is available."""
    reports = [(form, json.dumps(value).encode()) for form, value in OWN.items()]
    corpus = os.environ.get("SCAN_REPORT_CORPUS")
    for path in sorted(Path(corpus).glob("*/*")) if corpus else ():
        form = format_of(path.parent.name)
        if form and path.stat().st_size <= LARGEST:
            reports.append((form, path.read_bytes()))
    return [(form, data) for form, data in reports if read_report(form, data).status == OK and stops(form, data)]


def main() -> int:
    """Run the mutations and print what escaped; return 1 if anything did."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    ready = [(form, data, value := json.loads(data), list(paths_of(value))) for form, data in seeds()]
    counts: Counter[str] = Counter()
    escapes: list[str] = []
    began = time.perf_counter()
    for number in range(INPUTS):
        form, data, value, paths = ready[number % len(ready)]
        kind = "deep" if number % 500 == 0 else KINDS[number // len(ready) % len(KINDS)]
        path = chance.choice(paths)
        changed = mutated(kind, data, value, path, chance)
        counts[kind] += 1
        try:
            stopped = stops(form, changed)
        except BaseException as error:
            escapes.append(f"{form}, {kind} at {path}: raised {type(error).__name__}: {error}")
            continue
        if not stopped and kind not in MAY_PASS:
            escapes.append(f"{form}, {kind} at {path}: passes as {changed[:300]!r}")
    seconds = time.perf_counter() - began
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    print(f"{INPUTS:,} mutated reports of {len(ready)} that stop a release, in {seconds:.0f} s, seed {SEED}: {kinds}")
    for escape in escapes[:20]:
        print(f"escaped: {escape}")
    print(f"{len(escapes):,} escapes")
    return 1 if escapes else 0


if __name__ == "__main__":
    sys.exit(main())
