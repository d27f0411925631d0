"""What each state of a stack means for a deployment: a total table, so that a new status cannot be guessed at."""

from __future__ import annotations

from enum import Enum


class Next(Enum):
    """What a deployment does with a stack that it finds in some status."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "delete what is left of a failed creation, then create"
    WAIT = "another operation is running; try again when it has ended"
    REFUSE = "needs a person"


# CloudFormation's StackStatus, exactly:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
NEXT: dict[str, Next] = {
    "CREATE_COMPLETE": Next.UPDATE,
    "CREATE_FAILED": Next.RECREATE,
    "CREATE_IN_PROGRESS": Next.WAIT,
    # A stack that is gone is found by its id only, never by its name.
    "DELETE_COMPLETE": Next.CREATE,
    "DELETE_FAILED": Next.REFUSE,
    "DELETE_IN_PROGRESS": Next.WAIT,
    "IMPORT_COMPLETE": Next.UPDATE,
    "IMPORT_IN_PROGRESS": Next.WAIT,
    "IMPORT_ROLLBACK_COMPLETE": Next.UPDATE,
    "IMPORT_ROLLBACK_FAILED": Next.REFUSE,
    "IMPORT_ROLLBACK_IN_PROGRESS": Next.WAIT,
    # A change set was made for a stack that does not exist: a shell without resources.
    "REVIEW_IN_PROGRESS": Next.CREATE,
    "ROLLBACK_COMPLETE": Next.RECREATE,
    "ROLLBACK_FAILED": Next.REFUSE,
    "ROLLBACK_IN_PROGRESS": Next.WAIT,
    "UPDATE_COMPLETE": Next.UPDATE,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Next.WAIT,
    "UPDATE_FAILED": Next.REFUSE,
    "UPDATE_IN_PROGRESS": Next.WAIT,
    "UPDATE_ROLLBACK_COMPLETE": Next.UPDATE,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Next.WAIT,
    "UPDATE_ROLLBACK_FAILED": Next.REFUSE,
    "UPDATE_ROLLBACK_IN_PROGRESS": Next.WAIT,
}

SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE"})
# `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS` is a success whose old resources are still being deleted; waiting for its end
# keeps the next operation from being refused.
RUNNING = frozenset(status for status, what in NEXT.items() if what is Next.WAIT)
