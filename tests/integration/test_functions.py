"""The inlined functions of the templates, run by the local AWS, which receives their job results."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from cicd_templates.config.naming import TEMPLATES_KEY
from cicd_templates.functions.review import REQUIRED
from cicd_templates.local.codepipeline import RUNS_FILE, ActionExecutions, JobResults
from tests.integration.conftest import Project
from tests.unit.functions.sample_reports import CLEAN, snyk

pytestmark = [pytest.mark.integration, pytest.mark.long]
RUN = {
    "source_version": "v1",
    "execution": "e-1",
    "exit_code": 0,
    "source_digest": "a" * 64,
    "not_read": [],
}
# For each check: the format, the name of its clean sample report, and the tool's version, which some reports state.
SAMPLES = {
    "unit-tests": ("junit", "junit of pytest", "1"),
    "bandit": ("bandit", "bandit", "1"),
    "safety": ("safety", "safety scan", "3.2.4"),
    "snyk": ("snyk", "snyk", "1"),
    "secrets": ("detect-secrets", "detect-secrets", "1.5.0"),
}


def job(parameters: dict[str, str]) -> dict[str, Any]:
    configuration = {"FunctionName": "f", "UserParameters": json.dumps(parameters)}
    data = {"actionConfiguration": {"configuration": configuration}}
    return {"CodePipeline.job": {"id": str(uuid.uuid4()), "data": data}}


def invoke(project: Project, name: str, event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Invoke the deployed function; return the job result that it sent, checked against the API's model."""
    answer = project.clients("tools").lambda_.invoke(
        FunctionName=f"shipping-tools-parcel-dispatcher-{name}", Payload=json.dumps(event).encode()
    )
    assert answer["Payload"].read() == b"null"
    answers = JobResults(project.engine.folder).of(event["CodePipeline.job"]["id"])
    assert answers is not None
    return answers


