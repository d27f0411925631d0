"""The way back after a protected environment was destroyed: what it kept goes into its stacks again.

CloudFormation imports by a change set that does nothing else, into a stack that may not exist yet. The template of
that holds no more than what comes back, without what refers elsewhere; the deployment after it makes everything else:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import CHANGE_SET_SECONDS, LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.change_sets.api import describe_stack
from cicd_templates.deploy.change_sets.stacks import Stack
from cicd_templates.deploy.destruction.deployed import Owned, deployed, former_resources, our_stacks
from cicd_templates.deploy.destruction.inventory import plain
from cicd_templates.deploy.destruction.leftovers import state_of
from cicd_templates.deploy.destruction.report_file import kept_by_report, report_file
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.template.links import METADATA_KEY
from cicd_templates.template.resource_types.registry import facts_of


@dataclass(frozen=True)
class TakingBack:
    """What one stack that does not exist any more gets back."""

    stack: Stack
    resources: tuple[Owned, ...]

    @property
    def template(self) -> str:
        """The template of the import, as JSON."""
        rendered = self.stack.template["Resources"]
        return json.dumps(
            {
                "AWSTemplateFormatVersion": "2010-09-09",
                "Metadata": {METADATA_KEY: dict(self.stack.facts)},
                "Resources": {owned.logical_id: _alone(rendered[owned.logical_id]) for owned in self.resources},
            },
            indent=2,
        )

    @property
    def to_import(self) -> list[dict[str, Any]]:
        """`ResourcesToImport` of the change set."""
        return [
            {
                "ResourceType": owned.resource_type,
                "LogicalResourceId": owned.logical_id,
                "ResourceIdentifier": {facts_of(owned.resource_type).import_identifier: owned.physical_id},
            }
            for owned in self.resources
        ]

    def write(self, folder: Path) -> list[str]:
        """Write both files for the AWS command line; the commands that use them."""
        folder.mkdir(parents=True, exist_ok=True)
        template, resources = folder / f"{self.stack.name}.json", folder / f"{self.stack.name}.resources.json"
        template.write_text(self.template + "\n", encoding="utf-8")
        resources.write_text(json.dumps(self.to_import, indent=2) + "\n", encoding="utf-8")
        where = f"--region {self.stack.region} --stack-name {self.stack.name}"
        tags = " ".join(f"'Key={key},Value={value}'" for key, value in self.stack.tags.items())
        return [
            f"aws cloudformation create-change-set {where} --change-set-name adopt --change-set-type IMPORT"
            f" --template-body file://{template} --resources-to-import file://{resources}",
            f"aws cloudformation wait change-set-create-complete {where} --change-set-name adopt",
            f"aws cloudformation execute-change-set {where} --change-set-name adopt",
            f"aws cloudformation wait stack-import-complete {where}",
            f"aws cloudformation update-stack {where} --use-previous-template --tags {tags}",
        ]


def _alone(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without the properties that refer to others or to parameters, which an import cannot have."""
    properties = {key: value for key, value in resource.get("Properties", {}).items() if not _refers(value)}
    return {key: resource[key] for key in ("Type", "DeletionPolicy", "UpdateReplacePolicy") if key in resource} | {
        "Properties": properties
    }


def _refers(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_refers, value))
    if not isinstance(value, dict):
        return False
    match value:
        case {"Ref": str(name)}:
            return not name.startswith("AWS::")
        case {"Fn::Sub": str(text)}:
            return any(not name.startswith("AWS::") for name in re.findall(r"\$\{([^!}][^}]*)\}", text))
    return any(key.startswith("Fn::") or _refers(each) for key, each in value.items())


def takings_back(clients: Clients, stacks: Sequence[Stack]) -> list[TakingBack]:
    """What can be taken back into those of `stacks` that do not exist, in deploy order."""
    absent = [stack for stack in stacks if describe_stack(clients, stack.name) is None]
    if not absent:
        return []
    kept = list(_kept(clients, stacks))
    found = (TakingBack(stack, tuple(_fitting(stack, kept))) for stack in absent)
    return [each for each in found if each.resources]


