"""The release of a service as a process, with its task's variables and role. The called services are fakes."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.local.iam_decisions import CALLS_FILE
from cicd_templates.rehearsal import cloudformation, service_process
from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Credentials, Session
from tests.unit.rehearsal.test_actions import Fake, action, made

SERVICE = "arn:aws:ecs:eu-west-1:222222222222:service/till/till-staging-shop"
DEFINITION = "arn:aws:ecs:eu-west-1:222222222222:task-definition/shop:7"
QUEUE = "arn:aws:sqs:eu-west-1:222222222222:till-staging-paid"
DEPLOYING = dataclasses.replace(
    action("CloudFormation", StackName="till-staging-service-shop", ActionMode="CHANGE_SET_EXECUTE"),
    role="arn:aws:iam::222222222222:role/delivery",
)
WAIT = "exec sleep 60\n"


def counts(waiting: int, in_flight: int = 0) -> dict[str, Any]:
    """Return the attributes of a queue. SQS returns the numbers as texts."""
    found = {"ApproximateNumberOfMessages": waiting, "ApproximateNumberOfMessagesNotVisible": in_flight}
    return {"Attributes": {name: str(number) for name, number in found.items()}}


def receiving(*resources: str) -> dict[str, Any]:
    found: Any = list(resources) if len(resources) != 1 else resources[0]
    statements = [
        {"Action": ["sqs:DeleteMessage", "sqs:ReceiveMessage"], "Resource": found},
        {"Action": ["sqs:SendMessage"], "Resource": ["arn:aws:sqs:eu-west-1:222222222222:other"]},
    ]
    return {"PolicyDocument": {"Statement": statements}}


def prepared(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], *, web: bool = False, **answers: Any
) -> tuple[PipelineRun, Fake]:
    """Return a run whose action `DEPLOYING` has deployed a service with this source."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.html", "served")
        for name, text in files.items():
            archive.writestr(name, text)
    options = {"awslogs-group": "/g", "awslogs-stream-prefix": "task"}
    container = {
        "name": "shop",
        "environment": [{"name": "PORT", "value": "8080"}, {"name": "TABLE", "value": "orders"}],
        "logConfiguration": {"options": options},
    }
    roles = {"executionRoleArn": "arn:aws:iam::2:role/starting", "taskRoleArn": "arn:aws:iam::2:role/working"}
    balancers = [{"containerPort": 8080}] if web else []
    fake = Fake(
        list_stack_resources={
            "StackResourceSummaries": [
                {"ResourceType": "AWS::Logs::LogGroup", "PhysicalResourceId": "/g"},
                {"ResourceType": "AWS::ECS::Service", "PhysicalResourceId": SERVICE},
            ]
        },
        describe_services={"services": [{"taskDefinition": DEFINITION, "loadBalancers": balancers}]},
        describe_task_definition={"taskDefinition": {"containerDefinitions": [container], **roles}},
        get_object={"Body": io.BytesIO(data.getvalue())},
        list_role_policies={"PolicyNames": ["Task"]},
        get_role_policy=receiving(QUEUE),
        get_queue_url={"QueueUrl": "http://127.0.0.1:1/paid"},
        get_queue_attributes=counts(0),
        **answers,
    )
    run = made(folder, fake, tools=BuildTools(Path(sys.prefix)))
    run.artifacts["App"] = Artifact("App", "bucket", "key")

    def session(role: str, on_behalf_of: str, step: ActionProgress) -> Session:
        assert on_behalf_of.startswith("arn:aws:ecs:eu-west-1:222222222222:task/till/")
        return Session(Credentials(role.rpartition("/")[2], "s", None), lambda service, keys: fake)

    monkeypatch.setattr(run, "service_session", session)
    return run, fake


def asked(fake: Fake, operation: str) -> list[dict[str, Any]]:
    return [request for name, request in fake.asked if name == operation]


def logged(fake: Fake) -> list[str]:
    return [event["message"] for request in asked(fake, "put_log_events") for event in request["logEvents"]]


def step_of() -> ActionProgress:
    return ActionProgress("S/A", "CloudFormation")


PRINT_AND_SERVE = """python3 -c "import json, os; print(json.dumps(dict(os.environ)))"
exec python3 -m http.server --bind $HOST $PORT
"""


def test_a_web_service_answers_with_the_variables_and_the_role_of_its_task_until_the_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "1")
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/serve": PRINT_AND_SERVE}, web=True)

    with (
        service_process.serve(run, step_of(), DEPLOYING) as url,
        urllib.request.urlopen(f"{url}/index.html") as answer,  # noqa: S310 - on the loopback address
    ):
        assert answer.read() == b"served"

    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)  # noqa: S310 - on the loopback address
    environment = json.loads(logged(fake)[0])
    assert (environment["TABLE"], environment["AWS_ACCESS_KEY_ID"]) == ("orders", "working")
    # The container's port is one for all tasks, but a port of this machine has one owner.
    assert f"http://{environment['HOST']}:{environment['PORT']}" == url
    assert "SECRET_OF_THIS_MACHINE" not in environment
    assert asked(fake, "describe_services") == [{"cluster": "till", "services": [SERVICE]}]
    assert asked(fake, "describe_task_definition") == [{"taskDefinition": DEFINITION}]
    assert asked(fake, "list_stack_resources") == [{"StackName": "till-staging-service-shop"}]


