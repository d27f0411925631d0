"""The services of examples/settlement in one local AWS: a payment is accepted, settled and reported."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE
from cicd_templates.deploy.releases.archives import source_archive
from cicd_templates.local.engine_process import Engine, running
from cicd_templates.local.iam_decisions import ALLOWED, DENIED
from cicd_templates.rehearsal import deployed_pipeline, postgresql, service_process, task_process
from cicd_templates.rehearsal.grants import (
    GrantedAction,
    GrantUse,
    measure_grants,
    read_roles,
    role_name,
    unexplained_grants,
)
from cicd_templates.rehearsal.pipeline_run import ActionFailedError
from cicd_templates.rehearsal.rehearse import run_rehearsal
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import ROOT
from tests.integration.rehearsed_example import ENGINE_PYTHON, TOOLS, Rehearsed
from tests.projects.rendering import SETTLEMENT_WEB, rendered_project

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(postgresql.find_programs() is None, reason="PostgreSQL is not installed"),
]
TABLE, QUEUE = "clearing-{}-payments", "clearing-{}-settlements"
STAGING_TABLE = TABLE.format("staging")
KEY = {"payment_id": {"S": "no-such-payment"}}
UNCHANGED = {"ConditionExpression": "attribute_exists(payment_id)"}
# A call for each right that `uses` grants, for the rights that the application does not need. IAM decides before a
# service looks at the request.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb:BatchGetItem": ("batch_get_item", {"RequestItems": {STAGING_TABLE: {"Keys": [KEY]}}}),
    "dynamodb:BatchWriteItem": (
        "batch_write_item",
        {"RequestItems": {STAGING_TABLE: [{"DeleteRequest": {"Key": KEY}}]}},
    ),
    # IAM decides about a transaction as about its parts: the transaction itself is no action of IAM.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    "dynamodb:ConditionCheckItem": (
        "transact_write_items",
        {"TransactItems": [{"ConditionCheck": {"TableName": STAGING_TABLE, **UNCHANGED, "Key": KEY}}]},
    ),
    "dynamodb:DeleteItem": ("delete_item", {"TableName": STAGING_TABLE, "Key": KEY}),
    "dynamodb:DescribeTable": ("describe_table", {"TableName": STAGING_TABLE}),
    "dynamodb:GetItem": ("get_item", {"TableName": STAGING_TABLE, "Key": KEY}),
    "dynamodb:PutItem": ("put_item", {"TableName": STAGING_TABLE, **UNCHANGED, "Item": KEY}),
    "dynamodb:Query": (
        "query",
        {
            "TableName": STAGING_TABLE,
            "KeyConditionExpression": "payment_id = :key",
            "ExpressionAttributeValues": {":key": KEY["payment_id"]},
        },
    ),
    "dynamodb:Scan": ("scan", {"TableName": STAGING_TABLE}),
    "dynamodb:UpdateItem": ("update_item", {"TableName": STAGING_TABLE, **UNCHANGED, "Key": KEY}),
    "sqs:ChangeMessageVisibility": ("change_message_visibility", {"ReceiptHandle": "none", "VisibilityTimeout": 1}),
    "sqs:GetQueueAttributes": ("get_queue_attributes", {"AttributeNames": ["All"]}),
}
# What each service does with what it `uses`.
USED = {
    SETTLEMENT_WEB: {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "rds-db:connect",
        "sqs:SendMessage",
    },
    "settlement": {"dynamodb:UpdateItem", "kms:Decrypt", "sqs:DeleteMessage", "sqs:ReceiveMessage"},
    "settlement-report": {"dynamodb:Scan"},
}


@dataclasses.dataclass(frozen=True)
class Clearing:
    """A local AWS in which the three services can be released, one after the other."""

    engine: Engine
    stacks: list[StackTemplate]
    app: Path
    before: list[str] = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def released(self, service: str) -> Iterator[Rehearsed]:
        options: dict[str, Any] = {"tools": TOOLS, "tokens": {}, "network": {}, "confirm": lambda question: True}
        archive, deploy = source_archive(self.app), not self.before
        self.before.append(service)
        with run_rehearsal(self.engine, self.stacks, service, archive, deploy=deploy, **options) as rehearsal:
            yield Rehearsed(self.engine, self.stacks, rehearsal)


@pytest.fixture
def clearing(tmp_path: Path) -> Iterator[Clearing]:
    app = tmp_path / "app"
    shutil.copytree(ROOT / "examples/settlement", app, ignore=shutil.ignore_patterns("__pycache__"))
    stacks = deployed_pipeline.read_every_stack(rendered_project("settlement") / "out")
    with running(python=ENGINE_PYTHON, auth=True, tls=True) as engine:
        yield Clearing(engine, stacks, app)


def account(passed: Rehearsed, environment: str) -> Session:
    number = passed.stack("service-settlement", environment).account
    return passed.run.setup.root_session(f"arn:aws:ecs:eu-central-1:{number}:x")


def items(passed: Rehearsed, environment: str) -> dict[str, str]:
    found = account(passed, environment).client("dynamodb").scan(TableName=TABLE.format(environment))["Items"]
    return {item["payment_id"]["S"]: item["state"]["S"] for item in found}


def waiting(passed: Rehearsed, environment: str) -> int:
    sqs = account(passed, environment).client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE.format(environment))["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def reports(passed: Rehearsed, environment: str) -> list[dict[str, int]]:
    group = f"/clearing/{environment}/service/settlement-report"
    events = account(passed, environment).client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]


def pay(url: str, payment: str) -> tuple[int, Any]:
    body = json.dumps({"payment_id": payment, "amount": 1250}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/payments", body)) as answer:  # noqa: S310 - on loopback
        return answer.status, json.loads(answer.read())


def step_of(path: str) -> ActionProgress:
    return ActionProgress(path, "CloudFormation")


def run_scheduled_job(passed: Rehearsed, environment: str) -> int | None:
    """Start the job as its schedule does, with the role of the schedule. Return the exit code of the task."""
    root = account(passed, environment)
    names = {
        "Name": f"clearing-{environment}-settlement-report",
        "GroupName": f"clearing-{environment}-settlement-report",
    }
    schedule = root.client("scheduler").get_schedule(**names)
    target, ecs = schedule["Target"], schedule["Target"]["EcsParameters"]
    group = schedule["Arn"].replace(":schedule/", ":schedule-group/").rpartition("/")[0]
    starting = root.assume_for_service(target["RoleArn"], group)
    found = root.client("ssm").get_parameter(Name=f"/clearing/{environment}/network/PrivateSubnetIds")["Parameter"]
    (task,) = starting.client("ecs").run_task(
        cluster=target["Arn"],
        taskDefinition=ecs["TaskDefinitionArn"],
        launchType=ecs["LaunchType"],
        # The engine does not return the network of a schedule.
        networkConfiguration={"awsvpcConfiguration": {"subnets": found["Value"].split(",")}},
    )["tasks"]
    task_process.run_started_tasks(passed.run, step_of("Production/Job"))
    return passed.run.setup.tasks.exit_code(task["taskArn"])


def grants_of(passed: Rehearsed, service: str) -> list[GrantedAction]:
    """Return what the roles of a service's tasks may do, with the calls so far."""
    names = [
        f"clearing-{each}-{service}-{role}" for each in ("staging", "production") for role in ("task", "execution")
    ]
    roles = [role for stack in passed.stacks for role in read_roles(stack.content, stack.environment)]
    found = measure_grants(roles, passed.run.setup.calls.rows())
    return [grant for grant in found if grant.role in names]