def _kept(clients: Clients, stacks: Sequence[Stack]) -> Iterator[Owned]:
    """What former stacks kept and no stack has by now, the last of each; CloudFormation forgets after 90 days."""
    scope = scope_of(stacks)
    living = {
        (owned.resource_type, plain(owned))
        for described in our_stacks(clients)
        for owned in deployed(clients, described).resources
    }
    remembered = [owned for owned in former_resources(clients, scope) if owned.kept]
    # The newest deletion is listed first, so its word comes first; the report knows what is older.
    kept: dict[tuple[str, str], Owned] = {}
    for owned in (*remembered, *kept_by_report(scope, report_file(local=clients.local))):
        key = (owned.resource_type, plain(owned))
        if key not in living and state_of(clients, *key) == EXISTS:
            kept.setdefault((owned.stack, owned.logical_id), owned)
    yield from kept.values()


def _fitting(stack: Stack, kept: Iterable[Owned]) -> Iterator[Owned]:
    for owned in kept:
        rendered = stack.template["Resources"].get(owned.logical_id, {})
        if (
            owned.stack == stack.label
            and rendered.get("Type") == owned.resource_type
            and facts_of(owned.resource_type).import_identifier
        ):
            yield owned


def refuse_kept(clients: Clients, stacks: Sequence[Stack], make: str) -> None:
    """Raise `RefusedError` where deploying would trip over what was kept, or make a second key beside a kept one."""
    back = takings_back(clients, stacks)
    if back:
        names = [f"{owned.resource_type} {owned.physical_id}" for each in back for owned in each.resources]
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        raise RefusedError(
            f"its destruction kept {', '.join(names[:2])}{more}; take them back into their stacks before deploying:"
            f" {make}"
        )


def take_back(clients: Clients, each: TakingBack, polling: Polling) -> None:
    """Import into the stack, then tag it as ours, which an import cannot do. Raises `CicdError` with the reason."""
    cloudformation = clients.cloudformation
    answer = cloudformation.create_change_set(
        StackName=each.stack.name,
        ChangeSetName=f"adopt-{uuid.uuid4().hex}",
        ChangeSetType="IMPORT",
        TemplateBody=each.template,
        ResourcesToImport=each.to_import,  # type: ignore[arg-type] # plain dicts
    )
    last: dict[str, Any] = {}

    def prepared() -> bool:
        last.update(cloudformation.describe_change_set(ChangeSetName=answer["Id"]))
        return last["Status"] in ("CREATE_COMPLETE", "FAILED")

    polling.until(prepared, f"the import of {each.stack.name}", CHANGE_SET_SECONDS)
    if last["Status"] == "FAILED" or last["ExecutionStatus"] == "UNAVAILABLE":
        cloudformation.delete_change_set(ChangeSetName=answer["Id"])
        cloudformation.delete_stack(StackName=answer["StackId"])
        raise CicdError(f"{each.stack.name}: CloudFormation refuses the import: {last.get('StatusReason', '')}")
    cloudformation.execute_change_set(ChangeSetName=answer["Id"])
    _await(clients, each.stack, "IMPORT_COMPLETE", polling)
    cloudformation.update_stack(
        StackName=each.stack.name,
        UsePreviousTemplate=True,
        Tags=[{"Key": key, "Value": value} for key, value in each.stack.tags.items()],
    )
    _await(clients, each.stack, "UPDATE_COMPLETE", polling)


def _await(clients: Clients, stack: Stack, wanted: str, polling: Polling) -> None:
    def ended() -> bool:
        described = describe_stack(clients, stack.name) or {"StackStatus": "gone"}
        status = described["StackStatus"]
        if status != wanted and not status.endswith("_IN_PROGRESS") and status not in ("IMPORT_COMPLETE",):
            raise CicdError(f"{stack.name}: ended in {status} instead of {wanted}; `make status` shows it")
        return bool(status == wanted)

    polling.until(ended, f"{wanted} of {stack.name}", LONGEST_OPERATION_SECONDS)
