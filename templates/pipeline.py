"""Layer `pipeline`: the pipeline of a service, from the source to the deployment in each environment."""

from __future__ import annotations

from awacs.sts import AssumeRole
from troposphere import GetAtt, Sub, codepipeline

from cicd_templates.blocks import pipeline_stages
from cicd_templates.blocks.approval_actions import (
    ATTEST_ACTION,
    CHECK_ACTION,
    approval_actions,
    attest_action,
    check_action,
)
from cicd_templates.blocks.database_users import created_databases, users_action
from cicd_templates.blocks.delivery_actions import SERVICE_LAYER, execute_action, prepare_action
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.image_scans import image_scan_action, window_stage
from cicd_templates.blocks.migration_actions import migration_actions
from cicd_templates.blocks.pipeline_actions import (
    EXECUTION_ID,
    PipelineAction,
    PipelineContext,
    codebuild_action,
    github_source_action,
    lambda_action,
    s3_source_action,
)
from cicd_templates.blocks.pipeline_stages import GATE_STAGE, PipelineStage, stage
from cicd_templates.blocks.pipeline_trigger import release_rule
from cicd_templates.blocks.release_tests import job_check_action, smoke_test_action
from cicd_templates.blocks.removal_policies import because
from cicd_templates.blocks.stage_names import migration_stage_of, stage_of, users_stage_of
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import APP, TEMPLATES, TEMPLATES_KEY, pipeline_name, report_artifact, role_arn, title
from cicd_templates.config.reserved_words import DELIVERY, MIGRATION
from cicd_templates.config.tables.github import PLACEHOLDER_REPOSITORY
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import PipelineName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.image_parameter import IMAGE_PARAMETER
from cicd_templates.template.metadata import PROTECTED_STAGES_KEY
from templates import (
    database_users,
    databases,
    job_runner,
    keys,
    migration_runner,
    notifications,
    review,
    scan_gate,
    signer,
    storage,
)

PIPELINE_NAME = ServiceOutput(PipelineName, "pipeline", "PipelineName", "Pipeline that releases the service")
IMAGE_ACTION = "Image"
IMAGE_URI = f"#{{{IMAGE_ACTION}.IMAGE_URI}}"
# Resolves to the version of the reviewed templates that a run deploys.
TEMPLATES_VERSION = f"#{{{TEMPLATES}.VersionId}}"
SIGN_ACTION = "Sign"
# Resolves to the folder with the signed statements about a release.
STATEMENTS = f"#{{{SIGN_ACTION}.Statements}}"


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return a pipeline of type V2 for one service, with a separate role for every action."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    artifacts = layer.read(storage.ARTIFACTS_BUCKET)
    role = pipeline_stages.pipeline_role("PipelineRole", env, service, key, artifacts)
    context = PipelineContext(env, service, key, artifacts, role)
    stages = [
        _source(layer, context),
        _verify(context),
        _gate(layer, context),
        _build(layer, context),
        *(deployment for peer in env.route for deployment in _deploy(layer, context, peer)),
    ]
    pipeline_stages.require_accepted_lengths(context, stages)
    pipeline_stages.require_different_namespaces(service.name, stages)
    layer.add(role)
    action_roles = layer.add_all(pipeline_stages.action_roles(stages))
    assumed: list[GetAtt | Sub] = [GetAtt(action_role, "Arn") for action_role in action_roles]
    assumed += [Sub(role_arn(peer, DELIVERY, service.name)) for peer in env.route]
    layer.add(
        pipeline_stages.pipeline_role_policy("PipelineActions", role, allow("ActInTheRoles", [AssumeRole], on=assumed))
    )
    pipeline = layer.add(_pipeline(context, stages))
    if service.settings.source == "s3":
        monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
        layer.add_all(release_rule(monitored, pipeline, layer.read(storage.SOURCE_BUCKET), APP))
    layer.publish(PIPELINE_NAME, PipelineName(pipeline.ref()))
    return layer


