"""The scan gate: judge the reports of a release, store the decision as evidence, and answer the pipeline's job.

The function always answers the job exactly once, and only the verdict PASS is a success. A crash, an unusable report or
a timeout fails the release. The event is never logged, because it contains credentials.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from cicd_templates.functions.pipeline_jobs import answer_job, fail_job, read_parameters
from cicd_templates.functions.scan_gate.artifacts import read_entries
from cicd_templates.functions.scan_gate.decide import PASS, Decision, decide
from cicd_templates.functions.scan_gate.exit_codes import check_run
from cicd_templates.functions.scan_gate.findings import as_json
from cicd_templates.functions.scan_gate.formats import READERS
from cicd_templates.functions.scan_gate.last_release import known_fingerprints, remember_release
from cicd_templates.functions.scan_gate.policy import POLICY, agreed_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Report, UnusableError
from cicd_templates.functions.scan_gate.record import RECORD, add_record, record_problem
from cicd_templates.functions.scan_gate.report_artifacts import StoredReport, fetch_artifact, find_artifacts
from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.summary import summary
from cicd_templates.functions.scan_gate.templates_version import require_newest_templates
from cicd_templates.functions.scan_gate.untrusted_text import one_line
from cicd_templates.functions.scan_gate.unusable_reports import read_or_mark_unusable

# PutJobFailureResult accepts 5,000 characters.
MESSAGE_LENGTH = 4900
SPARE_SECONDS = 15
MAX_ATTEMPTS = 9
# The user parameters.
REQUIRED = frozenset({"sourceVersion", "templatesVersion", "execution"})


class TimeIsUp(BaseException):
    """Raised shortly before the function's timeout, so that the function can still answer the job."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer the pipeline's job: report success with the verdict, counts and evidence key, or failure with reasons."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    signal.signal(signal.SIGALRM, _raise_time_is_up)
    try:
        seconds_left = context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
        signal.setitimer(signal.ITIMER_REAL, seconds_left) if seconds_left > 0 else _raise_time_is_up()
        parameters = read_parameters(job, REQUIRED)
        if not parameters["sourceVersion"]:
            raise ValueError("the pipeline did not pass a source version")
        require_newest_templates(boto3.client("s3"), parameters["templatesVersion"])
        decision = _decide_release(parameters)
        decision.known = known_fingerprints(boto3.client("s3"))
        print(_metric_line(_decision_metrics(decision)))
        evidence_key = _put_evidence(boto3.client("s3"), parameters, decision)
        if decision.verdict == PASS:
            remember_release(boto3.client("s3"), parameters["execution"], decision)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except (Exception, TimeIsUp) as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(_metric_line({"GateErrors": 1}))
        message = f"The gate failed and blocks this release: {type(error).__name__}: {error}"
        fail_job(pipeline, job["id"], one_line(message, MESSAGE_LENGTH))
        return
    if decision.verdict != PASS:
        message = summary(decision)[: MESSAGE_LENGTH - len(evidence_key) - 20].rpartition("\n")[0]
        fail_job(pipeline, job["id"], f"{message}\n\nEvidence: {evidence_key}")
        return
    counts = {word.capitalize(): str(decision.count(word)) for word in ("critical", "high", "medium")}
    counts |= {"Waived": str(decision.waived), "Weaker": str(decision.weakened)}
    variables = {"Verdict": PASS, **counts, "SourceDigest": decision.source_digest, "ReportKey": evidence_key}
    answer_job(pipeline.put_job_success_result, jobId=job["id"], outputVariables=variables)


def _raise_time_is_up(*_: Any) -> None:
    raise TimeIsUp(f"less than {SPARE_SECONDS} seconds remain before the timeout")


