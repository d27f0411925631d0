"""Builds the CreateChangeSet request for one stack: template, role, parameters, tags.

This module does not send the request. The request never has options that skip checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.copy_expiry import change_set_tags
from cicd_templates.deploy.change_sets.drift_aware import REVERT_DRIFT
from cicd_templates.deploy.change_sets.rendered_stacks import capabilities
from cicd_templates.errors import CicdError
from cicd_templates.template.partitions import object_url
from cicd_templates.template.previews import PREVIEWED_TEMPLATES
from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES
from cicd_templates.template.stack_graph import READING_TYPE
from cicd_templates.template.stack_template import StackTemplate

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

UPLOADS_OUTPUT = "UploadsBucketName"
UPLOADED_TEMPLATES = "templates"
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
NAMES_AT_ONCE = 10


def change_set_request(
    clients: Clients, stack: StackTemplate, existing: Mapping[str, Any] | None, *, revert_drift: bool = False
) -> dict[str, Any]:
    """Return the CreateChangeSet request for `stack`, without the name of the change set.

    - `existing` is the stack to update, or None if the stack is to be created.
    - If `revert_drift` is true, the change set also reverts changes that were made outside CloudFormation.

    A template that is too long for a request is uploaded to S3. Raises `CicdError` if the role or the bucket that the
    request needs is not deployed yet.
    """
    return {
        "StackName": stack.name,
        "ChangeSetType": "CREATE" if existing is None else "UPDATE",
        "Capabilities": capabilities(stack),
        "Tags": [{"Key": key, "Value": value} for key, value in change_set_tags(stack, existing).items()],
        "Parameters": [] if existing is None else _kept_parameters(stack, existing),
        **on_stack_failure(stack, existing),
        **({"DeploymentMode": REVERT_DRIFT} if revert_drift else {}),
        **_role(clients, stack),
        **_template(clients, stack, UPLOADED_TEMPLATES),
    }


def preview_request(clients: Clients, stack: StackTemplate, existing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CreateChangeSet request for a preview of an existing stack, without the name of the change set.

    The request contains no role and no tags, so CloudFormation uses the role and tags that the stack already has. The
    caller therefore needs no permission to pass a role.

    A template that is too long for a request is uploaded to a folder for previews.
    """
    return {
        "StackName": stack.name,
        "ChangeSetType": "UPDATE",
        "Capabilities": capabilities(stack),
        "Parameters": _kept_parameters(stack, existing),
        **_template(clients, stack, PREVIEWED_TEMPLATES),
    }


def on_stack_failure(stack: StackTemplate, existing: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the option `OnStackFailure` of CreateChangeSet, or an empty dict for CloudFormation's default."""
    if existing is not None or stack.protected:
        return {}
    # Without this option, a failed first creation would leave a stack that can be neither updated nor created again.
    return {"OnStackFailure": "DELETE"}


def published(clients: Clients, paths: Iterable[str]) -> dict[str, str]:
    """Return the values of the parameters at `paths` in Parameter Store, keyed by path. Leave out missing values."""
    names, values = sorted(set(paths)), {}
    for start in range(0, len(names), NAMES_AT_ONCE):
        answer = clients.ssm.get_parameters(Names=names[start : start + NAMES_AT_ONCE])
        values.update({parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]})
    return values


def kept_values(stack: StackTemplate, existing: Mapping[str, Any]) -> dict[str, str]:
    """Return the deployed values of the parameters that the pipeline sets, such as the image."""
    return {
        parameter["ParameterKey"]: parameter["ParameterValue"]
        for parameter in existing.get("Parameters", ())
        if parameter["ParameterKey"] in _decided_elsewhere(stack)
    }


def _decided_elsewhere(stack: StackTemplate) -> set[str]:
    return {name for name, parameter in stack.parameters.items() if not parameter["Type"].startswith(READING_TYPE)}


def _kept_parameters(stack: StackTemplate, existing: Mapping[str, Any]) -> list[ParameterTypeDef]:
    return [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept_values(stack, existing))]


def _role(clients: Clients, stack: StackTemplate) -> dict[str, Any]:
    """Return the option `RoleARN` of CreateChangeSet, or an empty dict if CloudFormation uses the caller's permissions.

    This request and the pipeline must pass the same role, because CloudFormation keeps a stack's role for all later
    operations. Raises `CicdError` if the role is not deployed yet.
    """
    if stack.deployed_as is None:
        return {}
    role = published(clients, [stack.deployed_as]).get(stack.deployed_as)
    if role is None:
        raise CicdError(
            f"{stack.name}: needs a role, but its ARN is not in {stack.deployed_as} yet; deploy the layer"
            " delivery first"
        )
    return {"RoleARN": role}


def _template(clients: Clients, stack: StackTemplate, folder: str) -> dict[str, Any]:
    body = stack.text.encode()
    if len(body) <= TEMPLATE_BODY_BYTES:
        return {"TemplateBody": stack.text}
    path = f"{stack.parameter_root}storage/{UPLOADS_OUTPUT}"
    bucket = published(clients, [path]).get(path)
    if bucket is None:
        raise CicdError(
            f"{stack.name}: the template has {len(body):,} bytes and must be uploaded, but {path}"
            " does not exist yet; deploy the layer storage first"
        )
    key = f"{folder}/{stack.name}/{hashlib.sha256(body).hexdigest()}{stack.path.suffix}"
    version = clients.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    # The URL names the version, so that the template executed later is the template uploaded now.
    # CloudFormation reads only from S3's own address, even if this machine has uploaded to a different address.
    url = f"{clients.endpoint_url}/{bucket}/{key}" if clients.endpoint_url else object_url(clients.region, bucket, key)
    return {"TemplateURL": f"{url}?versionId={version}"}
