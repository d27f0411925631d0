"""Walks the stacks of an environment in order: change set, look, ask, execute. Knows no terminal, asks by a call.

A failure stops what depends on it and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from cicd_templates import links
from cicd_templates.deploy import report
from cicd_templates.deploy.changes import ChangeSet, create_change_set, describe_stack, discard
from cicd_templates.deploy.clients import Clients, explained
from cicd_templates.deploy.diagnose import Diagnosis, Witness
from cicd_templates.deploy.events import ResourceEvent
from cicd_templates.deploy.execute import Failed, execute
from cicd_templates.deploy.report import Reporter
from cicd_templates.deploy.stacks import Stack
from cicd_templates.deploy.status import NEXT, Next
from cicd_templates.deploy.waiting import Patience
from cicd_templates.errors import CicdError

Confirm = Callable[[str], bool]


def plan(clients: Clients, stacks: Sequence[Stack], patience: Patience, reporter: Reporter) -> bool:
    """Show the change set of every stack whose inputs exist, and discard them; whether anything would change."""
    changing = False
    needed = links.producers(stack.links for stack in stacks)
    absent = {stack.name for stack in stacks if not _exists(clients, stack)}
    labels = {stack.name: stack.label for stack in stacks}
    for stack in stacks:
        if missing := sorted(labels[name] for name in needed[stack.name] & absent):
            reporter.report(report.Waits(stack.label, tuple(missing)))
            changing = True
            continue
        change_set = create_change_set(clients, stack, patience)
        if change_set is None:
            reporter.report(report.Unchanged(stack.label))
            continue
        changing = True
        reporter.report(report.Planned(stack.label, change_set))
        discard(clients, change_set)
    return changing


def _exists(clients: Clients, stack: Stack) -> bool:
    """Whether the stack's values can be read: it was created, whatever happened to it since."""
    existing = describe_stack(clients, stack.name)
    return existing is not None and NEXT[existing["StackStatus"]] not in (Next.CREATE, Next.RECREATE)


def deploy(
    clients: Clients,
    stacks: Sequence[Stack],
    patience: Patience,
    reporter: Reporter,
    confirm: Confirm,
    after: Callable[[Stack], None] = lambda stack: None,
) -> None:
    """Bring every stack to its reviewed text. Raises `CicdError` that names the stacks that failed.

    `after` is called with each stack that stands as it should. A stack that `confirm` declines is left as it was, its
    change set discarded, and the walk ends there.
    """
    needed = links.producers(stack.links for stack in stacks)
    broken: dict[str, str] = {}
    for stack in stacks:
        blocking = sorted(broken[name] for name in needed[stack.name] & broken.keys())
        if blocking:
            reason: str | Diagnosis = f"not started, because of {', '.join(blocking)}"
        else:
            reason = _deploy_stack(clients, stack, patience, reporter, confirm)
        if reason:
            broken[stack.name] = stack.label
            reporter.report(report.broke(stack.label, reason))
        else:
            after(stack)
    if broken:
        raise CicdError(f"not deployed: {', '.join(broken.values())}; the causes are above")


class DeclinedError(CicdError):
    """The person at the keyboard said no."""


def _deploy_stack(
    clients: Clients, stack: Stack, patience: Patience, reporter: Reporter, confirm: Confirm
) -> str | Diagnosis:
    """Deploy one stack and report it; the reason where that failed, otherwise nothing.

    Raises what concerns more than this stack: a guard's refusal and a person's.
    """
    try:
        change_set = create_change_set(clients, stack, patience)
        if change_set is None:
            reporter.report(report.Unchanged(stack.label))
            return ""
        reporter.report(report.Planned(stack.label, change_set))
        if not confirm(f"Execute this change set on {stack.label}?"):
            discard(clients, change_set)
            raise DeclinedError(f"{stack.name}: declined, nothing changed; the stacks after it were not looked at")
        return _execute(clients, stack, change_set, patience, reporter)
    except ClientError as error:
        return explained(error)
    except CicdError as error:
        if type(error) is not CicdError:
            raise
        return str(error)


def _execute(
    clients: Clients, stack: Stack, change_set: ChangeSet, patience: Patience, reporter: Reporter
) -> str | Diagnosis:
    """Execute and report; the diagnosis where it failed, otherwise nothing."""
    began = patience.now()
    witness = Witness(clients, stack)

    def moved(event: ResourceEvent) -> None:
        reporter.report(report.Moved(stack.label, event))
        witness.see(event)

    outcome = execute(clients, stack, change_set, patience, moved)
    if isinstance(outcome, Failed):
        return witness.diagnosis(change_set.stack_id, outcome.status)
    verb = "created" if change_set.creates else "updated"
    seconds = patience.now() - began
    reporter.report(report.Succeeded(stack.label, verb, seconds, len(change_set.changes)))
    return ""
