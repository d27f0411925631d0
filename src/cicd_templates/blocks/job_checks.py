"""Tests a release of a job: the new task definition runs once before the release reaches a protected environment."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.task_parts import TASK_ROLE
from cicd_templates.blocks.task_runs import TaskRun
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name
from cicd_templates.config.tables.job import JobTable

JOB_CHECK = reserved_words.JOB_CHECK
# A scheduled run may have to end before the check begins, so the check may take twice as long as a run.
RUNS = 2
# After 24 hours, CodePipeline fails an action that invokes a function. A check that ends earlier can report the task
# that still runs: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
LONGEST_CHECK_MINUTES = 23 * 60


def job_check(env: Environment, service: Service, job: JobTable) -> TaskRun:
    """Return the `TaskRun` that tests a release in `env` by running the job once."""
    return TaskRun(
        word=JOB_CHECK,
        subject="job",
        records="job-checks",
        family=(service.name,),
        roles=((EXECUTION_ROLE,), (TASK_ROLE,)),
        log=log_group_name(env, "service", service.name),
        limit_minutes=min(RUNS * job.max_minutes, LONGEST_CHECK_MINUTES),
    )


def checked_environments(env: Environment) -> Sequence[Environment]:
    """Return the environments where the pipeline in `env` runs the job once as a check after the deployment.

    Protected environments are left out: a run there works with real data, so only the schedule may start it.
    """
    return [peer for peer in env.route if not peer.protected]
