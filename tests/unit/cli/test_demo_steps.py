"""The demo fails where anything that it shows is not so."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest

from cicd_templates.cli import demo_steps, targets
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError
from cicd_templates.lint.formats import LintFinding
from tests.conftest import PROJECT
from tests.fakes.scripted_aws import inventory
from tests.unit.deploy.plans.test_document import PLAN


class Leaking(Target):
    """The staging environment, with something recorded that no stack deleted."""

    def recorded_remains(self) -> list[Remainder]:
        return [Remainder("T", "lost", "recorded", explained=False)]


STAGING = read_stacks(PROJECT / "out/staging")
TARGET = Leaking(STAGING, STAGING, local_clients("http://127.0.0.1:1", "2", "r", "secret"), Polling(), None)


def test_a_finding_of_cfn_lint_fails_it(in_project: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_steps, "lint_templates", lambda paths: [LintFinding("out/x.yaml", 1, "E1", "wrong")])

    with pytest.raises(CicdError, match=r"cfn-lint has findings:\n  out/x.yaml:1: E1 wrong"):
        demo_steps.run()


def test_a_second_deployment_that_would_change_something_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "plan", lambda *arguments: PLAN)

    with pytest.raises(CicdError, match="staging: a second deployment would change something"):
        demo_steps._require_no_change([TARGET])


def test_something_left_unexplained_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Target, "inventory", lambda target: inventory())
    monkeypatch.setattr(Target, "refuse_destruction", lambda target, found: None)
    monkeypatch.setattr(targets, "destroy", lambda clients, found, polling, reporter, also_left, **lock: also_left())
    unlocked = SimpleNamespace(require_held=lambda: None)
    monkeypatch.setattr(EnvironmentLock, "held", lambda lock, *holder: contextlib.nullcontext(unlocked))

    with pytest.raises(CicdError, match="staging: something unexplained is left"):
        demo_steps._destroy([TARGET])
    assert "UNEXPLAINED: recorded" in capsys.readouterr().out
