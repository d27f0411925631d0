"""Layer `job_runner`: a function that tests a release by running the job once in each unprotected environment."""

from __future__ import annotations

from cicd_templates.blocks.alarms import function_error_alarm
from cicd_templates.blocks.job_checks import JOB_CHECK, checked_environments, job_check
from cicd_templates.blocks.task_runs import task_run_function
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications, storage

JOB_FUNCTION = ServiceOutput(FunctionName, "job_runner", "JobFunctionName", "Function that runs the job of a release")


def exists(env: Environment) -> bool:
    """Return whether the pipeline of `env` deploys to an unprotected environment. Only then is this layer needed."""
    return bool(checked_environments(env))


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the function and an alarm on its errors.

    The function may assume one role in each unprotected environment.
    """
    layer = LayerTemplate(env, service)
    key, dead_letters = layer.read(keys.KEY_ARN), layer.read(notifications.DEAD_LETTER_QUEUE)
    evidence = layer.read(storage.EVIDENCE_BUCKET)
    environments = checked_environments(env)
    tested = [own.settings.job for peer in environments for own in peer.services if own.name == service.name]
    longest = max(filter(None, tested), key=lambda job: job.max_minutes)
    run = job_check(env, service, longest)
    _, _, function = layer.add_all(
        task_run_function(
            "CheckJob", env, service, run, environments, key=key, dead_letters=dead_letters, evidence=evidence
        )
    )
    operations = layer.read(notifications.OPERATIONS)
    layer.add(function_error_alarm("CheckJobErrors", env, [service.name, JOB_CHECK], function.ref(), [operations]))
    layer.publish(JOB_FUNCTION, FunctionName(function.ref()))
    return layer
