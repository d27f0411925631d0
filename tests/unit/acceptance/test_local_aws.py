"""The local AWS of a run: started with IAM, found again, and stopped once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.acceptance import local_aws
from cicd_templates.local.engine_process import Engine
from tests.unit.acceptance.bench import bench


def test_the_local_aws_of_a_run_enforces_iam_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(1, 1, tmp_path, auth=True)
    known: list[Engine] = []
    stopped: list[Engine] = []
    monkeypatch.setattr(
        "cicd_templates.local.engine_process.start",
        lambda *, python, auth, tls: engine if (auth, tls) == (True, True) else None,
    )
    monkeypatch.setattr("cicd_templates.local.engine_process.stop", stopped.append)
    monkeypatch.setattr("cicd_templates.local.engine_state_file.recall", lambda path: next(iter(known), None))
    project = bench(tmp_path).project

    assert local_aws.find(project) is None
    known.append(local_aws.start(project, tmp_path / "venv/bin/python"))
    assert project.engine_file.is_file()
    assert local_aws.find(project) == engine
    assert (project.folder / ".venv-local").readlink() == tmp_path / "venv"
    local_aws.stop(project)
    known.clear()
    local_aws.stop(project)
    assert stopped == [engine]
    assert not project.engine_file.exists()
