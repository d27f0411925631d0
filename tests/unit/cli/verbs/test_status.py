"""`status` on the command line: one line, and only one, where git cannot be asked for the commits of the templates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws

KEYS = next(stack for stack in read_stacks(PROJECT / "out/staging") if stack.layer == "keys")


@pytest.mark.parametrize("words", [["status"], ["status", "--json"]])
def test_where_git_does_not_answer_the_reason_is_told_once(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = {
        "StackName": KEYS.name,
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
    }
    fake: Any = FakeAws(
        {
            "cloudformation.describe_stacks": [{"Stacks": [described]}],
            "cloudformation.get_template": {"TemplateBody": KEYS.text},
        }
    )
    targets = [Target([KEYS], [KEYS], fake, Polling(), None)] * 2
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 0
    assert result.stderr == ("git could not be asked which commit each stack runs: out is not in a git work tree\n")
    if "--json" in words:
        assert json.loads(result.stdout)["staging"][0]["text"] == "as rendered"
    else:
        assert result.stdout == "staging\n  keys  CREATE_COMPLETE  2026-01-01 00:00  as rendered\n"
