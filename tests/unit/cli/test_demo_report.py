"""The lines that the demo shows about an environment, and those that it keeps for the file."""

from __future__ import annotations

import pytest

from cicd_templates.cli.demo_report import DemoReporter
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Broke, Left, Note, Started, Succeeded


def test_an_environment_is_one_line_and_every_event_is_kept() -> None:
    reporter, under_way = DemoReporter(), list[str]()
    reporter.note("wrote out/staging/keys.yaml")
    reporter.begin(under_way.append)
    reporter.report(Started("keys", creates=True, expected_seconds=None))
    reporter.report(Succeeded("keys", "created", 1.0, 3))
    reporter.report(Succeeded("network", "created", 1.0, 20))

    assert under_way == ["keys"]
    assert reporter.summary("staging") == "     staging        2 stacks created, 23 resources"
    assert reporter.text.splitlines() == [
        "wrote out/staging/keys.yaml",
        "  keys: created, 3 resources, 1.0 s",
        "  network: created, 20 resources, 1.0 s",
    ]


def test_each_environment_is_counted_anew() -> None:
    reporter = DemoReporter()
    reporter.report(Succeeded("keys", "created", 1.0, 3))
    reporter.begin(lambda stack: None)
    reporter.report(Succeeded("keys", "deleted", 1.0, 1))
    reporter.report(Left("a", (Remainder("AWS::KMS::Key", "k", "KMS deletes the key", explained=True),)))

    assert reporter.summary("a") == "     a              1 stack deleted, 1 resource; 1 left, explained"


def test_a_failure_is_shown_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = DemoReporter()
    reporter.report(Note("a note"))
    reporter.report(Broke("keys", "access denied"))

    assert capsys.readouterr().out == "  keys: FAILED: access denied\n"
    assert reporter.text == "  a note\n  keys: FAILED: access denied\n"