def _pipeline(context: PipelineContext, stages: list[PipelineStage]) -> codepipeline.Pipeline:
    settings = context.service.settings
    pipeline = codepipeline.Pipeline(
        "Pipeline",
        Name=pipeline_name(context.env, context.service.name),
        PipelineType="V2",
        # A waiting release is replaced by a newer one, so that nobody approves an outdated release.
        ExecutionMode="SUPERSEDED",
        RoleArn=GetAtt(context.pipeline_role, "Arn"),
        ArtifactStore=codepipeline.ArtifactStore(
            Type="S3",
            Location=context.artifacts,
            EncryptionKey=codepipeline.EncryptionKey(Id=context.key, Type="KMS"),
        ),
        RestartExecutionOnUpdate=False,
        Stages=[stage.declaration for stage in stages],
        DependsOn="PipelineActions",
    )
    pipeline.Metadata = {PROTECTED_STAGES_KEY: [stage_of(peer) for peer in context.env.route if peer.protected]}
    if settings.source == "github" and settings.github.repository == PLACEHOLDER_REPOSITORY:
        because(
            pipeline,
            f"{PLACEHOLDER_REPOSITORY} is a placeholder: configure your own repository before you deploy this stack.",
        )
    return pipeline


def _source(layer: LayerTemplate, context: PipelineContext) -> PipelineStage:
    service = context.service
    templates = layer.read(storage.TEMPLATES_BUCKET)
    if service.settings.source == "github":
        app = github_source_action(context, APP)
    else:
        app = s3_source_action(context, APP, layer.read(storage.SOURCE_BUCKET), service.release_key)
    return stage("Source", [app, s3_source_action(context, TEMPLATES, templates, TEMPLATES_KEY)])


def _source_version(context: PipelineContext) -> str:
    return f"#{{{APP}.CommitId}}" if context.service.settings.source == "github" else f"#{{{APP}.VersionId}}"


def _verify(context: PipelineContext) -> PipelineStage:
    """Return the stage of the checks. The configuration limits how many checks run at the same time.

    If a check finds problems, its action still succeeds, and the gate decides. An action fails if its check could not
    run. The reason may be temporary, so a failed stage is retried once.
    """
    variables = {"SOURCE_VERSION": _source_version(context), "EXECUTION_ID": EXECUTION_ID}
    checks = [
        codebuild_action(
            context,
            title(check.name),
            check.name,
            variables,
            category="Test",
            order=number // context.env.pipeline.verify_parallelism + 1,
            inputs=[APP],
            outputs=[report_artifact(check.name)],
        )
        for number, check in enumerate(checks_of(context.service))
    ]
    return stage("Verify", checks, on_failure=pipeline_stages.retry_on_failure())


def _gate(layer: LayerTemplate, context: PipelineContext) -> PipelineStage:
    """Return the stage of the scan gate. A retry of the stage with the checks does not run the gate again.

    A Lambda action accepts five input artifacts, but the gate can need more. So the gate has no input artifacts: its
    function requests the artifacts of the pipeline execution from CodePipeline.
    """
    parameters = {
        "sourceVersion": _source_version(context),
        "templatesVersion": TEMPLATES_VERSION,
        "execution": EXECUTION_ID,
    }
    function = layer.read(scan_gate.GATE_FUNCTION)
    return stage("Gate", [lambda_action(context, GATE_STAGE, function, parameters, namespace=GATE_STAGE)])


