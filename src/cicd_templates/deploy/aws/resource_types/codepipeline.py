"""Finds pipelines of CodePipeline by name."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource, ResourceOperations


def _find(clients: Clients, name: str) -> ExistingResource | None:
    return ExistingResource(clients.codepipeline.get_pipeline(name=name)["metadata"]["pipelineArn"])


OPERATIONS = {
    "AWS::CodePipeline::Pipeline": ResourceOperations(
        find=_find, delete_command="codepipeline delete-pipeline --name {name}"
    ),
}
