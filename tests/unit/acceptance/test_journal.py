"""What a run remembers, and what a damaged journal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.acceptance.check import State
from cicd_templates.acceptance.journal import Entry, new_journal, read_journal
from cicd_templates.errors import CicdError


def test_a_run_continues_with_what_was_remembered(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    journal = new_journal(path, {"tools": "111111111111 eu-central-1"}, "2026-01-01T00:00:00", local=True)
    journal.facts["certificates"] = {"staging": "arn"}
    journal.begin("doctor")
    begun = read_journal(path)
    journal.end("doctor", Entry(State.PASSED, "nothing to fix", 1.5, "2026-01-01T00:00:01"))

    assert begun is not None
    assert (begun.running, begun.entries) == ("doctor", {})
    assert read_journal(path) == journal
    assert journal.suffix.isalpha()
    assert len(journal.suffix) == 5
    journal.remove()
    assert read_journal(path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "entries": {"a": {"state": "odd"}}}'])
def test_a_file_that_is_no_journal_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "journal.json"
    path.write_text(text)

    with pytest.raises(
        CicdError, match=r"another version of `make acceptance` wrote this file; .* then remove the file"
    ):
        read_journal(path)
