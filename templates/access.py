"""Layer `access`: policies for people who work with a service's pipeline, and a role for GitHub to upload releases."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import codebuild, kms, logs, ssm
from awacs import codepipeline as actions
from awacs import s3 as s3_actions
from awacs.aws import StringLike
from troposphere import Sub, iam

from cicd_templates.blocks.bucket_access import bucket_arn, may_put, may_read
from cicd_templates.blocks.github_roles import github_role
from cicd_templates.blocks.keys import may_decrypt, may_encrypt
from cicd_templates.blocks.stage_names import approval_of, stage_of
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    TEMPLATES_KEY,
    approval_keys,
    artifact_keys,
    deployment_keys,
    log_group_name,
    parameter_path,
    physical_name,
    pipeline_arn,
    project_arn,
    report_artifact,
)
from cicd_templates.config.reserved_words import GITHUB_RELEASE
from cicd_templates.layer.iam import Grant, allow, deny, document
from cicd_templates.layer.outputs import BucketName, KeyArn
from cicd_templates.layer.template import LayerTemplate
from templates import build as builds
from templates import keys, pipeline, signer, storage


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return four policies: for developers, approvers, operators and auditors. Attach each to the role of its group.

    Each policy allows the tasks of its group, and denies the tasks of other groups. For example, developers can release
    but cannot approve. So nobody should have two of these policies. All policies forbid overriding the condition of a
    stage.

    If a GitHub workflow is configured, also return the role for it.
    """
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    source = layer.read(storage.SOURCE_BUCKET)
    evidence = layer.read(storage.EVIDENCE_BUCKET)
    read_access = _may_look(env, service, evidence, key)
    release = _may_release(service, source, key)
    others = [*_no_release(env, service, source), _no_approval(env, service), _no_override(env, service)]
    parts: dict[str, tuple[str, Sequence[Grant]]] = {
        "Developers": (
            # CloudFormation cannot change a description in place, and cannot replace a policy whose name is fixed.
            "Release, and see what became of it",
            [*read_access, *release, _may_find(env, service), _no_approval(env, service), _no_override(env, service)],
        ),
        "Approvers": (
            "Approve releases, and nothing that makes one",
            [
                *read_access,
                *_may_approve(env, service, evidence),
                *_no_release(env, service, source),
                _no_override(env, service),
            ],
        ),
        "Operators": (
            "Start, stop, retry and hold runs",
            [*read_access, *_may_operate(env, service), _no_approval(env, service), _no_override(env, service)],
        ),
        "Auditors": (
            "Collect the evidence of releases with make evidence, and nothing else",
            [*_may_collect(layer, env, service, evidence), may_decrypt("DecryptWhatTheyRead", key), *others],
        ),
    }
    for who, (description, grants) in parts.items():
        layer.add(
            iam.ManagedPolicy(
                f"{who}Policy",
                ManagedPolicyName=physical_name(env, "AWS::IAM::ManagedPolicy", service.name, who.lower()),
                Description=description,
                PolicyDocument=document(grants),
            )
        )
    if service.settings.github.releases:
        layer.add(_release_role(env, service, [*release, _may_follow(env, service)]))
    return layer


def _pipeline(env: Environment, service: Service, within: str = "") -> Sub:
    """Return the ARN of the pipeline, or of a stage or an action of the pipeline."""
    return Sub(f"{pipeline_arn(env, service.name)}{within}")


