"""CloudFormation actions: change sets on the local AWS from a template of an artifact, as the action's role.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.stack_states import RUNNING, SUCCEEDED
from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.context import ActionFailedError, Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step

REPLACE, EXECUTE = "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"
# How CloudFormation says that a change set changes nothing; it has no field for it.
UNCHANGED = ("The submitted information didn't contain changes", "No updates are to be performed")
LIMIT_SECONDS = 300.0
POLLING = Polling(poll_seconds=0.02)


def act(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Replace or execute the change set; the stack's outputs as variables, where it was executed."""
    configuration = run.configured(action)
    client = run.act(action, step)
    stack, name = configuration["StackName"], configuration.get("ChangeSetName", "")
    cloudformation = client.client("cloudformation")
    mode = configuration["ActionMode"]
    if mode == REPLACE:
        _replace(run, action, step, configuration, client.client("s3"), cloudformation)
        return {}
    if mode == EXECUTE:
        return _execute(cloudformation, stack, name, step)
    raise ActionFailedError(f"a rehearsal does not interpret the mode {mode}")


def _replace(run: Run, action: Action, step: Step, configuration: dict[str, str], s3: Any, cloudformation: Any) -> None:
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    files = {each: artifacts.take(s3, run.artifacts[each]) for each in action.inputs}
    template = _file(files, configuration["TemplatePath"])
    settings = (
        json.loads(_file(files, configuration["TemplateConfiguration"]) or "{}")
        if "TemplateConfiguration" in configuration
        else {}
    )
    parameters = settings.get("Parameters", {}) | json.loads(configuration.get("ParameterOverrides", "{}"))
    new = _status(cloudformation, stack) in ("", "REVIEW_IN_PROGRESS")
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
    step.note("the role of CloudFormation itself is not measured, because resources are made without asking IAM")
    found: dict[str, Any] = {}

    def made() -> bool:
        found.update(cloudformation.describe_change_set(StackName=stack, ChangeSetName=name))
        return found["Status"] in ("CREATE_COMPLETE", "FAILED")

    POLLING.until(made, f"the change set {name} of {stack}", LIMIT_SECONDS)
    if found["Status"] == "FAILED":
        reason = found.get("StatusReason", "without a reason")
        if not reason.startswith(UNCHANGED):
            raise ActionFailedError(f"the change set {name} of {stack} failed: {reason}")
        step.note("the change set changes nothing")
    else:
        told = [f"{each['ResourceChange']['Action']} {each['ResourceChange']['LogicalResourceId']}"
                for each in found["Changes"]]  # fmt: skip
        step.log = "\n".join(told)


def _file(files: dict[str, zipfile.ZipFile], path: str) -> str:
    """The text of `Artifact::file`."""
    artifact, _, name = path.partition("::")
    if artifact not in files:
        raise ActionFailedError(f"{path}: the action takes {', '.join(files) or 'no artifact'}, not {artifact}")
    if name not in files[artifact].namelist():
        raise ActionFailedError(f"{path}: no such file in the artifact")
    return files[artifact].read(name).decode()


def _execute(cloudformation: Any, stack: str, name: str, step: Step) -> dict[str, str]:
    change_set = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    if change_set["ExecutionStatus"] == "AVAILABLE":
        cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
        step.note("no container is started, so nothing had to become healthy")
    else:
        step.note("there was nothing to execute")
    POLLING.until(lambda: _status(cloudformation, stack) not in RUNNING, f"the stack {stack}", LIMIT_SECONDS)
    status = _status(cloudformation, stack)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    if status not in SUCCEEDED:
        causes = [
            f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in reversed(events)
            if each["ResourceStatus"].endswith("_FAILED") and each.get("ResourceStatusReason")
        ]
        raise ActionFailedError(f"the stack {stack} is {status}; {'; '.join(causes[:1]) or 'without a reason'}")
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def _status(cloudformation: Any, stack: str) -> str:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        # The API has one code for it and for much else.
        if "does not exist" in error.response["Error"]["Message"]:
            return ""
        raise
    return str(found["StackStatus"])
