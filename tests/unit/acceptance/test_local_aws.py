"""The local AWS of a run: started with IAM, found again, and stopped once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.acceptance import local_aws
from cicd_templates.local.engine_process import Engine
from tests.unit.acceptance.check_context import check_context


def test_the_local_aws_of_a_run_enforces_iam_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(1, 1, tmp_path, auth=True)
    answers: list[Engine | None] = []
    stopped: list[Engine] = []

    def start(*, python: Path, auth: bool, tls: bool, spawned: Callable[[Engine], None]) -> Engine:
        assert (auth, tls) == (True, True)
        spawned(engine)
        return engine

    monkeypatch.setattr("cicd_templates.local.engine_process.start", start)
    monkeypatch.setattr("cicd_templates.local.engine_process.stop", stopped.append)
    monkeypatch.setattr(
        "cicd_templates.local.engine_state_file.recall", lambda path: answers.pop(0) if answers else None
    )
    monkeypatch.setattr(local_aws, "PAUSE_SECONDS", 0)
    project = check_context(tmp_path).project

    assert local_aws.find(project) is None
    local_aws.start(project, tmp_path / "venv/bin/python")
    assert (project.folder / ".venv-local").readlink() == tmp_path / "venv"
    answers += [None, engine]
    assert local_aws.find(project) == engine
    assert local_aws.find(project) is None, "it has stopped"
    answers.append(engine)
    local_aws.stop(project)
    local_aws.stop(project)
    assert stopped == [engine]
    assert not project.engine_file.exists()
