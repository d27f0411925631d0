"""Finds out why an operation on a stack failed: the root cause, its line in the template, and the next steps.

This module changes nothing in AWS. Details that cannot be read are left out or reported as unreadable. A diagnosis
never changes the result of an operation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.change_sets.aws_commands import DELETED_BY_HAND, for_caller, unprotect_commands
from cicd_templates.deploy.change_sets.cloudformation_calls import live_resources
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next, commands
from cicd_templates.deploy.diagnosis.access_denied import decode_command, parse_denial
from cicd_templates.deploy.diagnosis.causes.ecs import stopped_tasks
from cicd_templates.deploy.diagnosis.failures import Failure, failures
from cicd_templates.template.source_lines import locate
from cicd_templates.template.stack_template import StackTemplate

# For each type of a failed resource, the function that asks the resource's service for more details than CloudFormation
# has.
PROBES: dict[str, Callable[[Clients, StackTemplate, Failure], list[str]]] = {"AWS::ECS::Service": stopped_tasks}

# Resource handlers end their message with one of these codes. No field of the event contains it:
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
_HANDLER_CODE = re.compile(r"HandlerErrorCode: (\w+)")
ADVICE = {
    "AccessDenied": "allow the action for the principal that deploys:"
    " `make deploy-policy` prints the required policies",
    "AlreadyExists": "a resource of this name already exists: `make doctor` shows its owner and what to do",
    "GeneralServiceException": "the service refused the request; correct the cause that the message above names, "
    "then deploy again",
    "InternalFailure": "CloudFormation had an internal error; deploy again",
    "InvalidCredentials": "the credentials have expired; sign in again, then deploy again",
    "InvalidRequest": "the service does not accept a value; correct it in templates/ or environments.toml, then render",
    "NetworkFailure": "the service could not be reached; deploy again",
    "NotFound": "the resource refers to something that does not exist:"
    " `make recover` shows what was changed outside CloudFormation",
    "NotStabilized": "the resource was created but never became ready; the lines above show the cause",
    "NotUpdatable": "the property can only be set at creation; plan a replacement of the resource",
    "ResourceConflict": "another operation was changing the resource; deploy again",
    "ServiceInternalError": "the service had an internal error; deploy again",
    "ServiceLimitExceeded": "a quota of the account is used up: `make doctor` shows the quotas and how to raise them",
    "ServiceTimeout": "the service did not answer in time; deploy again",
    "Throttling": "the account's calls were throttled; deploy again",
    "UnauthorizedTaggingOperation": "allow the principal that deploys to tag the resource: see `make deploy-policy`",
}


@dataclass(frozen=True)
class Diagnosis:
    """Why an operation on a stack failed, and what to do.

    `reason` is the root cause, and `at` is its line in the reviewed template. `facts` are details from the resource's
    AWS service. `then` lists the next steps. `also` is the number of other resources that failed independently.
    """

    reason: str
    at: str
    facts: tuple[str, ...]
    then: tuple[str, ...]
    also: int = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """Return all lines of the diagnosis except the reason."""
        further = (f"and {self.also} more resources failed independently",) if self.also else ()
        return (f"at {self.at}", *self.facts, *further, *(f"next: {each}" for each in self.then))


class FailureCollector:
    """Asks AWS why a resource failed, immediately after the failure, because a rollback deletes tasks and logs."""

    def __init__(self, clients: Clients, stack: StackTemplate) -> None:
        self._clients, self._stack = clients, stack
        self._seen: dict[str, list[str]] = {}

    def collect(self, event: ResourceEvent) -> None:
        """Ask the AWS service of a failed resource for details. Do nothing if `event` is no failure. Never raises."""
        if event.failed and event.resource_type in PROBES and event.logical_id not in self._seen:
            failure = Failure(event.time, event.logical_id, event.resource_type, event.physical_id, event.reason)
            self._seen[event.logical_id] = ask_service(self._clients, self._stack, failure)

    def diagnosis(self, stack_id: str, status: str, token: str | None = None) -> Diagnosis:
        """Return why the operation on the stack ended in `status`. Never raises."""
        return diagnose(self._clients, self._stack, stack_id, status, token, self._seen)


def diagnose(
    clients: Clients,
    stack: StackTemplate,
    stack_id: str,
    status: str,
    token: str | None = None,
    seen: dict[str, list[str]] | None = None,
) -> Diagnosis:
    """Return why an operation on a stack ended in `status`. Never raises.

    `token` is the request token of the operation; None means the latest operation. The function reads the stack by
    `stack_id`, because a deleted stack can be read only by its id. `seen` has the details that AWS services have
    already returned, keyed by logical id.
    """
    try:
        found = failures(clients.cloudformation, stack_id, token)
    except (ClientError, BotoCoreError) as error:
        unread = f"the stack ended in {status}, and its events are not readable: {explain(error)}"
        return Diagnosis(unread, str(stack.path), (), _next_steps(clients, stack, status, ""))
    if not found:
        reason = f"the stack ended in {status}, and its events do not name a cause"
        return Diagnosis(reason, str(stack.path), (), _next_steps(clients, stack, status, ""))
    first = found[0]
    facts = (seen or {}).get(first.logical_id)
    if facts is None:
        facts = ask_service(clients, stack, first)
    refused = parse_denial(first.reason)
    return Diagnosis(
        f"{first.logical_id} ({first.resource_type}): {first.reason}",
        locate(stack, first.logical_id, first.path),
        (*([refused.fact] if refused else []), *facts),
        _next_steps(clients, stack, status, first.reason),
        len({each.logical_id for each in found} - {first.logical_id}),
    )


def ask_service(clients: Clients, stack: StackTemplate, failure: Failure) -> list[str]:
    """Return what the AWS service of the failed resource reports, one fact per line. Never raises.

    If the call to the service fails, the result says why.
    """
    probe = PROBES.get(failure.resource_type)
    if probe is None:
        return []
    try:
        return probe(clients, stack, failure)
    except (ClientError, BotoCoreError) as error:
        return [f"{failure.resource_type} gave no details: {explain(error)}"]


def _unprotect_steps(clients: Clients, stack: StackTemplate, status: str) -> tuple[str, ...]:
    """Return the commands that switch off deletion protection, for a user who must delete the stack by hand.

    The result is empty if `status` does not require a deletion by hand, or if the stack's resources cannot be read.
    """
    if status not in DELETED_BY_HAND:
        return ()
    try:
        return unprotect_commands(status, stack.region, live_resources(clients, stack.name))
    except (ClientError, BotoCoreError):
        return ()


def _next_steps(clients: Clients, stack: StackTemplate, status: str, reason: str) -> tuple[str, ...]:
    """Return how to fix the cause, and then the commands that repair the stack.

    The commands are left out if a deployment can continue without them.
    """
    steps = []
    refused = parse_denial(reason)
    code = _HANDLER_CODE.search(reason)
    if refused:
        steps.append(refused.remedy)
    elif decode := decode_command(reason):
        steps.append(decode)
    elif code and code[1] in ADVICE:
        steps.append(ADVICE[code[1]])
    if NEXT[status] is Next.REFUSE:
        steps += _unprotect_steps(clients, stack, status)
        steps += commands(status, stack.region, stack.name)[:1]
    return tuple(for_caller(step, clients, stack.account) for step in steps)
