"""What ECS says of one service, as rules.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import Sub, events

from cicd_templates.blocks.event_rules import Subject, telling
from cicd_templates.config.naming import cluster_name, service_arn, service_name, stack_name
from cicd_templates.layer.outputs import TopicArn

DEPLOYED, DEPLOYMENT_FAILED, TASK_ENDED, IMPAIRED = "deployed", "deployment-failed", "task-ended", "impaired"
ROLLED_BACK = "rolled-back"


def service_rules(subject: Subject, topics: Mapping[str, TopicArn]) -> list[events.Rule]:
    """The news of a service, each to the groups that care; a metric of each rule counts its events."""
    env, name = subject.env, service_name(subject.env, subject.service.name)
    page = (
        f"https://{env.region}.console.aws.amazon.com/ecs/v2/clusters/{cluster_name(env)}/services/{name}"
        f"?region={env.region}"
    )
    developers = {"developers": topics["developers"]}
    both = {"developers": topics["developers"], "operations": topics["operations"]}
    reason = {"reason": "$.detail.reason"}
    news: list[tuple[str, str, dict[str, Any], str, dict[str, str], dict[str, TopicArn]]] = [
        ("DeployedRule", DEPLOYED,
         _of_the_service(subject, "ECS Deployment State Change", "SERVICE_DEPLOYMENT_COMPLETED"),
         f"a deployment in {env.qualified} is complete.", {}, developers),
        ("DeploymentFailedRule", DEPLOYMENT_FAILED,
         _of_the_service(subject, "ECS Deployment State Change", "SERVICE_DEPLOYMENT_FAILED"),
         f"a deployment in {env.qualified} has failed: <reason>", reason, both),
        ("ImpairedRule", IMPAIRED,
         _of_the_service(
             subject, "ECS Service Action", "SERVICE_TASK_START_IMPAIRED", "SERVICE_TASK_PLACEMENT_FAILURE",
             "SERVICE_TASK_CONFIGURATION_FAILURE", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
         ),
         f"ECS cannot run it well in {env.qualified}: <event> <reason>",
         {"event": "$.detail.eventName", **reason}, both),
        ("RolledBackRule", ROLLED_BACK, _stack_rolled_back(subject),
         f"its stack in {env.qualified} has gone back: <status> <reason>",
         {"status": "$.detail.status-details.status", "reason": "$.detail.status-details.status-reason"}, both),
        ("TaskEndedRule", TASK_ENDED, _ended_by_itself(subject),
         f"a task in {env.qualified} has ended by itself: <reason>", {"reason": "$.detail.stoppedReason"}, developers),
    ]  # fmt: skip
    return [
        telling(logical_id, subject, purpose, pattern, message, paths, told, page)
        for logical_id, purpose, pattern, message, paths, told in news
    ]


def _of_the_service(subject: Subject, detail_type: str, *names: str) -> dict[str, Any]:
    return {
        "source": ["aws.ecs"],
        "detail-type": [detail_type],
        "resources": [Sub(service_arn(subject.env, subject.service.name))],
        "detail": {"eventName": list(names)},
    }


def _ended_by_itself(subject: Subject) -> dict[str, Any]:
    """Tasks that nobody stopped, and those that the load balancer finds unwell, for which ECS has no code of their own.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "group": [f"service:{service_name(subject.env, subject.service.name)}"],
            "lastStatus": ["STOPPED"],
            "$or": [
                {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]},
                {"stoppedReason": [{"wildcard": "*ELB health checks*"}]},
            ],
        },
    }


def _stack_rolled_back(subject: Subject) -> dict[str, Any]:
    """The service's stack went back, whatever made it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
    """
    env = subject.env
    stack = stack_name(env, "service", subject.service.name)
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
