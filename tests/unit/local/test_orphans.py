from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.local.orphans import WATCH, close_pipes, prevented

SECONDS = 10.0

# Starts a shell with a child in a group of its own, prints both ids, and waits.
OWNER = """
import subprocess, sys, time
from pathlib import Path
from cicd_templates.local.orphans import prevented
shell = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True)
with prevented(shell.pid, *map(Path, sys.argv[1:])):
    print(shell.pid, int(shell.stdout.readline()), flush=True)
    time.sleep(60)
"""

# Does the same in a thread, while a forked child goes on. Prints the id of the child as well.
FORKING = """
import os, subprocess, sys, threading, time
from pathlib import Path
from cicd_templates.local.orphans import prevented
shell = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True)
def block():
    with prevented(shell.pid, Path(sys.argv[1])):
        if not (child := os.fork()):
            time.sleep(60)
            os._exit(0)
        print(shell.pid, int(shell.stdout.readline()), child, flush=True)
        time.sleep(60)
threading.Thread(target=block).start()
"""
# The first attempt to remove the folder fails, as when a process that is being killed creates a file meanwhile. The
# second one comes after a hundredth of a second.
FAILS_ONCE = (
    'failed=""; rm() { [ "$failed" ] && command rm "$@" || { failed=1; return 1; }; }; '
    "sleep() { command sleep 0.01; }; "
)


def holds(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds. Return whether it does."""
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def running(pid: int) -> bool:
    """Return whether the process runs. A process that has ended remains until a parent has read its exit status."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() not in ("", "Z", "Zs")


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("name", [None, "data", "a folder; with 'odd' $(letters)"])
def test_a_killed_process_leaves_neither_its_processes_nor_its_folder(
    tmp_path: Path, name: str | None, signal_number: int
) -> None:
    folders = [] if name is None else [tmp_path / name]
    for folder in folders:
        folder.mkdir()
        (folder / "file").touch()
    neighbour = tmp_path / "neighbour"
    neighbour.mkdir()
    owner = subprocess.Popen([sys.executable, "-c", OWNER, *map(str, folders)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner, owner.stdout:
        shell, child = map(int, owner.stdout.readline().split())
        assert running(shell)
        assert running(child)
        owner.send_signal(signal_number)
        owner.wait()

    assert holds(lambda: not running(shell) and not running(child))
    assert holds(lambda: not any(folder.exists() for folder in folders))
    assert neighbour.exists()


def test_the_end_of_the_block_kills_and_removes_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        with prevented(process.pid, tmp_path):
            pass
        with pytest.raises(ZeroDivisionError), prevented(process.pid, tmp_path):
            1 / 0  # noqa: B018
        assert process.poll() is None
        assert tmp_path.exists()
        process.kill()


def test_the_end_of_the_block_does_not_fail_if_the_watcher_has_been_killed(tmp_path: Path) -> None:
    # The local AWS of other tests can have watchers as well.
    before = set(watchers())
    with prevented(os.getpid(), tmp_path):
        # For a moment, ps does not know the arguments of a program that has just started.
        assert holds(lambda: bool(set(watchers()) - before))
        (watcher,) = set(watchers()) - before
        os.kill(watcher, signal.SIGKILL)
        assert holds(lambda: not running(watcher))
    assert tmp_path.exists()


def test_a_forked_child_that_goes_on_does_not_hide_that_its_parent_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    owner = subprocess.Popen([sys.executable, "-c", FORKING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner, owner.stdout:
        shell, child, forked = map(int, owner.stdout.readline().split())
        owner.kill()
        owner.wait()
    try:
        assert holds(lambda: not running(shell) and not running(child))
        assert holds(lambda: not folder.exists())
        assert running(forked)
    finally:
        os.kill(forked, signal.SIGKILL)


def test_a_forked_child_can_leave_the_block_although_its_pipes_are_closed() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process, prevented(process.pid):
        close_pipes()
        # No parent has the pipe here, so the watcher acts.
        assert process.wait(SECONDS) == -signal.SIGKILL


def interrupted() -> None:
    """Raise `KeyboardInterrupt`, and once more while the first one is handled."""
    try:
        raise KeyboardInterrupt
    finally:
        raise KeyboardInterrupt


def test_a_second_interruption_of_the_cleaning_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        with pytest.raises(KeyboardInterrupt), prevented(process.pid, folder):
            interrupted()
        assert process.wait(SECONDS) == -signal.SIGKILL
    assert not folder.exists()


def test_a_folder_that_cannot_be_removed_at_once_is_removed_a_moment_later(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        command = ["/bin/sh", "-c", FAILS_ONCE + WATCH, "sh", str(process.pid), str(folder)]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SECONDS, check=True)
        assert process.wait(SECONDS) == -signal.SIGKILL
    assert not folder.exists()


def watchers() -> list[int]:
    """Return the ids of the watchers that this process has started."""
    found = subprocess.run(["ps", "-ww", "-eo", "ppid=,pid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in found.splitlines()]
    return [int(pid) for parent, pid, command in rows if int(parent) == os.getpid() and WATCH in command]
