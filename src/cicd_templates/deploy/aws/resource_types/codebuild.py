"""Finds CodeBuild projects by name, and deletes report groups."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    ExistingResource,
    Leftover,
    ResourceOperations,
    always_exists,
    first_of,
)


def _find_project(clients: Clients, name: str) -> ExistingResource | None:
    return first_of(clients.codebuild.batch_get_projects(names=[name])["projects"], "arn")


OPERATIONS = {
    "AWS::CodeBuild::Project": ResourceOperations(
        find=_find_project, delete_command="codebuild delete-project --name {name}"
    ),
    "AWS::CodeBuild::ReportGroup": ResourceOperations(
        leftover=Leftover(
            why="If the stack defines no report group for a report, CodeBuild creates `<project>-<report>`.",
            removal="`aws codebuild delete-report-group --region {region} --delete-reports --arn {name}`",
            state=always_exists,
            delete=lambda clients, name: clients.codebuild.delete_report_group(arn=name, deleteReports=True),
        )
    ),
}
