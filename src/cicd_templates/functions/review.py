"""Describe a change set to its approver, in output variables of the pipeline's action.

User parameters: `stack`, `changeSet`, `role` (assumed to read the change set), `region`, and `image` by digest. Every
path answers the job exactly once: CodePipeline waits 20 minutes for a missing answer. The event is never logged,
because it contains credentials.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

CONSOLE = "console.aws.amazon.com"
# An approval shows at most 1,000 characters, which the summary shares with other text.
SUMMARY_LENGTH = 600
MESSAGE_LENGTH = 1000
# The status reasons of a change set without changes; CloudFormation has no field for it.
UNCHANGED = ("The submitted information didn't contain changes", "No updates are to be performed")
# Errors for a job that an earlier delivery of the same event has already answered.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")


def handler(event: dict[str, Any], context: object) -> None:
    """Answer the job with `ChangeSetUrl`, `Summary` and `Digest`, or with the reason of the failure."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        variables = _describe_change_set(
            json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        )
    except Exception as error:
        print(_metric_line({"ReviewErrors": 1}))
        message = _one_line(f"Cannot describe the change set: {type(error).__name__}: {error}")[:MESSAGE_LENGTH]
        _answer_job(
            pipeline.put_job_failure_result,
            jobId=job["id"],
            failureDetails={"type": "JobFailed", "message": message},
        )
    else:
        _answer_job(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _metric_line(values: dict[str, int]) -> str:
    """Return a metric in CloudWatch's embedded format: an answered failure is not among Lambda's Errors."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    declared = {"Namespace": os.environ["NAMESPACE"], "Dimensions": [["PipelineName"]], "Metrics": metrics}
    about = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": os.environ["PIPELINE"], **values})


def _one_line(text: str) -> str:
    """Return `text` on one line without the control and format characters that would change how it is shown."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _answer_job(put_result: Any, **answer: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        put_result(**answer)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ANSWERED:
            raise


def _describe_change_set(parameters: dict[str, str]) -> dict[str, str]:
    cloudformation = _cloudformation_client(parameters["role"], parameters["region"])
    pages = [cloudformation.describe_change_set(StackName=parameters["stack"], ChangeSetName=parameters["changeSet"])]
    while token := pages[-1].get("NextToken"):
        pages.append(
            cloudformation.describe_change_set(
                StackName=parameters["stack"], ChangeSetName=parameters["changeSet"], NextToken=token
            )
        )
    first = pages[0]
    # A change set without changes is not a failure: there is nothing to execute after the approval.
    empty = first["Status"] == "FAILED" and first.get("StatusReason", "").startswith(UNCHANGED)
    if first["Status"] != "CREATE_COMPLETE" and not empty:
        raise ValueError(f"its status is {first['Status']}: {first.get('StatusReason', 'no reason given')}")
    changes = [change["ResourceChange"] for page in pages for change in page["Changes"]]
    where = f"stackId={quote(first['StackId'], safe='')}&changeSetId={quote(first['ChangeSetId'], safe='')}"
    region = parameters["region"]
    return {
        "ChangeSetUrl": f"https://{region}.{CONSOLE}/cloudformation/home?region={region}#/stacks/changesets/changes?{where}",
        "Summary": _summary(changes),
        "Digest": _one_line(parameters["image"].partition("@")[2]),
    }


def _cloudformation_client(role: str, region: str) -> Any:
    import boto3

    assumed = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="review")["Credentials"]
    return boto3.client(
        "cloudformation",
        region_name=region,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _summary(changes: list[dict[str, Any]]) -> str:
    """Return the resource changes as text, the most severe first: removals, then (possible) replacements."""
    resources_by_effect: dict[str, list[str]] = {
        "REMOVE": [],
        "REPLACE": [],
        "MAY REPLACE": [],
        "modify": [],
        "add": [],
    }
    for change in changes:
        effect = {"Remove": "REMOVE", "Add": "add"}.get(change["Action"], "modify")
        if change.get("Replacement") == "True":
            effect = "REPLACE"
        elif change.get("Replacement") == "Conditional":
            effect = "MAY REPLACE"
        resources_by_effect[effect].append(f"{change['LogicalResourceId']} ({change['ResourceType']})")
    text = "; ".join(f"{effect} {', '.join(names)}" for effect, names in resources_by_effect.items() if names)
    text = _one_line(text) or "no resource changes"
    return text if len(text) <= SUMMARY_LENGTH else f"{text[: SUMMARY_LENGTH - 3]}..."
