"""Creates rules that notify stakeholder groups when ECS or CloudFormation reports an event of a service.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import Sub, events

from cicd_templates.blocks.event_rules import MonitoredService, notification_rule
from cicd_templates.config.naming import cluster_name, service_arn, service_name, stack_name
from cicd_templates.layer.outputs import TopicArn
from cicd_templates.template.partitions import console_address

DEPLOYED, DEPLOYMENT_FAILED, TASK_ENDED, IMPAIRED = "deployed", "deployment-failed", "task-ended", "impaired"
ROLLED_BACK, START_IMPAIRED = "rolled-back", "start-impaired"
ROLLBACK_MESSAGE = "its stack in {} was rolled back: <status> <reason>"
ROLLBACK_PATHS = {"status": "$.detail.status-details.status", "reason": "$.detail.status-details.status-reason"}


def service_rules(monitored: MonitoredService, topics: Mapping[str, TopicArn]) -> list[events.Rule]:
    """Return one EventBridge rule for each kind of service event.

    A rule notifies the stakeholder groups that need to know about this kind of event.

    CloudWatch counts the events that match each rule. Alarms use these counts.
    """
    env, name = monitored.env, service_name(monitored.env, monitored.service.name)
    page = f"{console_address(env.region)}/ecs/v2/clusters/{cluster_name(env)}/services/{name}?region={env.region}"
    developers = {"developers": topics["developers"]}
    both = {"developers": topics["developers"], "operations": topics["operations"]}
    reason = {"reason": "$.detail.reason"}
    notifications: list[tuple[str, str, dict[str, Any], str, dict[str, str], dict[str, TopicArn]]] = [
        ("DeployedRule", DEPLOYED,
         _service_event_pattern(monitored, "ECS Deployment State Change", "SERVICE_DEPLOYMENT_COMPLETED"),
         f"a deployment in {env.qualified} is complete.", {}, developers),
        ("DeploymentFailedRule", DEPLOYMENT_FAILED,
         _service_event_pattern(monitored, "ECS Deployment State Change", "SERVICE_DEPLOYMENT_FAILED"),
         f"a deployment in {env.qualified} has failed: <reason>", reason, both),
        ("StartImpairedRule", START_IMPAIRED,
         _service_event_pattern(
             monitored, "ECS Service Action", "SERVICE_TASK_START_IMPAIRED", "SERVICE_TASK_CONFIGURATION_FAILURE"
         ),
         f"ECS cannot start tasks in {env.qualified}: <event> <reason>",
         {"event": "$.detail.eventName", **reason}, both),
        ("ImpairedRule", IMPAIRED,
         _service_event_pattern(
             monitored, "ECS Service Action", "SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
         ),
         f"ECS has a problem in {env.qualified}: <event> <reason>",
         {"event": "$.detail.eventName", **reason}, both),
        ("RolledBackRule", ROLLED_BACK, stack_rollback_pattern(monitored),
         ROLLBACK_MESSAGE.format(env.qualified), ROLLBACK_PATHS, both),
        ("TaskEndedRule", TASK_ENDED, _task_failure_pattern(monitored),
         f"a task in {env.qualified} stopped by itself: <reason>", {"reason": "$.detail.stoppedReason"}, developers),
    ]  # fmt: skip
    return [
        notification_rule(logical_id, monitored, purpose, pattern, message, paths, groups, page)
        for logical_id, purpose, pattern, message, paths, groups in notifications
    ]


def _service_event_pattern(monitored: MonitoredService, detail_type: str, *names: str) -> dict[str, Any]:
    return {
        "source": ["aws.ecs"],
        "detail-type": [detail_type],
        "resources": [Sub(service_arn(monitored.env, monitored.service.name))],
        "detail": {"eventName": list(names)},
    }


def _task_failure_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for two kinds of tasks: those that failed, and those that ECS stopped as unhealthy.

    An unhealthy task has failed the health check of the load balancer or of a container. The pattern finds such tasks
    by the text of the stop reason, because ECS has no stop code for failed health checks:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "group": [f"service:{service_name(monitored.env, monitored.service.name)}"],
            "lastStatus": ["STOPPED"],
            "$or": [
                {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]},
                {"stoppedReason": [{"wildcard": "*ELB health checks*"}, {"wildcard": "*container health checks*"}]},
            ],
        },
    }


def stack_rollback_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for rollbacks of the service's stack, whatever their cause.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
    """
    env = monitored.env
    stack = stack_name(env, "service", monitored.service.name)
    prefix = Sub(f"arn:${{AWS::Partition}}:cloudformation:{env.region}:{env.account}:stack/{stack}/")
    return {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [{"prefix": prefix}],
            "status-details": {
                "status": ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
            },
        },
    }
