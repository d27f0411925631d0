"""Layer `review`: the function that describes a change set to its approvers."""

from __future__ import annotations

from awacs.sts import AssumeRole
from troposphere import Sub

from cicd_templates.blocks.alarms import METRIC_NAMESPACE
from cicd_templates.blocks.bucket_access import may_read
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, source, templates_variables
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES_KEY, pipeline_name, role_arn
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.partitions import console_address
from templates import keys, notifications, storage

REVIEW_FUNCTION = ServiceOutput(
    FunctionName, "review", "ReviewFunctionName", "Function that describes a change set to its approvers"
)
REVIEW = reserved_words.REVIEW
TIMEOUT_SECONDS = 60


def exists(env: Environment) -> bool:
    """Return whether releases need an approval, because the pipeline deploys to a protected environment."""
    return any(peer.protected for peer in env.route)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the review function. It can read only the change sets of one service and the commit of its templates."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    dead_letters = layer.read(notifications.DEAD_LETTER_QUEUE)
    reviewed = layer.read(storage.TEMPLATES_BUCKET)
    roles = [Sub(role_arn(peer, REVIEW, service.name)) for peer in env.route if peer.protected]
    group, role, function = inline_function(
        "Review",
        env,
        source("review"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=roles),
        may_read("ReadTheCommitOfTheTemplates", reviewed, TEMPLATES_KEY),
        name=(service.name, REVIEW),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "PIPELINE": pipeline_name(env, service.name),
            "NAMESPACE": METRIC_NAMESPACE,
            "CONSOLE": console_address(env.region),
            **templates_variables(env, reviewed),
        },
    )
    layer.add_all((group, role, function))
    layer.publish(REVIEW_FUNCTION, FunctionName(function.ref()))
    return layer
