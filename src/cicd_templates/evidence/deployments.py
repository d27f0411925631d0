"""Checks the statements about deployments of a release. Each statement has its own signature.

The release statement is signed before the first deployment, so it cannot list the statements about deployments. But a
missing statement is found in two other ways:

- The release statement lists the pipeline's environments in order. Each of them must have a statement. The person who
  verifies the release can exempt an environment, but only if no later environment has a statement.
- Each statement about a deployment lists all earlier statements. So all of these must be in the folder.

One gap remains: somebody can remove the newest of all statements unnoticed, if an older statement is about the same
environment.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.evidence.additions import approval_name, record_names
from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, digest_of, read_statement
from cicd_templates.functions.evidence_format import (
    DEPLOYMENT,
    DEPLOYMENT_TYPE,
    RELEASE,
    TEMPLATES_ARCHIVE,
    name_of_deployment,
)
from cicd_templates.plurals import counted

# The only reason for which a person may exempt an environment: nothing in the folder shows that it was reached.
UNPROVEN = "is missing, but the pipeline deploys to this environment"
_BUNDLE = re.compile(r"bundles/(deployments/[a-z0-9-]+/(?:migration-)?[1-9][0-9]*)\.sigstore\.json")


@dataclass(frozen=True)
class Deployment:
    """The facts in a statement about a deployment, as texts that a page or a terminal can show.

    A fact that the statement does not contain is an empty text.

    - `target` is the name of the environment. If the statement is only about a migration, `target` says so.
    - `record` is the digest of the approval record.
    - `unread` has the names of the alarms whose states the signer could not read.
    """

    name: str
    environment: str
    target: str
    ended: str
    approval: str
    approver: str
    record: str
    change_sets: tuple[str, ...]
    revisions: tuple[str, ...]
    alarms: str
    unread: tuple[str, ...]


def deployment_names(contents: FolderContents) -> list[str]:
    """Return the names of all statements about deployments and migrations, sorted by environment and number.

    Within each environment, migrations come before deployments.
    """
    matches = [match for name in contents.digests if (match := DEPLOYMENT.fullmatch(name))]
    return [match[0] for match in sorted(matches, key=lambda match: (match[1], not match[2], int(match[3])))]


def route_of(release: Statement) -> list[str]:
    """Return the environments to which the pipeline deploys, in order.

    The list is empty for a release statement of an older signer, which did not list the environments.
    """
    environments = release.predicate.get("environments")
    return [str(environment) for environment in environments] if isinstance(environments, list) else []


def undeployed(contents: FolderContents, release: Statement) -> list[str]:
    """Return the environments of the pipeline for which the folder has no statement about a deployment."""
    return [name for name in route_of(release) if name not in _environments(contents)]


def not_reached(contents: FolderContents, release: Statement) -> list[str]:
    """Return the environments that come later in the pipeline than all environments with a statement of a deployment.

    Either the release was not deployed to these environments, or their statements are missing. The folder itself cannot
    prove which.
    """
    route, attested = route_of(release), _environments(contents)
    return route[1 + max((position for position, name in enumerate(route) if name in attested), default=-1) :]


def unsigned_records(contents: FolderContents, deployments: Sequence[Deployment]) -> list[str]:
    """Return the names of the approval records that are in none of the signed statements `deployments`.

    Each of these records is either a request that nobody approved, or a file that somebody added later.
    """
    listed = {approval_name(deployment.environment, deployment.record) for deployment in deployments}
    return [name for name in record_names(contents) if name not in listed]


def read_deployments(contents: FolderContents, key: PublicKey, release: Statement) -> list[Deployment]:
    """Return the deployments whose statements are signed with `key`, in the order of the pipeline's environments.

    This function does not compare the statements with the release.
    """
    found = []
    for name in deployment_names(contents):
        try:
            found.append(_deployment(name, read_statement(contents.read(name), key).predicate))
        except StatementError:
            continue
    positions = {environment: position for position, environment in enumerate(route_of(release))}
    return sorted(found, key=lambda deployment: positions.get(deployment.environment, len(positions)))


def deployment_problems(
    contents: FolderContents, release: Statement, key: PublicKey, not_attested: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the problems of the statements about deployments, each as a file name and a phrase that says what is wrong.

    Each statement must be valid and match the release. Each environment of the release must have a statement, except
    the environments in `not_attested`, which must have none.
    """
    for name in deployment_names(contents):
        try:
            statement = read_statement(contents.read(name), key)
        except StatementError as error:
            yield name, str(error)
            continue
        if statement.predicate_type != DEPLOYMENT_TYPE:
            yield name, f"is a statement of type {statement.predicate_type} instead of {DEPLOYMENT_TYPE}"
            continue
        yield from ((name, reason) for reason in _differences(contents, release, name, statement))
        yield from _missing_files(contents, release, statement.predicate)
    for match in filter(None, map(_BUNDLE.fullmatch, contents.digests)):
        name = f"{match[1]}.dsse.json"
        if name not in contents.digests:
            yield name, f"is missing, but its bundle {match[0]} exists"
    yield from _route_problems(contents, release, not_attested)


