"""The functions of the pipeline, with events and answers in AWS's format. botocore's models check their calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.stub import Stubber

from cicd_templates.functions import measure, review, stuck
from tests.fakes import unsigned_exceptions

JOB = "11111111-2222-3333-4444-555555555555"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class Aws:
    """Real clients whose requests botocore validates, and whose answers come from lists. Nothing leaves the process."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[Any]] = {}

    def answer(self, operation: str, *answers: Any) -> None:
        self.answers.setdefault(operation, []).extend(answers)

    def client(self, service: str, **options: Any) -> Any:
        keys = {"aws_access_key_id": "1", "aws_secret_access_key": "2", "region_name": "eu-central-1"}
        name = json.dumps([service, options], sort_keys=True)
        if name not in _CLIENTS:
            config = Config(retries={"total_max_attempts": 1})
            _CLIENTS[name] = _real_client(service, **{**keys, **options}, config=config)
        client = _CLIENTS[name]
        stubber = Stubber(client)
        real = type(client)._make_api_call.__get__(client)

        def call(operation: str, parameters: dict[str, Any]) -> Any:
            self.calls.append((operation, parameters))
            answers = self.answers.get(operation, [{}])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            method = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
            answer = answer(parameters) if callable(answer) else answer
            if isinstance(answer, str):
                stubber.add_client_error(method, answer)
            elif isinstance(answer, tuple):
                stubber.add_client_error(method, answer[0], modeled_fields=answer[1])
            else:
                stubber.add_response(method, answer)
            with stubber:
                return real(operation, parameters)

        client._make_api_call = call
        return client

    def put(self) -> tuple[str, dict[str, Any]]:
        """The one answer to the job."""
        (put,) = [call for call in self.calls if call[0].startswith("PutJob")]
        return put


# Making a client takes longer than a test.
_CLIENTS: dict[str, Any] = {}
_real_client: Any = boto3.session.Session().client


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    fake = Aws()
    monkeypatch.setattr("boto3.client", fake.client)
    monkeypatch.setenv("PIPELINE", "shipping")
    monkeypatch.setenv("NAMESPACE", "CicdTemplates")
    monkeypatch.setenv("EVIDENCE_BUCKET", "evidence")
    monkeypatch.setenv("APPROVALS", "_approvals/shipping")
    monkeypatch.setenv("SERVICE", "shipping")
    monkeypatch.setenv("UNSIGNED_IMAGES", "{}")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("CONSOLE", "https://eu-central-1.console.aws.amazon.com")
    monkeypatch.setenv("TEMPLATES_BUCKET", "templates")
    monkeypatch.setenv("TEMPLATES_KEY", "templates.zip")
    fake.answer("HeadObject", {"VersionId": "t1", "Metadata": {}})
    fake.answer("GetTemplate", {"TemplateBody": "Resources: {}"})
    return fake


def job(parameters: object = "") -> dict[str, Any]:
    text = parameters if isinstance(parameters, str) else json.dumps(parameters)
    configuration = {"FunctionName": "f", "UserParameters": text}
    secret = {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "never-in-a-log", "sessionToken": "t"}
    data = {"actionConfiguration": {"configuration": configuration}, "artifactCredentials": secret}
    return {"CodePipeline.job": {"id": JOB, "accountId": "111111111111", "data": data}}


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_was_answered_before_is_done(aws: Aws, code: str) -> None:
    aws.answer("PutJobFailureResult", code)

    review.handler(job(), None)
    assert aws.put()[0] == "PutJobFailureResult"


def test_an_answer_that_does_not_arrive_is_raised_so_that_lambda_tries_again(aws: Aws) -> None:
    aws.answer("PutJobFailureResult", "ThrottlingException")

    with pytest.raises(ClientError, match="ThrottlingException"):
        review.handler(job(), None)


ASKED = {
    "stack": "shipping-production-service",
    "changeSet": "release",
    "role": "arn:aws:iam::333333333333:role/review",
    "region": "eu-central-1",
    "environment": "production",
    "execution": "e-1",
    "image": "111111111111.dkr.ecr.eu-central-1.amazonaws.com/p@sha256:" + "d" * 64,
    "templates": "t1",
}
ARN = "arn:aws:cloudformation:eu-central-1:333333333333"
CREDENTIALS = {
    "AccessKeyId": "ASIAEXAMPLE123456",
    "SecretAccessKey": "s",
    "SessionToken": "t",
    "Expiration": NOW,
}


