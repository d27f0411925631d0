"""The events of an operation are written to a file as soon as one reports a failure, and only then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis.event_file import EventFile

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def event(status: str, reason: str = "") -> ResourceEvent:
    return ResourceEvent(status, NOON, "Key", "AWS::KMS::Key", status, reason)


def test_an_operation_without_a_failure_leaves_no_file(tmp_path: Path) -> None:
    history = EventFile(tmp_path / "failures" / "keys.jsonl")
    history.add(event("CREATE_COMPLETE"))

    assert (history.path, list(tmp_path.iterdir())) == (None, [])


def test_from_the_first_failure_on_all_events_are_on_disk(tmp_path: Path) -> None:
    history = EventFile(tmp_path / "failures" / "keys.jsonl")
    written = []
    for status, reason in (("CREATE_IN_PROGRESS", ""), ("CREATE_FAILED", "no quota"), ("DELETE_COMPLETE", "")):
        history.add(event(status, reason))
        written.append(history.path and [json.loads(line)["status"] for line in history.path.read_text().splitlines()])

    assert written == [
        None,
        ["CREATE_IN_PROGRESS", "CREATE_FAILED"],
        ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_COMPLETE"],
    ]
    assert history.path
    assert json.loads(history.path.read_text().splitlines()[1]) == {
        "event_id": "CREATE_FAILED",
        "time": "2026-11-24 12:00:00+00:00",
        "logical_id": "Key",
        "resource_type": "AWS::KMS::Key",
        "status": "CREATE_FAILED",
        "reason": "no quota",
        "physical_id": "",
    }


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "failures").write_text("a file where the folder would be")
    history = EventFile(tmp_path / "failures" / "keys.jsonl")
    history.add(event("CREATE_FAILED", "no quota"))

    assert history.path is None