def _decide_release(parameters: dict[str, str]) -> Decision:
    import boto3

    s3 = boto3.client("s3")
    # For each artifact: the check that wrote it, the format of its report and the tool.
    expected: dict[str, list[str]] = json.loads(os.environ["CHECKS"])
    located = find_artifacts(boto3.client("codepipeline"), parameters["execution"], expected)
    now, source_version = datetime.now(UTC), parameters["sourceVersion"]
    reports: dict[str, Report] = {}
    policies: dict[str, bytes | None] = {}
    stored: dict[str, StoredReport] = {}
    for artifact, (check, form, tool) in expected.items():
        if artifact in located:
            name = "report.xml" if form == "junit" else "report.json"
            try:
                data, stored[check] = fetch_artifact(s3, located[artifact])
                contents = read_entries(data, [name, RECORD, POLICY])
            except UnusableError as error:
                reports[check] = Report(status=ERROR, reason=str(error))
                continue
            policies[check] = contents.get(POLICY)
            problem = record_problem(
                contents.get(RECORD, b""), check, form, source_version, execution=parameters["execution"], now=now
            )
            reports[check] = _read_check_report(contents, name, form, tool, problem)
    formats = {check: form for check, form, _ in expected.values()}
    policy = replace(
        agreed_policy(policies, formats),
        waiver_days=int(os.environ["WAIVER_DAYS"]),
        refuse_weaker=os.environ["WEAKER_POLICY"] == "refuse",
    )
    decision = decide(list(formats), reports, policy, now.date())
    decision.stored = {check: asdict(report) for check, report in stored.items()}
    return decision


def _read_check_report(contents: dict[str, bytes], name: str, form: str, tool: str, problem: str) -> Report:
    missing = [each for each in (name, RECORD) if each not in contents]
    if missing:
        problem = f"the artifact has no {' and no '.join(missing)}"
    if problem:
        return Report(status=ERROR, reason=problem)
    report = read_or_mark_unusable(READERS[form], form, contents[name], tool)
    check_run(contents[RECORD], tool, report)
    add_record(report, contents[RECORD])
    return report


def _decision_metrics(decision: Decision) -> dict[str, int]:
    values = {f"{word.capitalize()}Findings": decision.count(word) for word in SCALE}
    return {**values, "BrokenReports": len(decision.broken), "ReleaseStopped": int(decision.verdict != PASS)}


def _metric_line(values: dict[str, int]) -> str:
    """Return a log line in CloudWatch's embedded metric format."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    declared = {"Namespace": os.environ["NAMESPACE"], "Dimensions": [["PipelineName"]], "Metrics": metrics}
    about = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": os.environ["PIPELINE"], **values})


def _put_evidence(s3: Any, parameters: dict[str, str], decision: Decision) -> str:
    """Store the summary and the decision as evidence. Return the key of the decision.

    Evidence is never overwritten.
    """
    versions = {"source_version": parameters["sourceVersion"], "templates_version": parameters["templatesVersion"]}
    prefix = f"{os.environ['SERVICE']}/{parameters['execution']}"
    _put_once(s3, f"{prefix}/summary", ".md", summary(decision))
    return _put_once(s3, f"{prefix}/verdict", ".json", json.dumps({**versions, **as_json(decision)}, indent=2))


def _put_once(s3: Any, key: str, suffix: str, content: str) -> str:
    """Store `content` under the first free key in the series `key`, `key-2`, `key-3`. Return this key.

    If a taken key already has this content, store nothing and return the taken key. Raises `ValueError` if MAX_ATTEMPTS
    keys are taken by other contents.
    """
    from botocore.exceptions import ClientError

    bucket, body = os.environ["EVIDENCE_BUCKET"], content.encode()
    for number in range(1, MAX_ATTEMPTS + 1):
        numbered = f"{key}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            # A bucket with Object Lock accepts only uploads with a checksum.
            s3.put_object(Bucket=bucket, Key=numbered, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            if s3.get_object(Bucket=bucket, Key=numbered)["Body"].read() != body:
                continue
        return numbered
    raise ValueError(
        f"cannot store {key}{suffix}: this key and the numbered keys up to {key}-{MAX_ATTEMPTS}{suffix} already have"
        " other content"
    )
