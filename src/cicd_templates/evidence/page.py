"""Writes index.html, which shows the evidence of a release to people. The page needs no script and no other file."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import string
from collections.abc import Iterable, Sequence
from pathlib import Path

from cicd_templates.evidence import release_facts
from cicd_templates.evidence.additions import RECORD, RELEASE_BEFORE, record_names
from cicd_templates.evidence.deployments import Deployment, read_deployments, undeployed, unsigned_records
from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, read_statement
from cicd_templates.evidence.templates_difference import TemplatesDifference
from cicd_templates.functions.evidence_format import (
    DEPLOYMENT,
    DEPLOYMENT_TYPE,
    PREDICATE_TYPES,
    RELEASE,
    SCAN_POLICY,
    TEMPLATES_ARCHIVE,
    TEST_RESULT_TYPE,
    TEST_RESULTS,
    VULNERABILITIES,
    VULNERABILITIES_TYPE,
)
from cicd_templates.functions.scan_gate.policy import Policy
from cicd_templates.plurals import counted
from cicd_templates.printable import printable, printable_lines

_FOLDER = Path(__file__).parent
# The largest number of characters that the page shows of all differences. templates.diff has the complete text.
LONGEST_DIFFERENCE = 400_000
_MARKS = {"+": "ins", "-": "del"}


def release_page(
    contents: FolderContents, release: Statement, key: PublicKey, difference: TemplatesDifference | None
) -> str:
    """Return the page. `difference` is the diff between the templates of the previous release and of this one.

    `difference` is None if the folder lacks the templates of one or both releases. The same files give the same page,
    because all dates on the page come from the files.
    """
    style = _file("page.css")
    policy = release_facts.policy_in_force(contents, release)
    image = release.subject[0]
    facts = (
        f"image {image.name}@sha256:{image.digest.get('sha256', '')}",
        f"pipeline execution {_said(release, 'execution')}",
        f"source version {_said(release, 'sourceVersion')}",
        f"signed on {_said(release, 'signedOn')} with the key sha256:{key.fingerprint}",
    )
    return string.Template(_file("page.html")).substitute(
        title=_text(f"Evidence of a release of {_said(release, 'service')}"),
        facts="\n".join(map(_text, facts)),
        answers=_answers(contents, release, key, policy, difference),
        sections="\n".join(
            [
                *_accepted(policy),
                *_approved(contents),
                *_deployed(read_deployments(contents, key, release)),
                *_templates(difference),
                *_files(contents),
            ]
        ),
        command=_text(f"python -m cicd_templates verify-evidence . --key {key.fingerprint}"),
        style=style,
        style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
    )


def _answers(
    contents: FolderContents,
    release: Statement,
    key: PublicKey,
    policy: Policy,
    difference: TemplatesDifference | None,
) -> str:
    approved = release_facts.approved_change_sets(contents)
    environments = ", ".join(dict.fromkeys(change_set.environment for change_set in approved))
    deployments = read_deployments(contents, key, release)
    ends = [waiver.expires for waiver in policy.waivers] + [setting.expires for setting in policy.weaker]
    answers = {
        "Decision": release_facts.describe_verdict(release_facts.read_verdict(contents)),
        "Tests": release_facts.describe_tests(contents, key),
        "Image": release_facts.describe_vulnerabilities(contents, key),
        "Accepted": f"{counted(len(ends), 'exception')} in force. The first ends on {min(ends)}."
        if ends
        else "No waiver and no weaker setting was in force.",
        "Templates": _templates_answer(contents, key, difference),
        "Shown to approvers": " ".join(
            [f"{counted(len(approved), 'change set')} of {environments}.", _records_answer(contents, deployments)]
        )
        if approved
        else "The folder has no record of an approval.",
        "Approved by": _approvers(deployments),
        "Deployed": _deployed_answer(contents, release, deployments),
    }
    return "\n".join(f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>" for name, text in answers.items())


def _records_answer(contents: FolderContents, deployments: Sequence[Deployment]) -> str:
    """Return sentences that say whether an approval record could have been changed or added unnoticed."""
    if unsigned := unsigned_records(contents, deployments):
        return (
            f"Approval records: {len(record_names(contents))}. Approval records in no signed statement:"
            f" {len(unsigned)}. If an approval record is in no signed statement, its request was never approved, or"
            " somebody added the record later."
        )
    return (
        "Signed statements list the SHA-256 of every approval record. So the verification fails if somebody has changed"
        " or added a record."
    )


def _approvers(deployments: Sequence[Deployment]) -> str:
    approvals = dict.fromkeys(f"{each.environment}: {each.approver}" for each in deployments if each.approver)
    return f"{'; '.join(approvals)}." if approvals else "No signed statement names an approver."


def _templates_answer(contents: FolderContents, key: PublicKey, difference: TemplatesDifference | None) -> str:
    if difference is None:
        return "The folder does not have the previous release, so there is nothing to compare."
    try:
        before = read_statement(contents.read(RELEASE_BEFORE), key)
    except (StatementError, OSError):
        return "The previous release cannot be read."
    if difference.problem:
        return difference.problem
    files = counted(len(difference.files), "file")
    return f"{files} differ from the release of {_said(before, 'signedOn')}, execution {_said(before, 'execution')}."


def _accepted(policy: Policy) -> Iterable[str]:
    rows = [
        (waiver.id, waiver.path or waiver.package, waiver.owner, str(waiver.expires), waiver.reason)
        for waiver in policy.waivers
    ]
    rows += [
        (f"{setting.setting} = {setting.severity}", SCAN_POLICY, setting.owner, str(setting.expires), setting.reason)
        for setting in policy.weaker
    ]
    if rows:
        yield _section("accepted", "Accepted until a date", _table(("What", "Where", "Owner", "Ends", "Reason"), rows))


def _approved(contents: FolderContents) -> Iterable[str]:
    rows = [
        (change_set.environment, change_set.stack, change_set.arn, change_set.digest)
        for change_set in release_facts.approved_change_sets(contents)
    ]
    if rows:
        table = _table(("Environment", "Stack", "Change set", "Digest that the approver saw"), rows)
        yield _section("approved", "Change sets that approvers were shown", table)


def _deployed_answer(contents: FolderContents, release: Statement, deployments: Sequence[Deployment]) -> str:
    deployed = dict.fromkeys(deployment.target for deployment in deployments)
    sentences = [f"Signed statements about {', '.join(deployed)}." if deployed else "No signed statement."]
    if missing := undeployed(contents, release):
        sentences.append(f"No statement about {', '.join(missing)}.")
    if unread := [f"{name} in {deployment.environment}" for deployment in deployments for name in deployment.unread]:
        sentences.append(f"The states of {counted(len(unread), 'alarm')} could not be read: {', '.join(unread)}.")
    return " ".join(sentences)


def _deployed(deployments: Sequence[Deployment]) -> Iterable[str]:
    rows = [
        (
            deployment.target,
            deployment.ended,
            deployment.approval,
            "\n".join(deployment.revisions),
            deployment.alarms,
        )
        for deployment in deployments
    ]
    if rows:
        alarms = "Alarms from the start of the deployment to its end"
        headings = ("Environment", "Deployed", "Approval", "Task definitions", alarms)
        yield _section("deployed", "Deployments", _table(headings, rows))


def _templates(difference: TemplatesDifference | None) -> Iterable[str]:
    if difference is None or not difference.files:
        return
    left = LONGEST_DIFFERENCE
    parts = []
    for name, text in difference.files.items():
        shown, left = text[:left], left - len(text[:left])
        cut = "" if shown == text else '<p class="note">The rest is in templates.diff.</p>'
        lines = "\n".join(map(_difference_line, printable_lines(shown).splitlines()))
        parts.append(f"<details><summary>{_text(name)}</summary><pre>{lines}</pre>{cut}</details>")
    yield _section("templates", "Templates that differ from the previous release", "\n".join(parts))


def _difference_line(line: str) -> str:
    mark = _MARKS.get(line[:1])
    escaped = html.escape(line)
    return f"<{mark}>{escaped}</{mark}>" if mark and not line.startswith(("+++", "---")) else escaped


def _files(contents: FolderContents) -> Iterable[str]:
    rows = [(name, _meaning(name), contents.digests[name]) for name in sorted(contents.digests) if _meaning(name)]
    yield _section("files", "Files", _table(("File", "What it is", "SHA-256"), rows))


def _meaning(name: str) -> str:
    """Return a phrase that explains a file of the evidence, or an empty text if the file is unknown."""
    folder = name.partition("/")[0]
    if name in PREDICATE_TYPES:
        return f"signed statement of the type {PREDICATE_TYPES[name]}"
    if name.startswith(TEST_RESULTS):
        return f"signed statement of the type {TEST_RESULT_TYPE}"
    if name == VULNERABILITIES:
        return f"signed statement of the type {VULNERABILITIES_TYPE}"
    if DEPLOYMENT.fullmatch(name):
        return f"signed statement of the type {DEPLOYMENT_TYPE}"
    if RECORD.fullmatch(name):
        return "approval record: what an approver saw"
    if name.startswith("approvals/"):
        return "page that an approver saw; the approval record in the same folder has its SHA-256"
    meanings = {
        RELEASE: "signed list of the files that the release had before its first deployment",
        SCAN_POLICY: "policy by which the gate decided",
        TEMPLATES_ARCHIVE: "templates that the pipeline deploys",
    }
    folders = {
        "evidence": "evidence as the signer received it",
        "reports": "report of a check, exactly as the signer received it",
        "previous": "file of the previous release",
    }
    return meanings.get(name) or folders.get(folder, "")


def _section(name: str, heading: str, content: str) -> str:
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{_text(heading)}</h2>\n{content}\n</section>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_text(heading)}</th>' for heading in headings)
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td data-heading="{_text(heading)}">{_text(value)}</td>'
            for heading, value in zip(headings, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _said(statement: Statement, name: str) -> str:
    """Return a value from the predicate of a statement as text, or `unknown` if the predicate lacks the value."""
    value = statement.predicate.get(name)
    return value if isinstance(value, str) and value else "unknown"


def _text(text: str) -> str:
    return html.escape(printable(text))


@functools.cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
