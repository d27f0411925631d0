"""`status` prints exactly one line if git cannot tell the commits of the templates."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction import remainders
from cicd_templates.deploy.locking.holder import Holder
from cicd_templates.deploy.reporting.inventory_items import Remainder
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws, denied, missing
from tests.fakes.scripted_aws import inventory
from tests.projects.stacks import stacks_of

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")


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
            "ssm.get_parameter": missing("ParameterNotFound"),
        }
    )
    targets = [Target([KEYS], [KEYS], fake, Polling(), None)] * 2
    monkeypatch.setattr(selection, "targets", lambda **options: targets)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 0
    assert result.stderr == (
        "git cannot tell which commit each stack was deployed from: out is not in a git work tree\n"
    )
    if "--json" in words:
        assert json.loads(result.stdout)["staging"][0]["text"] == "as rendered"
    else:
        assert result.stdout == "staging\n  keys  CREATE_COMPLETE  2026-01-01 00:00  as rendered\n"


HOLDER = Holder("3f9c2a1b", "deploy", "arn:aws:iam::222222222222:user/ada", "anvil", 7, "2026-01-02 03:04:05", "0.2.0")


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (
            {"Parameter": {"Value": HOLDER.to_json()}},
            [
                "  keys  not deployed",
                "  lock  held by 3f9c2a1b  2026-01-02 03:04  make deploy by arn:aws:iam::222222222222:user/ada,"
                " process 7 on anvil",
            ],
        ),
        (
            {"Parameter": {"Value": "made by hand"}},
            ["  lock  held by made by hand  an unknown time  make ? by somebody, process 0 on an unknown machine"],
        ),
        (missing("ParameterNotFound"), ["  keys  not deployed"]),
        (denied(), ["  lock  not readable"]),
    ],
    ids=["held", "not ours", "free", "not readable"],
)
@pytest.mark.parametrize("suffix", [None, "pr7"])
def test_it_says_who_holds_the_lock_and_since_when(
    suffix: str | None, answer: Any, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = replace(KEYS, facts=KEYS.facts._replace(suffix=suffix))
    fake: Any = FakeAws({"cloudformation.describe_stacks": [{"Stacks": []}], "ssm.get_parameter": answer})
    monkeypatch.setattr(selection, "targets", lambda **options: [Target([stack], [stack], fake, Polling(), None)])
    monkeypatch.chdir(PROJECT)
    result = CliRunner().invoke(main, ["status", "--env", "staging"])

    assert result.exit_code == 0
    # Columns are as wide as their longest cell.
    shown = [re.sub(r"(?<=\S) {2,}", "  ", line) for line in result.stdout.splitlines()]
    assert [line for line in lines if line not in shown] == []
    assert ("lock" in result.stdout) == ("lock" in "".join(lines))
    assert fake.calls[-1][0] == "ssm.get_parameter"
    assert fake.calls[-1][1]["Name"].endswith("/deployment-lock")


@pytest.mark.parametrize("explained", [True, False])
def test_what_no_stack_owns_is_listed_and_fails_only_without_an_explanation(
    explained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Remainder("AWS::S3::Bucket", "shipping-staging-logs", "kept", explained=explained)]
    fake: Any = FakeAws({})
    monkeypatch.setattr(selection, "targets", lambda **options: [Target([KEYS], [KEYS], fake, Polling(), None)])
    monkeypatch.setattr(Target, "inventory", lambda target: inventory())
    monkeypatch.setattr(remainders, "list_remainders", lambda *arguments, **options: left)
    result = CliRunner().invoke(main, ["status", "--left"])

    assert "AWS::S3::Bucket shipping-staging-logs" in result.output
    assert (result.exit_code, "UNEXPLAINED" in result.output) == ((0, False) if explained else (1, True))
