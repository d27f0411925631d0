"""Layer `pipeline`: the way of a release, from its source through checks, gate and image to the environments."""

from __future__ import annotations

import json

from awacs import codepipeline as actions
from awacs.aws import ArnEquals
from awacs.sts import AssumeRole
from troposphere import GetAtt, Sub, codepipeline, events

from cicd_templates.blocks import pipeline_stages
from cicd_templates.blocks.bucket_access import may_find, may_put, may_read
from cicd_templates.blocks.keys import may_encrypt
from cicd_templates.blocks.lifecycle import because
from cicd_templates.blocks.pipeline_actions import (
    EXECUTION_ID,
    Context,
    Done,
    approval,
    change_set,
    code_build,
    github_source,
    invoke,
    s3_source,
)
from cicd_templates.blocks.roles import service_role
from cicd_templates.builds.presets import checks_of
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    DELIVERY,
    TEMPLATES_KEY,
    physical_name,
    pipeline_arn,
    pipeline_name,
    role_arn,
    stack_name,
    title,
)
from cicd_templates.config.tables.github import PLACEHOLDER_REPOSITORY
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import FunctionName, PipelineName, QueueArn, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import build as builds
from templates import delivery, keys, notifications, review, scan_gate, storage

PIPELINE_NAME = ServiceOutput(PipelineName, "pipeline", "PipelineName", "Moves a release of the service")
APP = storage.APP
TEMPLATES = storage.TEMPLATES
IMAGE = "Image"
GATE = "Gate"
# Which of the reviewed templates a run deploys.
TEMPLATES_VERSION = f"#{{{TEMPLATES}.VersionId}}"
REVIEW = "Review"
APPROVE = "Approve"


