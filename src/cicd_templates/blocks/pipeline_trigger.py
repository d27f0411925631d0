"""The rule that starts a run of the pipeline when a new version of the source archive arrives."""

from __future__ import annotations

import json

from awacs import codepipeline as actions
from awacs.aws import ArnEquals
from troposphere import GetAtt, Sub, codepipeline, events, iam

from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.naming import pipeline_arn
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import BucketName


def release_rule(
    monitored: MonitoredService, pipeline: codepipeline.Pipeline, bucket: BucketName, source_action: str
) -> tuple[iam.Role, events.Rule]:
    """Return an EventBridge rule that starts a run when a new source version arrives in `bucket`, and the rule's role.

    The rule passes this version to the pipeline action `source_action`, so the run uses exactly this version.
    """
    env, service = monitored.env, monitored.service
    arn = Sub(pipeline_arn(env, service.name))
    role = service_role(
        "StartRole",
        env,
        "events",
        allow("StartThePipeline", [actions.StartPipelineExecution], on=arn),
        name=[service.name, reserved_words.START],
        when=[ArnEquals({"aws:SourceArn": monitored.rule_arn("release")})],
    )
    revision = {"actionName": source_action, "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}
    rule = events.Rule(
        "StartRule",
        Name=monitored.rule_name("release"),
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
                Arn=arn,
                RoleArn=GetAtt(role, "Arn"),
                InputTransformer=events.InputTransformer(
                    InputPathsMap={"version": "$.detail.object.version-id"},
                    InputTemplate=json.dumps({"sourceRevisions": [revision]}),
                ),
                DeadLetterConfig=events.DeadLetterConfig(Arn=monitored.dead_letters),
            )
        ],
        DependsOn=pipeline.title,
    )
    return role, rule
