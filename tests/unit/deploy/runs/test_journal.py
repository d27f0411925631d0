"""The journal: only one run at a time can open it, unfinished entries stay, and a damaged journal is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.deploy.runs.journal import ENDED, STARTED, Journal, duration_key
from cicd_templates.errors import CicdError, RefusedError
from tests.fakes.simulated_aws import EPOCH
from tests.unit.deploy.plans.test_document import PLAN


def test_what_was_begun_is_there_for_the_next_run_with_the_same_token(tmp_path: Path) -> None:
    with Journal(tmp_path, "staging").open(EPOCH) as journal:
        journal.record_proposal("p", ["a", "b"])
        journal.plan(PLAN, Path("plan.json"), PLAN.changing)
        token = journal.start("shipping-staging-storage").token
    again = Journal(tmp_path, "staging").open(EPOCH)

    (entry,) = again.unfinished
    assert (entry.token, entry.state, entry.begun, again.proposals) == (token, STARTED, True, {"p": ["a", "b"]})
    again.plan(PLAN, Path("plan.json"), PLAN.changing)
    assert again.entries[entry.stack].token == token
    assert not again.entries[entry.stack].begun
    again.end(entry.stack, "UPDATE_COMPLETE", 12.34)
    again.remove_proposal("p")
    assert again.entries[entry.stack].state == ENDED
    again.settle()
    again.close()
    with Journal(tmp_path, "staging").open(EPOCH) as last:
        assert (last.entries, last.proposals, last.durations) == ({}, {}, {duration_key(entry): 12.3})


def test_a_failed_operation_has_to_be_planned_again(tmp_path: Path) -> None:
    with Journal(tmp_path, "staging").open(EPOCH) as journal:
        journal.plan(PLAN, Path("plan.json"), PLAN.changing)
        journal.end("shipping-staging-storage", "UPDATE_ROLLBACK_COMPLETE")

        assert not journal.entries["shipping-staging-storage"].begun
        assert journal.durations == {}


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    first = Journal(tmp_path, "staging").open(EPOCH)
    with pytest.raises(
        RefusedError, match=r"another run is working on this environment \(process \d+ on .+, since 2026-01-01 00:00:00"
    ):
        Journal(tmp_path, "staging").open(EPOCH)
    Journal(tmp_path, "production").open(EPOCH).close()
    first.close()
    first.close()
    Journal(tmp_path, "staging").open(EPOCH).close()


def test_a_run_that_has_just_begun_has_no_name_yet(tmp_path: Path) -> None:
    with Journal(tmp_path, "staging").open(EPOCH):
        (tmp_path / "staging.json").write_text("")
        with pytest.raises(RefusedError, match="it has just started"):
            Journal(tmp_path, "staging").open(EPOCH)


@pytest.mark.parametrize("text", ["", "[]", '{"entries": [{}], "durations": {}}'])
def test_a_damaged_journal_is_reported_and_not_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "staging.json").write_text(text)

    with pytest.raises(CicdError, match=r"staging.json: not a valid journal of `make deploy`"):
        Journal(tmp_path, "staging").open(EPOCH)
