"""Describes empty stacks. A new stack is empty if its first change set was created but never executed."""

from __future__ import annotations

from cicd_templates.deploy.aws.resource_types.operations import Leftover, ResourceOperations, always_exists

OPERATIONS = {
    "AWS::CloudFormation::Stack": ResourceOperations(
        leftover=Leftover(
            why="A change set for a new stack was created and never executed, which leaves an empty stack.",
            removal="`aws cloudformation delete-stack --region {region} --stack-name {name}`",
            state=always_exists,
        )
    ),
}
