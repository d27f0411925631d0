"""Starts the local AWS of an acceptance run, finds it again if the run was killed, and stops it at the end."""

from __future__ import annotations

import time
from pathlib import Path

from cicd_templates.acceptance.project import Project
from cicd_templates.files.private_files import make_private_folder
from cicd_templates.local import engine_process, engine_state_file
from cicd_templates.local.engine_process import DEFAULT_PYTHON, Engine

LOCAL_VENV = DEFAULT_PYTHON.parts[0]
ATTEMPTS, PAUSE_SECONDS = 20, 0.25


def start(project: Project, python: Path) -> Engine:
    """Start a local AWS that enforces IAM. Write its address to the file that the project's commands read."""
    # A rehearsal in this folder starts a separate local AWS, with the virtual environment to which this link points.
    make_private_folder(project.folder)
    (project.folder / LOCAL_VENV).symlink_to(python.absolute().parents[1])
    return engine_process.start(
        python=python,
        auth=True,
        tls=True,
        # If the run is killed now, the continued run must find this engine, even if the engine does not answer yet.
        spawned=lambda engine: engine_state_file.remember(engine, project.engine_file),
    )


def find(project: Project) -> Engine | None:
    """Return the local AWS of the run, or None if it is not running any more.

    If the local AWS has just been started, wait some seconds until it answers.
    """
    for _ in range(ATTEMPTS):
        engine = engine_state_file.recall(project.engine_file)
        if engine is not None or not project.engine_file.exists():
            return engine
        time.sleep(PAUSE_SECONDS)
    return None


def stop(project: Project) -> None:
    """Stop the local AWS of the run, if there is one."""
    engine = find(project)
    if engine is not None:
        engine_process.stop(engine)
    engine_state_file.forget(project.engine_file)
