"""Imports the resources that a destruction kept into new stacks, so that the environment can be deployed again.

A change set of the type IMPORT creates each stack. The change set's template contains only the imported resources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html

A property of an imported resource can contain a reference:

- If the value of the reference is known, the value replaces the reference.
- If the value is unknown, the template leaves the property out, and the next deployment sets the property.
- If the value is unknown and the property is create-only, the resource cannot be imported, because the next deployment
  would replace the resource.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import CHANGE_SET_SECONDS, LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.deploy.change_sets.change_set_request import published
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stacks, stack_status
from cicd_templates.deploy.change_sets.ownership import CHANGE_SET_PREFIX, discard_change_set
from cicd_templates.deploy.destruction.deployed_stacks import (
    Owned,
    former_resources,
    list_our_stacks,
    read_deployed_stack,
)
from cicd_templates.deploy.destruction.inventory import listed_name
from cicd_templates.deploy.destruction.removal_commands import state_of
from cicd_templates.deploy.destruction.report_file import read_kept_resources, report_file
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.files.private_files import write_privately
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_facts import METADATA_KEY
from cicd_templates.template.stack_template import StackTemplate

PARAMETER_TYPE = "AWS::SSM::Parameter"
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Reimport:
    """The resources that remained after the deletion of one stack. An import puts them into a new stack.

    Some parameters of the template read Parameter Store. `values` has the known values of these parameters, keyed by
    the names of the parameters.
    """

    stack: StackTemplate
    resources: tuple[Owned, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """The template of the import, in JSON.

        An import requires all create-only properties, so `CicdError` is raised if one of their values is not known.
        """
        rendered = self.stack.resources
        return json.dumps(
            {
                "AWSTemplateFormatVersion": "2010-09-09",
                "Metadata": {METADATA_KEY: self.stack.facts.to_metadata()},
                "Resources": {
                    owned.logical_id: self._imported(owned, rendered[owned.logical_id]) for owned in self.resources
                },
            },
            indent=2,
        )

    def _imported(self, owned: Owned, resource: Mapping[str, Any]) -> dict[str, Any]:
        literal = {key: _with_values(value, self.values) for key, value in resource.get("Properties", {}).items()}
        known = {key: value for key, value in literal.items() if not _refers_elsewhere(value)}
        for key in sorted(literal.keys() - known.keys()):
            if key in facts_of(owned.resource_type).create_only:
                reference = json.dumps(resource["Properties"][key])
                raise CicdError(
                    f"{self.stack.name}: {owned.logical_id} cannot be imported yet, because its create-only property"
                    f" {key} refers to a value that does not exist: {reference}; first deploy the stack that publishes"
                    " this value"
                )
        return {key: resource[key] for key in ("Type", "DeletionPolicy", "UpdateReplacePolicy") if key in resource} | {
            "Properties": known
        }

    @property
    def to_import(self) -> list[dict[str, Any]]:
        """The parameter `ResourcesToImport` of the CreateChangeSet request."""
        return [
            {
                "ResourceType": owned.resource_type,
                "LogicalResourceId": owned.logical_id,
                "ResourceIdentifier": {facts_of(owned.resource_type).import_identifier: owned.physical_id},
            }
            for owned in self.resources
        ]

    def write(self, folder: Path) -> list[str]:
        """Write the template and the list of resources to `folder`, and return the AWS commands that import them."""
        template, resources = folder / f"{self.stack.name}.json", folder / f"{self.stack.name}.resources.json"
        write_privately(template, self.template + "\n")
        write_privately(resources, json.dumps(self.to_import, indent=2) + "\n")
        name = f"{CHANGE_SET_PREFIX}adopt"
        where = f"--region {self.stack.region} --stack-name {self.stack.name}"
        tags = " ".join(f"'Key={key},Value={value}'" for key, value in self.stack.tags.items())
        return [
            f"aws cloudformation create-change-set {where} --change-set-name {name} --change-set-type IMPORT"
            f" --template-body file://{template} --resources-to-import file://{resources}",
            f"aws cloudformation wait change-set-create-complete {where} --change-set-name {name}",
            f"aws cloudformation execute-change-set {where} --change-set-name {name}",
            f"aws cloudformation wait stack-import-complete {where}",
            f"aws cloudformation update-stack {where} --use-previous-template --tags {tags}",
        ]


def _with_values(value: Any, values: Mapping[str, Any]) -> Any:
    """Return `value`, a property, with known values instead of references to template parameters.

    `values` has the known values, keyed by parameter name.
    """
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)}:
            known = {name for name in values if isinstance(values[name], str)}
            return {
                "Fn::Sub": _PLACEHOLDER.sub(lambda found: values[found[1]] if found[1] in known else found[0], text)
            }
        case dict():
            return {key: _with_values(item, values) for key, item in value.items()}
        case list():
            return [_with_values(item, values) for item in value]
    return value


def _refers_elsewhere(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_refers_elsewhere, value))
    if not isinstance(value, dict):
        return False
    match value:
        case {"Ref": str(name)}:
            return not name.startswith("AWS::")
        case {"Fn::Sub": str(text)}:
            return any(not name.startswith("AWS::") for name in _PLACEHOLDER.findall(text))
    return any(key.startswith("Fn::") or _refers_elsewhere(item) for key, item in value.items())


def find_reimports(
    clients: Clients,
    stacks: Sequence[StackTemplate],
    environment: Sequence[StackTemplate] = (),
    existing: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Reimport]:
    """Return an import for each deleted stack in `stacks` that has left resources behind, in the order of `stacks`.

    - `environment` has all stacks of the environment, because a stack can read values of any of them. The default is
      `stacks`.
    - `existing` has the descriptions of all stacks in the account. If it is None, the function reads them.
    """
    environment = environment or stacks
    existing = describe_stacks(clients) if existing is None else existing
    absent = [stack for stack in stacks if stack.name not in existing]
    if not absent:
        return []
    kept = list(_kept_resources(clients, environment))
    by_stack = {stack.name: tuple(_importable(stack, kept)) for stack in absent}
    if not any(by_stack.values()):
        return []
    values = _published_values(clients, environment, kept)
    return [
        Reimport(stack, by_stack[stack.name], _values_of(stack, values)) for stack in absent if by_stack[stack.name]
    ]


def _values_of(stack: StackTemplate, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the known values of those template parameters of the stack that read Parameter Store.

    `values` has all known values, keyed by Parameter Store path.
    """
    return {
        read.parameter: values[read.path].split(",") if read.is_list else values[read.path]
        for read in stack.links.reads
        if read.path in values
    }


