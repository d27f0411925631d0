"""Contains the table of all stack statuses. For each status, it says what plan, deploy and destroy do with the
stack, and how a person repairs it. This module does not call AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Next(Enum):
    """What `make plan`, `make deploy` or `make destroy` does with a stack. It depends on the stack's status."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "delete the stack whose creation failed, then create it again"
    DELETE = "delete"
    NOTHING = "nothing to do"
    WAIT = "another operation is running; try again when it has ended"
    REFUSE = "needs a person"


class Verb(Enum):
    """A command that decides by a stack's status what to do with the stack.

    `deploy` is not such a command, because a plan has already decided what `deploy` does.
    """

    PLAN = "plan"
    DESTROY = "destroy"


@dataclass(frozen=True)
class StatusRule:
    """What plan, deploy and destroy do with a stack in one status, and how a person repairs the stack.

    - `means` is a sentence that says what has happened.
    - `remedies` are subcommands of `aws cloudformation`, without the options for region and stack. A person tries them
      in this order.

    If nothing is wrong, `means` and `remedies` are empty.
    """

    deploy: Next
    destroy: Next
    means: str = ""
    remedies: tuple[str, ...] = ()

    def step(self, verb: Verb) -> Next:
        """Return what the command `verb` does with a stack that has the status of this rule."""
        return self.destroy if verb is Verb.DESTROY else self.deploy


DELETE = "delete-stack"
# Deletes the stack and leaves behind resources that cannot be deleted; only allowed in DELETE_FAILED:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
FORCE_DELETE = "delete-stack --deletion-mode FORCE_DELETE_STACK"
# Only allowed in UPDATE_ROLLBACK_FAILED:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
CONTINUE_ROLLBACK = "continue-update-rollback"
# Only allowed in CREATE_FAILED and UPDATE_FAILED; it deletes a stack that was never created completely:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html
ROLL_BACK = "rollback-stack"

_UPDATABLE = StatusRule(Next.UPDATE, Next.DELETE)


def _busy(watching: str) -> StatusRule:
    return StatusRule(Next.WAIT, Next.WAIT, "CloudFormation is still working on the stack", (watching,))


# CloudFormation's StackStatus, exactly:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
STATES: dict[str, StatusRule] = {
    "CREATE_COMPLETE": _UPDATABLE,
    "CREATE_FAILED": StatusRule(
        Next.RECREATE,
        Next.DELETE,
        "the creation of the stack failed and was not rolled back, so some resources may exist",
        (DELETE,),
    ),
    "CREATE_IN_PROGRESS": _busy("wait stack-create-complete"),
    # A deleted stack can be found only by its id, never by its name.
    "DELETE_COMPLETE": StatusRule(Next.CREATE, Next.NOTHING),
    "DELETE_FAILED": StatusRule(
        Next.REFUSE,
        Next.DELETE,
        "a resource could not be deleted; remove the cause, then delete the stack again",
        (DELETE, FORCE_DELETE),
    ),
    "DELETE_IN_PROGRESS": _busy("wait stack-delete-complete"),
    "IMPORT_COMPLETE": _UPDATABLE,
    "IMPORT_IN_PROGRESS": _busy("wait stack-import-complete"),
    "IMPORT_ROLLBACK_COMPLETE": _UPDATABLE,
    "IMPORT_ROLLBACK_FAILED": StatusRule(
        Next.REFUSE,
        Next.DELETE,
        "an import failed and could not be rolled back; the stack can only be deleted; list its resources before,"
        " because some of them can remain",
        ("list-stack-resources", DELETE),
    ),
    # The AWS CLI has no `wait` command for this status.
    "IMPORT_ROLLBACK_IN_PROGRESS": _busy("describe-stacks"),
    # A change set was created for a stack that does not exist yet: the stack is empty.
    "REVIEW_IN_PROGRESS": StatusRule(
        Next.CREATE,
        Next.DELETE,
        "the stack is empty, because the change set that creates its resources was never executed",
        (DELETE,),
    ),
    "ROLLBACK_COMPLETE": StatusRule(
        Next.RECREATE,
        Next.DELETE,
        "the creation of the stack failed and was rolled back; the stack can only be deleted",
        (DELETE,),
    ),
    "ROLLBACK_FAILED": StatusRule(
        Next.REFUSE,
        Next.DELETE,
        "the creation of the stack failed, and not all resources could be deleted; delete the stack",
        (DELETE,),
    ),
    "ROLLBACK_IN_PROGRESS": _busy("wait stack-create-complete"),
    "UPDATE_COMPLETE": _UPDATABLE,
    # The update succeeded, but old resources are still being deleted. An operation started now would be refused.
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _busy("wait stack-update-complete"),
    "UPDATE_FAILED": StatusRule(
        Next.REFUSE, Next.DELETE, "an update failed and was not rolled back; roll it back", (ROLL_BACK,)
    ),
    "UPDATE_IN_PROGRESS": _busy("wait stack-update-complete"),
    "UPDATE_ROLLBACK_COMPLETE": _UPDATABLE,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": _busy("wait stack-rollback-complete"),
    "UPDATE_ROLLBACK_FAILED": StatusRule(
        Next.REFUSE,
        Next.DELETE,
        "an update failed and could not be rolled back; fix the cause shown in its events, then continue the rollback",
        (CONTINUE_ROLLBACK,),
    ),
    "UPDATE_ROLLBACK_IN_PROGRESS": _busy("wait stack-rollback-complete"),
}

NEXT: dict[str, Next] = {status: state.deploy for status, state in STATES.items()}
SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE"})
IN_PROGRESS = frozenset(status for status, state in STATES.items() if state.deploy is Next.WAIT)


def commands(status: str, region: str, stack: str) -> tuple[str, ...]:
    """Return the AWS CLI commands that can repair a stack with this status, in the order in which to try them."""
    return tuple(
        f"aws cloudformation {words} --region {region} --stack-name {stack}" for words in STATES[status].remedies
    )


def refusal(status: str, verb: Verb, region: str, stack: str) -> str:
    """If the command `verb` must not touch a stack with this status, return the reason. Else, return an empty string.

    The caller puts the stack's name before the reason, which begins with `is in`. The reason ends with the first
    command that repairs the stack.
    """
    state = STATES[status]
    what = state.step(verb)
    if what not in (Next.WAIT, Next.REFUSE):
        return ""
    first = commands(status, region, stack)[0]
    if what is Next.WAIT:
        return f"is in {status}: {what.value} (`{first}`)"
    return f"is in {status}: {state.means}: `{first}`"
