"""Formats AWS CLI commands for a POSIX shell. With these commands, a person creates a change set by hand. This
module does not run the commands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.deploy.aws.access import cli_option
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.change_set_request import UPLOADS_OUTPUT
from cicd_templates.deploy.change_sets.rendered_stacks import capabilities
from cicd_templates.template.partitions import object_url
from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES
from cicd_templates.template.shell_commands import parameter_value
from cicd_templates.template.stack_template import StackTemplate

# The statuses that a stack can leave only by being deleted.
DELETED_BY_HAND = frozenset({"ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"})
_COMMAND = re.compile(r"(?<![\w./=-])aws (?=[a-z])")
# One AWS CLI command, up to the character that ends it in a shell.
_WHOLE_COMMAND = re.compile(rf"{_COMMAND.pattern}[^;&|`()\n]*")


def for_caller(text: str, clients: Clients, account: str) -> str:
    """Return `text` with options added to each `aws` command in it: the profile, region and endpoint of `clients`.

    Without a profile and a region, a command could change another account. Without the address of the local AWS, it
    would call the real AWS.

    For the local AWS, the access key id is the account's id. The commands read the secret access key from a file that
    `make local` has written, so that no screen and no log shows this key.
    """
    if clients.endpoint_url is None:
        return _WHOLE_COMMAND.sub(lambda command: _of_the_caller(command[0], clients), text)
    keys = f"AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=$(jq -r .secret .state/local.json)"
    return _COMMAND.sub(f"{keys} aws --endpoint-url {clients.endpoint_url} ", text)


def _of_the_caller(command: str, clients: Clients) -> str:
    region = "" if "--region " in command else f" --region {clients.region}"
    return f"aws{cli_option(clients.profile)}{region} {command.removeprefix('aws ')}"


def unprotect_commands(status: str, region: str, resources: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the commands that switch off the deletion protection of the resources of a stack.

    The result is empty if the stack can still be deployed in its status, `status`. Otherwise, a person must run the
    commands and then delete the stack.
    """
    if status not in DELETED_BY_HAND:
        return ()
    return tuple(
        protection.command.format(region=region, name=resource["PhysicalResourceId"])
        for resource in resources
        if (protection := operations_of(resource["ResourceType"]).protection) and resource.get("PhysicalResourceId")
    )


def adopt_commands(stack: StackTemplate, *, creates: bool) -> tuple[str, ...]:
    """Return the commands that import existing resources into `stack`. Its reviewed template defines the resources.

    CloudFormation finds the resources by their names in the template. It imports a resource only if the template gives
    it a `DeletionPolicy` that retains it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    kind = "CREATE" if creates else "UPDATE"
    return _change_set(stack, "adopt", f"--change-set-type {kind} --import-existing-resources")


def revert_commands(stack: StackTemplate) -> tuple[str, ...]:
    """Return the commands that undo changes made outside CloudFormation, so that the stack matches its template again.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    return _change_set(stack, "revert-drift", "--change-set-type UPDATE --deployment-mode REVERT_DRIFT")


def _change_set(stack: StackTemplate, name: str, options: str) -> tuple[str, ...]:
    where = f"--region {stack.region} --stack-name {stack.name} --change-set-name {name}"
    upload: tuple[str, ...] = ()
    text = f"--template-body file://{stack.path}"
    if len(stack.text.encode()) > TEMPLATE_BODY_BYTES:
        bucket = parameter_value(f"{stack.parameter_root}storage/{UPLOADS_OUTPUT}")
        key = f"by-hand/{stack.path.name}"
        upload = (f"aws s3 cp {stack.path} s3://{bucket}/{key}",)
        text = f"--template-url {object_url(stack.region, bucket, key)}"
    tags = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in stack.tags.items())
    role = f" --role-arn {parameter_value(stack.deployed_as)}" if stack.deployed_as else ""
    needed = capabilities(stack)
    consent = f" --capabilities {' '.join(needed)}" if needed else ""
    return (
        *upload,
        f"aws cloudformation create-change-set {where} {options} {text}{consent}{role} --tags {tags}",
        f"aws cloudformation wait change-set-create-complete {where}",
        f"aws cloudformation describe-change-set {where}",
        f"aws cloudformation execute-change-set {where}",
    )
