"""The table of stack statuses has every status, compares exactly, and contains only commands that exist."""

from __future__ import annotations

import botocore.session
import pytest
from botocore import xform_name

from cicd_templates.deploy.change_sets.stack_status_remedies import (
    IN_PROGRESS,
    NEXT,
    STATES,
    SUCCEEDED,
    Next,
    Verb,
    commands,
    refusal,
)

SESSION = botocore.session.Session()
MODEL = SESSION.get_service_model("cloudformation")


def test_every_status_that_cloudformation_has_is_decided_and_no_other() -> None:
    assert set(STATES) == set(NEXT) == set(MODEL.shape_for("StackStatus").metadata["enum"])


def test_a_running_operation_is_waited_for_and_a_success_is_no_rollback() -> None:
    assert {status for status in NEXT if status.endswith("_IN_PROGRESS")} - IN_PROGRESS == {"REVIEW_IN_PROGRESS"}
    assert all(NEXT[status] in (Next.UPDATE, Next.CREATE) for status in SUCCEEDED)
    assert not [status for status in SUCCEEDED if "ROLLBACK" in status]


@pytest.mark.parametrize("status", STATES)
def test_each_state_in_which_a_verb_does_nothing_says_what_to_type(status: str) -> None:
    for verb in Verb:
        what = STATES[status].step(verb)
        message = refusal(status, verb, "eu-central-1", "shipping-staging-keys")
        assert bool(message) == (what in (Next.WAIT, Next.REFUSE))
        if message:
            assert message.startswith(f"is in {status}: ")
            assert commands(status, "eu-central-1", "shipping-staging-keys")[0] in message


def test_a_refusal_says_whether_to_wait_or_to_act() -> None:
    assert refusal("UPDATE_ROLLBACK_FAILED", Verb.PLAN, "eu-central-1", "s") == (
        "is in UPDATE_ROLLBACK_FAILED: an update failed and could not be rolled back; fix the cause shown in its"
        " events, then"
        " continue the rollback: `aws cloudformation continue-update-rollback --region eu-central-1 --stack-name s`"
    )
    assert refusal("UPDATE_IN_PROGRESS", Verb.DESTROY, "eu-central-1", "s") == (
        "is in UPDATE_IN_PROGRESS: another operation is running; try again when it has ended"
        " (`aws cloudformation wait stack-update-complete --region eu-central-1 --stack-name s`)"
    )


def test_a_failed_deletion_can_be_tried_again_by_destroy_and_by_nothing_else() -> None:
    assert STATES["DELETE_FAILED"].step(Verb.DESTROY) is Next.DELETE
    assert STATES["DELETE_FAILED"].step(Verb.PLAN) is Next.REFUSE
    assert STATES["DELETE_COMPLETE"].step(Verb.DESTROY) is Next.NOTHING


def test_every_command_of_the_table_is_one_that_cloudformation_has() -> None:
    operations = {xform_name(name, "-"): MODEL.operation_model(name) for name in MODEL.operation_names}
    waiters = SESSION.get_waiter_model("cloudformation").waiter_names
    words = {words for state in STATES.values() for words in state.remedies}

    assert len(words) > 5
    for word in words:
        operation, *options = word.split()
        if operation == "wait":
            assert options[0] in {xform_name(name, "-") for name in waiters}
            continue
        shape = operations[operation].input_shape
        assert shape is not None
        names = {xform_name(member, "-"): member for member in shape.members}
        for option, value in zip(options[::2], options[1::2], strict=True):
            assert value in shape.members[names[option.removeprefix("--")]].metadata["enum"]
