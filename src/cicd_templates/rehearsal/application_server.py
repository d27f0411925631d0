"""Starts the released application as a local process, for the smoke tests of a rehearsal.

A rehearsal runs no containers, so the deployed service cannot answer the tests.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.rehearsal.artifacts import unpack
from cicd_templates.rehearsal.build_tools import BuildTools, search_path
from cicd_templates.rehearsal.pipeline_run import ActionFailedError

SERVE_SCRIPT = Path("rehearsal/serve")
HOST = "127.0.0.1"
READY_SECONDS = 20.0
POLL_SECONDS = 0.05


def application_starter(
    archive: Archive, folder: Path, tools: BuildTools, until: contextlib.ExitStack
) -> Callable[[], str]:
    """Return a function that starts the application on its first call, and always returns the application's address.

    The script `rehearsal/serve` of the released source starts the application. The script gets the variables HOST and
    PORT, and is killed when the exit stack `until` closes. The function raises `ActionFailedError` if there is no
    script, or if the application does not listen on the port.
    """
    started: list[str] = []
    # Parallel actions share one process.
    lock = threading.Lock()

    def serve() -> str:
        with lock:
            if not started:
                started.append(_start(archive, folder / "served", tools, until))
            return started[0]

    return serve


def _start(archive: Archive, folder: Path, tools: BuildTools, until: contextlib.ExitStack) -> str:
    source = folder / "src"
    with zipfile.ZipFile(io.BytesIO(archive.data)) as files:
        unpack(files, source)
    if not (source / SERVE_SCRIPT).is_file():
        raise ActionFailedError(
            "the deployed service cannot answer, because a rehearsal runs no containers;"
            f" add the script {SERVE_SCRIPT} to the source to start the application on $HOST and $PORT"
        )
    port = _free_port()
    path = search_path(tools.link_into(folder / "tool"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the application's own script
            ["/bin/sh", str(SERVE_SCRIPT)],
            cwd=source,
            env={"PATH": path, "HOME": str(folder), "HOST": HOST, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until.callback(_stop, process)
    deadline = time.monotonic() + READY_SECONDS
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ActionFailedError(f"{SERVE_SCRIPT} does not listen on {HOST}:{port}", (folder / "log").read_text())
        time.sleep(POLL_SECONDS)
    return f"http://{HOST}:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
