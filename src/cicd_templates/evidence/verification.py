"""Verifies a folder of evidence: all files match the release statement, and all statements are about one release.

Without an expected fingerprint, the verification proves only that the files in the folder match each other. It does not
prove who signed the files: an attacker can change the files, sign them with a key of his own, and put that public key
into the folder.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd_templates.errors import ConfigurationError
from cicd_templates.evidence.additions import (
    RELEASE_BEFORE,
    TEMPLATES_BEFORE,
    addition_problems,
    page_names,
    record_names,
)
from cicd_templates.evidence.deployments import (
    deployment_names,
    deployment_problems,
    not_reached,
    read_deployments,
    route_of,
    unsigned_records,
)
from cicd_templates.evidence.derived_files import derived_files, derived_names
from cicd_templates.evidence.folder import FolderContents, read_folder
from cicd_templates.evidence.instructions import INSTRUCTIONS
from cicd_templates.evidence.public_key import KeyFormatError, PublicKey, read_public_key
from cicd_templates.evidence.statements import Statement, StatementError, read_statement
from cicd_templates.functions.evidence_format import (
    PREDICATE_TYPES,
    PROVENANCE,
    PUBLIC_KEY,
    RECEIVED,
    RELEASE,
    RELEASE_TYPE,
    SCAN_POLICY,
    TEMPLATES_ARCHIVE,
    TEST_RESULT_TYPE,
    TEST_RESULTS,
    VERIFICATION_SUMMARY,
    VULNERABILITIES,
    VULNERABILITIES_TYPE,
)

# The release statement cannot list these files. Each of them is checked in another way.
UNLISTED = {RELEASE, PUBLIC_KEY, RELEASE_BEFORE, TEMPLATES_BEFORE}

_FOLDER_WANTED = "give the path of a folder with the evidence of one release"
# The problem of an unsigned file that somebody changed, or that another version of cicd-templates wrote.
DIFFERENT_DERIVED_FILE = "differs from what this version of cicd-templates writes for this release"


@dataclass(frozen=True)
class Problem:
    """A problem with a file. The name of the file, followed by `reason`, forms a sentence."""

    file: str
    reason: str


@dataclass
class Verification:
    """The result of a verification. The folder is verified if there are no problems.

    - `fingerprint` is the fingerprint of the public key in the folder. It is empty if this key is missing or invalid.
    - `image` is the image of the release, with its digest. `details` has the other facts about the release.
    - `files` is the number of files that the release statement lists.
    - `unsigned` has the approval records that are in no signed statement. A person must compare the digest of each
      record with the request for approval.
    - `deployments` has sentences about the deployments.
    - `undeployed` lists the environments that come later in the pipeline than every environment with a statement.
    - `has_route` is true if the release statement lists the environments of the pipeline. If it is false, the
      verification cannot notice that an environment has no statement.
    """

    problems: list[Problem] = field(default_factory=list)
    fingerprint: str = ""
    image: str = ""
    details: dict[str, str] = field(default_factory=dict)
    files: int = 0
    unsigned: list[str] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)
    undeployed: list[str] = field(default_factory=list)
    has_route: bool = False


def verify_folder(path: Path, expected_fingerprint: str = "", not_attested: Collection[str] = ()) -> Verification:
    """Verify the folder `path`. If `expected_fingerprint` is given, accept only the key with this fingerprint.

    The folder must have a statement about each environment of the release, except those in `not_attested`.

    Raises `ConfigurationError` if `path` is not a folder with a release statement, or if `not_attested` has an unknown
    environment.
    """
    if not path.is_dir():
        zipped = path.is_file() and zipfile.is_zipfile(path)
        fix = "unpack the zip file, then give the path of the new folder" if zipped else _FOLDER_WANTED
        raise ConfigurationError(f"{path} is not a folder; {fix}")
    contents = read_folder(path)
    known = {RELEASE, PUBLIC_KEY, INSTRUCTIONS, *PREDICATE_TYPES}
    if known.isdisjoint({*contents.digests, *contents.unreadable}):
        raise ConfigurationError(f"{path} is not a folder of evidence, because it has no {RELEASE}")
    result = Verification()
    result.problems += [Problem(name, "is neither a file nor a folder") for name in contents.unreadable]
    try:
        key = _key(contents, expected_fingerprint, result)
        release = _statement(contents, RELEASE, RELEASE_TYPE, key)
        _compare(contents, release, key, not_attested, result)
    except _UnusableError as error:
        result.problems.append(error.problem)
    result.problems = list({(problem.file, problem.reason): problem for problem in result.problems}.values())
    return result


class _UnusableError(Exception):
    """Raised if the verification cannot continue, because it needs a file that is missing or invalid.

    `problem` has the name of the file and the reason.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name)
        self.problem = Problem(name, reason)


