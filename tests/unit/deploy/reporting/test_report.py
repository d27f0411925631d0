"""The reports of a deployment: the same events as lines, on a terminal, and as JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis.diagnose import Diagnosis
from cicd_templates.deploy.plans.text import short
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff

CHANGES = (
    Change(
        "Modify", "Service", "AWS::ECS::Service", "False", details=(Detail("Properties", "DesiredCount", "", "1", "2"),)
    ),
    Change("Modify", "Targets", "AWS::ElasticLoadBalancingV2::TargetGroup", "True"),
    Change("Modify", "Role", "AWS::IAM::Role", "Conditional"),
    Change("Modify", "Rule", "AWS::ElasticLoadBalancingV2::ListenerRule", "False"),
)
IMPACTS = (
    Impact("safe"),
    Impact("replacement", fate="deleted"),
    Impact("replacement", False, "a role", "deleted"),
    Impact("interruption", why="another way"),
)
UPDATE = report.Planned(
    "service",
    PlannedStack(
        "shipping-staging-service",
        "service",
        "sha",
        change_set="arn",
        changes=CHANGES,
        impacts=IMPACTS,
        grants={"Role": PolicyDiff(("allow a on b",), ("allow c on d",), True)},
        findings=("warning: x at y: z",),
        longest_wait_seconds=10800.0,
    ),
)
CREATE = report.Planned(
    "keys",
    PlannedStack(
        "shipping-staging-keys",
        "keys",
        "sha",
        creates=True,
        change_set="arn",
        changes=(Change("Add", "Key", "AWS::KMS::Key"),),
        impacts=(Impact("safe"),),
        longest_wait_seconds=300.0,
    ),
)


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
        (CREATE, ["  keys: create, 1 Add, up to 5 min"]),
        (
            UPDATE,
            [
                "  service: update, 2 Modify, 1 Replace, 1 Perhaps replace, up to 3 h",
                "    Modify  Service  AWS::ECS::Service  [DesiredCount]",
                "      DesiredCount: 1 -> 2",
                "    Modify  Targets  AWS::ElasticLoadBalancingV2::TargetGroup  REPLACEMENT",
                "    Modify  Role  AWS::IAM::Role  PERHAPS REPLACEMENT",
                "      a role: deleted",
                "      now: allow a on b",
                "      no longer: allow c on d",
                "    Modify  Rule  AWS::ElasticLoadBalancingV2::ListenerRule  INTERRUPTION",
                "      another way",
                "    warning: x at y: z",
            ],
        ),
        (
            report.Planned("keys", PlannedStack("keys", "keys", "sha", change_set="arn")),
            ["  keys: update, outputs or tags only"],
        ),
        (
            report.Sealed(".state/plans/staging.json", "d", "2026-01-02 00:00 UTC", True),
            [
                "  written to .state/plans/staging.json, valid until 2026-01-02 00:00 UTC",
                "  to review it, open: .state/plans/staging.html (or, as text, staging.md)",
                "  deploy exactly this plan: make deploy PLAN=.state/plans/staging.json LOCAL=1",
                "  to execute only this plan, add DIGEST=d",
            ],
        ),
        (
            report.Sealed("p/production.json", "d", "tomorrow", True, ("storage/Logs", "keys/Key")),
            [
                "  written to p/production.json, valid until tomorrow",
                "  to review it, open: p/production.html (or, as text, production.md)",
                "  the deployment is refused unless each lost resource is allowed by name, as in the command below",
                "  deploy exactly this plan: make deploy PLAN=p/production.json ALLOW=storage/Logs,keys/Key LOCAL=1",
                "  to execute only this plan, add DIGEST=d",
            ],
        ),
        (report.Started("keys", True, 5.0), []),
        (report.Unchanged("keys"), ["  keys: nothing to change"]),
        (report.Waits("cluster", ("keys", "network")), ["  cluster: waits for keys, network"]),
        (report.Succeeded("storage", "created", 0.5, 1), ["  storage: created, 1 resource, 0.5 s"]),
        (report.Succeeded("keys", "created", 61.25, 3), ["  keys: created, 3 resources, 61.2 s"]),
        (report.Broke("keys", "why"), ["  keys: FAILED: why"]),
        (
            report.failure_event("keys", Diagnosis("why", "out/keys.yaml:3", ("a fact",), ("mend it",)), None),
            ["  keys: FAILED: why", "      at out/keys.yaml:3", "      a fact", "      next: mend it"],
        ),
        (
            report.failure_event("keys", Diagnosis("why", "out/keys.yaml:3", (), ()), Path("keys.jsonl")),
            ["  keys: FAILED: why", "      at out/keys.yaml:3", "      all its events: keys.jsonl"],
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


def test_a_terminal_shows_eighty_columns_and_a_live_line_for_each_stack_under_way() -> None:
    stream = io.StringIO()
    clock = [0.0]
    console = Console(file=stream, width=80, force_terminal=True, color_system=None)
    terminal = report.TerminalReporter(console, lambda: clock[0])
    for event in (UPDATE, report.Started("keys", True, 120.0), report.Started("network", False, None)):
        terminal.report(event)
    clock[0] = 65.0
    terminal.report(moved("CREATE_COMPLETE"))
    terminal.report(moved("CREATE_FAILED", "why"))
    live = terminal.lines()
    terminal.report(report.Broke("network", "x " * 100))
    terminal.report(report.Succeeded("keys", "created", 65.0, 3))

    assert live == ["  keys: 1 min of about 2 min, 1 done, Key CREATE_FAILED", "  network: 1 min, 0 done, "]
    assert terminal.lines() == []
    shown = stream.getvalue()
    for text in ("PERHAPS REPLACEMENT", "CREATE_FAILED Key: why", "keys: created, 3 resources", "FAILED: x x x"):
        assert text in shown
    assert all(len(line) <= 80 for line in shown.replace("\r", "\n").splitlines() if "\x1b" not in line)


def test_a_long_value_is_cut_in_a_report() -> None:
    assert short("a  b\n c") == "a b c"
    assert short("x" * 100) == "x" * 57 + "..."


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
