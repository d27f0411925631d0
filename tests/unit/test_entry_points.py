"""`python -m cicd_templates` and `generate.py`, run as scripts inside this process."""

from __future__ import annotations

import atexit
import gc
import multiprocessing.util  # noqa: F401 - its import registers a function of its own at exit
import runpy
import signal
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, terminal
from tests.conftest import PROJECT, ROOT


@pytest.fixture(autouse=True)
def disabled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the entry points' calls to the garbage collector instead of making them."""
    calls: list[str] = []
    monkeypatch.setattr(gc, "disable", lambda: calls.append("disable"))
    monkeypatch.setattr(gc, "set_threshold", lambda objects: calls.append(f"after {objects}"))
    monkeypatch.setattr(atexit, "register", lambda function: calls.append(f"at exit {function.__name__}"))
    return calls


def test_a_traceback_is_printed_through_the_terminal_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["cicd_templates", "--version"])
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    with pytest.raises(SystemExit):
        runpy.run_module("cicd_templates", run_name="__main__")

    assert sys.excepthook is terminal.show_crash


@pytest.mark.parametrize(
    ("run", "argv", "collected"),
    [
        (
            lambda: runpy.run_module("cicd_templates", run_name="__main__"),
            ["cicd_templates", "render", "--check"],
            ["after 200000", "at exit freeze", "disable"],
        ),
        (
            lambda: runpy.run_path(str(ROOT / "generate.py"), run_name="__main__"),
            ["generate.py", "--check"],
            ["disable", "at exit freeze"],
        ),
    ],
    ids=["module", "generate.py"],
)
def test_both_ways_in_run_the_same_command(
    run: object,
    argv: list[str],
    collected: list[str],
    disabled: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", argv)
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.chdir(PROJECT)
    with pytest.raises(SystemExit) as left:
        run()  # type: ignore[operator] # a function of the table

    assert left.value.code == 0
    assert disabled == collected
    assert capsys.readouterr().out == f"out/ is up to date: {len(list((PROJECT / 'out').glob('*/*.yaml')))} stacks\n"


def test_until_the_program_is_imported_an_interruption_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[Any] = [signal.getsignal(signal.SIGINT)]

    def replace(number: int, handler: object) -> object:
        assert number == signal.SIGINT
        handlers.append(handler)
        return handlers[-2]

    monkeypatch.setattr(signal, "signal", replace)
    monkeypatch.setattr("sys.argv", ["cicd_templates", "--version"])
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    with pytest.raises(SystemExit):
        runpy.run_module("cicd_templates", run_name="__main__")

    assert handlers == [handlers[0], signal.SIG_DFL, handlers[0]]


def test_imported_they_do_nothing(disabled: list[str]) -> None:
    assert runpy.run_path(str(ROOT / "generate.py"), run_name="generate")["render"]
    assert runpy.run_module("cicd_templates.__main__")["main"]
    assert disabled == []


@pytest.mark.no_cover
def test_a_command_that_runs_in_process_leaves_the_garbage_collector_on(
    disabled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)

    assert CliRunner().invoke(main, ["render", "--check"]).exit_code == 0
    assert disabled == []


def test_other_verbs_collect_garbage_for_as_long_as_they_run(
    disabled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["cicd_templates", "outputs", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("cicd_templates", run_name="__main__")

    assert disabled == ["after 200000", "at exit freeze"]
