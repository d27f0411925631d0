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
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.local.recorded_types import Record

HOST = "127.0.0.1"
READY_SECONDS = 30.0
ANSWER_SECONDS = 5.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
LOG_FILE = "engine.log"
# Builds and functions of a rehearsal speak HTTP, which a bucket that wants TLS would refuse for that alone.
TLS_VARIABLE = "COUNT_AS_TLS"
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
            with _open(f"{self.url}/_ministack/health", ANSWER_SECONDS):
                return True
        except (OSError, http.client.HTTPException):
            # The port may belong to somebody else by now, who need not even speak HTTP.
            return False

    def reset(self) -> None:
        """Forget every resource of every account."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")  # noqa: S310 - our own URL
        with _open(request, READY_SECONDS):
            self.record.clear()


def _open(request: str | urllib.request.Request, seconds: float) -> http.client.HTTPResponse:
    # Without this a proxy of the caller's environment would be asked for a loopback address.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer: http.client.HTTPResponse = direct.open(request, timeout=seconds)
    return answer


def start(
    *, python: Path | None = None, auth: bool = False, tls: bool = False, now: Callable[[], float] = time.monotonic
) -> Engine:
    """Start an engine and wait until it answers; `auth` makes it enforce IAM, `tls` count each request as one by TLS.

    Raises `CicdError` where its environment is missing, or with the end of its log where it does not come up. Whatever
    is raised, nothing of it is left.
    """
    python = python or DEFAULT_PYTHON
    if not python.exists():
        raise CicdError(f"{python}: the local AWS is not installed; run `make setup-local`")
    folder = Path(tempfile.mkdtemp(prefix="cicd-templates-local-"))
    port = _free_port()
    try:
        with (folder / LOG_FILE).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own launcher
                [str(python.absolute()), str(LAUNCHER)],
                env=_environment(folder, port, auth=auth) | ({TLS_VARIABLE: "true"} if tls else {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        shutil.rmtree(folder)
        raise CicdError(f"{python}: {error.strerror}; remove .venv-local and run `make setup-local`") from None
    engine = Engine(port, process.pid, folder, process)
    try:
        _wait_until_it_answers(engine, process, now() + READY_SECONDS, now)
    except BaseException:
        # A Ctrl-C in the terminal reaches us alone, because the engine has a session of its own.
        stop(engine)
        raise
    return engine


def _wait_until_it_answers(
    engine: Engine, process: subprocess.Popen[bytes], deadline: float, now: Callable[[], float]
) -> None:
    while not engine.healthy():
        if process.poll() is not None or now() > deadline:
            log = (engine.folder / LOG_FILE).read_text(errors="replace")
            log_end = "\n  ".join(log.splitlines()[-LOG_LINES:])
            raise CicdError(f"the local AWS did not start; the end of its log:\n  {log_end}")
        time.sleep(POLL_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, *, auth: bool) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        # Its own defaults for these are folders in /tmp that every engine of the machine shares.
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
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
        # Functions that it was running do not end with it, but they are of its process group. Only after it was seen
        # alive just now: the number of one that ended long ago may be another's.
        with contextlib.suppress(PermissionError):
            os.killpg(engine.pid, signal.SIGKILL)
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
def running(*, python: Path | None = None, auth: bool = False, tls: bool = False) -> Iterator[Engine]:
    """An engine for the length of a block."""
    engine = start(python=python, auth=auth, tls=tls)
    try:
        yield engine
    finally:
        stop(engine)
