"""The output of `doctor`, and that it fails if there is something to fix."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.deploy import doctor as examination
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.doctor.checks import Check
from tests.conftest import PROJECT

WELL = Check("region", "eu-central-1 is enabled")
UNREAD = Check("quotas", "not readable: AccessDenied", read=False)
ILL = Check("secrets", "snyk-token has no value", fix="make secret NAME=snyk-token\nor remove the check")


def doctor(monkeypatch: pytest.MonkeyPatch, in_project: object, checks: list[Check], *words: str) -> Result:
    stacks = read_stacks(PROJECT / "out/staging")
    target = SimpleNamespace(environment="staging", clients=None, stacks=stacks)
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    monkeypatch.setattr(examination, "examine", lambda examined: iter(checks))
    return CliRunner().invoke(main, ["doctor", "--env", "staging", *words])


def test_each_check_is_a_line_and_what_fixes_it_stands_below(
    monkeypatch: pytest.MonkeyPatch, in_project: object
) -> None:
    result = doctor(monkeypatch, in_project, [WELL, UNREAD, ILL])

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "staging",
        "  ok   region: eu-central-1 is enabled",
        "  ?    quotas: not readable: AccessDenied",
        "  fix  secrets: snyk-token has no value",
        "       make secret NAME=snyk-token",
        "       or remove the check",
    ]
    assert result.stderr == "error: 1 to fix before deploying\n"


def test_a_machine_reads_json_and_where_all_is_well_the_exit_code_is_zero(
    monkeypatch: pytest.MonkeyPatch, in_project: object
) -> None:
    result = doctor(monkeypatch, in_project, [WELL], "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "staging": [{"subject": "region", "finding": "eu-central-1 is enabled", "fix": "", "read": True}]
    }
