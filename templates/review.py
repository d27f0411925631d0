"""Layer `review`: functions that describe change sets to approvers, and that stop the execution of other change
sets.
"""

from __future__ import annotations

from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, Sub

from cicd_templates.blocks.alarms import METRIC_NAMESPACE
from cicd_templates.blocks.bucket_access import may_put, may_read
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, source, templates_variables
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES_KEY, approval_keys, pipeline_name, role_arn
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.partitions import console_address
from templates import keys, notifications, storage

REVIEW_FUNCTION = ServiceOutput(
    FunctionName, "review", "ReviewFunctionName", "Function that describes a change set to its approvers"
)
CHECK_FUNCTION = ServiceOutput(
    FunctionName, "review", "ApprovalCheckFunctionName", "Function that compares change sets with the approved ones"
)
REVIEW = reserved_words.REVIEW
APPROVAL_CHECK = reserved_words.APPROVAL_CHECK
TIMEOUT_SECONDS = 60


def exists(env: Environment) -> bool:
    """Return whether releases need an approval, because the pipeline deploys to a protected environment."""
    return any(peer.protected for peer in env.route)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the review function and the approval check.

    Both can read only the change sets of one service. Only the review function can store the record and the page as
    evidence, and of the two functions, only the check can read them.
    """
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    dead_letters = layer.read(notifications.DEAD_LETTER_QUEUE)
    reviewed = layer.read(storage.TEMPLATES_BUCKET)
    evidence = layer.read(storage.EVIDENCE_BUCKET)
    roles = [Sub(role_arn(peer, REVIEW, service.name)) for peer in env.route if peer.protected]
    records = f"{approval_keys(service.name)}/*"
    variables: dict[str, AWSHelperFn | str] = {
        "PIPELINE": pipeline_name(env, service.name),
        "NAMESPACE": METRIC_NAMESPACE,
        "EVIDENCE_BUCKET": evidence,
        "APPROVALS": approval_keys(service.name),
    }
    review_function = inline_function(
        "Review",
        env,
        source("review"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=roles),
        may_read("ReadTheCommitOfTheTemplates", reviewed, TEMPLATES_KEY),
        may_put("RecordWhatIsShown", evidence, records),
        name=(service.name, REVIEW),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            **variables,
            "CONSOLE": console_address(env.region),
            "SERVICE": service.name,
            **templates_variables(env, reviewed),
        },
    )
    check_function = inline_function(
        "ApprovalCheck",
        env,
        source("approval_check"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=roles),
        may_read("ReadWhatWasApproved", evidence, records),
        name=(service.name, APPROVAL_CHECK),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables=variables,
    )
    for output, resources in ((REVIEW_FUNCTION, review_function), (CHECK_FUNCTION, check_function)):
        layer.add_all(resources)
        layer.publish(output, FunctionName(resources[-1].ref()))
    return layer
