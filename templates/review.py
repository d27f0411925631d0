"""Layer `review`: the function that describes a change set to the person who is asked to approve it."""

from __future__ import annotations

from awacs.sts import AssumeRole
from troposphere import Sub, Template

from cicd_templates.blocks.alarms import NAMESPACE
from cicd_templates.blocks.functions import inline_function, may_answer_jobs, source
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import pipeline_name, role_arn
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, Output
from templates import keys, notifications

REVIEW_FUNCTION = Output(FunctionName, "review", "ReviewFunctionName", "Describes a change set before its approval")
REVIEW = "review"
TIMEOUT_SECONDS = 60


def exists(env: Environment) -> bool:
    """Where somebody approves: a protected environment is on the path."""
    return any(peer.protected for peer in env.route)


def build(env: Environment, service: Service) -> Template:
    """One function a service, which may look at that service's change sets and at nothing else."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    dead_letters = notifications.DEAD_LETTERS.read(template, env)
    roles = [Sub(role_arn(peer, REVIEW, service.name)) for peer in env.route if peer.protected]
    resources = inline_function(
        "Review",
        env,
        source("review"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=roles),
        name=(service.name, REVIEW),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={"PIPELINE": pipeline_name(env, service.name), "NAMESPACE": NAMESPACE},
    )
    for resource in resources:
        template.add_resource(resource)
    REVIEW_FUNCTION.publish(template, env, FunctionName(resources[-1].ref()), service.name)
    return template
