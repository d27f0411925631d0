"""Reads the stacks of the run from AWS, with the credentials of the user."""

from __future__ import annotations

from cicd_templates.acceptance.check import CheckContext

GONE = "DELETE_COMPLETE"


def newest_stack(context: CheckContext, environment: str, layer: str) -> tuple[str, str]:
    """Return the id and the status of the newest stack of a layer, even if the stack was deleted.

    The id and the status are empty if the layer never had a stack. The events of a deleted stack can be read only with
    its id.
    """
    pages = context.clients(environment).cloudformation.get_paginator("list_stacks").paginate()
    name = f"{context.project.name(environment)}-{layer}"
    found = [summary for page in pages for summary in page["StackSummaries"] if summary["StackName"] == name]
    newest = max(found, key=lambda summary: summary["CreationTime"], default={"StackId": "", "StackStatus": ""})
    return newest["StackId"], newest["StackStatus"]


def first_failed_type(context: CheckContext, environment: str, stack_id: str) -> str:
    """Return the type of the resource whose creation failed first in a stack, or an empty string.

    Only the first failure shows the cause. CloudFormation then cancels the creation of other resources, and reports
    CREATE_FAILED for them, too.
    """
    paginator = context.clients(environment).cloudformation.get_paginator("describe_stack_events")
    # The newest event comes first.
    failed = [
        event["ResourceType"]
        for page in paginator.paginate(StackName=stack_id)
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    return failed[-1] if failed else ""


def stacks_of(context: CheckContext, environment: str) -> dict[str, str]:
    """Return the status of each stack of an environment, keyed by the stack's name. Deleted stacks are left out."""
    pages = context.clients(environment).cloudformation.get_paginator("list_stacks").paginate()
    found = [summary for page in pages for summary in page["StackSummaries"]]
    prefix = f"{context.project.name(environment)}-"
    return {
        summary["StackName"]: summary["StackStatus"]
        for summary in found
        if summary["StackName"].startswith(prefix) and summary["StackStatus"] != GONE
    }
