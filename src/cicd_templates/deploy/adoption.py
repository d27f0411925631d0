"""The commands by which CloudFormation adopts resources that exist already. Pure: writes them down, runs none."""

from __future__ import annotations

import shlex

from cicd_templates.deploy.changes import BODY_BYTES, UPLOADS_OUTPUT
from cicd_templates.deploy.stacks import Stack

CHANGE_SET = "adopt"


def adopting(stack: Stack, *, creates: bool) -> tuple[str, ...]:
    """The commands for the POSIX shell that bring everything of the reviewed text that exists already into its stack.

    CloudFormation finds what to adopt by the names in the template, and adopts only what its policy would retain:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    where = f"--region {stack.region} --stack-name {stack.name}"
    upload: tuple[str, ...] = ()
    text = f"--template-body file://{stack.path}"
    if len(stack.body.encode()) > BODY_BYTES:
        bucket = _value_of(f"{stack.parameter_root}storage/{UPLOADS_OUTPUT}")
        key = f"{CHANGE_SET}/{stack.path.name}"
        upload = (f"aws s3 cp {stack.path} s3://{bucket}/{key}",)
        text = f"--template-url https://{bucket}.s3.{stack.region}.amazonaws.com/{key}"
    tags = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in stack.tags.items())
    role = f" --role-arn {_value_of(stack.deployed_as)}" if stack.deployed_as else ""
    capabilities = f" --capabilities {' '.join(stack.capabilities)}" if stack.capabilities else ""
    return (
        *upload,
        f"aws cloudformation create-change-set {where} --change-set-name {CHANGE_SET}"
        f" --change-set-type {'CREATE' if creates else 'UPDATE'} --import-existing-resources"
        f" {text}{capabilities}{role} --tags {tags}",
        f"aws cloudformation wait change-set-create-complete {where} --change-set-name {CHANGE_SET}",
        f"aws cloudformation execute-change-set {where} --change-set-name {CHANGE_SET}",
    )


def _value_of(path: str) -> str:
    """The shell's words for what stands in Parameter Store under `path`."""
    return f"$(aws ssm get-parameter --name {path} --query Parameter.Value --output text)"