def build(env: Environment, service: Service) -> LayerTemplate:
    """A pipeline of type V2, one a service, with a role for every action."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    artifacts = layer.read(storage.ARTIFACTS_BUCKET)
    role = service_role(
        "PipelineRole",
        env,
        "codepipeline",
        may_find("FindTheArtifacts", artifacts),
        may_read("ReadTheArtifacts", artifacts),
        may_put("HandOnArtifacts", artifacts),
        may_encrypt("UseTheKey", key),
        name=[service.name, "pipeline"],
        when=[ArnEquals({"aws:SourceArn": Sub(pipeline_arn(env, service.name))})],
    )
    context = Context(env, service, key, artifacts, role)
    declared = [
        _source(context, layer),
        _verify(context),
        _gate(context, layer),
        _build(context),
        *(stage for peer in env.route for stage in _deploy(context, layer, peer)),
    ]
    layer.add(role)
    roles = {done.role.title: done.role for _, done_by in declared for done in done_by if done.role is not None}
    layer.add_all(list(roles.values()))
    assumed: list[GetAtt | Sub] = [GetAtt(action_role, "Arn") for action_role in roles.values()]
    assumed += [Sub(role_arn(peer, DELIVERY, service.name)) for peer in env.route]
    layer.add(pipeline_stages.may_act("PipelineActions", role, allow("ActInTheRoles", [AssumeRole], on=assumed)))
    pipeline = layer.add(
        codepipeline.Pipeline(
            "Pipeline",
            Name=pipeline_name(env, service.name),
            PipelineType="V2",
            # A newer release overtakes one that waits, so that nobody approves what is no longer the newest.
            ExecutionMode="SUPERSEDED",
            RoleArn=GetAtt(role, "Arn"),
            ArtifactStore=codepipeline.ArtifactStore(
                Type="S3",
                Location=artifacts,
                EncryptionKey=codepipeline.EncryptionKey(Id=key, Type="KMS"),
            ),
            RestartExecutionOnUpdate=False,
            Stages=[stage for stage, _ in declared],
            DependsOn="PipelineActions",
        )
    )
    if service.settings.source == "github" and service.settings.github.repository == PLACEHOLDER_REPOSITORY:
        because(
            pipeline, f"{PLACEHOLDER_REPOSITORY} is a placeholder: name your own repository before you deploy this."
        )
    if service.settings.source == "s3":
        _add_start(layer, context, pipeline)
    layer.publish(PIPELINE_NAME, PipelineName(pipeline.ref()))
    return layer


Declared = tuple[codepipeline.Stages, list[Done]]


def _source(context: Context, layer: LayerTemplate) -> Declared:
    service = context.service
    templates = layer.read(storage.TEMPLATES_BUCKET)
    if service.settings.source == "github":
        app = github_source(context, APP)
    else:
        app = s3_source(context, APP, layer.read(storage.SOURCE_BUCKET), service.release_key)
    done = [app, s3_source(context, TEMPLATES, templates, TEMPLATES_KEY)]
    return pipeline_stages.stage("Source", done), done


def _source_version(context: Context) -> str:
    return f"#{{{APP}.CommitId}}" if context.service.settings.source == "github" else f"#{{{APP}.VersionId}}"


def _verify(context: Context) -> Declared:
    """All checks, as many at once as configured. They fail only where they cannot run, which is worth another try."""
    env, service = context.env, context.service
    variables = {"SOURCE_VERSION": _source_version(context), "EXECUTION_ID": EXECUTION_ID}
    done = [
        code_build(
            context,
            title(check.name),
            check.name,
            variables,
            category="Test",
            order=number // env.pipeline.verify_parallelism + 1,
            inputs=[APP],
            outputs=[scan_gate.report_artifact(check.name)],
        )
        for number, check in enumerate(checks_of(service))
    ]
    return pipeline_stages.stage("Verify", done, on_failure=pipeline_stages.retry_failed_actions()), done


def _gate(context: Context, layer: LayerTemplate) -> Declared:
    """A stage of its own, so that a retried check never retries the decision."""
    function = layer.read(scan_gate.GATE_FUNCTION)
    parameters = {
        "sourceVersion": _source_version(context),
        "templatesVersion": TEMPLATES_VERSION,
        "execution": EXECUTION_ID,
    }
    reports = [scan_gate.report_artifact(check.name) for check in checks_of(context.service)]
    done = [invoke(context, GATE, function, parameters, namespace=GATE, inputs=reports)]
    return pipeline_stages.stage("Gate", done), done


def _build(context: Context) -> Declared:
    variables = {"SOURCE_VERSION": _source_version(context), "EXECUTION_ID": EXECUTION_ID}
    image = code_build(
        context,
        IMAGE,
        builds.IMAGE,
        variables | {"TEMPLATES_VERSION": TEMPLATES_VERSION},
        inputs=[APP],
        namespace=IMAGE,
    )
    sbom = code_build(
        context,
        "BillOfMaterials",
        builds.BILL_OF_MATERIALS,
        {"EXECUTION_ID": EXECUTION_ID},
        inputs=[APP],
    )
    done = [image, sbom, _image_scan(context, "ImageScan", "image-scan.json", order=2)]
    return pipeline_stages.stage("Build", done, before=pipeline_stages.passed_the_gate()), done


def _image_scan(context: Context, name: str, evidence: str, *, order: int) -> Done:
    variables = {
        "IMAGE_DIGEST": f"#{{{IMAGE}.IMAGE_DIGEST}}",
        "EXECUTION_ID": EXECUTION_ID,
        "EVIDENCE_NAME": evidence,
    }
    return code_build(context, name, builds.IMAGE_SCAN, variables, category="Test", order=order, inputs=[APP])


def _deploy(context: Context, layer: LayerTemplate, peer: Environment) -> list[Declared]:
    """The stages of one environment: protected ones are described and approved first, the others tested after."""
    titled = title(peer.name)
    done = [_prepare(context, peer)]
    if peer.protected:
        done += [*_approve(context, layer, peer), _execute(context, peer, order=4)]
        declared = [(pipeline_stages.stage(titled, done, before=pipeline_stages.passed_the_gate()), done)]
    else:
        done += [_execute(context, peer, order=2), _smoke_test(context, peer, order=3)]
        back = pipeline_stages.roll_back()
        declared = [
            (pipeline_stages.stage(titled, done, before=pipeline_stages.passed_the_gate(), on_failure=back), done)
        ]
    if peer.settings.deployment_window:
        declared.insert(0, _window(context, peer))
    return declared


def _window(context: Context, peer: Environment) -> Declared:
    """A stage that ends well inside the deployment window only; what the registry found since is asked on the way.

    All rules of a condition have one result, so the window is apart from the verdict; and it is before anybody is
    asked to approve. Whether a closed window fails the run or holds it until the next one AWS's pages do not agree on;
    held, a release goes on with a scan as old as that.
    """
    titled = title(peer.name)
    done = [_image_scan(context, f"{titled}ImageScan", f"image-scan-{peer.name}.json", order=1)]
    settings = peer.settings
    window = pipeline_stages.inside_the_window(str(settings.deployment_window), settings.time_zone)
    return pipeline_stages.stage(f"{titled}-Window", done, before=pipeline_stages.passed_the_gate(), after=window), done


def _prepare(context: Context, peer: Environment) -> Done:
    service = context.service
    file = f"{peer.qualified}/{delivery.SERVICE_LAYER}-{service.name}"
    return change_set(
        "Prepare",
        "CHANGE_SET_REPLACE",
        stack=stack_name(peer, delivery.SERVICE_LAYER, service.name),
        change_set_name=delivery.change_set_name(peer, service),
        delivery_role=Sub(role_arn(peer, DELIVERY, service.name)),
        configuration={
            "Capabilities": "CAPABILITY_NAMED_IAM",
            # CloudFormation keeps this role for the stack for ever; `make deploy` gives it the same one.
            "RoleArn": Sub(role_arn(peer, DELIVERY, delivery.EXECUTION, service.name)),
            "TemplatePath": f"{TEMPLATES}::{file}.yaml",
            # The pipeline gives a stack no tags of its own accord, and by its tags a stack is known as ours.
            "TemplateConfiguration": f"{TEMPLATES}::{file}.configuration.json",
            "ParameterOverrides": json.dumps({"ImageUri": f"#{{{IMAGE}.IMAGE_URI}}"}),
        },
        order=1,
        inputs=[TEMPLATES],
    )


def _execute(context: Context, peer: Environment, *, order: int) -> Done:
    return change_set(
        "Execute",
        "CHANGE_SET_EXECUTE",
        stack=stack_name(peer, delivery.SERVICE_LAYER, context.service.name),
        change_set_name=delivery.change_set_name(peer, context.service),
        delivery_role=Sub(role_arn(peer, DELIVERY, context.service.name)),
        configuration={},
        order=order,
        namespace=title(peer.name),
    )


def _smoke_test(context: Context, peer: Environment, *, order: int) -> Done:
    return code_build(
        context,
        f"{title(peer.name)}SmokeTest",
        builds.SMOKE_TEST,
        {"SERVICE_URL": f"#{{{title(peer.name)}.ServiceUrl}}"},
        category="Test",
        order=order,
        inputs=[APP],
    )


def _approve(context: Context, layer: LayerTemplate, peer: Environment) -> list[Done]:
    """What a person needs for the decision, and the decision."""
    service = context.service
    function: FunctionName = layer.read(review.REVIEW_FUNCTION)
    namespace = f"{REVIEW}{title(peer.name)}"
    parameters = {
        "stack": stack_name(peer, delivery.SERVICE_LAYER, service.name),
        "changeSet": delivery.change_set_name(peer, service),
        "role": role_arn(peer, review.REVIEW, service.name),
        "region": peer.region,
        "image": f"#{{{IMAGE}.IMAGE_URI}}",
    }
    data = (
        f"{service.name} to {peer.qualified}: #{{{namespace}.Summary}}. Image #{{{namespace}.Digest}}."
        f" Templates {TEMPLATES_VERSION}."
        f" Gate: #{{{GATE}.Verdict}}, #{{{GATE}.Critical}} critical, #{{{GATE}.High}} high, see #{{{GATE}.ReportKey}}."
    )
    topic = layer.read(notifications.approvers(peer.name))
    link = f"#{{{namespace}.ChangeSetUrl}}"
    return [
        invoke(context, f"{REVIEW}{title(peer.name)}", function, parameters, namespace=namespace, order=2),
        approval(context, APPROVE, topic, data, link, order=3, purpose=peer.name),
    ]


def _add_start(layer: LayerTemplate, context: Context, pipeline: codepipeline.Pipeline) -> None:
    """A new version of the source archive starts a run of just that version."""
    env, service = context.env, context.service
    bucket = layer.read(storage.SOURCE_BUCKET)
    dead_letters: QueueArn = layer.read(notifications.DEAD_LETTERS)
    name = physical_name(env, "AWS::Events::Rule", service.name, "release")
    own = Sub(f"arn:${{AWS::Partition}}:events:{env.region}:{env.account}:rule/{name}")
    role = layer.add(
        service_role(
            "StartRole",
            env,
            "events",
            allow("StartThePipeline", [actions.StartPipelineExecution], on=Sub(pipeline_arn(env, service.name))),
            name=[service.name, "start"],
            when=[ArnEquals({"aws:SourceArn": own})],
        )
    )
    pinned = json.dumps(
        {"sourceRevisions": [{"actionName": APP, "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}]}
    )
    layer.add(
        events.Rule(
            "StartRule",
            Name=name,
            Description=f"A new version of {service.release_key} is a release of {service.name}",
            State="ENABLED",
            EventPattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket]}, "object": {"key": [service.release_key]}},
            },
            Targets=[
                events.Target(
                    Id="Pipeline",
                    Arn=Sub(pipeline_arn(env, service.name)),
                    RoleArn=GetAtt(role, "Arn"),
                    InputTransformer=events.InputTransformer(
                        InputPathsMap={"version": "$.detail.object.version-id"}, InputTemplate=pinned
                    ),
                    DeadLetterConfig=events.DeadLetterConfig(Arn=dead_letters),
                )
            ],
            DependsOn=pipeline.title,
        )
    )


def approval_of(peer: Environment) -> str:
    """The approval of a release to `peer`, as the ARN of an action ends: stage and action."""
    return f"{title(peer.name)}/{APPROVE}"
