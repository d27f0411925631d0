"""Records which lifecycle hooks the local AWS calls while an action deploys an ECS service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cicd_templates.local.deployment_hooks import STAGE
from cicd_templates.rehearsal.lambdas import require_log_access
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.service_process import find_service


@contextmanager
def reporting(run: PipelineRun, step: ActionProgress, action: Action) -> Iterator[None]:
    """Record in `step` the roles and the logs of the deployment hooks that are called in the `with` block.

    Also add a note about the hooks that a rehearsal does not call. Raises `ActionFailedError` if the execution role of
    a hook's Lambda function does not allow the function to write its log.
    """
    before = len(run.setup.hook_calls.rows())
    try:
        yield
    finally:
        calls = run.setup.hook_calls.rows()[before:]
        functions = []
        for call in calls:
            lambdas = run.setup.root_session(call["function"]).client("lambda")
            functions.append(lambdas.get_function_configuration(FunctionName=call["function"]))
            step.roles |= {call["role"].rpartition("/")[2], functions[-1]["Role"].rpartition("/")[2]}
        step.log = "\n".join([step.log, *(line for call in calls for line in _lines(call))]).strip()
    for function in functions:
        require_log_access(run, function)
    service = find_service(run, action)
    if service is not None and service.later_hooks:
        names = ", ".join(service.later_hooks)
        step.note(f"hooks after the stage {STAGE} are not called, because no containers were started: {names}")


def _lines(call: dict[str, str]) -> list[str]:
    name = call["function"].rpartition(":")[2]
    return [f"the hook {name}: {call['status']}", *call["log"].splitlines(), *filter(None, [call["problem"]])]