@pytest.mark.parametrize(
    ("files", "expected", "log"),
    [
        ({}, "add the script rehearsal/serve to the source to start the application on $HOST and $PORT", ""),
        ({"rehearsal/serve": "echo broken\nexit 3\n"}, "rehearsal/serve does not listen on 127.0.0.1:", "broken\n"),
    ],
    ids=["no script", "a script that ends"],
)
def test_a_web_service_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: str, log: str
) -> None:
    run, _ = prepared(tmp_path, monkeypatch, files, web=True)

    with pytest.raises(ActionFailedError) as caught, service_process.serve(run, step_of(), DEPLOYING):
        pass
    assert expected in str(caught.value)
    assert caught.value.log == log


def test_a_web_service_that_never_listens_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_process, "READY_SECONDS", 0.1)
    run, _ = prepared(tmp_path, monkeypatch, {"rehearsal/serve": WAIT}, web=True)

    with pytest.raises(ActionFailedError, match="does not listen"), service_process.serve(run, step_of(), DEPLOYING):
        pass


def test_a_stack_without_a_service_can_neither_answer_nor_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": WAIT})
    fake._answers["list_stack_resources"] = {"StackResourceSummaries": []}

    with (
        pytest.raises(ActionFailedError, match="S/A deploys no ECS service, so nothing can answer"),
        service_process.serve(run, step_of(), DEPLOYING),
    ):
        pass
    service_process.work(run, step_of(), DEPLOYING)
    assert asked(fake, "describe_task_definition") == []


def test_a_web_service_is_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": WAIT}, web=True)

    service_process.work(run, step_of(), DEPLOYING)
    assert asked(fake, "describe_task_definition") == []


def receive(run: PipelineRun, decision: str = "allowed", queue: str = QUEUE) -> None:
    """Record the call with which the process of the worker would ask for messages."""
    run.setup.calls.add("arn:aws:sts::2:assumed-role/working/s", service_process.RECEIVE, queue, decision, "Receive")


def test_a_worker_runs_until_it_has_asked_for_messages_and_its_queue_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = json.dumps(["arn:aws:sts::2:assumed-role/working/s", service_process.RECEIVE, QUEUE, "allowed", "Receive"])
    script = f"""trap 'echo ended; exit 0' TERM
echo working as $AWS_ACCESS_KEY_ID
echo '{row}' >> {tmp_path / CALLS_FILE}
while :; do sleep 0.01; done
"""
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": script})
    # In flight, the message may come back.
    fake._answers["get_queue_attributes"] = [counts(1), counts(0, 1), counts(0)]
    step = step_of()

    service_process.work(run, step, DEPLOYING)

    assert len(asked(fake, "get_queue_attributes")) == 3
    assert step.notes == [
        "a rehearsal starts no containers, so the worker is a local process that rehearsal/work has started"
    ]
    assert logged(fake) == ["working as working", "ended"]


@pytest.mark.parametrize(
    ("decision", "queue"), [("denied", QUEUE), ("allowed", f"{QUEUE}-other")], ids=["denied", "another queue"]
)
def test_a_worker_that_never_receives_is_stopped_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision: str, queue: str
) -> None:
    monkeypatch.setattr(service_process, "WORK_SECONDS", 0.1)
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": WAIT})
    # The call before the start is not its own.
    receive(run)
    create = fake.create_log_stream

    def create_and_receive(**request: Any) -> None:
        create(**request)
        receive(run, decision, queue)

    monkeypatch.setattr(fake, "create_log_stream", create_and_receive, raising=False)
    step = step_of()

    service_process.work(run, step, DEPLOYING)

    assert step.notes[-1] == "not shown: that the worker empties its queues; it did not do so within 0 seconds"


def test_a_worker_without_a_queue_runs_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_process, "IDLE_SECONDS", 0.1)
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": WAIT})
    fake._answers["get_role_policy"] = receiving()
    step = step_of()

    service_process.work(run, step, DEPLOYING)

    assert step.notes == [
        "a rehearsal starts no containers, so the worker is a local process that rehearsal/work has started"
    ]


def test_a_worker_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_process, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(service_process, "STOP_SECONDS", 0.01)
    run, fake = prepared(tmp_path, monkeypatch, {"rehearsal/work": "trap '' TERM\nwhile :; do sleep 0.01; done\n"})
    fake._answers["get_role_policy"] = receiving()

    service_process.work(run, step_of(), DEPLOYING)
    assert [name for name, _ in fake.asked][-1] == "create_log_stream"


def test_a_worker_that_ends_by_itself_fails_the_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = prepared(
        tmp_path,
        monkeypatch,
        {"rehearsal/work": "echo no table\nexit 4\n"},
        assume_role={"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}},
    )
    monkeypatch.setattr(cloudformation, "_execute_change_set", lambda *arguments: {})

    with pytest.raises(ActionFailedError) as caught:
        cloudformation.execute(run, DEPLOYING, step_of())
    assert str(caught.value) == "rehearsal/work ended with exit code 4 before it was stopped; in AWS, ECS restarts it"
    assert caught.value.log == "no table\n"


def test_a_worker_without_a_script_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, fake = prepared(tmp_path, monkeypatch, {})
    step = step_of()

    service_process.work(run, step, DEPLOYING)

    assert step.notes == [
        "not shown: that the worker runs, because the source has no script rehearsal/work to start it"
    ]
    assert asked(fake, "create_log_stream") == []