def _build(layer: LayerTemplate, context: PipelineContext) -> PipelineStage:
    """Return the stage that builds the image, scans it and lists its components. At its end, the evidence is signed."""
    source = {"SOURCE_DIGEST": f"#{{{GATE_STAGE}.SourceDigest}}", "EXECUTION_ID": EXECUTION_ID}
    image = codebuild_action(
        context,
        IMAGE_ACTION,
        reserved_words.IMAGE,
        {"SOURCE_VERSION": _source_version(context), **source},
        inputs=[APP],
        namespace=IMAGE_ACTION,
    )
    bill_of_materials = codebuild_action(
        context, "BillOfMaterials", reserved_words.BILL_OF_MATERIALS, source, inputs=[APP]
    )
    scan = image_scan_action(context, "ImageScan", "image-scan.json", image=IMAGE_URI, order=2)
    actions = [image, bill_of_materials, scan, _sign(layer, context)]
    return stage("Build", actions, before=pipeline_stages.gate_condition())


def _sign(layer: LayerTemplate, context: PipelineContext) -> PipelineAction:
    parameters = {
        "image": f"#{{{IMAGE_ACTION}.IMAGE_URI}}",
        "sourceVersion": _source_version(context),
        "sourceDigest": f"#{{{GATE_STAGE}.SourceDigest}}",
        "templatesVersion": TEMPLATES_VERSION,
        "execution": EXECUTION_ID,
        "reportKey": f"#{{{GATE_STAGE}.ReportKey}}",
    }
    function = layer.read(signer.SIGNER_FUNCTION)
    return lambda_action(context, SIGN_ACTION, function, parameters, namespace=SIGN_ACTION, order=3)


def _deploy(layer: LayerTemplate, context: PipelineContext, peer: Environment) -> list[PipelineStage]:
    """Return the stages that deploy to the environment `peer`.

    If a deployment window is configured, a stage that passes only inside the window comes first. The other stages:

    - In a protected environment, one stage does all of this: it asks for approval, creates database users, runs the
      migration and deploys the service.
    - In an unprotected environment, there are up to three stages: for the database users, for the migration, and for
      the deployment and test of the service. Only the last stage is rolled back after a failure. So a rollback does not
      run the migration, and a failed migration can be retried.

    Directly before a change set is executed, an approval check runs. The check fails if the change set would deploy
    anything unsigned. In a protected environment, the check also fails if the change set differs from the approved one.
    """
    migrates = bool(context.service.settings.migration)
    stages = [window_stage(context, peer, image=IMAGE_URI)] if peer.settings.deployment_window else []
    if peer.protected:
        return [*stages, _approved_deployment(layer, context, peer)]
    if users := _create_users(layer, context, peer, order=1):
        stages.append(stage(users_stage_of(peer), users, before=pipeline_stages.gate_condition()))
    if migrates:
        check = _check(layer, context, peer, [MIGRATION], name=f"{CHECK_ACTION}Migration", order=2)
        actions = [_prepare(context, peer, MIGRATION), check, *_migrate(layer, context, peer, order=3)]
        actions.append(_attest(layer, context, peer, [MIGRATION], actions, name=f"{ATTEST_ACTION}Migration"))
        stages.append(stage(migration_stage_of(peer), actions, before=pipeline_stages.gate_condition()))
    actions = [_prepare(context, peer, SERVICE_LAYER), _check(layer, context, peer, [SERVICE_LAYER], order=2)]
    rollback = pipeline_stages.rollback_on_failure()
    return [*stages, _deployment(layer, context, peer, actions, [SERVICE_LAYER], on_failure=rollback)]


def _approved_deployment(layer: LayerTemplate, context: PipelineContext, peer: Environment) -> PipelineStage:
    """Return the stage that asks for approval, and then creates users, runs the migration and deploys the service."""
    migrates = bool(context.service.settings.migration)
    actions = [_prepare(context, peer, prepared) for prepared in [SERVICE_LAYER, *([MIGRATION] * migrates)]]
    function, topic = layer.read(review.REVIEW_FUNCTION), layer.read(notifications.approvers(peer.name))
    actions += approval_actions(context, peer, function, topic, image=IMAGE_URI, templates=TEMPLATES_VERSION, order=2)
    actions += _create_users(layer, context, peer, order=_next_order(actions))
    name = CHECK_ACTION
    if migrates:
        actions.append(_check(layer, context, peer, [MIGRATION, SERVICE_LAYER], order=_next_order(actions)))
        actions += _migrate(layer, context, peer, order=_next_order(actions))
        # A migration can take hours, so the service's change set is compared again.
        name = f"{CHECK_ACTION}Service"
    actions.append(_check(layer, context, peer, [SERVICE_LAYER], name=name, order=_next_order(actions)))
    layers = [*([MIGRATION] * migrates), SERVICE_LAYER]
    return _deployment(layer, context, peer, actions, layers, on_failure=None)


