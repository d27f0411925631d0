"""Returns the names of the alarms in the layer `health`, for the role that reads the states of these alarms."""

from __future__ import annotations

from cicd_templates.blocks.job_monitoring import JOB_FAILED, watched_minutes
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name

HEALTH_LAYER = "health"
RESPONSES, STARTS = ("errors", "latency", "unhealthy-hosts"), ("not-starting", "start-impaired")
TASKS = ("too-few-tasks", "cpu", "memory", "restarts", "deployment-failed")


def health_alarm_names(env: Environment, service: Service) -> list[str]:
    """Return the names of a service's metric alarms, without its composite alarm.

    To read the history of a composite alarm, a caller needs permission to read the history of every alarm:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
    """
    job = service.settings.job
    if job is not None:
        words = [JOB_FAILED, "not-started", "too-long", *(["missing-run"] if watched_minutes(job) is not None else [])]
    else:
        words = [*(RESPONSES if service.settings.is_web else ["no-tasks"]), *STARTS, *TASKS]
    return [physical_name(env, "AWS::CloudWatch::Alarm", service.name, word) for word in words]
