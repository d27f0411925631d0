"""Describe change sets and their templates to the approver, on a page and in the output variables of an action.

The function records the page and the identities of the change sets as evidence. Before anything is executed, the
function `approval_check` compares the change sets with this record. The review function accepts only the newest version
of the templates, or an older version that the configuration names.

The user parameters:

- `stack` and `changeSet`: the stack and the name of its change set
- `role`: the role that the function assumes to read the change set
- `image`: the image of the release, with its digest
- `templates`: the version of the templates
- `migration`: the stack of the migration, if there is one. The name of its change set is also `changeSet`.
- `region`, `environment` and `execution`

The environment variables:

- `CONSOLE`: the address of the AWS console
- `SERVICE`: the name of the service
- `UNSIGNED_IMAGES`: images that may run without a signature, as the module `unsigned_images` describes. If the image
  of the release is in this variable, the approver is told so.

The function always answers its job, because CodePipeline would wait 20 minutes for a missing answer. The event is never
logged, because it contains credentials.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
from typing import Any
from urllib.parse import quote

from cicd_templates.functions.approval_page import ApprovalPage, approval_page, reviewed_stage
from cicd_templates.functions.approval_records import PAGE_DATA_NAME, PAGE_NAME, record_key, store_record
from cicd_templates.functions.job_failures import one_line, report_failure
from cicd_templates.functions.pipeline_jobs import answer_job, read_parameters
from cicd_templates.functions.reviewed_change_sets import ChangeSet, read_change_set
from cicd_templates.functions.role_clients import client_in_role
from cicd_templates.functions.unsigned_images import find_exceptions

# An approval shows at most 1,000 characters, which the summary shares with other text.
SUMMARY_LENGTH = 300
COMMAND_LENGTH = 40
# The longest answers about lost data and about wider access in the summary. The page has the complete answers.
ANSWER_LENGTH = 80
# If the image has no signature, the summary begins with the exception for it, and the answers are shorter.
OWNER_LENGTH, ANSWER_LENGTH_IF_UNSIGNED = 30, 50
VARIABLE_LENGTH = 1000
# The metadata of the templates' S3 object, with the form that each value must have.
METADATA = {
    "commit": "[0-9a-f]{40}|[0-9a-f]{64}",
    "sha256": "[0-9a-f]{64}",
    "handed-over-by": r"arn:[\w-]+:(iam|sts)::\d{12}:[\w+=,.@/-]{1,100}",
}
# The user parameters that every job has, and those that some jobs have.
REQUIRED = frozenset({"stack", "changeSet", "role", "region", "environment", "execution", "image", "templates"})
OPTIONAL = frozenset({"migration"})


def handler(event: dict[str, Any], context: object) -> None:
    """Report the job to CodePipeline: as failed, or as succeeded with variables such as `PageUrl` and `Summary`."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        parameters = read_parameters(job, REQUIRED, OPTIONAL)
        templates = _describe_templates(parameters["templates"])
        variables = _describe_change_sets(parameters, templates) | {"Templates": templates}
    except Exception as error:
        message = f"Cannot ask for an approval: {type(error).__name__}: {error}"
        report_failure(pipeline, job["id"], "ReviewErrors", message)
    else:
        answer_job(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _describe_templates(version: str) -> str:
    """Return a text with the commit and the digest of the templates, and with the person who uploaded them.

    Raises `ValueError` unless `version` is the newest version or the version in `OLDER_TEMPLATES`.
    """
    import boto3

    s3 = boto3.client("s3")
    bucket, key = os.environ["TEMPLATES_BUCKET"], os.environ["TEMPLATES_KEY"]
    newest = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    if version not in (newest, os.environ.get("OLDER_TEMPLATES")):
        raise ValueError(
            f"the release has version {version} of the templates, but {newest} is the newest version. Release again,"
            f" or set pipeline.older_templates to {version} in the configuration to deploy the older version."
        )
    metadata = s3.head_object(Bucket=bucket, Key=key, VersionId=version)["Metadata"]
    # Whoever uploads the object chooses its metadata, so only values of the expected form are shown.
    texts = {name: metadata.get(name, "") for name in METADATA}
    commit, digest, caller = (
        texts[name] if re.fullmatch(form, texts[name], re.ASCII) else "" for name, form in METADATA.items()
    )
    older = "" if version == newest else "OLDER than the newest, "
    return (
        f"{older}{f'commit {commit}' if commit else 'commit unknown'}, {f'sha256 {digest}' if digest else 'no digest'},"
        f" uploaded by {caller.rpartition(':')[2] or 'an unknown person'}"
    )


def _describe_change_sets(parameters: dict[str, str], templates: str) -> dict[str, str]:
    """Store the approver's page and the record of the change sets. Return the output variables of the action."""
    cloudformation = client_in_role("cloudformation", parameters["role"], parameters["region"], "review")
    layers = {
        "service": parameters["stack"],
        **{name: parameters[name] for name in ("migration",) if name in parameters},
    }
    change_sets = [read_change_set(cloudformation, stack, parameters["changeSet"]) for stack in layers.values()]
    service, *migrations = change_sets
    image = one_line(parameters["image"].partition("@")[2])
    variables = {"ChangeSetUrl": _change_set_url(service, parameters["region"]), "Digest": image}
    command = ""
    for migration in migrations:
        command = _command(migration.valued)
        variables["MigrationCommand"] = command or "not shown by the change set"
        variables["MigrationChangeSetUrl"] = _change_set_url(migration, parameters["region"])
    environment, execution = parameters["environment"], parameters["execution"]
    stage = reviewed_stage(environment, os.environ["SERVICE"], list(zip(layers, change_sets, strict=True)))
    exception = find_exceptions(environment)[0].get(parameters["image"])
    facts = [
        f"{os.environ['SERVICE']} to {environment}, pipeline execution {execution}",
        f"image {image or 'unknown'}",
        *(f"{_exception_text(each)}: {one_line(each['reason'])}" for each in (exception,) if each),
        f"templates {parameters['templates']}: {templates}",
        *(f"change set {change_set.answer['ChangeSetId']}" for change_set in change_sets),
        *(f"the migration runs: {variables['MigrationCommand']}" for _ in migrations),
    ]
    page = approval_page(stage, facts, change_sets)
    entries = [change_set.entry for change_set in change_sets]
    digest = store_record(environment, execution, entries, {PAGE_NAME: page.html, PAGE_DATA_NAME: page.data})
    answers = {"WhatChanges": page.changes, "WhatIsLost": page.lost, "WhoCanDoMore": page.access}
    return variables | {
        **{name: _cut(one_line(answer), VARIABLE_LENGTH) for name, answer in answers.items()},
        "Summary": _summary(page, change_sets, command, exception),
        "Reviewed": digest,
        "PageUrl": _page_url(record_key(environment, execution, digest, PAGE_NAME)),
    }


def _page_url(key: str) -> str:
    """Return the address at which the AWS console shows an object of the evidence bucket.

    The console shows the object only to users who may read it.
    """
    bucket = f"{os.environ['CONSOLE']}/s3/object/{quote(os.environ['EVIDENCE_BUCKET'])}"
    return f"{bucket}?region={os.environ['AWS_REGION']}&prefix={quote(key, safe='')}"


def _change_set_url(change_set: ChangeSet, region: str) -> str:
    stack, arn = (quote(change_set.answer[name], safe="") for name in ("StackId", "ChangeSetId"))
    where = f"stackId={stack}&changeSetId={arn}"
    page = f"{os.environ['CONSOLE']}/cloudformation/home?region={region}"
    return f"{page}#/stacks/changesets/changes?{where}"


def _command(changes: list[dict[str, Any]]) -> str:
    """Return the new command in the task definition, or an empty string if the changes do not show it."""
    for change in changes:
        if change["ResourceType"] == "AWS::ECS::TaskDefinition" and "AfterContext" in change:
            # A text replaces a value that is unknown before the deployment.
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                command = json.loads(change["AfterContext"])["Properties"]["ContainerDefinitions"][0].get("Command", ())
                return "" if isinstance(command, str) else one_line(shlex.join(command))
    return ""


def _exception_text(exception: dict[str, str], owner_length: int = VARIABLE_LENGTH) -> str:
    owner = _cut(one_line(exception["owner"]), owner_length)
    return f"UNSIGNED until {exception['expires']}, accepted by {owner}"


def _summary(page: ApprovalPage, change_sets: list[ChangeSet], command: str, exception: dict[str, str] | None) -> str:
    """Return what changes, what is lost and who gets more access, in at most `SUMMARY_LENGTH` characters.

    If the configuration allows the image to run without a signature, the summary says so first.
    """
    begin = f"{_exception_text(exception, OWNER_LENGTH)}. " if exception else ""
    answer_length = ANSWER_LENGTH_IF_UNSIGNED if exception else ANSWER_LENGTH
    lost, access = (_cut(one_line(answer), answer_length) for answer in (page.lost, page.access))
    end = f" LOST: {lost} ACCESS: {access}"
    length = SUMMARY_LENGTH - len(begin) - len(end)
    service, *migrations = (_resources_by_effect(change_set.changes) for change_set in change_sets)
    if not migrations:
        return f"{begin}{_cut(f'{one_line(page.changes)} {service}', length)}{end}"
    runs = f" runs {_cut(command, COMMAND_LENGTH)}" if command else ""
    middle = f"; migration{runs}: "
    # Each stack gets half of the space, so that the text about one stack does not displace the text about the other.
    half = (length - len(middle) - 1) // 2
    return f"{begin}{_cut(service, half)}{middle}{_cut(migrations[0], half)}.{end}"


def _resources_by_effect(changes: list[dict[str, Any]]) -> str:
    """Return the resource changes as text: first removals, then replacements, possible replacements and all others."""
    resources_by_effect: dict[str, list[str]] = {
        "REMOVE": [],
        "REPLACE": [],
        "MAY REPLACE": [],
        "modify": [],
        "add": [],
    }
    for change in changes:
        effect = {"Remove": "REMOVE", "Add": "add"}.get(change["Action"], "modify")
        if change.get("Replacement") == "True":
            effect = "REPLACE"
        elif change.get("Replacement") == "Conditional":
            effect = "MAY REPLACE"
        resources_by_effect[effect].append(f"{change['LogicalResourceId']} ({change['ResourceType']})")
    text = "; ".join(f"{effect} {', '.join(names)}" for effect, names in resources_by_effect.items() if names)
    return one_line(text) or "no resource changes"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
