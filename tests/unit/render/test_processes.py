"""Work on many stacks is done in forked processes, in order, and a failure is reported in one clear line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from unittest import mock

import pytest

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.render import processes
from cicd_templates.render.processes import begin, call, map_in_processes, process_count


def doing(item: int) -> str:
    return f"work on {item}"


@pytest.mark.parametrize(
    ("stacks", "cores", "count"),
    [
        pytest.param(149, 4, 1, id="few stacks"),
        pytest.param(150, 4, 4, id="many stacks"),
        pytest.param(150, 64, 8, id="many cores"),
    ],
)
def test_many_stacks_are_worth_a_process_for_each_core(stacks: int, cores: int, count: int) -> None:
    assert process_count(stacks, cores) == count


def test_the_cores_are_those_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert process_count(1000) == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert process_count(1000) == 1


def test_without_fork_one_process_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert process_count(1000, 2) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_results_have_the_order_of_their_items(count: int) -> None:
    # A forked process has the function and the items already, so they need not be picklable.
    items = [lambda number=number: number for number in range(50)]
    assert list(map_in_processes(lambda item: item() * count, items, count, lambda item: "")) == [
        number * count for number in range(50)
    ]


def test_one_item_needs_no_process() -> None:
    assert list(map_in_processes(lambda item: os.getpid(), [1], 2, doing)) == [os.getpid()]
    assert os.getpid() not in map_in_processes(lambda item: os.getpid(), [1, 2], 2, doing)


def test_a_killed_process_is_one_line() -> None:
    message = (
        r"^one of 2 processes was killed, so this command could not work on \d; if memory is short, close"
        r" other "
    )
    with pytest.raises(CicdError, match=message):
        list(map_in_processes(lambda item: os.kill(os.getpid(), signal.SIGKILL), range(3), 2, doing))


def test_an_error_in_a_process_is_the_same_error() -> None:
    def wrong(item: int) -> None:
        raise ConfigurationError(f"{item} is wrong")

    with pytest.raises(ConfigurationError, match=r"^0 is wrong$"):
        list(map_in_processes(wrong, range(3), 2, doing))


def test_a_process_keeps_its_work_and_ignores_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    ignored: list[object] = []
    monkeypatch.setattr(signal, "signal", lambda *arguments: ignored.append(arguments))
    monkeypatch.setattr(processes, "_work", [])
    monkeypatch.setattr(processes, "end_after", lambda parent: None)
    begin(str.upper, ["text", "other"])

    assert call(1) == "OTHER"
    assert ignored == [(signal.SIGINT, signal.SIG_IGN)]


def test_a_process_ends_after_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []
    monkeypatch.setattr(os, "_exit", steps.append)
    parent = mock.Mock(join=lambda: steps.append("the parent has ended"))
    processes.end_after(parent)

    assert steps == ["the parent has ended", 1]


# Each process prints its id, and gives a result once all have. The parent waits after the first result.
OWNER = """
import multiprocessing, os, time
from cicd_templates.render.processes import map_in_processes
begun = multiprocessing.get_context("fork").Barrier(3)
def work(item):
    os.write(1, f"{os.getpid()}\\n".encode())
    begun.wait(60)
for result in map_in_processes(work, [1, 2, 3], 3, str):
    os.write(1, b"first\\n")
    time.sleep(60)
"""


def test_no_process_remains_after_its_parent_was_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner, owner.stdout:
        pids = {int(line) for line in iter(owner.stdout.readline, "first\n")}
        assert len(pids) == 3
        owner.kill()
        # The pipe ends when no process has it anymore.
        owner.communicate(timeout=20)
