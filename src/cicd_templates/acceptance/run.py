"""Runs the checks in their order, and records in the journal when each check begins and ends. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from cicd_templates.acceptance.check import Check, CheckContext, CheckMustWait, LocalCoverage, State
from cicd_templates.acceptance.journal import Entry, Journal
from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.errors import CicdError, DetachedError

Listener = Callable[[Check, Entry | None], None]


def run_checks(checks: Sequence[Check], context: CheckContext, journal: Journal, listener: Listener) -> None:
    """Run the checks that are not in the journal yet. Repeat some checks, according to their entries in the journal:

    - checks that had to wait
    - checks with `last=True` that failed or were skipped

    When a check begins, `listener` is called with the check and None. When the check ends, `listener` is called with
    the check and its journal entry.

    Raises `DetachedError` if a check's command ended but its work in AWS goes on. The user can continue the run later.
    """
    for check in checks:
        known = journal.entries.get(check.name)
        if known is not None and not _is_repeated(check, known):
            continue
        entry = _not_run(check, checks, context, journal)
        if entry is None:
            listener(check, None)
            journal.begin(check.name)
            entry = _run(check, context)
        journal.end(check.name, entry)
        listener(check, entry)


def _is_repeated(check: Check, entry: Entry) -> bool:
    return entry.state is State.WAITING or (check.last and entry.state in (State.FAILED, State.SKIPPED))


def _not_run(check: Check, checks: Sequence[Check], context: CheckContext, journal: Journal) -> Entry | None:
    """Return a journal entry that says why a check cannot be run, or None if it can be run."""
    if missing := _missing(check, journal.entries):
        return Entry(State.SKIPPED, f"needs {', '.join(missing)}")
    if not check.last and (unsafe := _unsafe_failures(checks, journal.entries)):
        return Entry(State.SKIPPED, f"after the failure of {unsafe[0]}, only checks that remove resources may run")
    if context.local and check.local_coverage is LocalCoverage.NOT_POSSIBLE:
        return Entry(State.NOT_POSSIBLE, check.local_limit)
    return None


def _unsafe_failures(checks: Sequence[Check], entries: Mapping[str, Entry]) -> list[str]:
    """Return the failed checks that make it unsafe to continue. Only the checks with `last=True` may still run."""
    failed = {name for name, entry in entries.items() if entry.state is State.FAILED}
    return [check.name for check in checks if check.name in failed and not check.safe_to_continue]


def _missing(check: Check, entries: Mapping[str, Entry]) -> list[str]:
    passed = {name for name, entry in entries.items() if entry.state is State.PASSED}
    return [name for name in check.needs if name not in passed]


def _run(check: Check, context: CheckContext) -> Entry:
    began = context.clock()
    state, answer = State.PASSED, ""
    try:
        answer = check.run(context)
    except DetachedError:
        raise
    except CheckMustWait as error:
        state, answer = State.WAITING, str(error)
    except CicdError as error:
        state, answer = State.FAILED, str(error)
    except AWS_ERRORS as error:
        state, answer = State.FAILED, explain(error)
    # A bug in one check must not prevent the last checks, which destroy the resources.
    except Exception as error:
        state, answer = State.FAILED, f"{type(error).__name__}: {error}"
    at = datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds")
    return Entry(state, answer, round(context.clock() - began, 1), at)
