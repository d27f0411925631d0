"""Layer `review`: the functions that describe change sets to approvers, and stop unsigned or unapproved deployments."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import codepipeline, kms, s3, sns
from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, Sub, awslambda, iam, logs

from cicd_templates.blocks.alarms import METRIC_NAMESPACE
from cicd_templates.blocks.bucket_access import bucket_arn, may_put, may_read
from cicd_templates.blocks.image_hooks import statement_keys
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, source, templates_variables
from cicd_templates.blocks.unsigned_images import exceptions_in, exceptions_variable
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES_KEY, approval_keys, pipeline_arn, pipeline_name, role_arn
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import BucketName, FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.partitions import console_address
from templates import keys, notifications, signer, storage

REVIEW_FUNCTION = ServiceOutput(
    FunctionName, "review", "ReviewFunctionName", "Function that describes a change set to the approvers"
)
CHECK_FUNCTION = ServiceOutput(
    FunctionName,
    "review",
    "ApprovalCheckFunctionName",
    "Function that stops unsigned and unapproved deployments",
)
REVIEW = reserved_words.REVIEW
APPROVAL_CHECK = reserved_words.APPROVAL_CHECK
TIMEOUT_SECONDS = 60

FunctionResources = tuple[logs.LogGroup, iam.Role, awslambda.Function]


def approves(env: Environment) -> bool:
    """Return whether releases need an approval. They need one if the pipeline deploys to a protected environment."""
    return any(peer.protected for peer in env.route)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the approval check and, if releases need an approval, the review function.

    Both functions can read only the change sets of one service. The review function writes evidence: a record of what
    it shows to the approvers. It cannot read this evidence. The approval check can read this evidence, but cannot write
    it.
    """
    layer = LayerTemplate(env, service)
    if approves(env):
        resources = layer.add_all(_review_function(layer, env, service))
        layer.publish(REVIEW_FUNCTION, FunctionName(resources[-1].ref()))
    resources = layer.add_all(_check_function(layer, env, service))
    layer.publish(CHECK_FUNCTION, FunctionName(resources[-1].ref()))
    return layer


def _review_function(layer: LayerTemplate, env: Environment, service: Service) -> FunctionResources:
    evidence, reviewed = layer.read(storage.EVIDENCE_BUCKET), layer.read(storage.TEMPLATES_BUCKET)
    protected = [peer for peer in env.route if peer.protected]
    return inline_function(
        "Review",
        env,
        source("review"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=_roles(protected, service)),
        may_read("ReadTheCommitOfTheTemplates", reviewed, TEMPLATES_KEY),
        may_put("RecordWhatIsShown", evidence, f"{approval_keys(service.name)}/*"),
        name=(service.name, REVIEW),
        key=layer.read(keys.KEY_ARN),
        dead_letters=layer.read(notifications.DEAD_LETTER_QUEUE),
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            **_variables(env, service, evidence),
            "CONSOLE": console_address(env.region),
            "UNSIGNED_IMAGES": exceptions_variable(service.name, protected),
            **templates_variables(env, reviewed),
        },
    )


def _check_function(layer: LayerTemplate, env: Environment, service: Service) -> FunctionResources:
    """Return the function that checks approvals. It can verify signatures, but cannot sign."""
    evidence, reviewed = layer.read(storage.EVIDENCE_BUCKET), layer.read(storage.TEMPLATES_BUCKET)
    key = layer.read(signer.SIGNING_KEY)
    exceptions, grants = _exceptions(layer, env, service, evidence, reviewed)
    return inline_function(
        "ApprovalCheck",
        env,
        source("approval_check"),
        may_answer_jobs("AnswerThePipeline"),
        allow("LookAtChangeSets", [AssumeRole], on=_roles(env.route, service)),
        may_read(
            "ReadWhatWasApprovedAndSigned", evidence, f"{approval_keys(service.name)}/*", statement_keys(service.name)
        ),
        allow("ReadTheSignedTemplates", [s3.GetObjectVersion], on=bucket_arn(reviewed, TEMPLATES_KEY)),
        allow("VerifyTheSignatures", [kms.Verify], on=key),
        allow(
            "TellReleasesFromRollbacks", [codepipeline.GetPipelineExecution], on=Sub(pipeline_arn(env, service.name))
        ),
        *grants,
        name=(service.name, APPROVAL_CHECK),
        key=layer.read(keys.KEY_ARN),
        dead_letters=layer.read(notifications.DEAD_LETTER_QUEUE),
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            **_variables(env, service, evidence),
            **signer.names_in_statements(env, service),
            **exceptions,
            "SIGNING_KEY": key,
            "TEMPLATES_BUCKET": reviewed,
            "TEMPLATES_KEY": TEMPLATES_KEY,
            "WITHOUT_APPROVAL": ",".join(peer.qualified for peer in env.route if not peer.protected),
        },
    )


def _exceptions(
    layer: LayerTemplate, env: Environment, service: Service, evidence: BucketName, reviewed: BucketName
) -> tuple[dict[str, AWSHelperFn | str], list[Grant]]:
    """Return the environment variables and the permissions that let the approval check accept unsigned images.

    If the configuration allows no unsigned images of the service, the list of permissions is empty.
    """
    variables: dict[str, AWSHelperFn | str] = {"UNSIGNED_IMAGES": exceptions_variable(service.name, env.route)}
    excepting = [peer for peer in env.route if exceptions_in(peer, service.name)]
    if not excepting:
        return variables, []
    security = layer.read(notifications.SECURITY)
    return {**variables, "SECURITY_TOPIC": security}, [
        allow("ReadTheNewestTemplates", [s3.GetObject], on=bucket_arn(reviewed, TEMPLATES_KEY)),
        may_put(
            "RecordUnsignedImages",
            evidence,
            *(f"{service.name}/*/unsigned/{peer.qualified}/*.json" for peer in excepting),
        ),
        allow("TellSecurityOfUnsignedImages", [sns.Publish], on=security),
    ]


def _roles(peers: Sequence[Environment], service: Service) -> list[Sub]:
    return [Sub(role_arn(peer, REVIEW, service.name)) for peer in peers]


def _variables(env: Environment, service: Service, evidence: BucketName) -> dict[str, AWSHelperFn | str]:
    return {
        "PIPELINE": pipeline_name(env, service.name),
        "NAMESPACE": METRIC_NAMESPACE,
        "EVIDENCE_BUCKET": evidence,
        "APPROVALS": approval_keys(service.name),
        "SERVICE": service.name,
    }
