"""Executes CloudFormation actions: creates and executes change sets in the local AWS, with the action's role.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.stack_status_remedies import IN_PROGRESS, SUCCEEDED
from cicd_templates.rehearsal import artifacts, deployment_hooks, service_process
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress

REPLACE, EXECUTE = "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"
# The status reasons of a change set without changes. Only the status reason shows that nothing changed.
UNCHANGED = ("The submitted information didn't contain changes", "No updates are to be performed")
LIMIT_SECONDS = 300.0
POLLING = Polling(poll_seconds=0.02)


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Create or execute a change set, depending on the mode of `action`. Return the variables of the action.

    The execution of a change set returns the stack's outputs as variables. The creation returns no variables. If the
    execution has deployed a worker, this function runs the worker as a local process until the queues are empty.
    """
    configuration = run.resolve_configuration(action)
    client = run.action_session(action, step)
    stack, name = configuration["StackName"], configuration.get("ChangeSetName", "")
    cloudformation = client.client("cloudformation")
    mode = configuration["ActionMode"]
    if mode == REPLACE:
        _replace_change_set(run, action, step, configuration, client.client("s3"), cloudformation)
        return {}
    if mode == EXECUTE:
        with deployment_hooks.reporting(run, step, action):
            outputs = _execute_change_set(cloudformation, stack, name, step)
        service_process.work(run, step, action)
        return outputs
    raise ActionFailedError(f"a rehearsal does not support the action mode {mode}")


def _replace_change_set(
    run: PipelineRun, action: Action, step: ActionProgress, configuration: dict[str, str], s3: Any, cloudformation: Any
) -> None:
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    files = {each: artifacts.read_artifact(s3, run.artifacts[each]) for each in action.inputs}
    template = _artifact_file(files, configuration["TemplatePath"])
    settings = (
        json.loads(_artifact_file(files, configuration["TemplateConfiguration"]) or "{}")
        if "TemplateConfiguration" in configuration
        else {}
    )
    parameters = settings.get("Parameters", {}) | json.loads(configuration.get("ParameterOverrides", "{}"))
    new = _stack_status(cloudformation, stack) in ("", "REVIEW_IN_PROGRESS")
    if not new:
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="CREATE" if new else "UPDATE",
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=configuration.get("Capabilities", "").split(",") if configuration.get("Capabilities") else [],
        Tags=[{"Key": key, "Value": value} for key, value in settings.get("Tags", {}).items()],
        RoleARN=configuration["RoleArn"],
    )
    step.note("the permissions of CloudFormation's role are not checked when the local AWS creates resources")
    found: dict[str, Any] = {}

    def is_created() -> bool:
        found.update(cloudformation.describe_change_set(StackName=stack, ChangeSetName=name))
        return found["Status"] in ("CREATE_COMPLETE", "FAILED")

    POLLING.until(is_created, f"the change set {name} of {stack}", LIMIT_SECONDS)
    if found["Status"] == "FAILED":
        reason = found.get("StatusReason", "no reason given")
        if not reason.startswith(UNCHANGED):
            raise ActionFailedError(f"the change set {name} of {stack} failed: {reason}")
        step.note("the change set has no changes")
    else:
        changes = [f"{each['ResourceChange']['Action']} {each['ResourceChange']['LogicalResourceId']}"
                for each in found["Changes"]]  # fmt: skip
        step.log = "\n".join(changes)


def _artifact_file(files: dict[str, zipfile.ZipFile], path: str) -> str:
    """Return the text of a file in an artifact. `path` has the form `<artifact>::<file>`."""
    artifact, _, name = path.partition("::")
    if artifact not in files:
        raise ActionFailedError(
            f"{path}: the action has no input artifact {artifact}; it has {', '.join(files) or 'none'}"
        )
    if name not in files[artifact].namelist():
        raise ActionFailedError(f"{path}: the artifact has no such file")
    return files[artifact].read(name).decode()


def _execute_change_set(cloudformation: Any, stack: str, name: str, step: ActionProgress) -> dict[str, str]:
    change_set = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    if change_set["ExecutionStatus"] == "AVAILABLE":
        cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
        step.note("no containers were started, so the health checks did not run")
    else:
        step.note("the change set had no changes to execute")
    POLLING.until(lambda: _stack_status(cloudformation, stack) not in IN_PROGRESS, f"the stack {stack}", LIMIT_SECONDS)
    status = _stack_status(cloudformation, stack)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    if status not in SUCCEEDED:
        causes = [
            f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in reversed(events)
            if each["ResourceStatus"].endswith("_FAILED") and each.get("ResourceStatusReason")
        ]
        raise ActionFailedError(f"the stack {stack} is {status}; {'; '.join(causes[:1]) or 'no reason given'}")
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def _stack_status(cloudformation: Any, stack: str) -> str:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        # The API has no specific error code for a missing stack.
        if "does not exist" in error.response["Error"]["Message"]:
            return ""
        raise
    return str(found["StackStatus"])