def _published_values(clients: Clients, stacks: Sequence[StackTemplate], kept: Sequence[Owned]) -> dict[str, str]:
    """Return the known values of the Parameter Store parameters that `stacks` use, keyed by path.

    - If a parameter exists, its value is read from Parameter Store.
    - If a parameter was deleted with its stack, its value is known only if it was the name or ARN of a resource in
      `kept`.
    """
    kept_ids = {(owned.stack, owned.logical_id): owned for owned in kept}
    values = {}
    for stack in stacks:
        for resource in stack.resources.values():
            if resource["Type"] == PARAMETER_TYPE:
                match resource["Properties"]:
                    case {"Name": str(path), "Value": {"Ref": str(name)}} if (stack.label, name) in kept_ids:
                        values[path] = kept_ids[stack.label, name].physical_id
                    case {"Name": str(path), "Value": {"Fn::GetAtt": [str(name), "Arn"]}}:
                        if arn := _arn_of(clients, kept_ids.get((stack.label, name))):
                            values[path] = arn
    paths = {read.path for stack in stacks for read in stack.links.reads}
    return values | published(clients, paths)


def _arn_of(clients: Clients, owned: Owned | None) -> str:
    """Return the ARN of a kept resource if it is a KMS key. Otherwise, return an empty string."""
    if owned is None or owned.resource_type != "AWS::KMS::Key":
        return ""
    return str(clients.kms.describe_key(KeyId=owned.physical_id)["KeyMetadata"]["Arn"])


def _kept_resources(clients: Clients, stacks: Sequence[StackTemplate]) -> Iterator[Owned]:
    """Yield the resources that deleted stacks have left behind and that no stack owns now.

    CloudFormation lists only stacks that were deleted in the last 90 days, so destroy-report.json is read, too. If
    several resources have the same stack and logical id, yield only the newest.
    """
    scope = scope_of(stacks)
    living = {
        (owned.resource_type, listed_name(owned))
        for described in list_our_stacks(clients)
        for owned in read_deployed_stack(clients, described).resources
    }
    remembered = [owned for owned in former_resources(clients, scope) if owned.kept]
    # For each logical id, the first resource is used. CloudFormation lists the newest resources first, and the report
    # has older ones.
    kept: dict[tuple[str, str], Owned] = {}
    for owned in (*remembered, *read_kept_resources(scope, report_file(local=clients.local))):
        key = (owned.resource_type, listed_name(owned))
        if key not in living and state_of(clients, *key) == EXISTS:
            kept.setdefault((owned.stack, owned.logical_id), owned)
    yield from kept.values()


