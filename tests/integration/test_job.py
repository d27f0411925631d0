"""A rehearsed release of a job: the job runs once in staging with its own role, and its failure stops the release."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.rehearsal.grants import GrantUse
from cicd_templates.rehearsal.result import ActionState
from tests.integration.rehearsed_example import example, rehearsed
from tests.projects.rendering import rendered_project

pytestmark = [pytest.mark.integration, pytest.mark.long]

REPORT = """
import os
import sys

import boto3

if os.path.exists("broken"):
    sys.exit("there is nothing to report")
boto3.client("sqs").send_message(QueueUrl=os.environ["PAID_QUEUE_URL"], MessageBody=" ".join(sys.argv[1:]))
"""


@pytest.mark.parametrize("works", [True, False], ids=["it works", "it fails"])
def test_a_release_of_a_job_runs_it_once_in_staging(tmp_path: Path, works: bool) -> None:
    app = example(tmp_path)
    # The policy of the example is for its own checks.
    (app / "scan-policy.toml").unlink()
    (app / "orders").mkdir()
    (app / "orders/report.py").write_text(REPORT)
    if not works:
        (app / "broken").write_text("")

    with rehearsed(tmp_path, app, rendered_project("worker") / "out", "report") as passed:
        steps = {step.path: step for step in passed.rehearsal.result.steps}
        check = steps["Staging/CheckJobStaging"]
        account = passed.stack("service-report", "staging").account
        sqs = passed.run.setup.root_session(f"arn:aws:sqs:eu-central-1:{account}:x").client("sqs")
        queue = sqs.get_queue_url(QueueName="orders-staging-paid")["QueueUrl"]
        bodies = [each["Body"] for each in sqs.receive_message(QueueUrl=queue).get("Messages", ())]
        if not works:
            assert check.state is ActionState.FAILED
            assert "the job failed: exit code 1; Essential container in task exited" in check.error
            assert "there is nothing to report" in check.error
            assert steps["Production/Execute"].state is ActionState.NOT_REACHED
            assert bodies == []
            return
        assert check.state is ActionState.SUCCEEDED, check.error
        assert steps["Production/Execute"].state is ActionState.SUCCEEDED, steps["Production/Execute"].error
        assert bodies == ["--day yesterday"]
        grants = [grant for grant in passed.rehearsal.result.grants if grant.role == "orders-staging-job-check-report"]
        assert GrantUse.USED in {grant.use for grant in grants}
        schedules = passed.run.setup.root_session(f"arn:aws:scheduler:eu-central-1:{account}:x").client("scheduler")
        schedule = schedules.get_schedule(Name="orders-staging-report", GroupName="orders-staging-report")
        assert (schedule["State"], schedule["ScheduleExpressionTimezone"]) == ("ENABLED", "Europe/Berlin")
