"""Feed the gate's readers with mutated reports: `make fuzz`. Prints the number of reports and each failure.

Two properties must hold. Reading a report ends in a status, never in an exception. And a report that blocks a release
still blocks it when it is damaged: truncated, nested too deeply, with a duplicate key, with NaN, with a wrong number,
with a value of another type, or without a part of it. A part (a finding, a list, a count, a key) is only taken away
where a count in the report or the exit code in its record contradicts the rest, because no reader can notice a report
that consistently says less.
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
from xml.etree import ElementTree

from cicd_templates.functions.scan_gate.decide import FAIL, decide
from cicd_templates.functions.scan_gate.exit_codes import check_run
from cicd_templates.functions.scan_gate.formats import format_of, read_report
from cicd_templates.functions.scan_gate.policy import Policy
from cicd_templates.functions.scan_gate.reading import OK
from tests.unit.functions.sample_reports import (
    STOPPING,
    as_bytes,
    bandit,
    bandit_row,
    format_of_sample,
    safety_check,
    safety_scan,
    sarif,
    snyk,
)

INPUTS = int(os.environ.get("INPUTS", "100000"))
SEED = int(os.environ.get("SEED", "1"))
LARGEST = 20_000
TODAY = date(2026, 11, 24)

OWN = {name: report for name, report in STOPPING.items() if isinstance(report, dict | list)}
# The code with which a tool exits that found something, where nothing else in its report counts its findings.
FOUND_SOMETHING = json.dumps({"exit_code": 1, "tool_version": "scanner"}).encode()
LOW = bandit_row("B101", "LOW")
ISSUES = [{"vulnerability_id": name, "package_name": name} for name in ("flask", "six", "jinja2")]
ROWS = [{"id": f"S{number}", "severity": word, "packageName": "p"} for number, word in enumerate(("low", "high"))]
RESULTS = [
    {"ruleId": "B1", "level": level, "properties": {"issue_severity": word}}
    for level, word in (("note", "LOW"), ("error", "HIGH"))
]
METRICS = bandit(bandit_row(), LOW)["metrics"]
MISCONFIGURED = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "main.tf",
            "Class": "config",
            "MisconfSummary": {"Successes": 1, "Failures": 2},
            "Misconfigurations": [
                {"ID": "A", "Status": "FAIL", "Severity": "HIGH"},
                {"ID": "B", "Status": "FAIL", "Severity": "LOW"},
            ],
        }
    ],
}
# Reports that count what they list, so that no part of them can be taken away unnoticed.
COUNTED: list[tuple[str, Any]] = [
    ("bandit", bandit(bandit_row(), LOW, LOW)),
    ("sarif", sarif(*RESULTS, tool="Bandit", properties={"metrics": METRICS})),
    ("safety", safety_check(*ISSUES)),
    ("safety", safety_scan({"id": "7", "ignored": None}, {"id": "8", "ignored": None})),
    ("snyk", snyk(*ROWS)),
    ("trivy", MISCONFIGURED),
]
TESTS = (
    '<testsuites><testsuite name="a" tests="3" failures="1" errors="1"><testcase name="x"/><testcase name="y">'
    '<failure/></testcase><testcase name="z"><error/></testcase></testsuite></testsuites>'
)
# A value is replaced by one of another type. None of them is empty: an empty value could mean that nothing was found.
OTHERS: list[Any] = ["x", 7, -1.5, True, ["x"], {"x": "y"}, 10**400]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from paths_of(each, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return a copy of `value`, in which `change` has changed the value at `path`.

    `change` gets the parent of the value and its key.
    """
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


