"""The table of stack statuses is total, and compares exactly."""

from __future__ import annotations

import botocore.session

from cicd_templates.deploy.status import NEXT, RUNNING, SUCCEEDED, Next


def test_every_status_that_cloudformation_has_is_decided_and_no_other() -> None:
    model = botocore.session.Session().get_service_model("cloudformation")

    assert set(NEXT) == set(model.shape_for("StackStatus").metadata["enum"])


def test_what_runs_is_waited_for_and_what_succeeded_is_not_a_rollback() -> None:
    assert {status for status in NEXT if status.endswith("_IN_PROGRESS")} - RUNNING == {"REVIEW_IN_PROGRESS"}
    assert all(NEXT[status] in (Next.UPDATE, Next.CREATE) for status in SUCCEEDED)
    assert not [status for status in SUCCEEDED if "ROLLBACK" in status]
