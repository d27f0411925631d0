"""Reads the status of the stacks of an environment, the version of their templates, and their outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, describe_stacks
from cicd_templates.deploy.change_sets.deployed_text import has_same_effect, is_template_of
from cicd_templates.deploy.change_sets.ownership import owner_tags
from cicd_templates.deploy.locking.environment_lock import DENIED, EnvironmentLock
from cicd_templates.deploy.releases.commits import find_commit, find_commit_by_text
from cicd_templates.template.returned_text import is_text_of
from cicd_templates.template.stack_template import StackTemplate
from cicd_templates.template.tags import MANAGED_BY_KEY

NOT_DEPLOYED = "not deployed"
# The possible results of a comparison between the template of a deployed stack and the rendered template.
REVIEWED = "reviewed"
SAME_EFFECT = "same in effect"
OLDER = "older"
UNCOMMITTED = "not committed"
UNKNOWN_TEXT = "unknown text"
# These two values are used if git was not searched for the commits.
AS_RENDERED = "as rendered"
DIFFERENT = "not as rendered"
UNREAD = "not readable"
NOT_RENDERED = "not rendered"
PLANNED = "planned, never deployed"
IN_REVIEW = "REVIEW_IN_PROGRESS"
LOCK = "lock"


@dataclass(frozen=True)
class StatusRow:
    """The status of a stack, the UTC time of its last change, and a description of its template.

    `status` is the status in CloudFormation, or `not deployed`.

    `text` compares the deployed template with the rendered template of the same stack:

    - `reviewed`: the two are equal, and the git commit `revision` contains the template.
    - `not committed`: the two are equal, but no commit contains the template.
    - `same in effect`: the two differ only in comments, `Description` or `Metadata`, so there is nothing to deploy.
      `revision` is the commit of the deployed template, if it is known.
    - `older`: the deployed template is an earlier version, from the git commit `revision`.
    - `unknown text`: the deployed template is in no commit of this clone.
    - `as rendered`, `not as rendered`: the two are equal, or they differ. Git was not searched for commits.
    - `not readable`: CloudFormation did not return the deployed template.
    - `planned, never deployed`: there is no deployed template, because the change set of the stack was not executed.
    - `not rendered`: there is no rendered template, because the stack was removed from the project.
    """

    stack: str
    status: str
    changed: str = ""
    text: str = ""
    revision: str = ""

    @property
    def description(self) -> str:
        """Return a short phrase that says which template is deployed, for a table."""
        if self.text == REVIEWED:
            return f"at {self.revision}"
        return f"{self.text}, {self.revision}" if self.revision else self.text


def status_rows(
    clients: Clients, stacks: Sequence[StackTemplate], chosen: Sequence[StackTemplate], *, history: bool = True
) -> list[StatusRow]:
    """Return a row for each stack in `chosen`, in deploy order.

    `stacks` has all rendered stacks of the environment. If all are chosen, deployed stacks that are no longer rendered
    get a row, too. If `history` is true, each row names the commit of the deployed template.
    """
    existing = describe_stacks(clients)
    rows = [
        _row(stack, existing[stack.name], *_text(clients, stack, existing[stack.name], history=history))
        if stack.name in existing
        else _absent(stack)
        for stack in chosen
    ]
    if len(chosen) == len(stacks):
        known = {stack.name for stack in stacks}
        rows += [
            StatusRow(name, each["StackStatus"], _changed(each), NOT_RENDERED)
            for name, each in sorted(existing.items())
            if name not in known and _of_the_environment(clients, each, stacks[0])
        ]
    return rows


def lock_rows(lock: EnvironmentLock) -> list[StatusRow]:
    """Return one row that says who has locked the environment and since when, or no row if the environment is not
    locked.
    """
    try:
        holder = lock.holder()
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return [StatusRow(LOCK, UNREAD)]
    if holder is None:
        return []
    # The time has no seconds, like the times of the stacks.
    return [StatusRow(LOCK, f"held by {holder.id}", holder.since[:16], holder.command)]


def _absent(stack: StackTemplate) -> StatusRow:
    return StatusRow(stack.label, NOT_DEPLOYED)


def _row(stack: StackTemplate, existing: Mapping[str, Any], text: str, revision: str) -> StatusRow:
    return StatusRow(stack.label, existing["StackStatus"], _changed(existing), text, revision)


def _changed(existing: Mapping[str, Any]) -> str:
    return f"{existing.get('LastUpdatedTime') or existing['CreationTime']:%Y-%m-%d %H:%M}"


def _of_the_environment(clients: Clients, existing: Mapping[str, Any], stack: StackTemplate) -> bool:
    """Return whether the tags of a deployed stack name the environment (or parallel copy) of `stack`."""
    tags = owner_tags(clients, existing)
    same = (MANAGED_BY_KEY, "Project", "Environment", "Suffix")
    return all(tags.get(key) == stack.tags.get(key) for key in same)


def _text(clients: Clients, stack: StackTemplate, existing: Mapping[str, Any], *, history: bool) -> tuple[str, str]:
    """Compare the deployed template of a stack with the rendered template.

    Return a phrase for `StatusRow.text`, and the commit that contains the deployed template. An unknown commit is an
    empty string.
    """
    if existing["StackStatus"] == IN_REVIEW:
        return PLANNED, ""
    try:
        body: Any = clients.cloudformation.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
    except ClientError:
        return UNREAD, ""
    same = is_template_of(stack, body)
    same_effect = same or has_same_effect(stack, body)
    if not history:
        return (AS_RENDERED if same_effect else DIFFERENT), ""
    if same:
        revision = find_commit(stack.path, stack.text.encode())
        return (REVIEWED, revision) if revision else (UNCOMMITTED, "")
    # boto3 parses a JSON template. Write it again in the format in which templates are rendered.
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    revision = find_commit(stack.path, f"{text.rstrip()}\n".encode())
    if revision is None and "?" in text:
        revision = find_commit_by_text(stack.path, lambda committed: is_text_of(committed, text))
    if same_effect:
        return SAME_EFFECT, revision or ""
    return (OLDER, revision) if revision else (UNKNOWN_TEXT, "")


def outputs(clients: Clients, stacks: Sequence[StackTemplate]) -> dict[str, dict[str, str]]:
    """Return the outputs of the deployed stacks, keyed by stack label. Stacks without outputs are left out."""
    by_label = {}
    for stack in stacks:
        existing = describe_stack(clients, stack.name) or {}
        values = {output["OutputKey"]: output["OutputValue"] for output in existing.get("Outputs", ())}
        if values:
            by_label[stack.label] = dict(sorted(values.items()))
    return by_label