def _key(contents: FolderContents, expected: str, result: Verification) -> PublicKey:
    if PUBLIC_KEY not in contents.digests:
        raise _UnusableError(PUBLIC_KEY, "is missing")
    content = contents.read(PUBLIC_KEY)
    try:
        key = read_public_key(content)
    except KeyFormatError as error:
        raise _UnusableError(PUBLIC_KEY, str(error)) from error
    if content != key.pem:
        raise _UnusableError(PUBLIC_KEY, "is not in canonical PEM format")
    result.fingerprint = key.fingerprint
    if expected and key.fingerprint != expected:
        raise _UnusableError(PUBLIC_KEY, f"has the fingerprint {key.fingerprint}, but the expected one is {expected}")
    return key


def _statement(contents: FolderContents, name: str, predicate_type: str, key: PublicKey) -> Statement:
    if name not in contents.digests:
        raise _UnusableError(name, "is missing")
    try:
        statement = read_statement(contents.read(name), key)
    except StatementError as error:
        raise _UnusableError(name, str(error)) from error
    if statement.predicate_type != predicate_type:
        raise _UnusableError(name, f"is a statement of type {statement.predicate_type} instead of {predicate_type}")
    return statement


def _compare(
    contents: FolderContents, release: Statement, key: PublicKey, not_attested: Collection[str], result: Verification
) -> None:
    route = route_of(release)
    if unknown := [name for name in not_attested if name not in route]:
        raise ConfigurationError(
            f"{', '.join(unknown)} is not an environment of this release; the release has {', '.join(route) or 'none'}"
        )
    image, *files = release.subject
    listed = {file.name: file.digest.get("sha256", "") for file in files}
    result.image = f"{image.name}@sha256:{image.digest.get('sha256', '')}"
    result.details = {name: value for name, value in sorted(release.predicate.items()) if isinstance(value, str)}
    result.files = len(listed)
    if result.details.get("service", "") == "" or len(listed) != len(files):
        raise _UnusableError(RELEASE, "does not describe a release")
    result.problems += _listing_problems(contents, listed)
    statements: dict[str, Statement] = {}
    for name, predicate_type in PREDICATE_TYPES.items():
        try:
            statements[name] = _statement(contents, name, predicate_type, key)
        except _UnusableError as error:
            result.problems.append(error.problem)
            continue
        if statements[name].subject != [image]:
            result.problems.append(Problem(name, f"is about another image, not about {result.image}"))
    result.problems += _vulnerability_problems(contents, release, listed, key)
    result.problems += _reference_problems(statements, release, listed)
    result.problems += _test_problems(contents, statements.get(PROVENANCE), listed, key)
    result.problems += [Problem(name, reason) for name, reason in addition_problems(contents, release, key)]
    result.problems += [
        Problem(name, reason) for name, reason in deployment_problems(contents, release, key, not_attested)
    ]
    deployments = read_deployments(contents, key, release)
    result.deployments = [
        f"{deployment.target} on {deployment.ended}, {deployment.approval}; {deployment.alarms}"
        for deployment in deployments
    ]
    result.undeployed, result.has_route = not_reached(contents, release), bool(route)
    result.unsigned = unsigned_records(contents, deployments)
    result.problems += _derivation_problems(contents, release, key)


def _derivation_problems(contents: FolderContents, release: Statement, key: PublicKey) -> Iterator[Problem]:
    """Yield a problem for each derived file, such as VERIFY.md, with wrong contents.

    Derived files are not signed, so somebody could change them to mislead readers. Their contents are computed again
    from the signed files, and compared. A missing derived file is no problem.
    """
    derived = derived_files(contents, release, key)
    for name in derived_names(contents):
        if contents.read(name) != derived.get(name):
            yield Problem(name, DIFFERENT_DERIVED_FILE)


