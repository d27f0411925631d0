"""A rehearsed migration changes the table in staging and fails in production, which keeps its release."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.local.ecs_tasks import Tasks
from cicd_templates.rehearsal.grants import GrantUse
from cicd_templates.rehearsal.result import ActionState
from cicd_templates.template.arn import Arn
from tests.integration.rehearsed_example import Rehearsed, example, rehearsed
from tests.projects.rendering import rendered_project

pytestmark = [pytest.mark.integration, pytest.mark.long]

MIGRATE = """
import os
import sys

import boto3

table = os.environ["PAYMENTS_TABLE_NAME"]
if "production" in table:
    sys.exit("the table has a \\x1b[31mnewer\\u202e schema")
boto3.client("dynamodb").put_item(TableName=table, Item={"payment_id": {"S": " ".join(sys.argv[1:])}})
"""


def test_a_migration_that_fails_stops_the_release_before_production_moves(tmp_path: Path) -> None:
    project = rendered_project("queue-and-table")
    app = example(tmp_path)
    # The policy of the example is for its own checks.
    (app / "scan-policy.toml").unlink()
    (app / "billing").mkdir()
    (app / "billing/migrate.py").write_text(MIGRATE)

    with rehearsed(tmp_path, app, project / "out", "billing") as passed:
        steps = {step.path: step for step in passed.rehearsal.result.steps}
        for path in (
            "Staging-Migration/MigrateStaging",
            "Staging/Execute",
            "Production/Approve",
            "Production/ExecuteMigration",
        ):
            assert steps[path].state is ActionState.SUCCEEDED, steps[path].error
        failed = steps["Production/MigrateProduction"]
        assert failed.state is ActionState.FAILED
        assert "the migration failed: exit code 1; Essential container in task exited" in failed.error
        assert "the table has a [31mnewer schema" in failed.error
        assert steps["Production/Execute"].state is ActionState.NOT_REACHED

        def images(environment: str) -> dict[str, str]:
            found = {}
            for layer in ("service", "migration"):
                stack = passed.stack(f"{layer}-billing", environment)
                session = passed.run.setup.root_session(f"arn:aws:ecs:eu-central-1:{stack.account}:x")
                described = session.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
                parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
                found[layer] = parameters["ImageUri"]
            return found

        staging, production = images("staging"), images("production")
        assert staging["service"] == staging["migration"] == production["migration"] != production["service"]
        account = passed.stack("service-billing", "staging").account
        table = passed.run.setup.root_session(f"arn:aws:ecs:eu-central-1:{account}:x").client("dynamodb")
        items = table.scan(TableName="ledger-staging-payments")["Items"]
        assert items == [{"payment_id": {"S": "--to newest"}}]

        # The first creation of the stacks and the bootstrap image have started no task.
        started = [Arn.parse(task).account for task, *_ in _started(passed.engine.folder)]
        assert started == [account, passed.stack("service-billing", "production").account]
        roles = [grant for grant in passed.rehearsal.result.grants if grant.role.endswith("-migration-billing")]
        assert roles
        assert {grant.use for grant in roles if grant.role == "ledger-production-migration-billing"} == {GrantUse.USED}

        # A retry of the same run starts nothing, because the success is recorded.
        assert passed.again("Staging-Migration/MigrateStaging").state is ActionState.SUCCEEDED
        assert len(_started(passed.engine.folder)) == 2

        # Without one of these permissions, nothing is started.
        for role, statement, action in (
            ("ledger-staging-migration-billing", "GiveTheTaskItsRoles", "iam:PassRole"),
            ("ledger-staging-migration-billing", "RunTheMigration", "ecs:RunTask"),
            ("ledger-staging-migration-billing", "FindRunningTasks", "ecs:ListTasks"),
            ("ledger-staging-migration-billing", "LookAtItsImage", "ecs:DescribeTaskDefinition"),
            ("ledger-tools-billing-migration-function", "TellReleasesFromRollbacks", "codepipeline:GetPipelineState"),
            ("ledger-tools-billing-migration-function", "RecordAttempts", "s3:PutObject"),
        ):
            _forget_attempts(passed)
            with passed.without(role, statement, action):
                step = passed.again("Staging-Migration/MigrateStaging")
            assert step.state is ActionState.FAILED
            assert action in step.error or "AccessDenied" in step.error
        assert len(_started(passed.engine.folder)) == 2


def _forget_attempts(passed: Rehearsed) -> None:
    s3 = passed.run.setup.root_session(passed.run.pipeline.role).client("s3")
    (bucket,) = (each["Name"] for each in s3.list_buckets()["Buckets"] if "-evidence-" in each["Name"])
    for item in s3.list_objects_v2(Bucket=bucket, Prefix="billing/migrations/staging/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=item["Key"])


def _started(folder: Path) -> list[list[str]]:
    from cicd_templates.local import ecs_tasks

    assert Tasks(folder).running() == []
    found: list[list[str]] = ecs_tasks._lines(folder / ecs_tasks.TASKS_FILE)
    return found