def less(form: str, data: bytes, chance: random.Random) -> bytes:
    """Return a report from which one part was removed: a finding, a list, a count or a key."""
    if form == "junit":
        return less_xml(data, chance)
    value = json.loads(data)
    paths = list(paths_of(value))
    path = chance.choice(paths)
    now = value
    for key in path:
        now = now[key]
    ways: list[Callable[[Any, Any], None]] = [lambda parent, key: parent.__delitem__(key)]
    ways += [lambda parent, key: parent.__setitem__(key, None)]
    if isinstance(now, list | dict):
        ways.append(lambda parent, key: parent.__setitem__(key, type(now)()))
    if isinstance(now, int) and not isinstance(now, bool):
        ways.append(lambda parent, key: parent.__setitem__(key, 0))
    return json.dumps(replaced(value, path, chance.choice(ways))).encode()


def less_xml(data: bytes, chance: random.Random) -> bytes:
    """Return a test report without one element or one attribute."""
    root = ElementTree.fromstring(data)  # noqa: S314 - our own report
    parents = [element for element in root.iter() if len(element)]
    parent = chance.choice(parents)
    child = chance.choice(list(parent))
    if child.attrib and chance.random() < 0.5:
        del child.attrib[chance.choice(list(child.attrib))]
    else:
        parent.remove(child)
    return ElementTree.tostring(root)


def counted() -> list[tuple[str, bytes, bytes]]:
    """Return reports that block a release and cannot say less without a contradiction, each with its record, if any."""
    found = [(form, json.dumps(value).encode(), b"") for form, value in COUNTED]
    found.append(("junit", TESTS.encode(), b""))
    found += [(format_of_sample(name), as_bytes(report), FOUND_SOMETHING) for name, report in STOPPING.items()]
    corpus = os.environ.get("SCAN_REPORT_CORPUS")
    for path in sorted(Path(corpus).glob("*/*")) if corpus else ():
        form = {"bandit": "bandit", "bandit-sarif": "sarif", "safety": "safety"}.get(path.parent.name)
        data = path.read_bytes()
        if form and len(data) <= LARGEST and (form != "safety" or b"report_meta" in data):
            found.append((form, data, b""))
    return [each for each in found if read_report(*each[:2]).status == OK and stops(*each)]


KINDS = ("less", "less", "cut", "bytes", "dropped", "null", "nan", "twice", "type", "type", "type", "type")
# These mutants are well-formed, so they may contain fewer findings than before.
MAY_PASS = ("bytes", "dropped", "null")


def stops(form: str, data: bytes, record: bytes = b"") -> bool:
    """Return whether a report blocks a release by its severities, judged with its run record if it has one.

    A severity of another type is unknown and stops, but a CWE number of another type is a weakness less.
    """
    report = read_report(form, data)
    if record:
        check_run(record, "", report)
    return decide(["check"], {"check": report}, Policy(kinds={}), TODAY).verdict == FAIL


def seeds() -> list[tuple[str, bytes]]:
    """Return small reports that block a release: our own reports, and those of the corpus if it is available."""
    reports = [(format_of_sample(name), json.dumps(value).encode()) for name, value in OWN.items()]
    corpus = os.environ.get("SCAN_REPORT_CORPUS")
    for path in sorted(Path(corpus).glob("*/*")) if corpus else ():
        form = format_of(path.parent.name)
        if form and path.stat().st_size <= LARGEST:
            reports.append((form, path.read_bytes()))
    return [(form, data) for form, data in reports if read_report(form, data).status == OK and stops(form, data)]


def main() -> int:
    """Run the mutations and print each failure. Return 1 if there was a failure."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    ready = [(form, data, value := json.loads(data), list(paths_of(value))) for form, data in seeds()]
    complete = counted()
    counts: Counter[str] = Counter()
    escapes: list[str] = []
    began = time.perf_counter()
    for number in range(INPUTS):
        form, data, value, paths = ready[number % len(ready)]
        kind = "deep" if number % 500 == 0 else KINDS[number // len(ready) % len(KINDS)]
        path, record = chance.choice(paths), b""
        if kind == "less":
            form, data, record = chance.choice(complete)
            changed = less(form, data, chance)
        else:
            changed = mutated(kind, data, value, path, chance)
        counts[kind] += 1
        try:
            stopped = stops(form, changed, record)
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
