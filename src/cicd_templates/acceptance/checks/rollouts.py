"""Checks blue/green releases: one that succeeds, and one that ECS rolls back because of an alarm."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.checks.deployments import plan_has_changes
from cicd_templates.acceptance.checks.releases import NOT_AWS
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.checks.services import deployments_since, output, task_definition
from cicd_templates.acceptance.orders import NO_RESPONSE
from cicd_templates.acceptance.pipeline_runs import FAILED, NOT_REACHED, SUCCEEDED, PipelineRun, is_of, run_pipeline
from cicd_templates.acceptance.project import BLUE_GREEN, FAILING, PRODUCTION, SECOND, STAGING, TOOLS

BLUE_GREEN_RUN, FAILING_RUN = "blue-green", "failing"
DAY_SECONDS, DAYS_UNTIL_OPEN = 86_400, 3
# The names of ECS for the strategy and for the status of a successful deployment.
STRATEGY, SUCCESSFUL = "BLUE_GREEN", "SUCCESSFUL"
# The statuses of an ECS deployment whose rollback has begun, has succeeded or has failed.
TAKEN_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
# The alarm on errors fires after two minutes with more than two errors each.
ORDERS, ORDER = 20, b'{"items": 1}'


def deploy_with(context: CheckContext, **changes: Any) -> None:
    """Render the project with the settings `changes`, and deploy staging and the pipeline.

    Also upload the rendered templates, because the pipeline deploys releases with them.
    """
    render_with(context, **changes)
    context.commands.on("deploy", STAGING, "--yes")
    require(not plan_has_changes(context, STAGING), "staging would change again, although it was just deployed")
    context.commands.on("deploy", TOOLS, "--yes", "--hand-over")


def closed_window(seconds: float) -> str:
    """Return the cron expression of a deployment window that is closed now, and opens on the third day from now.

    The window is open on one day of each week. `seconds` is the current time in seconds since the epoch.
    """
    day = datetime.fromtimestamp(seconds + DAYS_UNTIL_OPEN * DAY_SECONDS, UTC)
    return f"* * * ? * {day.strftime('%a').upper()}"


def release_blue_green(context: CheckContext) -> str:
    """Release to staging with a blue/green rollout, and require that ECS used this strategy.

    The check also closes the deployment window of production, so the release must stop before production. A later check
    examines whether the release stopped there.
    """
    began = float(context.facts.setdefault("blue-green began", context.clock()))
    context.save()
    deploy_with(context, rollout=BLUE_GREEN, window=closed_window(began))
    run = run_pipeline(context, SECOND, BLUE_GREEN_RUN)
    context.facts["blue-green states"] = dict(run.states)
    context.save()
    states = {path: state for path, state in run.states.items() if is_of(path, STAGING)}
    wrong = sorted(path for path, state in states.items() if state != SUCCEEDED)
    require(states and not wrong, f"the release did not pass staging: {run.problem or ', '.join(wrong) or 'no action'}")
    if context.local:
        return f"{len(states)} actions of staging succeeded; the templates were for a blue/green rollout"
    used = [
        (deployment["status"], len(deployment["deploymentConfiguration"].get("lifecycleHooks", ())))
        for deployment in deployments_since(context, STAGING, began)
        if deployment.get("deploymentConfiguration", {}).get("strategy") == STRATEGY
    ]
    statuses = ", ".join(status for status, _ in used)
    hooks = max((number for status, number in used if status == SUCCESSFUL), default=None)
    require(hooks is not None, f"ECS has no successful blue/green deployment: {statuses or 'none began'}")
    require(hooks, "ECS deployed the release blue/green, but without hooks")
    return f"ECS deployed the release blue/green, after {hooks} hooks had approved it"


def take_back(context: CheckContext) -> str:
    """Release an application that answers orders with errors. Require that the release does not pass staging.

    The check sends orders during the release. In AWS, the errors must trigger an alarm, and the alarm must make ECS
    roll staging back to the old release. The application's health check still succeeds, so only the alarm can cause the
    rollback. On the local AWS, the smoke test stops the release instead.
    """
    if not context.local and "before failing" not in context.facts:
        context.facts["before failing"] = [context.clock(), task_definition(context, STAGING)]
        context.save()
    answers: set[str] = set()
    run = run_pipeline(context, FAILING, FAILING_RUN, at_each_poll=partial(_send_orders, context, answers))
    _require_stopped(run)
    if context.local:
        return "the smoke test stopped the defective release in staging, and the pipeline ran no action in production"
    began, expected = context.facts["before failing"]
    alarms = {
        alarm
        for deployment in deployments_since(context, STAGING, began)
        if deployment["status"] in TAKEN_BACK
        for alarm in deployment.get("alarms", {}).get("triggeredAlarmNames", ())
    }
    answered = f"the application answered orders with {', '.join(sorted(answers)) or 'nothing'}"
    require(alarms, f"no alarm caused a rollback of the release; {answered}; {run.problem}")
    require(task_definition(context, STAGING) == expected, "staging did not return to the old release")
    return f"{len(alarms)} alarms caused the rollback, and staging returned to the old release; {answered}"


def _require_stopped(run: PipelineRun) -> None:
    """Require that the release failed in staging and that the pipeline ran no action in production."""
    failed = [path for path, state in run.states.items() if is_of(path, STAGING) and state == FAILED]
    require(failed, f"the release did not fail in staging: {run.problem or 'it succeeded'}")
    ran = sorted(path for path, state in run.states.items() if is_of(path, PRODUCTION) and state != NOT_REACHED)
    require(not ran, f"the release failed in staging, but then these ran: {', '.join(ran)}")


def _send_orders(context: CheckContext, answers: set[str]) -> None:
    """Send orders to the service of staging. Add the status of each response to `answers`.

    If an order gets no response, add the text `no response`. An error would end the check before the pipeline run ends.
    """
    url = f"{output(context, STAGING, 'cluster', 'BaseUrl')}/orders"
    trusted = context.facts["settings"]["trusted"]
    for _ in range(ORDERS):
        try:
            answers.add(str(context.post(url, ORDER, trusted)))
        except NO_RESPONSE as error:
            answers.add(f"no response ({type(error).__name__})")


ROLLED_BLUE_GREEN = Check(
    "blue-green",
    "A release is rolled out blue/green after its hooks have approved it.",
    release_blue_green,
    needs=("released",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit=f"{NOT_AWS}, and shifted no requests",
)
TAKEN = Check(
    "alarm-rollback",
    "If a release answers with errors, an alarm makes ECS roll it back.",
    take_back,
    needs=("blue-green",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="the local AWS does not evaluate alarms, so no alarm makes ECS roll the release back; the smoke test "
    "stops the release instead",
)
