"""Reads facts from the files of a release, and puts them into sentences for the page. The files may be unverified."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cicd_templates.evidence.additions import RECORD, record_names
from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, read_statement
from cicd_templates.functions.evidence_format import SCAN_POLICY, TEST_RESULTS, VULNERABILITIES
from cicd_templates.functions.scan_gate.policy import Policy, read_policy
from cicd_templates.plurals import counted

_VERDICT = re.compile(r"evidence/verdict(?:-(\d))?\.json")
SEVERITIES = ("critical", "high", "medium", "low", "unknown")


@dataclass(frozen=True)
class ApprovedChangeSet:
    """A change set that an approver saw, and the digest of the approval record that lists it."""

    environment: str
    stack: str
    arn: str
    digest: str


def read_verdict(contents: FolderContents) -> dict[str, Any]:
    """Return the last decision of the scan gate, or an empty dictionary if the folder has no readable decision."""
    names = {int(match[1] or 1): name for name in contents.digests if (match := _VERDICT.fullmatch(name))}
    return _object(contents.read(names[max(names)])) if names else {}


def describe_verdict(verdict: dict[str, Any]) -> str:
    """Return one sentence about the decision of the scan gate."""
    if not verdict:
        return "The folder has no readable decision of the scan gate."
    counts = verdict.get("counts")
    counted = {word: counts.get(word) for word in SEVERITIES if counts.get(word)} if isinstance(counts, dict) else {}
    findings = ", ".join(f"{count} {word}" for word, count in counted.items()) or "none"
    accepted = verdict.get("waived") or 0
    return f"{verdict.get('verdict')}. Findings by severity: {findings}. Accepted by waivers: {accepted}."


def describe_tests(contents: FolderContents, key: PublicKey) -> str:
    """Return one sentence for each check that ran tests. It says how many tests passed and how many failed."""
    sentences = []
    for name in sorted(name for name in contents.digests if name.startswith(TEST_RESULTS)):
        check = name.removeprefix(TEST_RESULTS).removesuffix(".dsse.json")
        try:
            predicate = read_statement(contents.read(name), key).predicate
        except StatementError:
            sentences.append(f"The statement about {check} cannot be read.")
            continue
        passed, failed = (predicate.get(tests) for tests in ("passedTests", "failedTests"))
        counts = [len(tests) if isinstance(tests, list) else 0 for tests in (passed, failed)]
        sentences.append(f"In the report of {check}, {counts[0]:,} tests passed and {counts[1]:,} failed.")
    return " ".join(sentences) or "The folder has no statement about tests."


def describe_vulnerabilities(contents: FolderContents, key: PublicKey) -> str:
    """Return one sentence with the number of vulnerabilities that the registry's scan found in the image."""
    if VULNERABILITIES not in contents.digests:
        return "The folder has no statement about vulnerabilities of the image."
    try:
        scanner = read_statement(contents.read(VULNERABILITIES), key).predicate.get("scanner")
    except StatementError:
        return "The statement about vulnerabilities of the image cannot be read."
    results = scanner.get("result") if isinstance(scanner, dict) else None
    if not isinstance(results, list):
        return "The statement about vulnerabilities of the image has no list of results."
    return f"The registry's scan of the image found {counted(len(results), 'vulnerability', 'vulnerabilities')}."


def policy_in_force(contents: FolderContents, release: Statement) -> Policy:
    """Return the scan policy without the waivers and settings that had expired when the release was signed."""
    content = contents.read(SCAN_POLICY) if SCAN_POLICY in contents.digests else b""
    try:
        day = datetime.fromisoformat(str(release.predicate.get("signedOn"))).date()
    except ValueError:
        day = date.min
    policy = read_policy(content, ())
    policy.weaker = [setting for setting in policy.weaker if setting.expires >= day]
    policy.waivers = [waiver for waiver in policy.waivers if waiver.expires >= day]
    return policy


def approved_change_sets(contents: FolderContents) -> list[ApprovedChangeSet]:
    """Return the change sets that the approval records list."""
    found = []
    for name in record_names(contents):
        match = RECORD.fullmatch(name)
        entries = _object(contents.read(name)).get("changeSets")
        for entry in entries if match and isinstance(entries, list) else ():
            if match and isinstance(entry, dict):
                stack, arn = str(entry.get("stack")), str(entry.get("changeSetArn"))
                found.append(ApprovedChangeSet(match[1], stack, arn, match[2]))
    return found


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
