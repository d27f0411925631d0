"""`local` starts an engine only if none is running, and `local-stop` stops the running one."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.local import engine_process, engine_state_file

ENGINE = SimpleNamespace(url="http://127.0.0.1:4566", pid=7)
Calls = list[tuple[str, object]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what the commands did, on a machine without a running engine."""
    made: Calls = []
    monkeypatch.setattr(engine_state_file, "recall", lambda: None)
    monkeypatch.setattr(engine_state_file, "remember", lambda engine: made.append(("remember", engine)))
    monkeypatch.setattr(engine_state_file, "forget", lambda: made.append(("forget", None)))
    monkeypatch.setattr(engine_process, "start", lambda: ENGINE)
    monkeypatch.setattr(engine_process, "stop", lambda engine: made.append(("stop", engine)))
    return made


def test_an_engine_is_started_and_remembered(calls: Calls) -> None:
    result = CliRunner().invoke(main, ["local"])

    assert (result.exit_code, calls) == (0, [("remember", ENGINE)])
    assert result.output == (
        "the local AWS is running at http://127.0.0.1:4566 (process 7); stop it with `make local-stop`\n"
    )


def test_an_engine_that_is_running_is_not_started_again(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state_file, "recall", lambda: ENGINE)
    result = CliRunner().invoke(main, ["local"])

    assert (result.exit_code, calls) == (0, [])
    assert result.output == "the local AWS is running already at http://127.0.0.1:4566 (process 7)\n"


def test_the_engine_that_is_running_is_stopped_and_forgotten(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_state_file, "recall", lambda: ENGINE)
    result = CliRunner().invoke(main, ["local-stop"])

    assert (result.exit_code, calls) == (0, [("forget", None), ("stop", ENGINE)])
    assert result.output == "stopped the local AWS (process 7)\n"


def test_where_no_engine_is_running_nothing_is_stopped(calls: Calls) -> None:
    result = CliRunner().invoke(main, ["local-stop"])

    assert (result.exit_code, calls) == (0, [("forget", None)])
    assert result.output == "no local AWS is running\n"


def test_sigterm_interrupts_the_start_of_an_engine_as_ctrl_c_does(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "start", lambda: os.kill(os.getpid(), signal.SIGTERM))
    result = CliRunner().invoke(main, ["local"])

    assert (result.exit_code, calls, result.output.strip()) == (1, [], "Aborted!")
