"""What is said: the same events as lines, as a terminal shows them, and as JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from cicd_templates.deploy import report
from cicd_templates.deploy.changes import Change, ChangeSet
from cicd_templates.deploy.destruction.items import Remainder
from cicd_templates.deploy.diagnose import Diagnosis
from cicd_templates.deploy.events import ResourceEvent

CHANGES = (
    Change("Modify", "Service", "AWS::ECS::Service", "False", ("DesiredCount",)),
    Change("Modify", "Targets", "AWS::ElasticLoadBalancingV2::TargetGroup", "True"),
    Change("Modify", "Role", "AWS::IAM::Role", "Conditional"),
)
UPDATE = report.Planned("service", ChangeSet("arn", "id", False, CHANGES))
CREATE = report.Planned("keys", ChangeSet("arn", "id", True, (Change("Add", "Key", "AWS::KMS::Key", ""),)))


def moved(status: str, reason: str = "") -> report.Moved:
    return report.Moved("keys", ResourceEvent("1", datetime(2026, 1, 1, tzinfo=UTC), "Key", "T", status, reason))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            report.Heading("Deploying", "staging", "222222222222", "eu-central-1", "local AWS"),
            ["", "Deploying staging: account 222222222222, eu-central-1 (local AWS)"],
        ),
        (
            report.Heading("Plan of", "staging", "2", "r", ""),
            ["", "Plan of staging: account 2, r"],
        ),
        (CREATE, ["  keys: create, 1 Add"]),
        (
            UPDATE,
            [
                "  service: update, 1 Modify, 2 Replace",
                "    Modify  Service  AWS::ECS::Service  [DesiredCount]",
                "    Modify  Targets  AWS::ElasticLoadBalancingV2::TargetGroup  REPLACED",
                "    Modify  Role  AWS::IAM::Role  maybe replaced",
            ],
        ),
        (
            report.Planned("keys", ChangeSet("arn", "id", False, ())),
            ["  keys: update, outputs or tags only"],
        ),
        (report.Unchanged("keys"), ["  keys: nothing to change"]),
        (report.Waits("cluster", ("keys", "network")), ["  cluster: waits, after keys, network"]),
        (report.Succeeded("storage", "created", 0.5, 1), ["  storage: created, 1 resource, 0.5 s"]),
        (report.Succeeded("keys", "created", 61.25, 3), ["  keys: created, 3 resources, 61.2 s"]),
        (report.broke("keys", "why"), ["  keys: FAILED: why"]),
        (
            report.broke("keys", Diagnosis("why", "out/keys.yaml:3", ("a fact",), ("mend it",))),
            ["  keys: FAILED: why", "      at out/keys.yaml:3", "      a fact", "      next: mend it"],
        ),
        (report.Note("text"), ["  text"]),
        (moved("CREATE_COMPLETE"), []),
        (moved("CREATE_FAILED", "why"), ["    CREATE_FAILED Key: why"]),
        (report.Left("staging", ()), ["  left of staging: nothing"]),
        (
            report.Left(
                "staging",
                (
                    Remainder("T", "lost", "no stack owns it", explained=False),
                    Remainder("T", "a", "retained", explained=True),
                    Remainder("T", "b", "retained", explained=True),
                ),
            ),
            [
                "  left of staging:",
                "    UNEXPLAINED: no stack owns it",
                "      T lost",
                "    retained",
                "      T a",
                "      T b",
            ],
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_an_event_in_plain_words(event: report.Event, expected: list[str]) -> None:
    stream = io.StringIO()
    report.PlainReporter(stream).report(event)

    assert stream.getvalue().splitlines() == expected


def test_a_long_operation_shows_a_sign_of_life_every_ten_seconds() -> None:
    stream = io.StringIO()
    clock = iter([0.0, 5.0, 11.0, 11.0, 15.0, 22.0, 22.0])
    plain = report.PlainReporter(stream, lambda: next(clock))
    for status in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"):
        plain.report(moved(status))

    assert stream.getvalue().splitlines() == ["    keys: CREATE_COMPLETE Key", "    keys: UPDATE_COMPLETE Key"]


def test_an_event_for_machines_names_its_kind_and_fields() -> None:
    stream = io.StringIO()
    report.JsonReporter(stream).report(moved("CREATE_COMPLETE"))

    line = json.loads(stream.getvalue())
    assert (line["kind"], line["stack"], line["event"]["status"]) == ("moved", "keys", "CREATE_COMPLETE")


def test_a_terminal_shows_a_table_that_fits_eighty_columns_and_one_live_line() -> None:
    stream = io.StringIO()
    terminal = report.TerminalReporter(Console(file=stream, width=80, force_terminal=True, color_system=None))
    for event in (UPDATE, CREATE, moved("CREATE_IN_PROGRESS"), moved("CREATE_COMPLETE"), moved("CREATE_FAILED", "why")):
        terminal.report(event)
    terminal.report(report.Succeeded("keys", "created", 1.0, 3))
    shown = stream.getvalue()

    for text in ("replacement", "maybe replaced", "keys: create, 1 Add", "CREATE_FAILED Key: why", "keys: 1 done"):
        assert text in shown
    assert "keys: created, 3 resources" in shown
    table = [line for line in shown.splitlines() if "AWS::" in line]
    assert table
    assert all(len(line) <= 80 for line in table)


@pytest.mark.parametrize(
    ("as_json", "terminal", "expected"),
    [
        (True, True, report.JsonReporter),
        (False, False, report.PlainReporter),
        (False, True, report.TerminalReporter),
    ],
)
def test_the_reporter_fits_who_reads(
    as_json: bool, terminal: bool, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)

    assert isinstance(report.reporter(as_json=as_json), expected)