def _listing_problems(contents: FolderContents, listed: dict[str, str]) -> Iterator[Problem]:
    """Yield a problem for each file that is missing, that was changed, or that the release statement does not list."""
    for name, digest in listed.items():
        actual = contents.digests.get(name)
        if actual is None:
            yield Problem(name, "is missing")
        elif actual != digest:
            yield Problem(name, f"was changed: its SHA-256 is {actual} instead of {digest}")
    unlisted = {*UNLISTED, *record_names(contents), *page_names(contents), *derived_names(contents)}
    unlisted |= set(deployment_names(contents))
    for name in contents.digests.keys() - listed.keys() - unlisted:
        yield Problem(name, "is not part of this release")
    for name in PREDICATE_TYPES.keys() - listed.keys():
        yield Problem(RELEASE, f"does not list {name}")
    if all(listed.get(name) != contents.digests.get(name) for name in PREDICATE_TYPES):
        yield Problem(RELEASE, "lists none of the statements in its folder, so it belongs to another release")


def _reference_problems(
    statements: dict[str, Statement], release: Statement, listed: dict[str, str]
) -> Iterator[Problem]:
    """Yield a problem for each statement that does not belong to this release.

    For example, the folder may contain a signed statement about an earlier release of the same image.
    """
    digests = set(listed.values())
    if provenance := statements.get(PROVENANCE):
        dependencies = _digests(_at(provenance.predicate, "buildDefinition", "resolvedDependencies"))
        execution = _at(provenance.predicate, "runDetails", "metadata", "invocationId")
        if execution != release.predicate.get("execution"):
            yield Problem(PROVENANCE, "is about another execution of the pipeline")
        if listed.get(TEMPLATES_ARCHIVE, "") not in dependencies:
            yield Problem(PROVENANCE, f"is about templates that differ from those in {TEMPLATES_ARCHIVE}")
    if summary := statements.get(VERIFICATION_SUMMARY):
        policy = _digests([_at(summary.predicate, "policy")])
        if policy != {listed.get(SCAN_POLICY, "")}:
            yield Problem(VERIFICATION_SUMMARY, f"was made with a policy that differs from {SCAN_POLICY}")
        if _at(summary.predicate, "verificationResult") != "PASSED":
            yield Problem(VERIFICATION_SUMMARY, "does not say that the gate let this release pass")
        if not _digests(_at(summary.predicate, "inputAttestations")) <= digests:
            yield Problem(VERIFICATION_SUMMARY, "lists input attestations that are not part of this release")
    received = statements.get(RECEIVED)
    if received and not _digests(_at(received.predicate, "references")) <= digests:
        yield Problem(RECEIVED, "lists documents that are not part of this release")


def _vulnerability_problems(
    contents: FolderContents, release: Statement, listed: dict[str, str], key: PublicKey
) -> Iterator[Problem]:
    """Yield a problem if the statement about vulnerabilities is unusable, or is not about the image of the release.

    Evidence of older releases has no statement about vulnerabilities.
    """
    if VULNERABILITIES not in listed:
        return
    try:
        found = _statement(contents, VULNERABILITIES, VULNERABILITIES_TYPE, key)
    except _UnusableError as error:
        yield error.problem
        return
    if found.subject != release.subject[:1]:
        yield Problem(VULNERABILITIES, "is about another image, not about the image of the release")


def _test_problems(
    contents: FolderContents, provenance: Statement | None, listed: dict[str, str], key: PublicKey
) -> Iterator[Problem]:
    """Yield a problem for each statement about tests whose source or report does not belong to this release."""
    dependencies = _at(provenance.predicate, "buildDefinition", "resolvedDependencies") if provenance else None
    for name in sorted(name for name in listed if name.startswith(TEST_RESULTS)):
        try:
            tests = _statement(contents, name, TEST_RESULT_TYPE, key)
        except _UnusableError as error:
            yield error.problem
            continue
        if not {source.digest.get("sha256", "") for source in tests.subject} <= _digests(dependencies) - {""}:
            yield Problem(name, f"is about a source that differs from the one in {PROVENANCE}")
        if not _digests([_at(tests.predicate, "report")]) <= set(listed.values()):
            yield Problem(name, "is about a report that is not part of this release")


def _at(value: Any, *path: str) -> Any:
    """Return the value at `path` in nested JSON objects, or None if there is no such value."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _digests(descriptors: Any) -> set[Any]:
    """Return the set of SHA-256 digests in `descriptors`, a list of in-toto resource descriptors.

    If a digest is missing, or if `descriptors` is not a list, the set has an empty string instead.
    """
    if not isinstance(descriptors, list):
        return {""}
    return {str(_at(descriptor, "digest", "sha256") or "") for descriptor in descriptors}