def hand_on(project: Project, check: str, form: str, version: str, report: str) -> None:
    """Put a check's artifact into the artifacts bucket, and list the action that produced it."""
    # The gate refuses a record that is older than seven days.
    times = dict.fromkeys(("started", "finished"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("report.xml" if form == "junit" else "report.json", report)
        archive.writestr(
            "run.json", json.dumps({**RUN, **times, "check": check, "format": form, "tool_version": version})
        )
    bucket = f"shipping-tools-artifacts-{project.accounts['tools']}-eu-central-1"
    project.clients("tools").s3.put_object(Bucket=bucket, Key=check, Body=target.getvalue())
    name = "".join(word.capitalize() for word in check.split("-")) + "Report"
    detail = {
        "pipelineExecutionId": "e-1",
        "actionExecutionId": str(uuid.uuid4()),
        "stageName": "Verify",
        "actionName": check,
        "startTime": time.time(),
        "status": "Succeeded",
        "output": {"outputArtifacts": [{"name": name, "s3location": {"bucket": bucket, "key": check}}]},
    }
    ActionExecutions(project.engine.folder).put("parcel-dispatcher-shipping-tools", detail)


def start_execution(project: Project) -> None:
    """Start the execution e-1 of the pipeline."""
    run = {
        "account": project.accounts["tools"],
        "request": {"name": "parcel-dispatcher-shipping-tools"},
        "execution": "e-1",
        "time": time.time(),
        "trigger": "StartPipelineExecution",
    }
    with (project.engine.folder / RUNS_FILE).open("a") as file:
        file.write(json.dumps(run) + "\n")


def newest(project: Project) -> str:
    """Return the newest version of the templates that were uploaded for the pipeline."""
    bucket = f"shipping-tools-templates-{project.accounts['tools']}-eu-central-1"
    return str(project.clients("tools").s3.head_object(Bucket=bucket, Key=TEMPLATES_KEY)["VersionId"])


def run_gate(project: Project, templates: str = "", **instead: str) -> tuple[str, dict[str, Any]]:
    """Return the job result of the deployed gate for clean reports, some of which are replaced."""
    start_execution(project)
    for check, (form, sample, version) in SAMPLES.items():
        clean = CLEAN[sample] if form == "junit" else json.dumps(CLEAN[sample])
        hand_on(project, check, form, version, instead.get(check, clean))
    event = job({"sourceVersion": "v1", "templatesVersion": templates or newest(project), "execution": "e-1"})
    return invoke(project, "scan-gate", event)


def test_the_deployed_gate_lets_clean_reports_pass_and_keeps_its_verdict(project: Project) -> None:
    project.ok("deploy --env tools --local --yes")
    operation, request = run_gate(project)

    assert operation == "PutJobSuccessResult", request
    assert request["outputVariables"] == {
        "Verdict": "PASS",
        "Critical": "0",
        "High": "0",
        "Medium": "0",
        "Waived": "0",
        "Weaker": "0",
        "SourceDigest": "a" * 64,
        "ReportKey": "parcel-dispatcher/e-1/verdict.json",
    }
    bucket = f"shipping-tools-evidence-{project.accounts['tools']}-eu-central-1"
    kept = project.clients("tools").s3.get_object(Bucket=bucket, Key=request["outputVariables"]["ReportKey"])
    assert json.loads(kept["Body"].read())["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("instead", "expected"),
    [
        ({"bandit": ""}, "- **bandit**: its report is error: the report is empty"),
        (
            {"snyk": json.dumps(snyk({"id": "S1", "severity": "critical", "packageName": "p", "version": "1"}))},
            "- **critical** S1\n  - where: `p 1`, found by snyk",
        ),
    ],
)
def test_the_deployed_gate_stops_a_release_that_must_not_pass(
    project: Project, instead: dict[str, str], expected: str
) -> None:
    project.ok("deploy --env tools --local --yes")
    operation, request = run_gate(project, **instead)

    assert operation == "PutJobFailureResult"
    assert expected in request["failureDetails"]["message"]


def test_the_deployed_gate_and_review_refuse_templates_that_were_replaced(project: Project) -> None:
    project.ok("deploy --env tools --local --yes")
    before = newest(project)
    project.edit("[pipeline]", "[pipeline]\napproval_hours = 24")
    project.render_and_commit()
    # Only files of the tools environment change, so nobody has to be asked about other environments.
    project.ok("deploy --env tools --layer notifications --local --yes")
    expected = (
        f"the release has version {before} of the templates, but {newest(project)} is the newest version. Release again"
    )

    for operation, request in (
        run_gate(project, before),
        invoke(project, "review", job(dict.fromkeys(REQUIRED, "-") | {"templates": before})),
    ):
        assert operation == "PutJobFailureResult"
        assert expected in request["failureDetails"]["message"]
    assert run_gate(project)[0] == "PutJobSuccessResult"


def test_the_deployed_review_describes_a_change_set_of_the_other_account(project: Project) -> None:
    project.ok("deploy --env production --local --yes")
    project.ok("deploy --env tools --local --yes")
    production = project.clients("production").cloudformation
    stack = "shipping-production-service-parcel-dispatcher"
    image = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/p@sha256:{'d' * 64}"
    production.create_change_set(
        StackName=stack,
        ChangeSetName="shipping-production-parcel-dispatcher-release",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "ImageUri", "ParameterValue": image}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    production.get_waiter("change_set_create_complete").wait(
        StackName=stack, ChangeSetName="shipping-production-parcel-dispatcher-release", WaiterConfig={"Delay": 0}
    )
    parameters = {
        "stack": stack,
        "changeSet": "shipping-production-parcel-dispatcher-release",
        "role": f"arn:aws:iam::{project.accounts['production']}:role/shipping-production-review-parcel-dispatcher",
        "region": "eu-central-1",
        "environment": "production",
        "execution": "e-1",
        "image": image,
        "templates": newest(project),
    }
    operation, request = invoke(project, "review", job(parameters))

    assert operation == "PutJobSuccessResult", request
    variables = request["outputVariables"]
    assert "TaskDefinition (AWS::ECS::TaskDefinition)" in variables["Summary"]
    assert variables["Digest"] == f"sha256:{'d' * 64}"
    assert variables["Templates"].startswith(f"commit {project.head}, sha256 ")
    assert variables["Templates"].endswith(", uploaded by root")
    assert "stackId=arn%3Aaws%3Acloudformation" in variables["ChangeSetUrl"]

    # The deployed check finds the record of the review, but no statements, because nothing was signed.
    shared = {name: parameters[name] for name in ("changeSet", "role", "region", "environment", "execution")}
    statements = "parcel-dispatcher/e-1/signed"
    check = {**shared, "stacks": stack, "layers": "service", "statements": statements}
    for reviewed, refusal in ((variables["Reviewed"], statements), ("0" * 64, "the record of the approval could not")):
        operation, request = invoke(project, "approval-check", job({**check, "reviewed": reviewed}))
        assert operation == "PutJobFailureResult"
        assert refusal in request["failureDetails"]["message"]


def test_an_event_of_the_pipeline_is_kept_in_the_history_and_described_in_words(project: Project) -> None:
    project.ok("deploy --env tools --local --yes")
    events = project.clients("tools")._client("events")
    rule = events.describe_rule(Name="shipping-tools-parcel-dispatcher-history")
    event = {
        "id": "1",
        "account": project.accounts["tools"],
        "source": "aws.codepipeline",
        "time": "2026-11-24T12:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {"pipeline": "parcel-dispatcher-shipping-tools", "execution-id": "e-1", "state": "FAILED"},
    }
    matching = {
        name: events.test_event_pattern(
            EventPattern=events.describe_rule(Name=name)["EventPattern"], Event=json.dumps(event)
        )["Result"]
        for name in (
            "shipping-tools-parcel-dispatcher-history",
            "shipping-tools-parcel-dispatcher-run-failed",
            "shipping-tools-parcel-dispatcher-measure",
            "shipping-tools-parcel-dispatcher-run-succeeded",
            "shipping-tools-parcel-dispatcher-gate-decided",
        )
    }

    assert rule["State"] == "ENABLED"
    assert list(matching.values()) == [True, True, True, False, False]
    call = {"pipelineName": "parcel-dispatcher-shipping-tools", "stageName": "Production"}
    approved = {**event, "detail-type": "AWS API Call via CloudTrail", "detail": {"requestParameters": call}}
    assert events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(approved))["Result"]
    other = {**event, "detail": {**event["detail"], "pipeline": "another"}}  # type: ignore[dict-item]
    assert not events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(other))["Result"]