def _importable(stack: StackTemplate, kept: Iterable[Owned]) -> Iterator[Owned]:
    for owned in kept:
        rendered = stack.resources.get(owned.logical_id, {})
        if (
            owned.stack == stack.label
            and rendered.get("Type") == owned.resource_type
            and facts_of(owned.resource_type).import_identifier
        ):
            yield owned


def refuse_kept_resources(
    clients: Clients,
    stacks: Sequence[StackTemplate],
    make: str,
    existing: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Raise `RefusedError` if an earlier destruction kept resources of `stacks` that are not imported yet.

    Without the import, a deployment would fail because the names of the resources are taken, or the deployment would
    create a second KMS key beside the kept key.

    - `make` is the make command that imports the resources. The error message shows it.
    - `existing` has the descriptions of all stacks in the account. If it is None, the function reads them.
    """
    reimports = find_reimports(clients, stacks, existing=existing)
    if reimports:
        names = [f"{owned.resource_type} {owned.physical_id}" for reimport in reimports for owned in reimport.resources]
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        raise RefusedError(
            f"the last destruction kept {', '.join(names[:2])}{more};"
            f" import them into their stacks before you deploy: {make}"
        )


def import_resources(clients: Clients, reimport: Reimport, polling: Polling) -> None:
    """Import the resources into a new stack. Then set the tags of the stack, because an import cannot set tags.

    Raises `CicdError` with the reason if CloudFormation refuses the import or does not complete it.
    """
    cloudformation = clients.cloudformation
    change_set = cloudformation.create_change_set(
        StackName=reimport.stack.name,
        # The change set of an import has no tags. Its name and the template's metadata show that it is ours.
        ChangeSetName=f"{CHANGE_SET_PREFIX}adopt-{uuid.uuid4().hex}",
        ChangeSetType="IMPORT",
        TemplateBody=reimport.template,
        ResourcesToImport=reimport.to_import,  # type: ignore[arg-type] # plain dicts
    )
    description: dict[str, Any] = {}

    def prepared() -> bool:
        description.update(cloudformation.describe_change_set(ChangeSetName=change_set["Id"]))
        return description["Status"] in ("CREATE_COMPLETE", "FAILED")

    polling.until(ignore_transient(prepared), f"the import of {reimport.stack.name}", CHANGE_SET_SECONDS)
    if description["Status"] == "FAILED" or description["ExecutionStatus"] == "UNAVAILABLE":
        discard_change_set(clients, change_set["Id"], change_set["StackId"], creates=True)
        # The local AWS cannot import some types that AWS imports, so the environment cannot be deployed there again.
        remedy = "; start anew with `make local-stop` and `make local`" if clients.local else ""
        reason = f"{description.get('StatusReason', '')}{remedy}"
        raise CicdError(f"{reimport.stack.name}: CloudFormation refused the import: {reason}")
    cloudformation.execute_change_set(ChangeSetName=change_set["Id"])
    _wait_for_status(clients, reimport.stack, "IMPORT_COMPLETE", polling)
    cloudformation.update_stack(
        StackName=reimport.stack.name,
        UsePreviousTemplate=True,
        Tags=[{"Key": key, "Value": value} for key, value in reimport.stack.tags.items()],
    )
    _wait_for_status(clients, reimport.stack, "UPDATE_COMPLETE", polling)


def _wait_for_status(clients: Clients, stack: StackTemplate, wanted: str, polling: Polling) -> None:
    """Wait until `stack` has the wanted status. Raises `CicdError` if the operation ends in another status."""

    def ended() -> bool:
        status = stack_status(clients, stack.name)
        # Right after the update has started, the description may still show the import's status.
        if status != wanted and not status.endswith("_IN_PROGRESS") and status != "IMPORT_COMPLETE":
            raise CicdError(f"{stack.name}: the operation ended in {status} instead of {wanted}; see `make status`")
        return status == wanted

    polling.until(ignore_transient(ended), f"{wanted} of {stack.name}", LONGEST_OPERATION_SECONDS)
