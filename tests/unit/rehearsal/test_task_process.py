"""Tasks whose commands a rehearsal runs as processes. The called services are fakes."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.rehearsal import lambdas, task_process
from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Credentials, Session
from tests.unit.rehearsal.test_actions import Fake, action, failure, made

TASK = "arn:aws:ecs:eu-west-1:222222222222:task/c/0a1b"
DEFINITION = "arn:aws:ecs:eu-west-1:222222222222:task-definition/f:7"
PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def source(**files: str) -> io.BytesIO:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return io.BytesIO(data.getvalue())


def described(command: list[str], **more: Any) -> dict[str, Any]:
    options = {"awslogs-group": "/g", "awslogs-stream-prefix": "task"}
    container = {"name": "shop", "command": command, "logConfiguration": {"options": options}, **more}
    roles = {"executionRoleArn": "arn:aws:iam::2:role/starting", "taskRoleArn": "arn:aws:iam::2:role/working"}
    return {"taskDefinition": {"containerDefinitions": [container], **roles}}


def prepared(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], **more: Any
) -> tuple[PipelineRun, Fake]:
    """Return a run with one started task. The access key of a session is the name of its role."""
    fake = Fake(
        describe_task_definition=described(command, **more),
        get_object={"Body": source(migrate=PRINT_ENVIRONMENT, broken="import sys; sys.exit('no \\x1b[31m schema')")},
        get_parameters={"Parameters": [{"Value": "of-the-parameter"}]},
        get_secret_value={"SecretString": "of-the-secret"},
    )
    run = made(folder, fake, tools=BuildTools(Path(sys.prefix)))
    run.artifacts["App"] = Artifact("App", "bucket", "key")

    def session(role: str, on_behalf_of: str, step: ActionProgress) -> Session:
        assert on_behalf_of == TASK
        return Session(Credentials(role.rpartition("/")[2], "s", None), lambda service, keys: fake)

    monkeypatch.setattr(run, "service_session", session)
    run.setup.tasks.start(TASK, DEFINITION)
    return run, fake


def asked(fake: Fake, operation: str) -> list[dict[str, Any]]:
    return [request for name, request in fake.asked if name == operation]


def logged(fake: Fake) -> list[str]:
    return [event["message"] for request in asked(fake, "put_log_events") for event in request["logEvents"]]


def test_a_command_has_exactly_the_variables_of_its_task_and_the_role_of_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "1")
    run, fake = prepared(
        tmp_path,
        monkeypatch,
        ["python3", "migrate.py"],
        environment=[{"name": "TABLE", "value": "orders"}],
        secrets=[
            {"name": "PARAMETER", "valueFrom": "arn:aws:ssm:eu-west-1:2:parameter/shop/database"},
            {"name": "SECRET", "valueFrom": "arn:aws:secretsmanager:eu-west-1:2:secret:shop-Ab12Cd"},
        ],
    )
    step = ActionProgress("S/A", "Lambda")

    task_process.run_started_tasks(run, step)

    assert run.setup.tasks.exit_code(TASK) == 0
    (line,) = logged(fake)
    environment = json.loads(line)
    assert (environment["TABLE"], environment["PARAMETER"], environment["SECRET"]) == (
        "orders",
        "of-the-parameter",
        "of-the-secret",
    )
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_REGION"]) == ("working", "eu-west-1")
    assert "SECRET_OF_THIS_MACHINE" not in environment
    assert asked(fake, "get_parameters") == [{"Names": ["/shop/database"], "WithDecryption": True}]
    (stream,) = asked(fake, "create_log_stream")
    assert stream == {"logGroupName": "/g", "logStreamName": "task/shop/0a1b"}
    assert step.notes == [task_process.NOTE]


def missing(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetSecretValue")


DATABASE = "arn:aws:secretsmanager:eu-west-1:2:secret:database-Ab12Cd"


@pytest.mark.parametrize(
    ("source", "answers", "value", "notes"),
    [
        (f"{DATABASE}:password::", {"get_secret_value": {"SecretString": '{"password": "x:y"}'}}, "x:y", []),
        (DATABASE, {"get_secret_value": {"SecretString": '{"a": 1}'}}, '{"a": 1}', []),
        (
            DATABASE,
            {"get_secret_value": missing("ResourceNotFoundException")},
            task_process.PLACEHOLDER_SECRET,
            ["secret:database-Ab12Cd has no value in the local AWS, so the task got a placeholder"],
        ),
        (
            "arn:aws:ssm:eu-west-1:2:parameter/shop/features",
            {"get_parameters": {"Parameters": [], "InvalidParameters": ["/shop/features"]}},
            task_process.PLACEHOLDER_SECRET,
            ["parameter/shop/features has no value in the local AWS, so the task got a placeholder"],
        ),
    ],
    ids=["a key of its JSON", "the whole secret", "a secret without a value", "a parameter that does not exist"],
)
def test_a_secret_of_a_task_is_read_or_gets_a_placeholder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    answers: dict[str, Any],
    value: str,
    notes: list[str],
) -> None:
    command = ["python3", "-c", "import os; print(os.environ['PASSWORD'])"]
    run, fake = prepared(tmp_path, monkeypatch, command, secrets=[{"name": "PASSWORD", "valueFrom": source}])
    fake._answers.update(answers)
    step = ActionProgress("S/A", "Lambda")

    task_process.run_started_tasks(run, step)

    assert logged(fake) == [value]
    assert step.notes == [task_process.NOTE, *notes]
    if "get_secret_value" in answers:
        assert asked(fake, "get_secret_value") == [{"SecretId": DATABASE}]


def test_a_secret_that_may_not_be_read_is_no_secret_without_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, fake = prepared(tmp_path, monkeypatch, ["true"], secrets=[{"name": "PASSWORD", "valueFrom": DATABASE}])
    fake._answers["get_secret_value"] = missing("AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        task_process.run_started_tasks(run, ActionProgress("S/A", "Lambda"))


def test_further_containers_are_named_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, ["true"])
    containers = fake._answers["describe_task_definition"]["taskDefinition"]["containerDefinitions"]
    containers += [{"name": "proxy"}, {"name": "statistics"}]
    step = ActionProgress("S/A", "Lambda")

    task_process.run_started_tasks(run, step)

    assert step.notes == [task_process.NOTE, "not rehearsed: the other containers of the task (proxy, statistics)"]
    assert run.setup.tasks.exit_code(TASK) == 0


def test_a_task_gets_the_addresses_of_databases_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["python3", "-c", "import os; print(os.environ['LEDGER_DATABASE_HOST'])"]
    host = {"name": "LEDGER_DATABASE_HOST", "value": "ledger.rds.amazonaws.com"}
    run, fake = prepared(tmp_path, monkeypatch, command, environment=[host])

    def addresses(
        run: PipelineRun, step: ActionProgress, source: Path, variables: Any, role: str, keys: Credentials
    ) -> dict[str, str]:
        assert (source / "migrate.py").is_file()
        assert (role, keys.access) == ("arn:aws:iam::2:role/working", "working")
        return {name: "127.1.2.3" for name, value in variables.items() if value == host["value"]}

    object.__setattr__(run.setup, "database_addresses", addresses)
    task_process.run_started_tasks(run, ActionProgress("S/A", "Lambda"))

    assert logged(fake) == ["127.1.2.3"]


@pytest.mark.parametrize(
    ("command", "code", "log"),
    [
        (["python3", "broken.py"], 1, ["no \x1b[31m schema"]),
        (["python3", "-c", "import os; os.kill(os.getpid(), 15)"], 143, []),
        (["no-such-program"], 127, ["no-such-program: No such file or directory"]),
        (["python3", "-c", "print(); print('last')"], 0, ["last"]),
    ],
    ids=["exit code", "signal", "no program", "empty lines"],
)
def test_the_end_of_a_command_and_its_output_are_those_of_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], code: int, log: list[str]
) -> None:
    run, fake = prepared(tmp_path, monkeypatch, command)

    step = ActionProgress("S/A", "Lambda")
    task_process.run_started_tasks(run, step)

    assert run.setup.tasks.exit_code(TASK) == code
    assert logged(fake) == log
    # A program that cannot be started prints nothing.
    assert step.printed == ([] if code == 127 else [f"shop: {line}" for line in log])


def test_what_a_command_printed_is_written_even_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, ["true"])
    task = task_process.prepare_task(run, ActionProgress("S/A", "Lambda"), TASK, DEFINITION)

    def fail() -> None:
        with task.running(["echo", "last words"]) as process:
            process.wait()
            raise ActionFailedError("the service does not answer")

    with pytest.raises(ActionFailedError):
        fail()
    assert logged(fake) == ["last words"]


def test_a_command_without_an_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_process, "LIMIT_SECONDS", 0.01)
    run, _ = prepared(tmp_path, monkeypatch, ["sleep", "60"])

    task_process.run_started_tasks(run, ActionProgress("S/A", "Lambda"))

    assert run.setup.tasks.exit_code(TASK) == task_process.KILLED


def test_a_task_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, ["true"])

    for _ in range(2):
        task_process.run_started_tasks(run, ActionProgress("S/A", "Lambda"))

    assert len(asked(fake, "create_log_stream")) == 1


class Function(Fake):
    """A function that answers each job with the next of `results`."""

    def __init__(self, *results: tuple[str, dict[str, Any]]) -> None:
        configuration = {
            "FunctionArn": "arn:aws:lambda:eu-central-1:111111111111:function:f",
            "Role": "arn:aws:iam::1:role/f",
            "LoggingConfig": {"LogGroup": "/g"},
        }
        super().__init__(get_function_configuration=configuration, simulate_principal_policy={"EvaluationResults": []})
        self.results, self.events = list(results), []  # type: tuple[list[Any], list[dict[str, Any]]]
        self.answers: Any = None

    def invoke(self, **request: Any) -> dict[str, Any]:
        event = json.loads(request["Payload"])["CodePipeline.job"]
        self.events.append(event)
        operation, answer = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        self.answers.put(operation, {"jobId": event["id"], **answer})
        return {"Payload": io.BytesIO(b"null")}


def waiting(folder: Path, *results: tuple[str, dict[str, Any]]) -> tuple[PipelineRun, Function]:
    function = Function(*results)
    run = made(folder, function)
    function.answers = run.setup.job_results
    run.artifacts["Templates"] = Artifact("Templates", "bucket", "key")
    return run, function


SUCCESS = "PutJobSuccessResult"


def test_a_function_that_waits_is_called_again_with_its_token(tmp_path: Path) -> None:
    run, function = waiting(tmp_path, (SUCCESS, {"continuationToken": "t"}), (SUCCESS, {"outputVariables": {"A": "b"}}))

    assert lambdas.execute(run, action("Lambda", FunctionName="f"), ActionProgress("S/A", "Lambda")) == {"A": "b"}
    assert [event["data"].get("continuationToken") for event in function.events] == [None, "t"]
    assert function.events[0]["id"] != function.events[1]["id"]


def test_a_function_that_waits_and_then_fails_fails_the_action(tmp_path: Path) -> None:
    failed = ("PutJobFailureResult", {"failureDetails": {"type": "JobFailed", "message": "exit code 3"}})
    run, _ = waiting(tmp_path, (SUCCESS, {"continuationToken": "t"}), failed)

    assert failure(lambdas.execute, run, action("Lambda", FunctionName="f")) == "exit code 3"


def test_a_function_that_waits_for_ever_fails_the_action(tmp_path: Path) -> None:
    run, function = waiting(tmp_path, (SUCCESS, {"continuationToken": "t"}))

    assert failure(lambdas.execute, run, action("Lambda", FunctionName="f")) == (
        "f still has no result after 5 invocations"
    )
    assert len(function.events) == lambdas.MOST_INVOCATIONS
