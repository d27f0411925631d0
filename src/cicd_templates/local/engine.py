"""Starts, watches and stops the engine: one subprocess on a free port of 127.0.0.1, with a folder of its own.

Nothing of the caller's environment reaches it, because the functions that it runs inherit what it has: a developer's
credentials and proxies must not be among that.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.local.recorded import Record

HOST = "127.0.0.1"
READY_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
LOG_FILE = "engine.log"
LOG_LINES = 15
LAUNCHER = Path(__file__).with_name("launcher.py")
DEFAULT_PYTHON = Path(".venv-local/bin/python")


@dataclass(frozen=True)
class Engine:
    """A running engine. `folder` is private to it and goes with it."""

    port: int
    pid: int
    folder: Path
    # The handle of the one who started it; another process knows it by its id only.
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False, repr=False)

    @property
    def url(self) -> str:
        """Where every AWS service of it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def record(self) -> Record:
        """What it has only recorded."""
        return Record(self.folder)

    def healthy(self) -> bool:
        """Whether it answers. Never raises."""
        try:
            with _open(f"{self.url}/_ministack/health"):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def reset(self) -> None:
        """Forget every resource of every account."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")  # noqa: S310 - our own URL
        with _open(request):
            self.record.clear()


def _open(request: str | urllib.request.Request) -> http.client.HTTPResponse:
    # Without this a proxy of the caller's environment would be asked for a loopback address.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer: http.client.HTTPResponse = direct.open(request, timeout=READY_SECONDS)
    return answer


def start(*, python: Path | None = None, auth: bool = False, now: Callable[[], float] = time.monotonic) -> Engine:
    """Start an engine and wait until it answers; `auth` makes it enforce IAM.

    Raises `CicdError` where its environment is missing, or with the end of its log where it does not come up.
    """
    python = python or DEFAULT_PYTHON
    if not python.exists():
        raise CicdError(f"{python}: the local AWS is not installed; run `make setup-local`")
    folder = Path(tempfile.mkdtemp(prefix="cicd-templates-local-"))
    port = _free_port()
    with (folder / LOG_FILE).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own launcher
            [str(python.absolute()), str(LAUNCHER)],
            env=_environment(folder, port, auth=auth),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    engine = Engine(port, process.pid, folder, process)
    deadline = now() + READY_SECONDS
    while not engine.healthy():
        if process.poll() is not None or now() > deadline:
            log_end = "\n  ".join((folder / LOG_FILE).read_text(errors="replace").splitlines()[-LOG_LINES:])
            stop(engine)
            raise CicdError(f"the local AWS did not start; the end of its log:\n  {log_end}")
        time.sleep(POLL_SECONDS)
    return engine


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, *, auth: bool) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "AUTH": "true" if auth else "false",
        "LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def stop(engine: Engine) -> None:
    """End the process, first politely, and remove its folder. Stopped already is stopped as well."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(engine.pid, signal.SIGTERM)
        if not _gone(engine, time.monotonic() + STOP_SECONDS):
            os.kill(engine.pid, signal.SIGKILL)
            _gone(engine, time.monotonic() + STOP_SECONDS)
    shutil.rmtree(engine.folder, ignore_errors=True)


def _gone(engine: Engine, deadline: float) -> bool:
    while time.monotonic() < deadline:
        # A child of ours stays as a zombie until it is asked how it ended; another's is no child.
        if engine.process is not None:
            engine.process.poll()
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(engine.pid, os.WNOHANG)
        if not alive(engine.pid):
            return True
        time.sleep(POLL_SECONDS)
    return False


def alive(pid: int) -> bool:
    """Whether a process of this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def running(*, python: Path | None = None, auth: bool = False) -> Iterator[Engine]:
    """An engine for the length of a block."""
    engine = start(python=python, auth=auth)
    try:
        yield engine
    finally:
        stop(engine)
