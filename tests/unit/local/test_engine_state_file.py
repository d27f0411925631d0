"""The file in which `make local` records the engine, and when the file is stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.local import engine_process as engines
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine


def ourselves(folder: Path) -> Engine:
    return Engine(port=1, pid=os.getpid(), folder=folder, auth=True)


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "healthy", lambda self: True)


@pytest.mark.usefixtures("healthy")
def test_a_running_engine_is_recalled(tmp_path: Path) -> None:
    path = tmp_path / ".state/local.json"
    engine_state_file.remember(ourselves(tmp_path), path)

    assert engine_state_file.recall(path) == ourselves(tmp_path)
    assert engine_state_file.required(path) == ourselves(tmp_path)
    engine_state_file.forget(path)
    assert engine_state_file.recall(path) is None


@pytest.mark.usefixtures("healthy")
def test_another_process_with_the_same_number_is_not_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    engine_state_file.remember(ourselves(tmp_path), path)
    facts = json.loads(path.read_text()) | {"started": "Thu Jan  1 00:00:00 1970"}
    path.write_text(json.dumps(facts))

    assert engine_state_file.recall(path) is None


def test_a_start_time_is_the_same_at_every_call_and_another_for_another_process() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process_started = engine_state_file.start_time(process.pid)
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)

    assert engine_state_file.start_time(os.getpid()) == engine_state_file.start_time(os.getpid()) != ""
    assert process_started not in ("", engine_state_file.start_time(os.getpid()))


@pytest.mark.usefixtures("healthy")
def test_without_proc_the_start_time_is_what_ps_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state_file, "PROC", tmp_path / "none")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, " Tue \n"))
    path = tmp_path / "local.json"
    engine_state_file.remember(ourselves(tmp_path), path)

    assert json.loads(path.read_text())["started"] == "Tue"
    assert engine_state_file.recall(path) == ourselves(tmp_path)


@pytest.mark.usefixtures("healthy")
def test_without_proc_and_ps_the_answer_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(command: list[str], **_: object) -> None:
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(engine_state_file, "PROC", tmp_path / "none")
    monkeypatch.setattr(subprocess, "run", missing)
    path = tmp_path / "local.json"
    engine_state_file.remember(ourselves(tmp_path), path)

    assert engine_state_file.recall(path) == ourselves(tmp_path)


@pytest.mark.usefixtures("healthy")
def test_an_ended_process_is_not_the_engine(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    path = tmp_path / "local.json"
    engine_state_file.remember(Engine(1, process.pid, tmp_path), path)

    assert engine_state_file.recall(path) is None
    assert engine_state_file.start_time(process.pid) == ""


def test_a_process_that_does_not_answer_is_not_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    engine_state_file.remember(ourselves(tmp_path), path)

    assert engine_state_file.recall(path) is None
    with pytest.raises(CicdError, match="start it with `make local`"):
        engine_state_file.required(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"port": "x", "pid": 1, "folder": "/", "started": ""}'])
def test_a_file_that_we_did_not_write_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "local.json"
    path.write_text(content)

    with pytest.raises(CicdError, match="not written by `make local`"):
        engine_state_file.recall(path)


def test_a_process_of_somebody_else_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert engines.alive(1)
