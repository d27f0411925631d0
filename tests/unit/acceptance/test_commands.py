"""Commands run as processes of their own: their folder, their variables, their codes, and the lock that they keep."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cicd_templates.acceptance.commands import Answer, CommandFailed, Commands
from cicd_templates.acceptance.journal import locked
from cicd_templates.errors import DetachedError, RefusedError
from tests.conftest import ROOT


def commands(folder: Path, **options: bool | int | None) -> Commands:
    return Commands(folder, ROOT, "abcde", local=bool(options.get("local")), held=options.get("held"))


def test_a_command_runs_in_the_folder_with_the_layers_of_the_tool(tmp_path: Path) -> None:
    answer = commands(tmp_path).run("render", expected=(2,))

    assert "templates/environments.toml" in answer.errors


def test_another_exit_code_than_expected_is_a_failure_with_the_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CICD_TEMPLATES_ENV", "from-outside")
    with pytest.raises(CommandFailed, match="`deploy-policy` ended with 2: error: which environment"):
        commands(tmp_path).run("deploy-policy")


@pytest.mark.parametrize(("local", "words"), [(True, ["--local"]), (False, [])])
def test_a_command_on_an_environment_names_the_copy_and_the_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool, words: list[str]
) -> None:
    typed: list[list[str]] = []

    class Done:
        returncode = 0

        def __init__(self, command: list[str], **options: object) -> None:
            typed.append(command)

        def communicate(self) -> tuple[str, str]:
            return "", ""

    monkeypatch.setattr("subprocess.Popen", Done)
    commands(tmp_path, local=local).on("drift", "staging", "--json")

    assert typed[0][3:] == ["drift", "--env", "staging", "--suffix", "abcde", *words, "--json"]


def test_a_command_that_stopped_while_aws_continues_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Done:
        returncode = 75

        def communicate(self) -> tuple[str, str]:
            return "a\nb", "still running"

    monkeypatch.setattr("subprocess.Popen", lambda *arguments, **options: Done())
    with pytest.raises(DetachedError, match="a / b / still running"):
        commands(tmp_path).run("deploy")
    assert commands(tmp_path).run("deploy", expected=(75,)) == Answer(75, "a\nb", "still running")


def test_a_command_gets_the_given_credentials_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []

    class Done:
        returncode = 0

        def __init__(self, command: list[str], *, env: dict[str, str], **options: object) -> None:
            given.append({name: value for name, value in env.items() if name.startswith("AWS_")})

        def communicate(self) -> tuple[str, str]:
            return "", ""

    monkeypatch.setattr("subprocess.Popen", Done)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_CONFIG_FILE", "config")
    keys = {"AccessKeyId": "AKIA", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": "now"}
    commands(tmp_path).on("deploy", "staging", credentials=keys)
    commands(tmp_path).on("deploy", "staging")

    variables = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    assert given == [
        variables | {"AWS_CONFIG_FILE": "config"},
        {"AWS_PROFILE": "mine", "AWS_CONFIG_FILE": "config"},
    ]


CLEANING = """
import pathlib, signal, sys, time
try:
    pathlib.Path("began").touch()
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.3)
    pathlib.Path("cleaned").touch()
    sys.exit("took the change back")
"""
INTERRUPTED = """
import pathlib
from cicd_templates.acceptance.commands import Commands
from cicd_templates.cli.selection import detaching
with detaching():
    Commands(pathlib.Path.cwd(), pathlib.Path("tool").absolute(), "abcde", local=False).run("deploy")
"""


@pytest.mark.parametrize(
    ("signal_number", "whole_group"),
    [
        pytest.param(signal.SIGINT, True, id="Ctrl-C in a terminal"),
        pytest.param(signal.SIGINT, False, id="SIGINT"),
        pytest.param(signal.SIGTERM, False, id="SIGTERM"),
    ],
)
def test_an_interrupted_run_interrupts_its_command_once_and_waits_for_it(
    tmp_path: Path, signal_number: int, whole_group: bool
) -> None:
    package = tmp_path / "tool/cicd_templates"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(CLEANING)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "began").exists():
        assert process.poll() is None
        time.sleep(0.01)
    (os.killpg if whole_group else os.kill)(process.pid, signal_number)
    _, errors = process.communicate()

    assert (tmp_path / "cleaned").exists()
    assert "DetachedError: `deploy` was interrupted: took the change back" in errors


@pytest.mark.parametrize("fails", [False, True])
def test_an_interrupt_while_a_command_begins_reaches_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    sent: list[int] = []

    class Beginning:
        returncode = 1

        def __init__(self, command: list[str], **options: object) -> None:
            signal.raise_signal(signal.SIGINT)
            if fails:
                raise FileNotFoundError("no such program")

        def send_signal(self, number: int) -> None:
            sent.append(number)

        def communicate(self) -> tuple[str, str]:
            return "stopped in good order", ""

    monkeypatch.setattr("subprocess.Popen", Beginning)
    with pytest.raises(KeyboardInterrupt if fails else DetachedError, match=None if fails else "stopped in good order"):
        commands(tmp_path).run("deploy")
    assert sent == ([] if fails else [signal.SIGINT])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_passed_on_to_the_command_whose_last_lines_say_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[object] = []

    class Process:
        returncode = 75

        def communicate(self) -> tuple[str, str]:
            events.append("waits")
            if len(events) == 1:
                raise KeyboardInterrupt
            return "took the lock back", ""

        def send_signal(self, number: int) -> None:
            events.append(number)

    monkeypatch.setattr("subprocess.Popen", lambda *arguments, **options: Process())
    with pytest.raises(DetachedError, match="`deploy` was interrupted: took the lock back"):
        commands(tmp_path).run("deploy", expected=(75,))
    assert events == ["waits", signal.SIGINT, "waits"]


def test_the_lock_of_a_run_is_free_only_when_its_commands_have_ended_too(tmp_path: Path) -> None:
    with locked(tmp_path) as held:
        assert commands(tmp_path, held=held).run("--version").code == 0
        with pytest.raises(RefusedError, match="is still running"), locked(tmp_path):
            pass
    with locked(tmp_path) as held:
        fcntl.flock(held, fcntl.LOCK_UN)
