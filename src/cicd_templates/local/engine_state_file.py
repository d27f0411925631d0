"""Stores in `.state/local.json` how to reach the engine that `make local` started. Recognizes an outdated file."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.files.private_files import write_privately
from cicd_templates.local.engine_process import Engine, alive

STATE_FILE = Path(".state/local.json")
PROC = Path("/proc")


def remember(engine: Engine, path: Path = STATE_FILE) -> None:
    """Write the engine's port, process id, folder, secret and start time to `path`. Only the owner can read it."""
    facts = {
        "port": engine.port,
        "pid": engine.pid,
        "folder": str(engine.folder),
        "secret": engine.secret,
        "auth": engine.auth,
        "started": start_time(engine.pid),
    }
    write_privately(path, json.dumps(facts, indent=2) + "\n")


def recall(path: Path = STATE_FILE) -> Engine | None:
    """Return the engine that the state file describes, or None if it is not running or does not answer.

    After a reboot, another process may have the engine's process id, so the start time is compared, too. Raises
    `CicdError` if the file was not written by `remember`.
    """
    try:
        facts = json.loads(path.read_text())
        port, pid, folder, secret = int(facts["port"]), int(facts["pid"]), Path(facts["folder"]), str(facts["secret"])
        engine = Engine(port, pid, folder, secret, auth=facts["auth"] is True)
        started = str(facts["started"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CicdError(f"{path}: not written by `make local`; remove the file and run `make local` again") from None
    same = alive(engine.pid) and start_time(engine.pid) == started
    return engine if same and engine.healthy() else None


def forget(path: Path = STATE_FILE) -> None:
    """Remove the file that describes the running engine."""
    path.unlink(missing_ok=True)


def required(path: Path = STATE_FILE) -> Engine:
    """Return the running engine. If none is running, raises a `CicdError` with the command that starts one."""
    engine = recall(path)
    if engine is None:
        raise CicdError("no local AWS is running; start it with `make local`")
    return engine


def start_time(pid: int) -> str:
    """Return the start time of a process as text, or an empty string if it is unknown.

    The text stays the same as long as the process runs.
    """
    if (PROC / "self").exists():
        # This time is measured from the boot. The time that `ps` prints shifts when the clock is corrected.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The second field is the command in parentheses, which may contain any characters.
            return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
        return ""
    # In a slim image without `ps`, only the engine's answer shows whether it is the same process.
    with contextlib.suppress(FileNotFoundError):
        answer = subprocess.run(  # noqa: S603 - fixed command, a number as argument
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - found on the PATH on every system
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
        return answer.stdout.strip()
    return ""
