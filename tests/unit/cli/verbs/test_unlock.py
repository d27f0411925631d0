"""The command `unlock` shows who holds the lock, and removes the lock only if the holder's id is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.locking.holder import Holder
from tests.conftest import PROJECT
from tests.fakes.simulated_aws import EPOCH, SimulatedAws

PARAMETER = "/shipping/staging/deployment-lock"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    aws: Any = SimulatedAws()
    stacks = read_stacks(PROJECT / "out/staging")
    target = Target(stacks, stacks, aws, aws.clock.polling(), None, state=tmp_path)
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    return aws


def test_a_lock_is_removed_by_the_name_of_its_holder_alone(aws: SimulatedAws) -> None:
    holder = replace(Holder.here("deploy", "arn:me", EPOCH), host="elsewhere")
    aws.values[PARAMETER] = holder.to_json()

    for words in ([], ["--holder", "other"]):
        refused = CliRunner().invoke(main, ["unlock", "--env", "staging", *words])
        assert refused.exit_code == 3
        assert f"staging is locked by {holder}" in refused.output
        assert f"make unlock ENV=staging HOLDER={holder.id}" in refused.output
    removed = CliRunner().invoke(main, ["unlock", "--env", "staging", "--holder", holder.id])
    assert (removed.exit_code, removed.output) == (0, f"staging: removed the lock of {holder}\n")
    again = CliRunner().invoke(main, ["unlock", "--env", "staging"])
    assert (again.exit_code, again.output, aws.values) == (0, "staging: is not locked\n", {})
