"""The process of the engine: the environment that it gets, and the message if it does not start."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.local import engine_process as engines
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.recorded_types import TYPES
from cicd_templates.template import cloudformation_yaml
from tests.conftest import PROJECT, ROOT

SECONDS = 60.0
ENGINE_PYTHON = ROOT / ".venv-local/bin/python"


def script(folder: Path, code: str) -> Path:
    """Write a script that replaces the engine's interpreter."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return path


def test_a_missing_environment_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CicdError, match="run `make setup-local`"):
        engines.start(python=tmp_path / "none")


def test_an_interpreter_that_cannot_run_says_how_to_make_it_again_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "python").write_text("not a program")

    with pytest.raises(CicdError, match=r"python: Permission denied; remove \.venv-local and run `make setup-local`"):
        engines.start(python=tmp_path / "python")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_interrupted_start_leaves_neither_process_nor_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    seen: list[Engine] = []

    def interrupted(engine: Engine) -> bool:
        seen.append(engine)
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "healthy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engines.start(python=script(tmp_path, "import time\ntime.sleep(60)"))
    (engine,) = seen
    assert not engines.alive(engine.pid)
    assert list((tmp_path / "temporary").iterdir()) == []


# Starts an engine, and is killed as soon as the engine's process exists. Before that, it prints its id and folder.
KILLED = """
import os, signal, sys
from pathlib import Path
from cicd_templates.local import engine_process
def kill(engine):
    print(engine.pid, engine.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
engine_process.start(python=Path(sys.argv[1]), spawned=kill)
"""


def test_an_engine_ends_if_its_starter_is_killed_before_anybody_watches_the_engine() -> None:
    starter = subprocess.run([sys.executable, "-c", KILLED, ENGINE_PYTHON], capture_output=True, text=True, check=False)
    pid, folder = starter.stdout.split()

    assert starter.returncode == -signal.SIGKILL
    deadline = time.monotonic() + SECONDS
    while (engines.alive(int(pid)) or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not engines.alive(int(pid))
    assert not Path(folder).exists()


def test_an_engine_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(CicdError, match=r"did not start; end of its log:\n  no port today"):
        engines.start(python=script(tmp_path, "print('no port today')"))


def test_an_engine_that_never_answers_is_given_up_and_stopped(tmp_path: Path) -> None:
    clock = iter([0.0, 1.0, 1000.0])
    sleeper = script(tmp_path, "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")

    with pytest.raises(CicdError, match="did not start") as caught:
        engines.start(python=sleeper, now=lambda: next(clock))
    pid = str(caught.value).split()[-1]
    assert not pid.isdigit() or not engines.alive(int(pid))


def test_nothing_of_the_callers_environment_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "SNYK_TOKEN"):
        monkeypatch.setenv(name, "secret")
    code = (
        "import os\nprint(' '.join(sorted(os.environ)), os.environ['BIND_HOST'], os.environ['AUTH'],"
        " os.environ['AWS_SECRET_ACCESS_KEY'] == 'secret')"
    )

    with pytest.raises(CicdError) as caught:
        engines.start(python=script(tmp_path, code), auth=True)
    log = str(caught.value).splitlines()[-1].split()
    assert set(log) - {"LC_CTYPE"} == {
        "AUTH", "AWS_SECRET_ACCESS_KEY", "BIND_HOST", "GATEWAY_PORT", "HOME", "LOG_LEVEL", "PATH",
        "PYTHONDONTWRITEBYTECODE", "S3_DATA_DIR", "SCHEMAS", "STATE_DIR", "TMPDIR", "127.0.0.1", "true", "False",
    }  # fmt: skip


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "STOP_SECONDS", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    folder = tmp_path / "folder"
    folder.mkdir()
    engines.stop(Engine(1, process.pid, folder, "", process))

    assert process.wait(10) == -signal.SIGKILL
    assert not folder.exists()
    process.stdout.close()


def test_stopping_what_has_ended_only_tidies_up(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    folder = tmp_path / "folder"
    folder.mkdir()
    engines.stop(Engine(1, process.pid, folder))

    assert not folder.exists()


def test_an_engine_known_by_its_number_only_is_stopped_too(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    watcher = Engine(1, process.pid, tmp_path / "none")
    # Somebody has to take the child's exit status, as its real parent would.
    os.kill(process.pid, signal.SIGTERM)
    process.wait(10)
    engines.stop(watcher)

    assert not engines.alive(process.pid)


def test_nobody_answers_on_a_closed_port(tmp_path: Path) -> None:
    assert not Engine(1, os.getpid(), tmp_path).healthy()


def test_somebody_else_on_the_port_who_does_not_speak_http_is_no_engine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not Engine(server.getsockname()[1], os.getpid(), tmp_path).healthy()
        thread.join(10)


def test_what_the_engine_was_running_ends_with_it(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20); print(1)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        engines.stop(Engine(1, process.pid, tmp_path / "none", "", process))
        # The child holds the other end, so this waits for its end; left alone it would have had something to say.
        assert process.stdout.read() == b""


def engine_types() -> set[str]:
    """Return the types that the engine itself supports, from its private table.

    The form of the table is checked, too.
    """
    code = (
        "from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as table\n"
        "assert all(isinstance(entry, dict) and callable(entry.get('create', len)) for entry in table.values())\n"
        "print('\\n'.join(name for name, entry in table.items() if 'create' in entry))"
    )
    answer = subprocess.run([ENGINE_PYTHON, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"ministack's table of handlers has changed its shape:\n{answer.stderr}"
    return set(answer.stdout.split())


def test_every_type_that_we_render_is_either_the_engines_or_recorded_and_none_is_both() -> None:
    rendered = {
        resource["Type"]
        for path in (PROJECT / "out").glob("*/*.yaml")
        for resource in cloudformation_yaml.load(path.read_text())["Resources"].values()
    }
    real = engine_types()

    assert rendered - real - TYPES.keys() == set()
    assert real & TYPES.keys() == set()


def test_a_child_that_is_known_by_its_number_only_is_ended_and_its_exit_status_taken(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    engines.stop(Engine(1, child.pid, tmp_path / "none"))

    assert not engines.alive(child.pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, os.WNOHANG)
    child.wait(10)


def test_a_reset_asks_the_engine_and_forgets_what_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def ask(engine: Engine, method: str, path: str, seconds: float) -> contextlib.nullcontext[None]:
        asked.append((method, path))
        return contextlib.nullcontext()

    monkeypatch.setattr(Engine, "_ask", ask)
    engine = Engine(1, os.getpid(), tmp_path)
    engine.record.add({"type": "AWS::EC2::EIP", "id": "e", "account": "2"})
    engine.record.start({"account": "2"})
    engine.reset()

    assert asked == [("POST", "/_ministack/reset")]
    assert (engine.record.entries(), engine.record.starts()) == ([], [])


def test_sigterm_ends_a_running_engine_as_ctrl_c_does_and_a_second_one_does_not_stop_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(Engine, "healthy", lambda engine: True)
    before, stop, stopped = signal.getsignal(signal.SIGTERM), engines.stop, []

    def interrupted_stop(engine: Engine) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        stop(engine)
        stopped.append(engine.pid)

    monkeypatch.setattr(engines, "stop", interrupted_stop)
    python = script(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(KeyboardInterrupt), engines.running(python=python) as engine:
        os.kill(os.getpid(), signal.SIGTERM)

    assert stopped == [engine.pid]
    assert not engines.alive(engine.pid)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before