def assert_each_right_is_used_or_explained(passed: Rehearsed, service: str) -> None:
    grants = grants_of(passed, service)
    assert unexplained_grants(grants) == []
    for environment in ("staging", "production"):
        task = [grant for grant in grants if grant.role == f"clearing-{environment}-{service}-task"]
        assert {grant.action for grant in task if grant.use is GrantUse.USED} == USED[service]
        # No statement of `uses` is without use, except that the local AWS does not check keys of tables.
        used = {grant.statement for grant in task if grant.use is GrantUse.USED}
        assert {grant.statement for grant in task} - used <= {"EncryptPayments", "DecryptPayments"}


def assert_each_used_right_is_needed(
    passed: Rehearsed, service: str, fail: Callable[[], None], missed: list[str]
) -> None:
    """Take each used right of the task role in staging away, and check that `fail` notices it."""
    used = [grant for grant in grants_of(passed, service) if grant.role == f"clearing-staging-{service}-task"]
    for grant in (grant for grant in used if grant.use is GrantUse.USED):
        with passed.without(grant.role, grant.statement, grant.action):
            before = len(passed.run.setup.calls.rows())
            fail()
        rows = passed.run.setup.calls.rows()[before:]
        denied = [row[1] for row in rows if row[3] == DENIED and role_name(row[0]) == grant.role]
        assert set(denied) == {grant.action}, grant
        missed.append(grant.action)


