"""The output of `recover` for people and for programs, also if there is nothing to do."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from tests.unit.deploy.recovery.test_unsettled_stacks import KEYS, aws, described, resource


def recover(monkeypatch: pytest.MonkeyPatch, fake: Any, *words: str) -> Result:
    target = SimpleNamespace(
        environment="staging",
        clients=fake,
        stacks=[KEYS],
        chosen=[KEYS],
        claims=dict,
        command=lambda verb: f"make {verb} ENV=staging",
    )
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    return CliRunner().invoke(main, ["recover", "--env", "staging", *words])


def test_an_unsettled_stack_is_listed_with_reason_place_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = aws(described("UPDATE_ROLLBACK_FAILED"), resource("Key", "UPDATE_FAILED", "gone"))
    result = recover(monkeypatch, fake)

    assert result.exit_code == 1
    first, cause, place, settle, stuck, command, last = result.stdout.splitlines()[1:]
    assert first.startswith("  keys: UPDATE_ROLLBACK_FAILED: an update failed and could not be rolled back")
    assert cause == "      Key (AWS::S3::Bucket): it broke"
    assert place.startswith(f"      at {KEYS.path}:")
    assert settle.startswith("      next: aws cloudformation continue-update-rollback ")
    assert stuck.startswith("      Key (AWS::KMS::Key) is UPDATE_FAILED at ")
    assert command.startswith("    aws cloudformation continue-update-rollback ")
    assert last.endswith(" --resources-to-skip Key")
    assert result.stderr == "error: 1 problem to repair by hand; this command changed nothing\n"


def test_a_machine_gets_the_same_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = aws(described("UPDATE_ROLLBACK_FAILED"), resource("Key", "UPDATE_FAILED", "gone"))
    result = recover(monkeypatch, fake, "--json")

    (only,) = json.loads(result.stdout)["staging"]
    assert (only["stack"], only["state"], result.exit_code) == ("keys", "UPDATE_ROLLBACK_FAILED", 1)
    assert only["diagnosis"]["reason"] == "Key (AWS::S3::Bucket): it broke"


def test_the_exit_code_is_zero_if_no_stack_needs_a_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    settled = recover(monkeypatch, aws(described("UPDATE_COMPLETE"), resource("Key", "CREATE_COMPLETE")))
    assert (settled.exit_code, settled.stdout) == (0, "staging: no stack needs a repair\n")

    unseen = aws(described("UPDATE_COMPLETE", "NOT_CHECKED"), resource("Key", "CREATE_COMPLETE"))
    assert recover(monkeypatch, unseen).stdout.splitlines()[-1] == (
        "  drift was never checked; `make drift ENV=staging` checks it"
    )
