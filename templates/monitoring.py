"""Layer `monitoring`: notifications, event history, alarms and dashboard of a service's pipeline."""

from __future__ import annotations

from typing import Any

from awacs import codepipeline
from troposphere import AWSObject, Sub, cloudwatch

from cicd_templates.blocks import event_rules, pipeline_alarms, pipeline_event_rules
from cicd_templates.blocks.alarms import METRIC_NAMESPACE, function_error_alarm
from cicd_templates.blocks.dashboards import pipeline_dashboard
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.lambda_functions import inline_function, source
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, pipeline_arn, project_name, title
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import KeyArn, TopicArn
from cicd_templates.layer.template import LayerTemplate
from templates import build as builds
from templates import keys, notifications, pipeline, review, scan_gate, signer

STUCK_EVERY = "rate(5 minutes)"
TIMEOUT_SECONDS = 60


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return rules, functions, alarms and a dashboard that monitor one pipeline without changing it."""
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    topics = {
        "developers": layer.read(notifications.DEVELOPERS),
        "security": layer.read(notifications.SECURITY),
        "operations": layer.read(notifications.OPERATIONS),
    }
    # When the pipeline is created, a run starts and fails, because there is no source yet. Because of this reference to
    # the pipeline, the layer and its alarms are created after that run.
    name = layer.read(pipeline.PIPELINE_NAME)
    projects = {purpose: project_name(env, service.name, purpose) for purpose in builds.purposes(service)}

    layer.add_all(pipeline_event_rules.pipeline_rules(monitored, topics))
    layer.add_all(event_rules.event_history("History", monitored, key))
    layer.add_all(
        _watching_function(
            reserved_words.STUCK, monitored, key, topics["operations"], "Looks for stuck runs",
            ScheduleExpression=STUCK_EVERY,
        )
    )  # fmt: skip
    layer.add_all(
        _watching_function(
            reserved_words.MEASURE, monitored, key, topics["operations"],
            "Writes metrics when a pipeline run ends and when the gate has decided",
            EventPattern=pipeline_event_rules.finished_pattern(monitored),
        )
    )  # fmt: skip
    layer.add_all(pipeline_alarms.run_alarms(monitored, name, topics))
    layer.add_all(pipeline_alarms.build_alarms(monitored, projects, topics))
    gate = layer.read(scan_gate.GATE_FUNCTION)
    layer.add_all(pipeline_alarms.gate_alarms(monitored, scan_gate.SCAN_GATE, gate, name, topics))
    layer.add(pipeline_alarms.signer_alarm(monitored, signer.SIGNER, name, topics))
    if review.approves(env):
        function = layer.read(review.REVIEW_FUNCTION)
        layer.add_all(pipeline_alarms.review_alarms(monitored, review.REVIEW, function, name, topics))
    check = layer.read(review.CHECK_FUNCTION)
    layer.add_all(pipeline_alarms.approval_check_alarms(monitored, review.APPROVAL_CHECK, check, name, topics))
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=pipeline_dashboard(env.region, monitored.pipeline, projects),
        )
    )
    return layer


def _watching_function(
    module: str, monitored: MonitoredService, key: KeyArn, operations: TopicArn, description: str, **trigger: Any
) -> list[AWSObject]:
    """Return a function that publishes metrics of the pipeline, with all resources that it needs.

    Among these resources are the rule that invokes the function, and an alarm on its errors. `module` is the module in
    `functions/` with the function's code.
    """
    env, service = monitored.env, monitored.service
    name = title(module)
    group, role, function = inline_function(
        name,
        env,
        source(module),
        allow(
            "LookAtThePipeline",
            [codepipeline.ListActionExecutions, codepipeline.ListPipelineExecutions],
            on=Sub(pipeline_arn(env, service.name)),
        ),
        name=(service.name, module),
        key=key,
        dead_letters=monitored.dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={"PIPELINE": monitored.pipeline, "NAMESPACE": METRIC_NAMESPACE},
    )
    called = event_rules.invocation_rule(f"{name}Rule", monitored, module, description, function, **trigger)
    errors = function_error_alarm(f"{name}Errors", env, [service.name, module], function.ref(), [operations])
    return [group, role, function, *called, errors]
