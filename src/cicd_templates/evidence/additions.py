"""What a folder can have beside the signed files of its release: the release before, and records of approvals.

The release before has a signature of its own. A record is not signed: its name has the digest of its content, which
the request for approval shows, so the record can be compared with what the approver was shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, read_statement
from cicd_templates.functions.evidence_format import RELEASE, RELEASE_TYPE, TEMPLATES_ARCHIVE

RELEASE_BEFORE = f"previous/{RELEASE}"
TEMPLATES_BEFORE = f"previous/{TEMPLATES_ARCHIVE}"
RECORD = re.compile(r"approvals/([^/]+)/([0-9a-f]{64})/change-sets\.json")


def record_name(environment: str, digest: str) -> str:
    """Return the name of the record that an approver of `environment` was shown under this digest."""
    return f"approvals/{environment}/{digest}/change-sets.json"


def record_names(contents: FolderContents) -> list[str]:
    """Return the names of all records of approvals."""
    return sorted(name for name in contents.digests if RECORD.fullmatch(name))


def addition_problems(contents: FolderContents, release: Statement, key: PublicKey) -> Iterator[tuple[str, str]]:
    """Yield the name of each addition that is not as it was stored, and the reason."""
    for name in record_names(contents):
        match = RECORD.fullmatch(name)
        if match and contents.digests[name] != match[2]:
            yield name, f"was changed: its SHA-256 is {contents.digests[name]} instead of {match[2]}"
    before = {RELEASE_BEFORE, TEMPLATES_BEFORE} & contents.digests.keys()
    if len(before) == 1:
        yield next(iter({RELEASE_BEFORE, TEMPLATES_BEFORE} - before)), "is missing"
    if len(before) == 2:
        yield from _problems_of_release_before(contents, release, key)


def _problems_of_release_before(
    contents: FolderContents, release: Statement, key: PublicKey
) -> Iterator[tuple[str, str]]:
    try:
        before = read_statement(contents.read(RELEASE_BEFORE), key)
    except StatementError as error:
        yield RELEASE_BEFORE, str(error)
        yield TEMPLATES_BEFORE, "is not listed by a release statement that can be read"
        return
    same = [
        (before.predicate_type, RELEASE_TYPE),
        (before.predicate.get("service"), release.predicate.get("service")),
    ]
    earlier = str(before.predicate.get("signedOn")) < str(release.predicate.get("signedOn"))
    if any(one != other for one, other in same) or not earlier:
        yield RELEASE_BEFORE, "is not an earlier release of the same service"
    listed = {file.name: file.digest.get("sha256") for file in before.subject}
    if listed.get(TEMPLATES_ARCHIVE) != contents.digests[TEMPLATES_BEFORE]:
        yield TEMPLATES_BEFORE, f"is not the archive that {RELEASE_BEFORE} lists"
        yield RELEASE_BEFORE, f"does not list {TEMPLATES_BEFORE}"
