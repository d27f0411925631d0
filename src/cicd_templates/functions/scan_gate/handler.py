"""The pipeline's gate: judges the reports of a release, puts verdict and summary into the evidence, answers the job.

Every path ends in one answer, and only a decision to pass is a success: a crash, a broken report or time running out
fails the release. The event is never logged: it carries credentials.
"""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from typing import Any

from cicd_templates.functions.scan_gate.artifacts import fetched, unpacked
from cicd_templates.functions.scan_gate.decide import PASS, Decision, decide
from cicd_templates.functions.scan_gate.findings import as_json
from cicd_templates.functions.scan_gate.formats import READERS
from cicd_templates.functions.scan_gate.policy import POLICY, agreed_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Report, UnusableError
from cicd_templates.functions.scan_gate.record import RECORD, wrong_record
from cicd_templates.functions.scan_gate.safely import read_safely
from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.summary import summary

# A job that was answered before, by an earlier delivery of the same event, needs no second answer.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")
# PutJobFailureResult takes 5,000 characters.
MESSAGE_LENGTH = 4900
SPARE_SECONDS = 15
MOST_ATTEMPTS = 9


class TimeIsUp(BaseException):
    """The time of the function is nearly over, and the job needs its answer."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer the job with the verdict, its counts and where the evidence is, or with what stops the release."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    signal.signal(signal.SIGALRM, _stop)
    try:
        left = context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
        signal.setitimer(signal.ITIMER_REAL, left) if left > 0 else _stop()
        asked = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        if not asked["sourceVersion"]:
            raise ValueError("the pipeline names no version of the source")
        decision = _decision(job["data"], asked["sourceVersion"])
        print(_metrics(_measured(decision)))
        put = _put_evidence(boto3.client("s3"), asked, decision)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except (Exception, TimeIsUp) as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(_metrics({"GateErrors": 1}))
        told = f"The gate could not judge this release, so it does not pass: {type(error).__name__}: {error}"
        _fail(pipeline, job["id"], told[:MESSAGE_LENGTH])
        return
    if decision.verdict != PASS:
        told = summary(decision)[: MESSAGE_LENGTH - len(put) - 20].rpartition("\n")[0]
        _fail(pipeline, job["id"], f"{told}\n\nEvidence: {put}")
        return
    counts = {word.capitalize(): str(decision.count(word)) for word in ("critical", "high")}
    variables = {"Verdict": PASS, **counts, "ReportKey": put}
    _answer(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _stop(*_: Any) -> None:
    raise TimeIsUp(f"less than {SPARE_SECONDS} seconds are left")


def _fail(pipeline: Any, job_id: str, message: str) -> None:
    _answer(pipeline.put_job_failure_result, jobId=job_id, failureDetails={"type": "JobFailed", "message": message})


def _answer(put: Any, **answer: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        put(**answer)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "OutputVariablesSizeExceededException":
            # Without the verdict among them the stages behind the gate stay locked, but the job has its answer.
            put(jobId=answer["jobId"])
        elif code not in ANSWERED:
            raise


def _decision(data: dict[str, Any], source_version: str) -> Decision:
    """Read what each check handed on, with the credentials of the job alone."""
    import boto3
    from botocore.config import Config

    own = data["artifactCredentials"]
    session = boto3.Session(own["accessKeyId"], own["secretAccessKey"], own["sessionToken"])
    s3 = session.client("s3", config=Config(signature_version="s3v4"))
    located = {each["name"]: each["location"]["s3Location"] for each in data["inputArtifacts"]}
    # By artifact, the check that hands it on and the format of its report.
    expected: dict[str, list[str]] = json.loads(os.environ["CHECKS"])
    reports: dict[str, Report] = {}
    policies: dict[str, bytes | None] = {}
    for artifact, (check, form) in expected.items():
        if artifact in located:
            name = "report.xml" if form == "junit" else "report.json"
            try:
                found = unpacked(fetched(s3, located[artifact]), [name, RECORD, POLICY])
            except UnusableError as error:
                reports[check] = Report(status=ERROR, reason=str(error))
                continue
            policies[check] = found.get(POLICY)
            reports[check] = _report(found, name, check, form, source_version)
    checks = [check for check, _ in expected.values()]
    return decide(checks, reports, agreed_policy(policies, checks), datetime.now(UTC).date())


def _report(found: dict[str, bytes], name: str, check: str, form: str, source_version: str) -> Report:
    missing = [each for each in (name, RECORD) if each not in found]
    wrong = f"there is no {' and no '.join(missing)}" if missing else ""
    wrong = wrong or wrong_record(found[RECORD], check, form, source_version)
    return Report(status=ERROR, reason=wrong) if wrong else read_safely(READERS[form], form, found[name])


def _measured(decision: Decision) -> dict[str, int]:
    values = {f"{word.capitalize()}Findings": decision.count(word) for word in SCALE}
    return {**values, "BrokenReports": len(decision.broken), "ReleaseStopped": int(decision.verdict != PASS)}


def _metrics(values: dict[str, int]) -> str:
    """A line of CloudWatch's embedded format: a log that says it is a metric."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    declared = {"Namespace": os.environ["NAMESPACE"], "Dimensions": [["PipelineName"]], "Metrics": metrics}
    about = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": os.environ["PIPELINE"], **values})


def _put_evidence(s3: Any, asked: dict[str, str], decision: Decision) -> str:
    """Put summary and decision; the key of the decision. What an earlier attempt of the run put is not replaced."""
    versions = {"source_version": asked["sourceVersion"], "templates_version": asked["templatesVersion"]}
    prefix = f"{os.environ['SERVICE']}/{asked['execution']}"
    _put_once(s3, f"{prefix}/summary", ".md", summary(decision))
    return _put_once(s3, f"{prefix}/verdict", ".json", json.dumps({**versions, **as_json(decision)}, indent=2))


def _put_once(s3: Any, key: str, suffix: str, content: str) -> str:
    """Put `content` under the first number, up to `MOST_ATTEMPTS`, at which nothing or just this is; that key."""
    from botocore.exceptions import ClientError

    bucket, body = os.environ["EVIDENCE_BUCKET"], content.encode()
    for number in range(1, MOST_ATTEMPTS + 1):
        numbered = f"{key}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            s3.put_object(Bucket=bucket, Key=numbered, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            if s3.get_object(Bucket=bucket, Key=numbered)["Body"].read() != body:
                continue
        return numbered
    raise ValueError(f"{key}{suffix} was put {MOST_ATTEMPTS} times already")
