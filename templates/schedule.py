"""Layer `schedule`: the schedule group of a job, the role that starts its runs, and a queue for failed starts."""

from __future__ import annotations

from cicd_templates.blocks import jobs
from cicd_templates.blocks.queues import tls_only
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import QueueArn, RoleArn, ScheduleGroupName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys

GROUP_NAME = ServiceOutput(ScheduleGroupName, "schedule", "ScheduleGroupName", "Group of the job's schedule")
ROLE_ARN = ServiceOutput(RoleArn, "schedule", "ScheduleRoleArn", "Role with which the schedule starts the job's task")
DEAD_LETTERS_ARN = ServiceOutput(QueueArn, "schedule", "ScheduleDeadLettersArn", "Queue for failed starts of the job")


def needed(service: Service) -> bool:
    """Return whether the service is a job."""
    return service.settings.job is not None


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the group, the role and the queue that a job's schedule needs.

    These three resources are in a layer of their own, so that the role which deploys a release needs no permission to
    create them. Only the schedule changes with a release, so the schedule is in the layer `service`.
    """
    layer = LayerTemplate(env, service)
    key = layer.read(keys.KEY_ARN)
    group = layer.add(jobs.schedule_group("Group", env, service))
    queue = layer.add(jobs.undelivered_starts("DeadLetters", env, service, key))
    layer.add(tls_only("DeadLettersPolicy", queue))
    dead_letters = QueueArn(queue.get_att("Arn"))
    role = layer.add(jobs.schedule_role("Role", env, service, key, dead_letters))
    layer.publish(GROUP_NAME, ScheduleGroupName(group.ref()))
    layer.publish(ROLE_ARN, RoleArn(role.get_att("Arn")))
    layer.publish(DEAD_LETTERS_ARN, dead_letters)
    return layer
