"""Releases an application and returns the result of each action. In AWS, the pipeline runs the actions. On the local
AWS, a rehearsal runs them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.acceptance.check import CheckContext, CheckFailed
from cicd_templates.acceptance.project import SERVICE, TOOLS, settings_of
from cicd_templates.acceptance.roles import DEVELOPERS, acting_as
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.template import cloudformation_yaml

# The states of actions in a rehearsal's result. CodePipeline uses the same words with capital letters, but does not
# list actions that the run has not reached.
SUCCEEDED, FAILED, NOT_REACHED = "succeeded", "failed", "not reached"
PIPELINE = "AWS::CodePipeline::Pipeline"
STARTED = re.compile(r"^  run +([\w-]+) of (\S+)$", re.MULTILINE)
POLL_SECONDS, RUN_SECONDS = 30.0, 3 * 3600.0
# The action of the source, and how long EventBridge and CodePipeline may take to start an execution of a new version.
SOURCE_ACTION, START_SECONDS = "App", 180.0
# https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
WINDOW_PROVIDER, IN_PROGRESS, HELD_SECONDS = "DeploymentWindow", "InProgress", 600.0
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineExecution.html
WORKING = frozenset({"InProgress", "Stopping"})
ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})


@dataclass(frozen=True)
class PipelineRun:
    """The result of a pipeline run: the states of its actions, keyed by `<stage>/<action>`, and the error messages."""

    states: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def succeeded(self) -> bool:
        """Return whether every action has succeeded."""
        return bool(self.states) and set(self.states.values()) == {SUCCEEDED}

    def count(self, part: str) -> int:
        """Return the number of succeeded actions that have `part` in their path."""
        return sum(part in path and state == SUCCEEDED for path, state in self.states.items())

    @property
    def problem(self) -> str:
        """Return the failed actions, each with the first line of its message."""
        return "; ".join(f"{path}: {text.strip().partition(chr(10))[0]}" for path, text in self.errors.items())


def run_pipeline(
    context: CheckContext, archive: str, name: str, *, at_each_poll: Callable[[], None] = lambda: None
) -> PipelineRun:
    """Release the application in the file `archive`, approve the release, and return how the pipeline run ended.

    - In the local AWS, the pipeline run is only rehearsed.
    - In AWS, the function polls the pipeline run until it ends, and calls `at_each_poll` at each poll. If the pipeline
      run waits longer than `HELD_SECONDS` for its deployment window, the function stops it.

    If an earlier call with the same `name` was interrupted, this call continues with the pipeline run that the earlier
    call has started.
    """
    if context.local:
        return _rehearsed(context, archive, name)
    return _released(context, archive, name, at_each_poll)


def rehearsal_folder(context: CheckContext, name: str) -> str:
    """Return the results folder of the rehearsal `name`."""
    return str(context.project.folder / "runs" / name)


def _rehearsed(context: CheckContext, archive: str, name: str) -> PipelineRun:
    output = Path(rehearsal_folder(context, name))
    shutil.rmtree(output, ignore_errors=True)
    answer = context.commands.run(
        "rehearse",
        *("--suffix", context.project.suffix, "--service", SERVICE, "--app", archive, "--yes", "--output", str(output)),
        expected=(0, 1),
    )
    result = output / "rehearsal.json"
    if not result.is_file():
        raise CheckFailed(f"the rehearsal did not begin: {answer.last_lines}")
    document = json.loads(result.read_text(encoding="utf-8"))
    states = {step["path"]: step["state"] for step in document["steps"]}
    return PipelineRun(states, {step["path"]: step["error"] for step in document["steps"] if step["error"]})


def _released(context: CheckContext, archive: str, name: str, at_each_poll: Callable[[], None]) -> PipelineRun:
    known = f"run {name}"
    # A release that was killed may have left the role of a developer in the configuration.
    context.project.write(settings_of(context.facts))
    if known not in context.facts:
        context.facts[known] = _continued(context, name) or _started(context, archive)
        context.save()
    pipeline, execution = context.facts[known]
    client = context.clients(TOOLS).codepipeline

    def ended() -> bool:
        found = client.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
        if found["pipelineExecution"]["status"] in ENDED:
            return True
        _answer_approvals(client, pipeline, execution)
        if _is_held(context, client, pipeline, execution):
            client.stop_pipeline_execution(
                pipelineName=pipeline, pipelineExecutionId=execution, abandon=True, reason="by the acceptance run"
            )
        at_each_poll()
        return False

    what, where = "the run of the pipeline", "the console of CodePipeline shows it"
    context.polling(POLL_SECONDS).until(ignore_transient(ended), what, RUN_SECONDS, where)
    _wait_until_idle(context, client, pipeline)
    return _actions(client, pipeline, execution)


def _wait_until_idle(context: CheckContext, client: Any, pipeline: str) -> None:
    """Wait until the pipeline has no execution in progress. Reject each execution that waits for an approval.

    An automatic rollback is a new execution. Without this wait, the rollback and the caller's next deployment could
    change the same stack at the same time.
    """
    context.pause(POLL_SECONDS)

    def idle() -> bool:
        pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
        statuses = {run["status"] for page in pages for run in page["pipelineExecutionSummaries"]}
        if statuses & WORKING:
            _answer_approvals(client, pipeline, "")
        return not statuses & WORKING

    context.polling(POLL_SECONDS).until(ignore_transient(idle), "another execution of the pipeline", RUN_SECONDS)


def window_rule(context: CheckContext, name: str) -> str:
    """Return the status of the rule for the deployment window in the pipeline run `name`.

    The status is empty if CodePipeline did not evaluate the rule. It is `Abandoned` or `InProgress` if the run was
    stopped while it waited for the window.
    """
    pipeline, execution = context.facts[f"run {name}"]
    rules = _window_rules(context.clients(TOOLS).codepipeline, pipeline, execution)
    return str(rules[0]["status"]) if rules else ""


def _window_rules(client: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    """Return the evaluations of deployment windows in a run, the newest first."""
    pages = client.get_paginator("list_rule_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    details = [detail for page in pages for detail in page["ruleExecutionDetails"]]
    return [
        detail for detail in details if detail.get("input", {}).get("ruleTypeId", {}).get("provider") == WINDOW_PROVIDER
    ]


def _is_held(context: CheckContext, client: Any, pipeline: str, execution: str) -> bool:
    """Return whether the run has waited longer than `HELD_SECONDS` for its deployment window, and still waits."""
    waiting = [rule for rule in _window_rules(client, pipeline, execution) if rule["status"] == IN_PROGRESS]
    return any(context.clock() - rule["startTime"].timestamp() > HELD_SECONDS for rule in waiting)


def _continued(context: CheckContext, name: str) -> list[str] | None:
    """Return the pipeline and the execution that an interrupted call for this release has started, or None.

    The first call stores the source versions of all executions, and returns None. If a later call finds an execution
    with another source version, the first call must have started this execution.
    """
    before = f"versions before {name}"
    client, pipeline = context.clients(TOOLS).codepipeline, str(_rendered_pipeline(context)["Name"])
    if before not in context.facts:
        context.facts[before] = sorted({version for version, _ in _executions(client, pipeline)})
        context.save()
        return None
    started: list[str] = []
    # CodePipeline can start an execution that late.
    latest = context.clock() + START_SECONDS

    def looked() -> bool:
        others = (run for version, run in _executions(client, pipeline) if version not in context.facts[before])
        started.extend(others)
        return bool(started) or context.clock() >= latest

    # If CodePipeline does not answer before the limit, this call raises an error, so that the application is not
    # released twice.
    what = "the search for the execution of an interrupted release"
    context.polling(POLL_SECONDS).until(ignore_transient(looked), what, 2 * START_SECONDS)
    return [pipeline, started[0]] if started else None


def _executions(client: Any, pipeline: str) -> Iterator[tuple[str, str]]:
    """Yield the source version and the id of each execution of the pipeline, the newest first."""
    for page in client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline):
        for run in page["pipelineExecutionSummaries"]:
            for revision in run.get("sourceRevisions", ()):
                if revision["actionName"] == SOURCE_ACTION and "revisionId" in revision:
                    yield revision["revisionId"], run["pipelineExecutionId"]


def _started(context: CheckContext, archive: str) -> list[str]:
    with acting_as(context, DEVELOPERS):
        answer = context.commands.run(
            "release", "--suffix", context.project.suffix, "--service", SERVICE, "--app", archive
        )
    started = STARTED.search(answer.output)
    if started is None:
        raise CheckFailed("the output of `release` does not contain the id of the run that it started")
    return [started[2], started[1]]


def _answer_approvals(client: Any, pipeline: str, execution: str) -> None:
    """Approve `execution` in each stage where it waits for approval. Reject each other execution that does so.

    Without the rejection, the other execution would occupy a stage that `execution` must enter.
    """
    for stage in client.get_pipeline_state(name=pipeline)["stageStates"]:
        own = stage.get("latestExecution", {}).get("pipelineExecutionId") == execution
        summary = "by the acceptance run" if own else "the acceptance run rejects executions that it did not start"
        for action in stage.get("actionStates", ()):
            latest = action.get("latestExecution", {})
            if "token" in latest and latest.get("status") == "InProgress":
                client.put_approval_result(
                    pipelineName=pipeline,
                    stageName=stage["stageName"],
                    actionName=action["actionName"],
                    result={"summary": summary, "status": "Approved" if own else "Rejected"},
                    token=latest["token"],
                )


def _actions(client: Any, pipeline: str, execution: str) -> PipelineRun:
    pages = client.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    details = [detail for page in pages for detail in page["actionExecutionDetails"]]
    states: dict[str, str] = {}
    errors: dict[str, str] = {}
    # The newest execution of an action comes first. A retry adds an execution of the same action.
    for detail in details:
        path = f"{detail['stageName']}/{detail['actionName']}"
        if path not in states:
            states[path] = str(detail["status"]).lower()
            result = detail.get("output", {}).get("executionResult", {})
            if states[path] == FAILED:
                errors[path] = result.get("errorDetails", {}).get("message") or result.get(
                    "externalExecutionSummary", ""
                )
    return PipelineRun(states, errors)


def is_of(path: str, environment: str) -> bool:
    """Return whether the action at `path` belongs to a stage of an environment.

    Staging, for example, has the stages `Staging` and `Staging-Migration`.
    """
    stage = path.partition("/")[0].lower()
    return stage == environment or stage.startswith(f"{environment}-")


def pipeline_stages(context: CheckContext) -> list[str]:
    """Return the names of the stages of the rendered pipeline, in their order."""
    return [stage["Name"] for stage in _rendered_pipeline(context)["Stages"]]


def _rendered_pipeline(context: CheckContext) -> dict[str, Any]:
    for path in sorted(context.project.rendered(TOOLS).glob("*.yaml")):
        template = cloudformation_yaml.load(path.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            if resource["Type"] == PIPELINE:
                return dict(resource["Properties"])
    raise CheckFailed("no template of tools has a pipeline")