def _deployment(
    layer: LayerTemplate,
    context: PipelineContext,
    peer: Environment,
    actions: list[PipelineAction],
    layers: list[str],
    *,
    on_failure: codepipeline.FailureConditions | None,
) -> PipelineStage:
    """Return the stage that runs `actions`, deploys the service and, in an unprotected environment, tests the release.

    A web service is tested by a smoke test, and a job by one run of the job. A worker is not tested. At the end of the
    stage, the signer signs a statement about the deployment of the stacks in `layers`.
    """
    actions = [*actions, execute_action(context, peer, order=_next_order(actions))]
    peer_job = next(own.settings.job for own in peer.services if own.name == context.service.name)
    # The deployment of a worker ends only after ECS has watched its running tasks and its alarms for some time.
    if not peer.protected and context.service.settings.is_web:
        actions.append(smoke_test_action(context, peer, source=APP, order=_next_order(actions)))
    if not peer.protected and peer_job:
        function, order, name = layer.read(job_runner.JOB_FUNCTION), _next_order(actions), stage_of(peer)
        actions.append(job_check_action(context, peer, function, peer_job, stage=name, image=IMAGE_URI, order=order))
    attest = _attest(layer, context, peer, layers, actions)
    return stage(stage_of(peer), [*actions, attest], before=pipeline_stages.gate_condition(), on_failure=on_failure)


def _attest(
    layer: LayerTemplate,
    context: PipelineContext,
    peer: Environment,
    layers: list[str],
    actions: list[PipelineAction],
    *,
    name: str = ATTEST_ACTION,
) -> PipelineAction:
    """Return an action that runs after `actions`. In it, the signer signs a statement about the stacks in `layers`."""
    function, order = layer.read(signer.SIGNER_FUNCTION), _next_order(actions)
    details = {"statements": STATEMENTS, "image": IMAGE_URI}
    return attest_action(context, peer, function, layers, **details, name=name, order=order)


def _next_order(actions: list[PipelineAction]) -> int:
    return 1 + max(int(action.declaration.RunOrder) for action in actions)


def _prepare(context: PipelineContext, peer: Environment, prepared: str) -> PipelineAction:
    return prepare_action(context, peer, templates=TEMPLATES, overrides={IMAGE_PARAMETER: IMAGE_URI}, layer=prepared)


def _check(
    layer: LayerTemplate,
    context: PipelineContext,
    peer: Environment,
    layers: list[str],
    *,
    name: str = CHECK_ACTION,
    order: int,
) -> PipelineAction:
    function = layer.read(review.CHECK_FUNCTION)
    return check_action(context, peer, function, layers, statements=STATEMENTS, name=name, order=order)


def _create_users(
    layer: LayerTemplate, context: PipelineContext, peer: Environment, *, order: int
) -> list[PipelineAction]:
    """Return the actions that create database users in the environment `peer`, one action for each database."""
    return [
        users_action(
            context,
            peer,
            name,
            layer.read(database_users.USERS_FUNCTION),
            databases.users(name),
            databases.administrator_secret(name),
            order=order,
        )
        for name in created_databases(peer)
    ]


def _migrate(layer: LayerTemplate, context: PipelineContext, peer: Environment, *, order: int) -> list[PipelineAction]:
    function = layer.read(migration_runner.MIGRATION_FUNCTION)
    return migration_actions(context, peer, function, stage=migration_stage_of(peer), image=IMAGE_URI, order=order)
