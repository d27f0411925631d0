"""The pipeline's actions that test a deployed release: a smoke test of a web service, and one run of a job."""

from __future__ import annotations

from cicd_templates.blocks.delivery_actions import SERVICE_LAYER
from cicd_templates.blocks.job_checks import job_check
from cicd_templates.blocks.migration_actions import run_parameters
from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, codebuild_action, lambda_action
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.config.tables.job import JobTable
from cicd_templates.layer.outputs import FunctionName

CHECK_ACTION = "CheckJob"


def smoke_test_action(context: PipelineContext, peer: Environment, *, source: str, order: int) -> PipelineAction:
    """Return the action that sends test requests to the deployed service. `source` is the artifact with the test
    commands.
    """
    return codebuild_action(
        context,
        f"{title(peer.name)}SmokeTest",
        reserved_words.SMOKE_TEST,
        {"SERVICE_URL": f"#{{{title(peer.name)}.ServiceUrl}}"},
        category="Test",
        order=order,
        inputs=[source],
    )


def job_check_action(
    context: PipelineContext,
    peer: Environment,
    function: FunctionName,
    job: JobTable,
    *,
    stage: str,
    image: str,
    order: int,
) -> PipelineAction:
    """Return the action that runs the job of this release once. An earlier action has created the task definition.

    `stage` is the pipeline stage of the action. `image` is the only image that the task may run.
    """
    parameters = run_parameters(context, peer, job_check(peer, context.service, job), SERVICE_LAYER, stage, image)
    name = f"{CHECK_ACTION}{title(peer.name)}"
    return lambda_action(context, name, function, parameters, namespace=name, order=order)
