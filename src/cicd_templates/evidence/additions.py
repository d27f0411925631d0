"""Checks the files that were added to a release's evidence after the signing.

- The files of the previous release have a signature of their own.
- An approval record has no signature. It is checked by its digest, which is in the path of the record, in the request
  for approval, and in the signed statement about the approved deployment.
- The files of the page that an approver saw are checked by their digests, which are in the approval record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, digest_of, read_statement
from cicd_templates.functions.approval_records import PAGE_DATA_NAME, PAGE_NAME, RECORD_NAME
from cicd_templates.functions.evidence_format import RELEASE, RELEASE_TYPE, TEMPLATES_ARCHIVE

RELEASE_BEFORE = f"previous/{RELEASE}"
TEMPLATES_BEFORE = f"previous/{TEMPLATES_ARCHIVE}"
RECORD = re.compile(rf"approvals/([^/]+)/([0-9a-f]{{64}})/{re.escape(RECORD_NAME)}")
PAGE_NAMES = (PAGE_NAME, PAGE_DATA_NAME)
_PAGE = re.compile(rf"(approvals/[^/]+/[0-9a-f]{{64}}/)({'|'.join(map(re.escape, PAGE_NAMES))})")


def approval_name(environment: str, digest: str, file: str = RECORD_NAME) -> str:
    """Return the path of a file that belongs to an approval: `approvals/<environment>/<digest>/<file>`.

    The path is relative to the evidence folder. `digest` is the digest of the approval record.
    """
    return f"approvals/{environment}/{digest}/{file}"


def record_names(contents: FolderContents) -> list[str]:
    """Return the names of all approval records in the folder."""
    return sorted(name for name in contents.digests if RECORD.fullmatch(name))


def page_names(contents: FolderContents) -> list[str]:
    """Return the names of the files of all pages that approvers saw. A page has an HTML file and a data file."""
    return sorted(name for name in contents.digests if _PAGE.fullmatch(name))


def addition_problems(contents: FolderContents, release: Statement, key: PublicKey) -> Iterator[tuple[str, str]]:
    """Yield a problem for each added file that is missing, was changed, or does not belong to this evidence.

    Each problem is a pair: the name of the file, and a phrase that says what is wrong with the file.
    """
    for name in record_names(contents):
        match = RECORD.fullmatch(name)
        if match and contents.digests[name] != match[2]:
            yield name, f"was changed: its SHA-256 is {contents.digests[name]} instead of {match[2]}"
        record = _read_record(contents, name)
        about = (record.get("environment"), record.get("execution"))
        if match and about != (match[1], release.predicate.get("execution")):
            yield name, "is about another environment or execution"
        pages = record.get("page")
        named = [page for page in PAGE_NAMES if isinstance(pages, dict) and page in pages]
        folder = name.removesuffix(RECORD_NAME)
        yield from ((folder + page, "is missing") for page in named if folder + page not in contents.digests)
    for name in page_names(contents):
        if not _is_page_of_record(contents, name):
            yield name, f"is not the page that the {RECORD_NAME} in the same folder lists"
    before = {RELEASE_BEFORE, TEMPLATES_BEFORE} & contents.digests.keys()
    if len(before) == 1:
        (other,) = {RELEASE_BEFORE, TEMPLATES_BEFORE} - before
        yield other, "is missing"
        yield next(iter(before)), f"is of no use without {other}"
    if len(before) == 2:
        yield from _problems_of_release_before(contents, release, key)


def _is_page_of_record(contents: FolderContents, name: str) -> bool:
    match = _PAGE.fullmatch(name)
    record = f"{match[1]}{RECORD_NAME}" if match else ""
    pages = _read_record(contents, record).get("page") if record in contents.digests else None
    return bool(match and isinstance(pages, dict) and pages.get(match[2]) == contents.digests[name])


def _read_record(contents: FolderContents, name: str) -> dict[str, Any]:
    """Return an approval record, or an empty dictionary if the file is not a JSON object."""
    try:
        record = json.loads(contents.read(name))
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def read_templates_before(contents: FolderContents, key: PublicKey) -> bytes | None:
    """Return the archive with the templates of the previous release. Return None if it is missing or may be forged.

    The signed statement about the previous release must contain the SHA-256 of the archive.
    """
    try:
        before = read_statement(contents.read(RELEASE_BEFORE) if RELEASE_BEFORE in contents.digests else b"", key)
    except StatementError:
        return None
    return contents.read_exactly(TEMPLATES_BEFORE, digest_of(before, TEMPLATES_ARCHIVE))


def _problems_of_release_before(
    contents: FolderContents, release: Statement, key: PublicKey
) -> Iterator[tuple[str, str]]:
    try:
        before = read_statement(contents.read(RELEASE_BEFORE), key)
    except StatementError as error:
        yield RELEASE_BEFORE, str(error)
        yield TEMPLATES_BEFORE, "cannot be checked, because the previous release statement cannot be read"
        return
    same = [
        (before.predicate_type, RELEASE_TYPE),
        (before.predicate.get("service"), release.predicate.get("service")),
    ]
    earlier = str(before.predicate.get("signedOn")) < str(release.predicate.get("signedOn"))
    if any(one != other for one, other in same) or not earlier:
        yield RELEASE_BEFORE, "is not an earlier release of the same service"
    if digest_of(before, TEMPLATES_ARCHIVE) != contents.digests[TEMPLATES_BEFORE]:
        yield TEMPLATES_BEFORE, f"is not the archive that {RELEASE_BEFORE} lists"
        yield RELEASE_BEFORE, f"does not list {TEMPLATES_BEFORE}"