def change(action: str, name: str, replacement: str | None = None) -> dict[str, Any]:
    resource = {"Action": action, "LogicalResourceId": name, "ResourceType": "AWS::ECS::Service"}
    return {"Type": "Resource", "ResourceChange": {**resource, **({"Replacement": replacement} if replacement else {})}}


def described(*changes: dict[str, Any], status: str = "CREATE_COMPLETE", token: str | None = None) -> dict[str, Any]:
    return {
        "StackId": f"{ARN}:stack/shipping-production-service/1",
        "ChangeSetId": f"{ARN}:changeSet/release/2",
        "Status": status,
        "ExecutionStatus": "AVAILABLE" if status == "CREATE_COMPLETE" else "UNAVAILABLE",
        "StatusReason": "no reason",
        "Changes": list(changes),
        **({"NextToken": token} if token else {}),
    }


def reviewed(aws: Aws, *pages: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    aws.answer("AssumeRole", {"Credentials": CREDENTIALS})
    aws.answers["DescribeChangeSet"] = [with_values(pages)]
    review.handler(job(ASKED), None)
    return aws.put()


def with_values(pages: Sequence[dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an answer for each page that contains the property values. The order of the pages stays."""
    plain, valued = iter(pages), iter(pages)
    asked: list[Any] = []

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return next(valued if request.get("IncludePropertyValues") else plain)

    return describe


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        (
            [],
            "1 updated stack: only outputs or tags of stacks. no resource changes"
            " LOST: Nothing that holds data is deleted or replaced."
            " ACCESS: No policy statement allows more than before.",
        ),
        (
            [change("Modify", "Service", "False")],
            "1 updated stack: 1 resource modified. modify Service (AWS::ECS::Service)"
            " LOST: Nothing that holds data is deleted or replaced."
            " ACCESS: Check yourself what these changes allow: service-shipping/Service.",
        ),
        (
            [
                change("Add", "A"),
                change("Modify", "B", "Conditional"),
                change("Remove", "C"),
                change("Modify", "D", "True"),
            ],
            "1 updated stack: 1 resource deleted, 1 replaced, 1 added, 1 perhaps replaced."
            " REMOVE C (AWS::ECS::Service); REPLACE D (AWS::ECS::Service); MAY REPLACE B (..."
            " LOST: Nothing that holds data is deleted or replaced."
            " ACCESS: Check yourself what these changes allow: service-shipping/B, service-shipping...",
        ),
    ],
    ids=["nothing", "one", "the worst first"],
)
def test_a_change_set_is_described_the_worst_first(aws: Aws, changes: list[dict[str, Any]], summary: str) -> None:
    operation, request = reviewed(aws, described(*changes))

    assert operation == "PutJobSuccessResult"
    variables = request["outputVariables"]
    assert variables["Summary"] == summary
    assert variables["Digest"] == "sha256:" + "d" * 64
    assert variables["ChangeSetUrl"].startswith("https://eu-central-1.console.aws.amazon.com/cloudformation/home?")
    assert "stackId=arn%3Aaws%3Acloudformation" in variables["ChangeSetUrl"]


def test_a_change_set_without_changes_is_one_to_approve(aws: Aws) -> None:
    nothing = {**described(status="FAILED"), "StatusReason": "The submitted information didn't contain changes. Submit"}
    operation, request = reviewed(aws, nothing)

    assert operation == "PutJobSuccessResult"
    assert request["outputVariables"]["Summary"].startswith("Nothing changes. no resource changes LOST: Nothing")


def test_every_page_is_read_with_the_role_of_the_other_account(aws: Aws) -> None:
    _, request = reviewed(aws, described(change("Add", "A"), token="2"), described(change("Remove", "B")))

    assert "REMOVE B (AWS::ECS::Service); add A (AWS::ECS::Service)" in request["outputVariables"]["Summary"]
    assumed = next(parameters for operation, parameters in aws.calls if operation == "AssumeRole")
    assert assumed == {"RoleArn": ASKED["role"], "RoleSessionName": "review"}
    asked = [parameters for operation, parameters in aws.calls if operation == "DescribeChangeSet"]
    plain = [parameters for parameters in asked if not parameters.get("IncludePropertyValues")]
    assert [parameters.get("NextToken") for parameters in plain] == [None, "2"]
    # The first page says which change set has the name, and all the others are asked of this one.
    assert [parameters["ChangeSetName"] for parameters in asked].count(ASKED["changeSet"]) == 1


def test_a_long_summary_fits_into_the_approval(aws: Aws) -> None:
    _, request = reviewed(aws, described(*[change("Add", f"Resource{number}") for number in range(60)]))

    assert len(request["outputVariables"]["Summary"]) == review.SUMMARY_LENGTH
    assert "... LOST: Nothing that holds data is deleted or replaced. ACCESS: " in request["outputVariables"]["Summary"]


def reviewed_with_migration(aws: Aws, *pages: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    aws.answer("AssumeRole", {"Credentials": CREDENTIALS})
    aws.answers["DescribeChangeSet"] = [with_values(pages)]
    review.handler(job({**ASKED, "migration": "shipping-production-migration"}), None)
    return aws.put()


def test_the_change_set_of_a_migration_is_described_beside_that_of_the_service(aws: Aws) -> None:
    migration = described(change("Modify", "TaskDefinition", "True"))
    _, request = reviewed_with_migration(aws, described(change("Modify", "Service")), migration)

    variables = request["outputVariables"]
    assert variables["Summary"] == (
        "modify Service (AWS::ECS::Service); migration: REPLACE TaskDefinition (AWS::ECS::Service)."
        " LOST: Nothing that holds data is deleted or replaced."
        " ACCESS: Check yourself what these changes allow: migration-shipping/TaskDefinition, s..."
    )
    assert variables["MigrationCommand"] == "not shown by the change set"
    asked = [parameters for operation, parameters in aws.calls if operation == "DescribeChangeSet"]
    named = [each["StackName"] for each in asked if each["ChangeSetName"] == ASKED["changeSet"]]
    assert named == [ASKED["stack"], "shipping-production-migration"]
    assert len([operation for operation, _ in aws.calls if operation == "AssumeRole"]) == 1


def test_neither_summary_hides_the_other(aws: Aws) -> None:
    many = described(*[change("Add", f"Resource{number}") for number in range(60)])
    _, request = reviewed_with_migration(aws, many, many)

    summary = request["outputVariables"]["Summary"]
    assert len(summary) <= review.SUMMARY_LENGTH
    assert [part.partition(" ")[0] for part in summary.split("; migration: ")] == ["add", "add"]


def task_definition(*command: str) -> dict[str, Any]:
    """Return the change of a migration's task definition, with its properties after the change."""
    context = {"Properties": {"Family": "f", "ContainerDefinitions": [{"Name": "shop", "Command": list(command)}]}}
    made = change("Modify", "TaskDefinition", "True")
    made["ResourceChange"] |= {"ResourceType": "AWS::ECS::TaskDefinition", "AfterContext": json.dumps(context)}
    return made


def test_the_approver_reads_which_command_the_migration_runs_and_gets_a_link(aws: Aws) -> None:
    first = {**described(change("Add", "LogGroup"), token="1"), "StackId": f"{ARN}:stack/shipping-migration/2"}
    last = described(task_definition("python3", "-m", "depot migrate", "\x1b[31m\u202e--to\n", "5"))
    _, request = reviewed_with_migration(aws, described(), first, last)

    variables = request["outputVariables"]
    command = "python3 -m 'depot migrate' '[31m--to ' 5"
    assert variables["MigrationCommand"] == command
    assert f"no resource changes; migration runs {command}: REPLACE TaskDefinition" in variables["Summary"]
    stack = "arn%3Aaws%3Acloudformation%3Aeu-central-1%3A333333333333%3Astack%2Fshipping-migration%2F2"
    assert f"#/stacks/changesets/changes?stackId={stack}&changeSetId=" in variables["MigrationChangeSetUrl"]
    assert variables["ChangeSetUrl"] != variables["MigrationChangeSetUrl"]


@pytest.mark.parametrize(
    "context",
    [
        "no JSON",
        "[]",
        json.dumps({"Properties": "{{changeSet:KNOWN_AFTER_APPLY}}"}),
        json.dumps({"Properties": {"ContainerDefinitions": []}}),
        json.dumps({"Properties": {"ContainerDefinitions": ["{{changeSet:KNOWN_AFTER_APPLY}}"]}}),
        json.dumps({"Properties": {"ContainerDefinitions": [{"Command": "{{changeSet:KNOWN_AFTER_APPLY}}"}]}}),
        json.dumps({"Properties": {"ContainerDefinitions": [{"Command": [1]}]}}),
    ],
)
def test_a_command_that_cannot_be_read_does_not_stop_the_review(aws: Aws, context: str) -> None:
    definition = task_definition("x")
    definition["ResourceChange"]["AfterContext"] = context
    _, request = reviewed_with_migration(aws, described(), described(definition))

    assert request["outputVariables"]["MigrationCommand"] == "not shown by the change set"


def test_a_long_command_hides_no_change(aws: Aws) -> None:
    removal = described(change("Remove", "Service"))
    _, request = reviewed_with_migration(aws, removal, described(task_definition("x" * 500), change("Remove", "Log")))

    variables = request["outputVariables"]
    assert len(variables["Summary"]) <= review.SUMMARY_LENGTH
    assert variables["Summary"].startswith("REMOVE Service (AWS::ECS::Service); migration runs xxx")
    assert "xxx...: REMOVE Log (AWS::ECS::Service)" in variables["Summary"]
    assert " LOST: Nothing that holds data is deleted or replaced. ACCESS: " in variables["Summary"]
    assert variables["MigrationCommand"] == "x" * 500


@pytest.mark.parametrize("length", [1, 29, 30, 31, 1000])
@pytest.mark.parametrize("changed", [0, 1, 200])
@pytest.mark.parametrize("command", [None, "x", "x" * 500])
def test_the_approver_reads_of_an_exception_first_however_long_everything_is(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, length: int, changed: int, command: str | None
) -> None:
    exception = unsigned_exceptions.exception(ASKED["image"]) | {"owner": "o" * length}
    monkeypatch.setenv("UNSIGNED_IMAGES", unsigned_exceptions.variable(ASKED["environment"], exception))
    many = described(*[change("Remove", f"Resource{number}", "True") for number in range(changed)])
    pages = [many] if command is None else [many, described(task_definition(command), *many["Changes"])]
    _, request = (reviewed if command is None else reviewed_with_migration)(aws, *pages)

    summary = request["outputVariables"]["Summary"]
    owner = "o" * length if length <= 30 else f"{'o' * 27}..."
    assert summary.startswith(f"UNSIGNED until {exception['expires']}, accepted by {owner}. ")
    assert len(summary) <= review.SUMMARY_LENGTH
    assert " LOST: " in summary
    assert " ACCESS: " in summary
    assert ("; migration runs x" in summary) == (command is not None)
    # The page has the whole exception.
    page = next(parameters["Body"] for operation, parameters in aws.calls if parameters.get("Key", "").endswith("html"))
    assert f"accepted by {'o' * length}: {exception['reason']}" in page.getvalue().decode()


@pytest.mark.parametrize(
    ("image", "environment", "days"), [("other", "production", 10), (None, "staging", 10), (None, "production", -1)]
)
def test_an_exception_that_does_not_count_is_not_shown(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, image: str | None, environment: str, days: int
) -> None:
    exception = unsigned_exceptions.exception(image or ASKED["image"], days)
    monkeypatch.setenv("UNSIGNED_IMAGES", unsigned_exceptions.variable(environment, exception))
    _, request = reviewed(aws, described(change("Add", "A")))

    assert "UNSIGNED" not in request["outputVariables"]["Summary"]


def test_a_change_set_of_a_migration_that_failed_is_not_approved(aws: Aws) -> None:
    operation, request = reviewed_with_migration(aws, described(), described(status="FAILED"))

    assert operation == "PutJobFailureResult"
    assert "the change set has status FAILED: no reason" in request["failureDetails"]["message"]


@pytest.mark.parametrize(
    ("parameters", "answers", "expected"),
    [
        pytest.param("", {}, "JSONDecodeError", id="no parameters"),
        pytest.param({"templates": "t1", "stack": "s"}, {}, "not ['stack', 'templates']", id="parameter missing"),
        pytest.param(
            {name: value for name, value in ASKED.items() if name != "templates"},
            {},
            "ValueError: the user parameters must be",
            id="no version of the templates",
        ),
        pytest.param(ASKED, {"HeadObject": "404"}, "404", id="templates that are not there"),
        pytest.param(
            {**ASKED, "templates": "t0"},
            {},
            "the release has version t0 of the templates, but t1 is the newest version. Release again,",
            id="templates that were replaced",
        ),
        pytest.param(ASKED, {"AssumeRole": "AccessDenied"}, "AccessDenied", id="role refused"),
        pytest.param(
            ASKED,
            {"AssumeRole": {"Credentials": CREDENTIALS}, "DescribeChangeSet": "ChangeSetNotFoundException"},
            "ChangeSetNotFound",
            id="no change set",
        ),
        pytest.param(
            ASKED,
            {"AssumeRole": {"Credentials": CREDENTIALS}, "DescribeChangeSet": described(status="FAILED")},
            "the change set has status FAILED: no reason",
            id="failed change set",
        ),
    ],
)
def test_what_cannot_be_described_fails_the_action_with_the_reason(
    aws: Aws, parameters: object, answers: dict[str, Any], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for operation, answer in answers.items():
        aws.answers[operation] = [answer]
    review.handler(job(parameters), None)

    operation, request = aws.put()
    assert operation == "PutJobFailureResult"
    assert expected in request["failureDetails"]["message"]
    printed = capsys.readouterr().out
    assert "never-in-a-log" not in printed + json.dumps(request)
    metrics = json.loads(printed)
    assert (metrics["ReviewErrors"], metrics["PipelineName"]) == (1, "shipping")
    assert metrics["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "CicdTemplates",
            "Dimensions": [["PipelineName"]],
            "Metrics": [{"Name": "ReviewErrors", "Unit": "Count"}],
        }
    ]


COMMIT, DIGEST = "c" * 40, "d" * 64
CALLER = "arn:aws:sts::111111111111:assumed-role/Deployer/jane"
KNOWN = {"commit": COMMIT, "sha256": DIGEST, "handed-over-by": CALLER}
UNKNOWN = "commit unknown, no digest, uploaded by an unknown person"


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        pytest.param(
            KNOWN, f"commit {COMMIT}, sha256 {DIGEST}, uploaded by assumed-role/Deployer/jane", id="all of it"
        ),
        pytest.param({}, UNKNOWN, id="nothing, as of earlier releases of the tool"),
        pytest.param({"sha256": DIGEST}, UNKNOWN.replace("no digest", f"sha256 {DIGEST}"), id="the digest alone"),
        pytest.param(
            {**KNOWN, "commit": "c" * 64, "handed-over-by": "arn:aws:iam::111111111111:root"},
            f"commit {'c' * 64}, sha256 {DIGEST}, uploaded by root",
            id="a repository with the longer hash",
        ),
        pytest.param(
            {
                "commit": f"{COMMIT}\n# approved",
                "sha256": f"{DIGEST}.",
                "handed-over-by": f"{CALLER} [all is well](https://x)",
            },
            UNKNOWN,
            id="texts of other forms",
        ),
        pytest.param({**KNOWN, "handed-over-by": f"{CALLER}{'x' * 100}"}, "uploaded by an unknown person", id="long"),
    ],
)
def test_the_approver_is_shown_the_commit_of_the_templates(aws: Aws, metadata: dict[str, str], text: str) -> None:
    aws.answers["HeadObject"] = [{"VersionId": "t1", "Metadata": metadata}]
    operation, request = reviewed(aws, described())

    assert operation == "PutJobSuccessResult"
    assert request["outputVariables"]["Templates"].endswith(text)
    heads = [parameters for operation, parameters in aws.calls if operation == "HeadObject"]
    assert heads == [
        {"Bucket": "templates", "Key": "templates.zip"},
        {"Bucket": "templates", "Key": "templates.zip", "VersionId": "t1"},
    ]


def test_an_older_version_that_the_configuration_names_is_shown_as_older(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLDER_TEMPLATES", "t1")
    aws.answers["HeadObject"] = [{"VersionId": "t2", "Metadata": {}}, {"VersionId": "t1", "Metadata": KNOWN}]
    operation, request = reviewed(aws, described())

    assert operation == "PutJobSuccessResult"
    assert request["outputVariables"]["Templates"].startswith(f"OLDER than the newest, commit {COMMIT}, ")


def test_an_answer_that_codepipeline_does_not_take_would_be_noticed_here(aws: Aws) -> None:
    with pytest.raises(ParamValidationError):
        aws.client("codepipeline").put_job_failure_result(
            jobId=JOB, failureDetails={"type": "JobFailed", "message": ""}
        )


def run(status: str, started: int, ended: int = 0, name: str = "a") -> dict[str, Any]:
    """Return a run that started and last changed the given numbers of seconds ago."""
    return {
        "pipelineExecutionId": f"{name * 8}-1111-2222-3333-444444444444",
        "status": status,
        "startTime": NOW - timedelta(seconds=started),
        "lastUpdateTime": NOW - timedelta(seconds=ended),
    }


def rollback(status: str) -> dict[str, Any]:
    """Return a run that rolled a stage back."""
    return {**run(status, 2000, 1900, name="d"), "executionType": "ROLLBACK"}


def action(status: str, started: int, ended: int = 0, category: str = "Build") -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": "P", "version": "1"}
    return {
        "status": status,
        "startTime": NOW - timedelta(seconds=started),
        "lastUpdateTime": NOW - timedelta(seconds=ended),
        "input": {"actionTypeId": kind},
    }


@pytest.mark.parametrize(
    ("actions", "seconds"),
    [
        pytest.param([], 500.0, id="nothing has begun"),
        pytest.param([action("InProgress", 400)], 400.0, id="one at work"),
        pytest.param([action("Succeeded", 400, 300), action("InProgress", 290)], 290.0, id="the second at work"),
        pytest.param([action("InProgress", 400), action("Succeeded", 400, 20)], 20.0, id="a parallel one has ended"),
        pytest.param([action("Succeeded", 400, 300), action("InProgress", 290, category="Approval")], 0.0, id="asks"),
        pytest.param([action("Succeeded", 400, 300)], 0.0, id="waits for a stage that another run holds"),
    ],
)
def test_the_age_of_a_run_is_the_time_since_it_moved(actions: list[dict[str, Any]], seconds: float) -> None:
    assert stuck.idle_seconds(actions, NOW - timedelta(seconds=500), NOW) == seconds


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    (declared,) = found.pop("_aws")["CloudWatchMetrics"]
    assert declared["Namespace"] == "CicdTemplates"
    assert declared["Dimensions"] == [["PipelineName"]]
    assert {each["Name"] for each in declared["Metrics"]} == found.keys() - {"PipelineName"}
    for each in declared["Metrics"]:
        assert each["Unit"] == ("Seconds" if each["Name"].endswith("Seconds") else "Count")
    assert found.pop("PipelineName") == "shipping"
    return found


def test_the_oldest_run_of_all_pages_is_measured(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    long_ago = int((NOW - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds())
    aws.answer(
        "ListPipelineExecutions",
        {"pipelineExecutionSummaries": [run("InProgress", long_ago), run("Succeeded", long_ago)], "nextToken": "2"},
        {"pipelineExecutionSummaries": [run("Stopping", long_ago + 500, name="b")]},
    )
    aws.answer(
        "ListActionExecutions",
        {"actionExecutionDetails": [action("InProgress", long_ago)]},
        {"actionExecutionDetails": [action("Succeeded", long_ago + 300, long_ago + 200)], "nextToken": "2"},
        {"actionExecutionDetails": [action("InProgress", long_ago + 100)]},
    )
    since_2020 = (datetime.now(UTC) - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds()
    stuck.handler({}, None)

    found = metrics(capsys)
    assert found["RunsInProgress"] == 2
    assert found["OldestRunSeconds"] == pytest.approx(since_2020 + 100, abs=60)


def test_a_pipeline_at_rest_has_age_zero(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.answer("ListPipelineExecutions", {"pipelineExecutionSummaries": []})
    stuck.handler({}, None)

    assert metrics(capsys) == {"OldestRunSeconds": 0.0, "RunsInProgress": 0.0}


def test_runs_are_looked_for_on_five_pages_and_no_more(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    pages = [{"pipelineExecutionSummaries": [], "nextToken": str(number)} for number in range(9)]
    aws.answer("ListPipelineExecutions", *pages)
    stuck.handler({}, None)

    assert len([operation for operation, _ in aws.calls if operation == "ListPipelineExecutions"]) <= 6
    assert metrics(capsys)["RunsInProgress"] == 0


def test_an_error_of_the_api_is_the_detectors_own_error(aws: Aws) -> None:
    aws.answer("ListPipelineExecutions", "AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        stuck.handler({}, None)


GATE, RUN = measure.GATE_EVENT, measure.RUN_EVENT


@pytest.mark.parametrize(
    ("kind", "state", "runs", "expected"),
    [
        pytest.param(GATE, "SUCCEEDED", [run("InProgress", 240)], {"CommitToVerdictSeconds": 240.0}, id="passed"),
        pytest.param(GATE, "FAILED", [run("InProgress", 400)], {"CommitToVerdictSeconds": 400.0}, id="refused"),
        pytest.param(RUN, "FAILED", [run("Failed", 400)], {"RunFailed": 1.0}, id="failed"),
        pytest.param(
            RUN,
            "SUCCEEDED",
            [run("Succeeded", 900), run("Succeeded", 5000)],
            {"RunSucceeded": 1.0, "LeadTimeSeconds": 900.0},
            id="succeeded",
        ),
        pytest.param(
            RUN,
            "SUCCEEDED",
            [run("Succeeded", 900), run("Failed", 5000, 4000), run("Superseded", 6000), run("Failed", 9000, 7000)],
            {"RunSucceeded": 1.0, "LeadTimeSeconds": 900.0, "RecoverySeconds": 7000.0},
            id="recovered after two failures",
        ),
        pytest.param(
            RUN,
            "SUCCEEDED",
            [run("Succeeded", 900), run("Succeeded", 5000, 4000), run("Failed", 9000, 7000)],
            {"RunSucceeded": 1.0, "LeadTimeSeconds": 900.0},
            id="recovered before",
        ),
        pytest.param(
            RUN, "SUCCEEDED", [rollback("Succeeded"), run("Failed", 900)], {"RunRolledBack": 1.0}, id="went back"
        ),
        pytest.param(
            RUN,
            "SUCCEEDED",
            [run("Succeeded", 900), rollback("Succeeded"), run("Failed", 5000, 4000)],
            {"RunSucceeded": 1.0, "LeadTimeSeconds": 900.0, "RecoverySeconds": 4000.0},
            id="recovered after it went back",
        ),
    ],
)
def test_what_an_event_ends_is_measured(
    kind: str, state: str, runs: list[dict[str, Any]], expected: dict[str, float]
) -> None:
    assert measure.event_metrics(kind, state, NOW, runs) == expected


@pytest.mark.parametrize(("kind", "state"), [("Another", "FAILED"), (RUN, "STARTED")])
def test_an_event_that_the_rule_should_not_send_is_an_error(kind: str, state: str) -> None:
    with pytest.raises(ValueError, match="no metric is defined for"):
        measure.event_metrics(kind, state, NOW, [run("InProgress", 1)])


def event(execution: str) -> dict[str, Any]:
    detail = {"pipeline": "shipping", "execution-id": execution, "state": "SUCCEEDED"}
    return {"detail-type": RUN, "time": "2026-11-24T12:00:00Z", "detail": detail}


def test_the_run_of_an_event_is_found_on_its_page(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = run("Succeeded", 900, name="b")
    aws.answer(
        "ListPipelineExecutions",
        {"pipelineExecutionSummaries": [run("InProgress", 10)], "nextToken": "2"},
        {"pipelineExecutionSummaries": [run("Failed", 100, name="c"), wanted]},
    )
    measure.handler(event(wanted["pipelineExecutionId"]), None)

    assert metrics(capsys) == {"RunSucceeded": 1.0, "LeadTimeSeconds": 900.0}


def test_an_unknown_run_is_an_error(aws: Aws) -> None:
    aws.answer("ListPipelineExecutions", {"pipelineExecutionSummaries": []})

    with pytest.raises(LookupError, match="shipping has no run"):
        measure.handler(event("x"), None)