def _may_look(env: Environment, service: Service, evidence: BucketName, key: KeyArn) -> list[Grant]:
    projects = [Sub(project_arn(env, service.name, purpose)) for purpose in builds.purposes(service)]
    group = log_group_name(env, "build", service.name, "*")
    return [
        allow(
            "LookAtThePipeline",
            [
                actions.GetPipeline,
                actions.GetPipelineExecution,
                actions.GetPipelineState,
                actions.ListActionExecutions,
                actions.ListPipelineExecutions,
                actions.ListRuleExecutions,
            ],
            on=_pipeline(env, service),
        ),
        allow("LookAtBuilds", [codebuild.BatchGetBuilds, codebuild.ListBuildsForProject], on=projects),
        allow(
            "ReadBuildLogs",
            [logs.FilterLogEvents, logs.GetLogEvents],
            on=Sub(f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{group}"),
        ),
        may_read("ReadTheEvidence", evidence, f"{service.name}/*"),
        may_decrypt("DecryptWhatTheyRead", key),
    ]


def _may_release(service: Service, source: BucketName, key: KeyArn) -> list[Grant]:
    return [
        may_put("ReleaseTheSource", source, service.release_key),
        may_encrypt("EncryptTheSource", key),
    ]


def _may_find(env: Environment, service: Service) -> Grant:
    """Let `make release` look up the name of the source bucket and the name of the pipeline."""
    bucket, name = storage.SOURCE_BUCKET, pipeline.PIPELINE_NAME
    paths = [parameter_path(env, bucket.layer, bucket.name), parameter_path(env, name.layer, name.name, service.name)]
    begin = f"arn:${{AWS::Partition}}:ssm:{env.region}:{env.account}:parameter"
    return allow("FindWhereToRelease", [ssm.GetParameter], on=[Sub(f"{begin}{path}") for path in paths])


def _no_release(env: Environment, service: Service, source: BucketName) -> list[Grant]:
    """Deny everything that starts a release: uploads of a source, and starts, retries and rollbacks of runs."""
    return [
        deny(
            "LeaveReleasingToOthers",
            [s3_actions.PutObject, s3_actions.DeleteObject],
            on=bucket_arn(source, service.release_key),
        ),
        deny(
            "LeaveRunsToOthers",
            [
                actions.RetryStageExecution,
                actions.RollbackStage,
                actions.StartPipelineExecution,
                actions.UpdatePipeline,
            ],
            on=[_pipeline(env, service), _pipeline(env, service, "/*")],
        ),
    ]


def _may_approve(env: Environment, service: Service, evidence: BucketName) -> list[Grant]:
    """Let approvers answer approvals, and read the pages that the approvals refer to."""
    approved = [peer for peer in env.route if peer.protected]
    if not approved:
        return []
    stages = [_pipeline(env, service, f"/{approval_of(peer)}") for peer in approved]
    return [
        allow("AnswerApprovals", [actions.PutApprovalResult], on=stages),
        may_read("ReadWhatTheyApprove", evidence, f"{approval_keys(service.name)}/*"),
    ]


def _may_collect(layer: LayerTemplate, env: Environment, service: Service, evidence: BucketName) -> list[Grant]:
    """Let auditors read what `make evidence` collects: the evidence, the reports, the templates and the public key."""
    artifacts, reviewed = layer.read(storage.ARTIFACTS_BUCKET), layer.read(storage.TEMPLATES_BUCKET)
    prefixes = [f"{prefix}/*" for prefix in (service.name, approval_keys(service.name), deployment_keys(service.name))]
    reports = [artifact_keys(env, service.name, report_artifact(check.name)) for check in checks_of(service)]
    found = [storage.EVIDENCE_BUCKET, storage.ARTIFACTS_BUCKET, storage.TEMPLATES_BUCKET]
    paths = [parameter_path(env, output.layer, output.name) for output in found]
    paths.append(parameter_path(env, signer.SIGNING_KEY.layer, signer.SIGNING_KEY.name, service.name))
    begin = f"arn:${{AWS::Partition}}:ssm:{env.region}:{env.account}:parameter"
    return [
        allow(
            "ListTheEvidence",
            [s3_actions.ListBucket],
            on=bucket_arn(evidence),
            when=[StringLike({"s3:prefix": prefixes})],
        ),
        may_read("ReadTheEvidence", evidence, *prefixes),
        allow(
            "ReadTheReportsAndTheTemplates",
            [s3_actions.GetObjectVersion],
            on=[*(bucket_arn(artifacts, pattern) for pattern in reports), bucket_arn(reviewed, TEMPLATES_KEY)],
        ),
        allow(
            "ReadTheHistoryOfDeployments",
            [actions.ListActionExecutions, actions.ListPipelineExecutions],
            on=_pipeline(env, service),
        ),
        allow("ReadThePublicKey", [kms.GetPublicKey], on=layer.read(signer.SIGNING_KEY)),
        allow("FindTheEvidence", [ssm.GetParameter], on=[Sub(f"{begin}{path}") for path in paths]),
    ]


def _no_approval(env: Environment, service: Service) -> Grant:
    return deny("LeaveApprovalsToOthers", [actions.PutApprovalResult], on=_pipeline(env, service, "/*"))


def _no_override(env: Environment, service: Service) -> Grant:
    return deny("OverrideNoCondition", [actions.OverrideStageCondition], on=_pipeline(env, service, "/*"))


def _may_operate(env: Environment, service: Service) -> list[Grant]:
    """Let operators run the pipeline, and roll back the stages that deploy to protected environments.

    A rollback deploys the templates of an older release. Only the stages of protected environments have a check that
    refuses a rollback if newer templates exist. So operators may not roll back the other stages.
    """
    reviewed = [_pipeline(env, service, f"/{stage_of(peer)}") for peer in env.route if peer.protected]
    return [
        allow(
            "StartAndStopRuns",
            [actions.StartPipelineExecution, actions.StopPipelineExecution],
            on=_pipeline(env, service),
        ),
        allow(
            "RetryAndHoldStages",
            [
                actions.DisableStageTransition,
                actions.EnableStageTransition,
                actions.RetryStageExecution,
            ],
            on=_pipeline(env, service, "/*"),
        ),
        *([allow("RollBackReviewedStages", [actions.RollbackStage], on=reviewed)] if reviewed else []),
    ]


def _may_follow(env: Environment, service: Service) -> Grant:
    """Let the workflow list the runs of the pipeline, to report the result of the run that the workflow started."""
    return allow("FollowTheRun", [actions.ListPipelineExecutions], on=_pipeline(env, service))


def _release_role(env: Environment, service: Service, release: Sequence[Grant]) -> iam.Role:
    """Return the role for a GitHub workflow on one branch of one repository.

    The role can upload a release and list the runs of the pipeline, and nothing else.
    """
    github = service.settings.github
    subject = f"repo:{github.repository}:ref:refs/heads/{github.branch}"
    return github_role("GithubReleaseRole", env, subject, *release, name=[service.name, GITHUB_RELEASE])
