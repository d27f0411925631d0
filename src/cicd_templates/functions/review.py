"""Describes a change set to the person who is asked to approve it, as variables of the pipeline's action.

User parameters: `stack`, `changeSet`, `role` to look with, `region`, and `image` by digest. Every path ends in one
answer to CodePipeline, because it would wait for twenty minutes without. The event is never logged: it carries
credentials.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

CONSOLE = "console.aws.amazon.com"
# The approval shows at most 1,000 characters, and not of this alone.
SUMMARY_LENGTH = 600
MESSAGE_LENGTH = 1000
# How CloudFormation says that a change set changes nothing; it has no field for it.
UNCHANGED = ("The submitted information didn't contain changes", "No updates are to be performed")
# A job that was answered before, by an earlier delivery of the same event, needs no second answer.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")


def handler(event: dict[str, Any], context: object) -> None:
    """Answer the job with `ChangeSetUrl`, `Summary` and `Digest`, or with why there are none."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        variables = _described(json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"]))
    except Exception as error:
        print(_metrics({"ReviewErrors": 1}))
        message = f"The change set cannot be described: {type(error).__name__}: {error}"[:MESSAGE_LENGTH]
        _answer(
            pipeline.put_job_failure_result,
            jobId=job["id"],
            failureDetails={"type": "JobFailed", "message": message},
        )
    else:
        _answer(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _metrics(values: dict[str, int]) -> str:
    """A line of CloudWatch's embedded format, since a failure that is answered is none of Lambda's Errors."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    declared = {"Namespace": os.environ["NAMESPACE"], "Dimensions": [["PipelineName"]], "Metrics": metrics}
    about = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": os.environ["PIPELINE"], **values})


def _answer(put: Any, **answer: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        put(**answer)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ANSWERED:
            raise


def _described(asked: dict[str, str]) -> dict[str, str]:
    cloudformation = _client(asked["role"], asked["region"])
    pages = [cloudformation.describe_change_set(StackName=asked["stack"], ChangeSetName=asked["changeSet"])]
    while token := pages[-1].get("NextToken"):
        pages.append(
            cloudformation.describe_change_set(
                StackName=asked["stack"], ChangeSetName=asked["changeSet"], NextToken=token
            )
        )
    first = pages[0]
    # Nothing to change is no failure: the execution after the approval has nothing to do.
    empty = first["Status"] == "FAILED" and first.get("StatusReason", "").startswith(UNCHANGED)
    if first["Status"] != "CREATE_COMPLETE" and not empty:
        raise ValueError(f"it is {first['Status']}: {first.get('StatusReason', 'without a reason')}")
    changes = [change["ResourceChange"] for page in pages for change in page["Changes"]]
    where = f"stackId={quote(first['StackId'], safe='')}&changeSetId={quote(first['ChangeSetId'], safe='')}"
    region = asked["region"]
    return {
        "ChangeSetUrl": f"https://{region}.{CONSOLE}/cloudformation/home?region={region}#/stacks/changesets/changes?{where}",
        "Summary": _summary(changes),
        "Digest": asked["image"].partition("@")[2],
    }


def _client(role: str, region: str) -> Any:
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
    """What would happen, the worst first: removals, then replacements, which may be replacements only perhaps."""
    kinds: dict[str, list[str]] = {"REMOVE": [], "REPLACE": [], "MAY REPLACE": [], "modify": [], "add": []}
    for change in changes:
        kind = {"Remove": "REMOVE", "Add": "add"}.get(change["Action"], "modify")
        if change.get("Replacement") == "True":
            kind = "REPLACE"
        elif change.get("Replacement") == "Conditional":
            kind = "MAY REPLACE"
        kinds[kind].append(f"{change['LogicalResourceId']} ({change['ResourceType']})")
    told = "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names)
    told = told or "no resource changes"
    return told if len(told) <= SUMMARY_LENGTH else f"{told[: SUMMARY_LENGTH - 3]}..."
