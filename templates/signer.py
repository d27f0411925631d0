"""Layer `signer`: the function that signs the evidence of a service's releases, and the key for its signatures."""

from __future__ import annotations

import posixpath

from awacs import codepipeline, ecr, s3
from awacs.aws import StringLike
from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, GetAtt, Sub

from cicd_templates.blocks.alarm_names import HEALTH_LAYER
from cicd_templates.blocks.alarms import METRIC_NAMESPACE, function_error_alarm
from cicd_templates.blocks.bucket_access import bucket_arn, may_put, may_read
from cicd_templates.blocks.build_projects import sha256
from cicd_templates.blocks.delivery_actions import release_change_set_name
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.image_hooks import statement_keys, verifying
from cicd_templates.blocks.lambda_functions import (
    inline_function,
    may_answer_jobs,
    registry_variables,
    source,
    templates_variables,
)
from cicd_templates.blocks.signing_keys import key_change_rule, signing_key, signing_key_alias
from cicd_templates.blocks.stage_names import stage_of
from cicd_templates.blocks.unsigned_images import exceptions_variable
from cicd_templates.builds import image_build
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.builds.source import service_path
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    APP,
    TEMPLATES_KEY,
    approval_keys,
    artifact_keys,
    deployment_keys,
    physical_name,
    pipeline_arn,
    pipeline_name,
    project_arn,
    report_artifact,
    repository_arn,
    role_arn,
    stack_name,
)
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, KeyArn, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications, storage

SIGNER_FUNCTION = ServiceOutput(
    FunctionName, "signer", "SignerFunctionName", "Function that signs the evidence of a release"
)
SIGNING_KEY = ServiceOutput(KeyArn, "signer", "SigningKeyArn", "Signs the evidence of the service's releases")
SIGNER = reserved_words.SIGNER
KEY = "SigningKey"
# The function reads every report, the source and the templates once. CodePipeline waits up to 20 minutes.
TIMEOUT_SECONDS = 300
# A report archive has at most 100 MB and is held in memory. A parsed test report takes seven times its size.
SIGNER_MEMORY_MB = 2048


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the function, its key, an alarm on its errors, and the rule that reports changes of the key.

    The key policy allows the function's role to sign. The policy of the role does not mention the key, to avoid a
    circular dependency between the key and the role.
    """
    layer = LayerTemplate(env, service)
    dead_letters = layer.read(notifications.DEAD_LETTER_QUEUE)
    evidence, artifacts = layer.read(storage.EVIDENCE_BUCKET), layer.read(storage.ARTIFACTS_BUCKET)
    reviewed = layer.read(storage.TEMPLATES_BUCKET)
    operations = layer.read(notifications.OPERATIONS)
    prefixes = [service.name, deployment_keys(service.name)]
    reports = [report_artifact(check.name) for check in checks_of(service)]
    group, role, function = inline_function(
        "Signer",
        env,
        source("sign"),
        may_answer_jobs("AnswerThePipeline"),
        allow("FindTheSource", [codepipeline.ListActionExecutions], on=Sub(pipeline_arn(env, service.name))),
        may_read(
            "ReadTheSourceAndTheReports",
            artifacts,
            *(artifact_keys(env, service.name, artifact) for artifact in (APP, *reports)),
        ),
        allow("ReadTheTemplates", [s3.GetObjectVersion], on=bucket_arn(reviewed, TEMPLATES_KEY)),
        may_read("ReadTheEvidence", evidence, *(f"{prefix}/*" for prefix in (*prefixes, approval_keys(service.name)))),
        may_put("PutTheStatements", evidence, statement_keys(service.name), f"{deployment_keys(service.name)}/*"),
        allow(
            "LookAtDeployments",
            [AssumeRole],
            on=[Sub(role_arn(peer, reserved_words.REVIEW, service.name)) for peer in env.route],
        ),
        allow(
            "ListTheEvidence",
            [s3.ListBucket],
            on=bucket_arn(evidence),
            when=[StringLike({"s3:prefix": [f"{prefix}/*" for prefix in prefixes]})],
        ),
        allow(
            "LookAtTheImage",
            [ecr.DescribeImages, ecr.DescribeImageScanFindings],
            on=Sub(repository_arn(env, service.name)),
        ),
        name=(service.name, SIGNER),
        key=layer.read(keys.KEY_ARN),
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        memory_mb=SIGNER_MEMORY_MB,
        variables={
            "SERVICE": service.name,
            "PIPELINE": pipeline_name(env, service.name),
            "NAMESPACE": METRIC_NAMESPACE,
            "REPOSITORY": registry_variables(env, service)["REPOSITORY"],
            "ARTIFACTS_BUCKET": artifacts,
            "EVIDENCE_BUCKET": evidence,
            "APPROVALS": approval_keys(service.name),
            "DEPLOYMENTS": deployment_keys(service.name),
            "ENVIRONMENTS": ",".join(peer.qualified for peer in env.route),
            "STAGES": ",".join(map(stage_of, env.route)),
            "CHANGE_SETS": ",".join(release_change_set_name(peer, service) for peer in env.route),
            "HEALTH_STACKS": ",".join(stack_name(peer, HEALTH_LAYER, service.name) for peer in env.route),
            **templates_variables(env, reviewed),
            "SIGNING_KEY": GetAtt(KEY, "Arn"),
            "UNSIGNED_IMAGES": exceptions_variable(service.name, env.route, brief=True),
            **names_in_statements(env, service),
            "BUILDSPEC_SHA256": sha256(image_build.image(service)),
            "DOCKERFILE": posixpath.normpath(posixpath.join(service_path(service), service.settings.build.dockerfile)),
            "TEST_CHECKS": ",".join(check.name for check in checks_of(service) if check.format == "junit"),
        },
    )
    layer.add_all((group, role))
    key = layer.add(signing_key(KEY, env, service, role, verifying(env.runtimes, service.name)))
    layer.add(signing_key_alias(f"{KEY}Alias", env, service, key))
    layer.add(function)
    layer.add(function_error_alarm("SignerErrors", env, [service.name, SIGNER], function.ref(), [operations]))
    monitored = MonitoredService(env, service, dead_letters)
    security = layer.read(notifications.SECURITY)
    layer.add(key_change_rule(f"{KEY}ChangedRule", monitored, key, security, operations))
    layer.publish(SIGNER_FUNCTION, FunctionName(function.ref()))
    layer.publish(SIGNING_KEY, KeyArn(GetAtt(key, "Arn")))
    return layer


def names_in_statements(env: Environment, service: Service) -> dict[str, AWSHelperFn | str]:
    """Return two environment variables: the ARN of the project that builds the image, and the ARN of the scan gate.

    Signed statements about the service's releases name this project as the builder, and the scan gate as the verifier.
    """
    return {
        "BUILDER": Sub(project_arn(env, service.name, reserved_words.IMAGE)),
        "GATE": _function_arn(env, service),
    }


def _function_arn(env: Environment, service: Service) -> Sub:
    name = physical_name(env, "AWS::Lambda::Function", service.name, reserved_words.SCAN_GATE)
    return Sub(f"arn:${{AWS::Partition}}:lambda:{env.region}:{env.account}:function:{name}")
