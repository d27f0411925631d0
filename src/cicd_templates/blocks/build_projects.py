"""Creates CodeBuild projects. Each has its own role and log group, and its build specification is in the template."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from awacs import codebuild as actions
from awacs.aws import ArnEquals
from troposphere import AWSHelperFn, GetAtt, Sub, codebuild, iam, logs

from cicd_templates.blocks.bucket_access import may_find, may_put, may_read, may_read_and_put
from cicd_templates.blocks.keys import may_encrypt
from cicd_templates.blocks.log_groups import log_group, may_write
from cicd_templates.blocks.removal_policies import because
from cicd_templates.blocks.roles import service_role
from cicd_templates.builds.release_check import PYTHON_IMAGE
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import APP, artifact_keys, log_group_name, project_arn, project_name
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import BucketName, KeyArn, joined_text
from cicd_templates.template.metadata import RUNS_APPLICATION_KEY

# The CodeBuild image with a Docker engine for each processor architecture. AWS updates the images behind these names
# and publishes no digests: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
DOCKER_IMAGES = {
    "x86_64": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "arm64": "aws/codebuild/amazonlinux2-aarch64-standard:3.0",
}
COMPUTE = "BUILD_GENERAL1_SMALL"
DOCKER_COMPUTE = "BUILD_GENERAL1_MEDIUM"
# A build fails if it waits longer than this for capacity, so that a release does not hang for hours.
QUEUED_MINUTES = 15


class BuildContext(NamedTuple):
    """The values that all CodeBuild projects of a service share: the environment, the KMS key and the buckets."""

    env: Environment
    service: Service
    key: KeyArn
    artifacts: BucketName
    cache: BucketName
    evidence: BucketName


class BuildProject(NamedTuple):
    """A CodeBuild project, its log group and its role. The fields are in the order in which a template needs them."""

    log: logs.LogGroup
    role: iam.Role
    project: codebuild.Project


def project(
    logical_id: str,
    context: BuildContext,
    purpose: str,
    buildspec: str,
    *grants: Grant,
    description: str,
    timeout_minutes: int,
    image: str = PYTHON_IMAGE,
    variables: Mapping[str, AWSHelperFn | str] | None = None,
    secrets: Mapping[str, AWSHelperFn] | None = None,
    cached: bool = False,
    report_artifact: str = "",
    runs_application: bool = False,
) -> BuildProject:
    """Return a CodeBuild project that builds or checks the artifacts of a pipeline.

    The project may read the source of its own pipeline.

    - `secrets` maps environment variables to ARNs of secrets. `grants` must let the project read these secrets.
    - `report_artifact`, if given, is the only artifact that the project may write.
    - If `cached` is true, the project stores its downloads in a cache that no other project can read or write.

    Raises `ValueError` if the project has `secrets` and also runs the application, whose code could read the secrets.
    """
    if runs_application and secrets:
        raise ValueError(f"{logical_id} runs the application, so it must not have secrets: {', '.join(secrets)}")
    env, service = context.env, context.service
    group = log_group(f"{logical_id}LogGroup", env, log_group_name(env, "build", service.name, purpose), context.key)
    role = service_role(
        f"{logical_id}Role",
        env,
        "codebuild",
        may_write("WriteTheLog", group),
        *_artifact_grants(context),
        *([_may_put_report(context, report_artifact)] if report_artifact else ()),
        *(_cache_grants(context, purpose) if cached else ()),
        *grants,
        name=[service.name, purpose],
        when=[ArnEquals({"aws:SourceArn": Sub(project_arn(env, service.name, purpose))})],
    )
    docker = image in DOCKER_IMAGES.values()
    built = codebuild.Project(
        logical_id,
        Name=project_name(env, service.name, purpose),
        Description=description,
        ServiceRole=GetAtt(role, "Arn"),
        EncryptionKey=context.key,
        Source=codebuild.Source(Type="CODEPIPELINE", BuildSpec=buildspec),
        Artifacts=codebuild.Artifacts(Type="CODEPIPELINE"),
        Environment=codebuild.Environment(
            Type="ARM_CONTAINER" if image == DOCKER_IMAGES["arm64"] else "LINUX_CONTAINER",
            ComputeType=DOCKER_COMPUTE if docker else COMPUTE,
            Image=image,
            PrivilegedMode=docker,
            EnvironmentVariables=_variables(variables or {}, secrets or {}),
        ),
        LogsConfig=codebuild.LogsConfig(
            CloudWatchLogs=codebuild.CloudWatchLogs(Status="ENABLED", GroupName=group.ref())
        ),
        TimeoutInMinutes=timeout_minutes,
        QueuedTimeoutInMinutes=QUEUED_MINUTES,
    )
    if runs_application:
        because(
            built,
            "It runs code of the application, so it has no secret and may write only the artifact with its own report.",
        )
        built.Metadata[RUNS_APPLICATION_KEY] = True
    if docker:
        because(built, "Privileged: it builds the image with a Docker engine, which needs privileged mode.")
        built.Cache = codebuild.ProjectCache(Type="LOCAL", Modes=["LOCAL_DOCKER_LAYER_CACHE"])
    elif cached:
        built.Cache = codebuild.ProjectCache(
            Type="S3", Location=joined_text(context.cache, f"/{service.name}/{purpose}")
        )
    return BuildProject(group, role, built)


def sha256(buildspec: str) -> str:
    """Return the SHA-256 digest of a build specification, as the provenance of an image records it."""
    return hashlib.sha256(buildspec.encode()).hexdigest()


def _artifact_grants(context: BuildContext) -> Sequence[Grant]:
    # The source is the only input of every build.
    keys = artifact_keys(context.env, context.service.name, APP)
    return [
        may_find("FindTheArtifacts", context.artifacts),
        may_read("ReadTheArtifacts", context.artifacts, keys),
        may_encrypt("UseTheKey", context.key),
    ]


def _may_put_report(context: BuildContext, artifact: str) -> Grant:
    """Let a build write its own report artifact, but no source artifact and no report of another check."""
    return may_put("HandOnItsReport", context.artifacts, artifact_keys(context.env, context.service.name, artifact))


def _cache_grants(context: BuildContext, purpose: str) -> Sequence[Grant]:
    keys = f"{context.service.name}/{purpose}/*"
    return [may_read_and_put("UseTheCache", context.cache, keys)]


def _variables(
    plain: Mapping[str, AWSHelperFn | str], secrets: Mapping[str, AWSHelperFn]
) -> list[codebuild.EnvironmentVariable]:
    return [
        codebuild.EnvironmentVariable(Name=name, Type="PLAINTEXT", Value=value) for name, value in plain.items()
    ] + [codebuild.EnvironmentVariable(Name=name, Type="SECRETS_MANAGER", Value=arn) for name, arn in secrets.items()]


def report_group(logical_id: str, of: BuildProject, name: str) -> codebuild.ReportGroup:
    """Return the CodeBuild report group for a project's test results.

    CodeBuild finds the group by its name, `<project>-<name>`. Reports in the group expire after 30 days. The report
    file itself is stored longer, as evidence.
    """
    return codebuild.ReportGroup(
        logical_id,
        Name=f"{of.project.Name}-{name}",
        Type="TEST",
        ExportConfig=codebuild.ReportExportConfig(ExportConfigType="NO_EXPORT"),
        # Without this setting, CloudFormation cannot delete a group that contains reports.
        DeleteReports=True,
    )


def may_report(env: Environment, service: Service, purpose: str, name: str) -> Grant:
    """Let a CodeBuild project put its test results into its own report group.

    A build specification that names a report group needs `codebuild:CreateReportGroup` even if the group exists.
    Without this permission, the build fails when it uploads its reports:
    https://docs.aws.amazon.com/codebuild/latest/userguide/test-permissions.html
    """
    group = f"{project_name(env, service.name, purpose)}-{name}"
    return allow(
        "ReportTestResults",
        [actions.BatchPutTestCases, actions.CreateReport, actions.CreateReportGroup, actions.UpdateReport],
        on=Sub(f"arn:${{AWS::Partition}}:codebuild:{env.region}:{env.account}:report-group/{group}"),
    )