def assert_each_other_call_needs_its_right(passed: Rehearsed, service: str, missed: list[str]) -> None:
    """Make the calls that the task role in staging may make and the application does not need, with and without."""
    role = f"clearing-staging-{service}-task"
    unused = [grant for grant in grants_of(passed, service) if grant.role == role and grant.use is GrantUse.UNUSED]
    calls = [grant for grant in unused if grant.action.startswith(("dynamodb:", "sqs:"))]
    assert {grant.action for grant in calls} <= CALLS.keys()
    for grant in calls:
        assert decision_about(passed, grant) == ALLOWED
        with passed.without(grant.role, grant.statement, grant.action):
            assert decision_about(passed, grant) == DENIED, grant
        missed.append(grant.action)


def decision_about(passed: Rehearsed, grant: GrantedAction) -> str:
    """Make the call of a right with the credentials of a task. Return what IAM decides about it."""
    number = passed.stack("service-settlement", "staging").account
    task = f"arn:aws:ecs:eu-central-1:{number}:task/clearing-staging/{'0' * 32}"
    session = passed.run.service_session(f"arn:aws:iam::{number}:role/{grant.role}", task, step_of("Staging/Probe"))
    operation, request = CALLS[grant.action]
    client = session.client(grant.action.partition(":")[0])
    if grant.action.startswith("sqs:"):
        queue = account(passed, "staging").client("sqs").get_queue_url(QueueName=QUEUE.format("staging"))
        request = request | {"QueueUrl": queue["QueueUrl"]}
    before = len(passed.run.setup.calls.rows())
    with contextlib.suppress(ClientError):
        getattr(client, operation)(**request)
    rows = passed.run.setup.calls.rows()[before:]
    (decision,) = {row[3] for row in rows if row[1] == grant.action and role_name(row[0]) == grant.role}
    return str(decision)


