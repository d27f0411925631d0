"""Deletes archives of EventBridge event buses."""

from __future__ import annotations

from cicd_templates.deploy.aws.resource_types.operations import Leftover, ResourceOperations, always_exists

OPERATIONS = {
    "AWS::Events::Archive": ResourceOperations(
        leftover=Leftover(
            why="CloudFormation could not delete the archive together with its stack.",
            removal="`aws events delete-archive --region {region} --archive-name {name}`",
            state=always_exists,
            delete=lambda clients, name: clients.events.delete_archive(ArchiveName=name),
        )
    ),
}
