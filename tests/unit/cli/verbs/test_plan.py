"""`plan` on the command line: one file holds one plan, and other threads read for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.cli.verbs import plan
from cicd_templates.deploy.aws.polling import Polling
from tests.fakes.answering_aws import FakeAws
from tests.projects.stacks import stacks_of

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")


def test_one_file_cannot_hold_the_plans_of_several_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [SimpleNamespace(environment=name) for name in ("staging", "production")]
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.setattr(selection, "refuse_edited", lambda *arguments, **options: None)
    result = CliRunner().invoke(main, ["plan", "--env", "all", "--out", "x.json"])

    assert result.exit_code == 2
    assert "--out x.json can hold only one plan; name one environment with --env" in result.output


@pytest.mark.parametrize(
    ("words", "is_read_ahead", "described"),
    [
        pytest.param([], True, {1}, id="a plan"),
        pytest.param(["--layer", "keys"], True, {0, 1}, id="a plan of one layer"),
        pytest.param(["--drift"], False, {1}, id="a plan with drift"),
        pytest.param(["--revert-drift"], False, {1}, id="a plan that reverts drift"),
        pytest.param(["--preview"], False, {0}, id="a preview"),
    ],
)
def test_other_threads_read_what_a_plan_needs_at_once(
    words: list[str], is_read_ahead: bool, described: set[int], in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = FakeAws({"cloudformation.describe_stacks": [{"Stacks": []}], "ssm.get_parameters": {"Parameters": []}})
    clients: Any = aws
    target = Target([KEYS], [KEYS], clients, Polling(), None)
    planned: list[bool] = []

    def targets(opened: Any, **options: Any) -> list[Target]:
        opened(target)
        return [target]

    def preview(*_: Any, **options: Any) -> list[Any]:
        planned.append(False)
        return []

    monkeypatch.setattr(selection, "targets", targets)
    monkeypatch.setattr(Target, "plan", lambda *_, ahead, **options: planned.append(ahead is not None))
    monkeypatch.setattr(plan, "drift_of", lambda target: [])
    monkeypatch.setattr(plan, "_previews", preview)
    result = CliRunner().invoke(main, ["plan", "--env", "staging", *words])

    assert (result.exit_code, planned) == (0, [is_read_ahead])
    # Stacks that are no longer rendered are found in the same answer. With a layer, nobody waits for it here.
    assert [call for call, _ in aws.calls].count("cloudformation.describe_stacks") in described


def test_git_is_asked_while_the_targets_are_opened(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revisions: list[str] = []

    def targets(read_revision: Any, **options: Any) -> list[Target]:
        revisions.append(read_revision())
        return []

    monkeypatch.setattr("cicd_templates.deploy.releases.commits.revision", lambda folder: f"of {folder}")
    monkeypatch.setattr(selection, "targets", targets)
    result = CliRunner().invoke(main, ["plan", "--env", "staging"])

    assert (result.exit_code, revisions) == (0, [f"of {in_project}"])
