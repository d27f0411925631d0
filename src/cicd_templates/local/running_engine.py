"""Remember the engine of `make local` in `.state/local.json`, and recognise a stale file."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.local.engine import Engine, alive
from cicd_templates.private_files import write_privately

STATE_FILE = Path(".state/local.json")
PROC = Path("/proc")


def remember(engine: Engine, path: Path = STATE_FILE) -> None:
    """Write the engine's port, process, start time and secret to `path`, for its owner alone."""
    facts = {
        "port": engine.port,
        "pid": engine.pid,
        "folder": str(engine.folder),
        "secret": engine.secret,
        "started": start_time(engine.pid),
    }
    write_privately(path, json.dumps(facts, indent=2) + "\n")


def recall(path: Path = STATE_FILE) -> Engine | None:
    """Return the engine that `path` names where it is still the same process and answers; otherwise None.

    A process id is used again after a reboot, which its start time tells apart.
    """
    try:
        facts = json.loads(path.read_text())
        engine = Engine(int(facts["port"]), int(facts["pid"]), Path(facts["folder"]), str(facts["secret"]))
        started = str(facts["started"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CicdError(f"{path}: not written by `make local`; remove the file and run `make local` again") from None
    same = alive(engine.pid) and start_time(engine.pid) == started
    return engine if same and engine.healthy() else None


def forget(path: Path = STATE_FILE) -> None:
    """Remove the file."""
    path.unlink(missing_ok=True)


def required(path: Path = STATE_FILE) -> Engine:
    """Return the running engine. Raises `CicdError` that says how to start one."""
    engine = recall(path)
    if engine is None:
        raise CicdError("no local AWS is running; start it with `make local`")
    return engine


def start_time(pid: int) -> str:
    """When the process of this id started: the same words at every call; empty where nobody can tell."""
    if (PROC / "self").exists():
        # Counted from the boot; the time that `ps` prints shifts when the clock is corrected.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The second field is the command in parentheses, which may contain any characters.
            return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
        return ""
    # Without `ps`, as in a slim image, only the engine's answer decides.
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