def test_a_payment_is_accepted_settled_and_reported_up_to_production(
    clearing: Clearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker that may not receive has no queue to wait for, but needs time to notice on a busy machine.
    monkeypatch.setattr(service_process, "IDLE_SECONDS", 60.0)
    missed: list[str] = []
    with clearing.released(SETTLEMENT_WEB) as passed:
        assert [(step.path, step.error) for step in passed.rehearsal.result.failed] == []
        assert passed.rehearsal.result.succeeded
        # The migration ran, and the smoke test paid by HTTP.
        assert items(passed, "staging") == {"schema": "schema", "smoke": "accepted"}
        assert waiting(passed, "staging") == 1
        assert items(passed, "production") == {"schema": "schema"}
        step = step_of("Production/Serve")
        with service_process.serve(passed.run, step, passed.action("Production/Execute")) as url:
            assert pay(url, "invoice-7") == (201, {"payment_id": "invoice-7", "state": "accepted"})
            assert pay(url, "invoice-7") == (200, {"payment_id": "invoice-7", "state": "accepted"})
            # The amount is in the database only once.
            with urllib.request.urlopen(f"{url}/payments/invoice-7") as answer:  # noqa: S310 - on loopback
                assert json.loads(answer.read())["amount"] == 1250
        assert step.notes == [
            "not rehearsed: the other containers of the task (statistics)",
            "the database ledger runs in a PostgreSQL server on this machine, and rehearsal/ledger.sql creates its"
            " users",
        ]
        assert items(passed, "production") == {"schema": "schema", "invoice-7": "accepted"}
        assert waiting(passed, "production") == 2
        assert_each_right_is_used_or_explained(passed, SETTLEMENT_WEB)

        def fail_to_pay() -> None:
            with (
                service_process.serve(passed.run, step, passed.action("Staging/Execute")) as url,
                pytest.raises(RemoteDisconnected),
            ):
                pay(url, "smoke-again")

        assert_each_used_right_is_needed(passed, SETTLEMENT_WEB, fail_to_pay, missed)
        assert_each_other_call_needs_its_right(passed, SETTLEMENT_WEB, missed)

    with clearing.released("settlement") as passed:
        assert [(step.path, step.error) for step in passed.rehearsal.result.failed] == []
        assert passed.rehearsal.result.succeeded
        assert passed.rehearsal.result.with_placeholders == []
        assert set(items(passed, "staging").values()) == {"schema", "settled"}
        assert items(passed, "production") == {"schema": "schema", "invoice-7": "settled"}
        assert (waiting(passed, "staging"), waiting(passed, "production")) == (0, 0)
        assert_each_right_is_used_or_explained(passed, "settlement")

        def fail_to_settle() -> None:
            sqs = account(passed, "staging").client("sqs")
            url = sqs.get_queue_url(QueueName=QUEUE.format("staging"))["QueueUrl"]
            sqs.purge_queue(QueueUrl=url)
            sqs.send_message(QueueUrl=url, MessageBody="smoke")
            with pytest.raises(ActionFailedError, match="ended with exit code 1"):
                service_process.work(passed.run, step_of("Staging/Work"), passed.action("Staging/Execute"))

        assert_each_used_right_is_needed(passed, "settlement", fail_to_settle, missed)
        assert_each_other_call_needs_its_right(passed, "settlement", missed)

    with clearing.released("settlement-report") as passed:
        assert [(step.path, step.error) for step in passed.rehearsal.result.failed] == []
        assert passed.rehearsal.result.succeeded
        ((settled, accepted),) = [(each["settled"], each["accepted"]) for each in reports(passed, "staging")]
        assert (settled > 0, accepted) == (True, 0)
        # The pipeline does not run a job of a protected environment; its schedule does.
        assert reports(passed, "production") == []
        assert run_scheduled_job(passed, "production") == 0
        assert reports(passed, "production") == [{"accepted": 0, "settled": 1}]
        assert_each_right_is_used_or_explained(passed, "settlement-report")

        def fail_to_report() -> None:
            assert run_scheduled_job(passed, "staging") == 1

        assert_each_used_right_is_needed(passed, "settlement-report", fail_to_report, missed)
        assert_each_other_call_needs_its_right(passed, "settlement-report", missed)
    print(f"{len(missed)} rights of `uses` are missed when they are taken away")


FAILING = """import os

if "production" in os.environ["PAYMENTS_TABLE_NAME"]:
    sys.exit("the table has a newer schema")

"""


def test_a_migration_that_fails_stops_the_release_before_production_moves(clearing: Clearing) -> None:
    migrate = clearing.app / "src/settlement/migrate.py"
    migrate.write_text(
        migrate.read_text().replace('if __name__ == "__main__":\n', f'{FAILING}if __name__ == "__main__":\n')
    )

    with clearing.released(SETTLEMENT_WEB) as passed:
        steps = {step.path: step for step in passed.rehearsal.result.steps}
        assert [path for path, step in steps.items() if step.state is ActionState.FAILED] == [
            "Production/MigrateProduction"
        ]
        assert "the table has a newer schema" in steps["Production/MigrateProduction"].error
        assert steps["Production/Execute"].state is ActionState.NOT_REACHED
        assert items(passed, "production") == {}
        ecs = account(passed, "production").client("ecs")
        described = ecs.describe_task_definition(taskDefinition=f"clearing-production-{SETTLEMENT_WEB}")
        assert described["taskDefinition"]["containerDefinitions"][0]["image"] == BOOTSTRAP_IMAGE
