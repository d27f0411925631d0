"""A session that expires while a command works."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks.sessions import expire
from cicd_templates.acceptance.commands import Answer
from tests.unit.acceptance.check_context import check_context

KEYS = {"AccessKeyId": "A" * 16, "SecretAccessKey": "secret", "SessionToken": "token"}
ENDED = Answer(
    75, "", "  plan  5 stacks\nerror: the default credentials: the credentials have expired; sign in again\n"
)
ROLE = "arn:aws:iam::222222222222:role/deployer"


def context(folder: Path, *deployed: Answer, plan: int = 0) -> Any:
    made: Any = None

    def assume(**request: Any) -> Any:
        assert (request["RoleArn"], request["DurationSeconds"]) == (ROLE, 900)
        return {"Credentials": {**KEYS, "Expiration": datetime.fromtimestamp(made.clock() + 900, UTC)}}

    answers = list(deployed)
    made = check_context(
        folder,
        {"deploy": lambda *words: answers.pop(0), "plan": Answer(plan, "")},
        {"sts.assume_role": assume},
        facts={"settings": {"roles": {"staging": ROLE}}},
    )
    return made


def test_the_same_command_continues_after_the_session_has_expired(tmp_path: Path) -> None:
    made = context(tmp_path, ENDED, Answer(0, ""))
    began = made.clock()

    assert expire(made) == (
        "the command ended with the exit code 75 and one error line; with fresh credentials, the same command finished"
    )
    assert made.clock() - began == 875, "the command has 25 seconds"
    first, second = made.commands.credentials
    assert ({name: first[name] for name in KEYS}, second) == (KEYS, None)
    assert made.facts["settings"]["sessions"] == []
    assert ROLE in (tmp_path / "templates/environments.toml").read_text()


def test_an_interrupted_attempt_takes_its_change_back_so_that_there_is_one_to_make(tmp_path: Path) -> None:
    made = context(tmp_path, Answer(0, ""), ENDED, Answer(0, ""))
    made.facts["session began"] = True

    assert expire(made).startswith("the command ended with the exit code 75")
    deployed = [words.split()[0] for words in made.commands.typed]
    assert deployed[:4] == ["render", "deploy", "render", "deploy"]
    assert [keys is not None for keys in made.commands.credentials] == [False, True, False]


@pytest.mark.parametrize(
    ("first", "plan", "problem"),
    [
        pytest.param(Answer(0, ""), 0, "inconclusive: the command ended before its session expired", id="too fast"),
        pytest.param(Answer(1, "", "error: ExpiredToken"), 0, "exit code 1 instead of 75: error: Exp", id="its code"),
        pytest.param(Answer(75, "", "Traceback\nerror: expired"), 0, "not one clear line: Traceback", id="traceback"),
        pytest.param(Answer(75, "", "error: a\nerror: b"), 0, "not one clear line: error: a", id="two lines"),
        pytest.param(ENDED, 4, "staging still has changes", id="not continued"),
    ],
)
def test_a_session_that_ends_a_command_in_another_way_is_a_failure(
    tmp_path: Path, first: Answer, plan: int, problem: str
) -> None:
    made = context(tmp_path, first, Answer(0, ""), plan=plan)

    with pytest.raises(CheckFailed, match=problem):
        expire(made)
    assert made.facts["settings"]["sessions"] == [], "later commands have their role again"
