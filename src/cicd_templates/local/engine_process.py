"""Start, check and stop the engine of the local AWS: one subprocess on a free port of 127.0.0.1.

The engine gets a private folder and none of the caller's environment variables. The engine passes its environment on to
the Lambda functions, which must not get a developer's credentials and proxies.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
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
from typing import IO, cast

from cicd_templates.errors import CicdError
from cicd_templates.local import orphans, sigterm
from cicd_templates.local.create_only import schemas_folder
from cicd_templates.local.recorded_types import Record
from cicd_templates.local.request_guard import admin_authorization

HOST = "127.0.0.1"
READY_SECONDS = 30.0
ANSWER_SECONDS = 5.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
ENGINE_LOG = "engine.log"
BEGIN = b"begin\n"
# Builds and functions of a rehearsal send plain HTTP. Bucket policies that require TLS would deny that.
TLS_VARIABLE = "COUNT_AS_TLS"
ENGINE_LOG_LINES = 15
ENTRY_POINT = Path(__file__).with_name("engine_entry_point.py")
DEFAULT_PYTHON = Path(".venv-local/bin/python")


@dataclass(frozen=True)
class Engine:
    """A running engine. Its private `folder` is removed when the engine stops."""

    port: int
    pid: int
    folder: Path
    # The key that signs every request to the engine; each start creates a new one.
    secret: str = field(default="", repr=False)
    # Set only in the process that started the engine; other processes only know its process id.
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False, repr=False)
    # Whether the engine enforces IAM.
    auth: bool = False

    @property
    def url(self) -> str:
        """Return the endpoint URL of all AWS services of the engine."""
        return f"http://{HOST}:{self.port}"

    @property
    def record(self) -> Record:
        """Return the list of the resources that the engine records without creating them."""
        return Record(self.folder)

    def healthy(self) -> bool:
        """Return whether the engine answers requests. Never raises an exception."""
        try:
            with self._ask("GET", "/_ministack/health", ANSWER_SECONDS):
                return True
        except (OSError, http.client.HTTPException):
            # By now, the port can belong to another process, and this process need not speak HTTP.
            return False

    def reset(self) -> None:
        """Delete every resource of every account, and empty the list `record`."""
        with self._ask("POST", "/_ministack/reset", READY_SECONDS):
            self.record.clear()

    def _ask(self, method: str, path: str, seconds: float) -> http.client.HTTPResponse:
        headers = {"Authorization": admin_authorization(self.secret, method, path)}
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers=headers)  # noqa: S310 - our own URL
        # Without this, requests for the loopback address would be sent to a proxy of the caller's environment.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        answer: http.client.HTTPResponse = direct.open(request, timeout=seconds)
        return answer


def start(
    *,
    python: Path | None = None,
    auth: bool = False,
    tls: bool = False,
    now: Callable[[], float] = time.monotonic,
    spawned: Callable[[Engine], None] = lambda engine: None,
) -> Engine:
    """Start an engine and wait until it answers.

    - If `auth` is true, the engine enforces IAM.
    - If `tls` is true, the engine treats all requests as sent over TLS.
    - `spawned` is called as soon as the engine's process exists. The engine answers no request until `spawned` has
      returned. If the calling process is killed before `spawned` has returned, the engine ends and removes its folder.

    Raises `CicdError` if the engine's virtual environment is missing. Also raises `CicdError` if the engine does not
    start; the message then has the end of the engine's log. After any exception, neither the process nor the engine's
    folder remains.
    """
    python = python or DEFAULT_PYTHON
    if not python.exists():
        raise CicdError(f"{python}: the local AWS is not installed; run `make setup-local`")
    folder = Path(tempfile.mkdtemp(prefix="cicd-templates-local-"))
    port, secret = free_port(), secrets.token_urlsafe(32)
    try:
        with (folder / ENGINE_LOG).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own entry point
                [str(python.absolute()), str(ENTRY_POINT)],
                env=_environment(folder, port, secret, auth=auth) | ({TLS_VARIABLE: "true"} if tls else {}),
                cwd=folder,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        shutil.rmtree(folder)
        raise CicdError(f"{python}: {error.strerror}; remove .venv-local and run `make setup-local`") from None
    engine = Engine(port, process.pid, folder, secret, process, auth)
    try:
        with cast(IO[bytes], process.stdin) as pipe:
            spawned(engine)
            # The engine can have ended by itself. Then its log says why.
            with contextlib.suppress(BrokenPipeError):
                pipe.write(BEGIN)
        _wait_until_it_answers(engine, process, now() + READY_SECONDS, now)
    except BaseException:
        # Ctrl-C does not reach the engine, because it runs in a session of its own.
        stop(engine)
        raise
    return engine


def _wait_until_it_answers(
    engine: Engine, process: subprocess.Popen[bytes], deadline: float, now: Callable[[], float]
) -> None:
    while not engine.healthy():
        if process.poll() is not None or now() > deadline:
            log = (engine.folder / ENGINE_LOG).read_text(errors="replace")
            log_end = "\n  ".join(log.splitlines()[-ENGINE_LOG_LINES:])
            raise CicdError(f"the local AWS did not start; end of its log:\n  {log_end}")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """Return a port of this machine that no program uses at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, secret: str, *, auth: bool) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        # By default, all engines on the machine would share folders in /tmp.
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SCHEMAS": str(schemas_folder()),
        "AWS_SECRET_ACCESS_KEY": secret,
        "AUTH": "true" if auth else "false",
        "LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def stop(engine: Engine) -> None:
    """Terminate the engine's process, or kill it if necessary. Then remove the engine's folder.

    It is not an error if the process has ended before.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(engine.pid, signal.SIGTERM)
        if not _gone(engine, time.monotonic() + STOP_SECONDS):
            os.kill(engine.pid, signal.SIGKILL)
            _gone(engine, time.monotonic() + STOP_SECONDS)
        # Functions outlive the engine that started them, but share its process group. The group is killed only if the
        # engine was alive just now, because the id of a process that ended earlier can be reused.
        with contextlib.suppress(PermissionError):
            os.killpg(engine.pid, signal.SIGKILL)
    shutil.rmtree(engine.folder, ignore_errors=True)


def _gone(engine: Engine, deadline: float) -> bool:
    while time.monotonic() < deadline:
        # If the engine is a child of this process, it remains a zombie until its exit status is read.
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
    """Return whether a process with this id is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def running(*, python: Path | None = None, auth: bool = False, tls: bool = False) -> Iterator[Engine]:
    """Start an engine and yield it. Stop it at the end of the `with` block, even if a signal ends the block.

    If SIGKILL ends this process, the engine is killed and its folder is removed.
    """
    with sigterm.interrupting(), contextlib.ExitStack() as until:
        engine = start(
            python=python,
            auth=auth,
            tls=tls,
            spawned=lambda engine: until.enter_context(orphans.prevented(engine.pid, engine.folder)),
        )
        try:
            yield engine
        finally:
            stop(engine)
