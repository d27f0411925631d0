"""The order of checks: what a failure skips, what a resumed run repeats, and what stops a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import (
    Check,
    CheckContext,
    CheckFailed,
    CheckMustWait,
    LocalCoverage,
    State,
    require,
)
from cicd_templates.acceptance.journal import Entry, Journal, new_journal, read_journal
from cicd_templates.acceptance.run import run_checks
from cicd_templates.errors import CicdError, DetachedError
from tests.unit.acceptance.check_context import check_context

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "Call")


def ending(error: Exception | None) -> Callable[[CheckContext], str]:
    def run(context: CheckContext) -> str:
        context.facts["runs"] = context.facts.get("runs", 0) + 1
        if error is not None:
            raise error
        return "right"

    return run


def check(name: str, error: Exception | None = None, **options: object) -> Check:
    return Check(name, "Something works.", ending(error), **options)  # type: ignore[arg-type]


def run(folder: Path, *checks: Check, local: bool = False, journal: Journal | None = None) -> dict[str, str]:
    journal = journal or new_journal(folder / "journal.json", {}, "now", local=local)
    heard: list[str] = []
    made = check_context(folder, local=local, facts=journal.facts)
    run_checks(checks, made, journal, lambda check, entry: heard.append(f"{check.name} {entry and entry.state.value}"))
    assert heard
    known = read_journal(folder / "journal.json")
    assert known is not None
    return {name: f"{entry.state.value}: {entry.answer}" for name, entry in known.entries.items()}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(None, "passed: right", id="passed"),
        pytest.param(CheckFailed("a bucket is left"), "failed: a bucket is left", id="failed"),
        pytest.param(CicdError("no openssl"), "failed: no openssl", id="expected error"),
        pytest.param(DENIED, f"failed: {DENIED}", id="error of AWS"),
        pytest.param(KeyError("Status"), "failed: KeyError: 'Status'", id="a bug in the check"),
        pytest.param(CheckMustWait("in an hour"), "waiting: in an hour", id="waiting"),
    ],
)
def test_a_check_ends_as_its_function_does(tmp_path: Path, error: Exception | None, expected: str) -> None:
    assert run(tmp_path, check("one", error)) == {"one": expected}


def test_a_check_needs_what_passed_and_the_others_go_on(tmp_path: Path) -> None:
    checks = (check("one", CheckFailed("no")), check("two", needs=("one",)), check("three"))

    assert run(tmp_path, *checks) == {"one": "failed: no", "two": "skipped: needs one", "three": "passed: right"}


def test_after_a_failure_that_is_not_safe_only_the_end_runs(tmp_path: Path) -> None:
    checks = (check("one", CheckFailed("no"), safe_to_continue=False), check("two"), check("three", last=True))

    assert run(tmp_path, *checks) == {
        "one": "failed: no",
        "two": "skipped: after the failure of one, only checks that remove resources may run",
        "three": "passed: right",
    }


def test_a_run_that_was_killed_after_an_unsafe_failure_still_runs_only_the_end(tmp_path: Path) -> None:
    journal = new_journal(tmp_path / "journal.json", {}, "now", local=False)
    journal.end("one", Entry(State.FAILED, "no"))
    checks = (check("one", safe_to_continue=False), check("two"), check("three", last=True))

    assert run(tmp_path, *checks, journal=journal) == {
        "one": "failed: no",
        "two": "skipped: after the failure of one, only checks that remove resources may run",
        "three": "passed: right",
    }


@pytest.mark.parametrize(("local", "expected"), [(True, "not possible here: no queue"), (False, "passed: right")])
def test_what_is_not_possible_on_the_local_aws_is_not_run_there(tmp_path: Path, local: bool, expected: str) -> None:
    one = check("one", local_coverage=LocalCoverage.NOT_POSSIBLE, local_limit="no queue")

    assert run(tmp_path, one, local=local) == {"one": expected}


def test_a_run_that_must_stop_continues_at_the_same_check(tmp_path: Path) -> None:
    journal = new_journal(tmp_path / "journal.json", {}, "now", local=False)
    with pytest.raises(DetachedError):
        run(tmp_path, check("one"), check("two", DetachedError("later")), journal=journal)
    resumed = read_journal(journal.path)
    assert resumed is not None
    assert (resumed.running, list(resumed.entries)) == ("two", ["one"])

    assert run(tmp_path, check("one", CheckFailed("again")), check("two"), journal=resumed) == {
        "one": "passed: right",
        "two": "passed: right",
    }


@pytest.mark.parametrize(
    ("state", "last", "repeated"),
    [
        (State.PASSED, True, False),
        (State.FAILED, False, False),
        (State.WAITING, False, True),
        (State.FAILED, True, True),
        (State.SKIPPED, True, True),
    ],
)
def test_a_resumed_run_repeats_what_waits_and_an_end_that_did_not_pass(
    tmp_path: Path, state: State, last: bool, repeated: bool
) -> None:
    journal = new_journal(tmp_path / "journal.json", {}, "now", local=False)
    journal.end("one", Entry(state, "before"))
    made = check_context(tmp_path, facts=journal.facts)
    run_checks([check("one", last=last)], made, journal, lambda check, entry: None)

    assert (made.facts == {"runs": 1}) is repeated
    assert (journal.entries["one"].answer == "right") is repeated


def test_a_requirement_that_holds_is_silent_and_another_is_the_answer() -> None:
    require([1], "never said")
    with pytest.raises(CheckFailed, match=r"^nothing$"):
        require([], "nothing")