def _route_problems(
    contents: FolderContents, release: Statement, not_attested: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield a problem for each of these cases:

    - An environment has no statement, but a later environment has one.
    - An environment has no statement and is not exempt. The exempt environments are in `not_attested`.
    - An exempt environment has a statement.
    """
    last, route = not_reached(contents, release), route_of(release)
    for environment in undeployed(contents, release):
        if environment not in last:
            later = next(name for name in route[route.index(environment) :] if name in _environments(contents))
            yield name_of_deployment(environment, 1), f"is missing, but the release was later deployed to {later}"
        elif environment not in not_attested:
            yield name_of_deployment(environment, 1), UNPROVEN
    for match in filter(None, map(DEPLOYMENT.fullmatch, deployment_names(contents))):
        if match[1] in not_attested and not match[2]:
            yield match[0], f"is a statement about {match[1]}, which was listed as an environment without a deployment"


def _environments(contents: FolderContents) -> set[str]:
    """Return the environments that have a statement about a deployment. Statements about migrations do not count."""
    return {match[1] for name in contents.digests if (match := DEPLOYMENT.fullmatch(name)) and not match[2]}


def _differences(contents: FolderContents, release: Statement, name: str, statement: Statement) -> Iterator[str]:
    predicate, match = statement.predicate, DEPLOYMENT.fullmatch(name)
    named = [(each.name, each.digest.get("sha256")) for each in statement.subject[1:]]
    if statement.subject[0] != release.subject[0] or named != [(RELEASE, contents.digests[RELEASE])]:
        yield "is about another release"
    about = (predicate.get("file"), predicate.get("environment"), predicate.get("service"))
    if about != (name, match and match[1], release.predicate.get("service")):
        yield f"is not the statement that was stored as {name}"
    # An archive that differs from the signed archive is reported anyway. It is not opened, because it may be harmful.
    archive = contents.read_exactly(TEMPLATES_ARCHIVE, digest_of(release, TEMPLATES_ARCHIVE)) or b""
    for stack in _objects(predicate.get("stacks")):
        template = stack.get("template")
        if isinstance(template, dict) and _digest(template) != _sha256_in(archive, str(template.get("name"))):
            yield f"lists the template {template.get('name')}, which differs from the one in {TEMPLATES_ARCHIVE}"
    approval = predicate.get("approval")
    if isinstance(approval, dict) and not approval.get("approvedBy"):
        yield "does not say who approved the deployment"


def _missing_files(
    contents: FolderContents, release: Statement, predicate: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield a problem for each missing or changed file. The files are those in the statements about deployments.

    For a rollback, the approval record may be missing. The folder has only the records of the pipeline execution that
    made the release, and a rollback is another execution.
    """
    for earlier in _objects(predicate.get("earlier")):
        name = str(earlier.get("name"))
        if name not in contents.digests:
            yield name, "is missing"
        elif contents.digests[name] != _digest(earlier):
            yield name, f"was changed: its SHA-256 is {contents.digests[name]} instead of {_digest(earlier)}"
    approval = predicate.get("approval")
    if isinstance(approval, dict) and predicate.get("execution") == release.predicate.get("execution"):
        record = approval_name(str(predicate.get("environment")), str(approval.get("record")))
        if record not in contents.digests:
            yield record, "is missing"


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _digest(descriptor: dict[str, Any]) -> str:
    digest = descriptor.get("digest")
    return str(digest.get("sha256")) if isinstance(digest, dict) else ""


def _sha256_in(archive: bytes, name: str) -> str:
    """Return the SHA-256 of the file `name` in a zip file, or an empty text if the file cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return hashlib.sha256(opened.read(name)).hexdigest()
    except Exception:
        # zipfile documents BadZipFile, but a hostile archive can raise any error of its decompressors.
        return ""


def _deployment(name: str, predicate: dict[str, Any]) -> Deployment:
    stacks, environment = _objects(predicate.get("stacks")), str(predicate.get("environment", ""))
    match = DEPLOYMENT.fullmatch(name)
    return Deployment(
        name,
        environment,
        f"{environment} (migration)" if match and match[2] else environment,
        str(predicate.get("ended", "")),
        _approval(predicate.get("approval")),
        _approver(predicate.get("approval")),
        _record(predicate.get("approval")),
        tuple(str(stack.get("changeSet")) for stack in stacks),
        tuple(str(arn) for stack in stacks for arn in _list(stack.get("taskDefinitions"))),
        _alarms(_objects(predicate.get("alarms"))),
        tuple(str(alarm.get("name")) for alarm in _objects(predicate.get("alarms")) if "unread" in alarm),
    )


def _approval(approval: Any) -> str:
    """Return a phrase that says who approved the deployment and when, or that it needed no approval."""
    if not isinstance(approval, dict):
        return "no approval was needed"
    if not approval.get("approvedBy"):
        return "approved, but the statement does not say by whom"
    return f"approved by {_approver(approval)}"


def _approver(approval: Any) -> str:
    """Return who approved the deployment and when, or an empty text if it needed no approval."""
    if not isinstance(approval, dict):
        return ""
    by, on = approval.get("approvedBy"), approval.get("approvedOn")
    if not by:
        return "CodePipeline named nobody"
    return f"{by} on {on}" if on else str(by)


def _record(approval: Any) -> str:
    return str(approval.get("record", "")) if isinstance(approval, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _alarms(alarms: list[dict[str, Any]]) -> str:
    """Return one sentence about the states of the alarms during the deployment."""
    if not alarms:
        return "The service has no alarms."
    parts = [f"{counted(len(alarms), 'alarm')}."]
    final = {str(alarm.get("state")) for alarm in alarms}
    if len(final) == 1 and not any("unread" in alarm or alarm.get("changes") for alarm in alarms):
        return f"{parts[0]} All were {final.pop()} during the whole deployment."
    for alarm in alarms:
        if "unread" in alarm:
            parts.append(f"{alarm.get('name')} could not be read: {alarm['unread']}.")
        elif alarm.get("state") != "OK" or alarm.get("changes"):
            changes = [f"{change.get('to')} at {change.get('on')}" for change in _objects(alarm.get("changes"))]
            states = ", ".join([*changes, f"at the end {alarm.get('state')}"])
            parts.append(f"{alarm.get('name')}: {states}.")
    return " ".join(parts)
