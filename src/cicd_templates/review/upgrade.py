"""Renders the project's own configuration with another revision of the tool, in a folder that goes afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.paths import CONFIGURATION, OUT
from cicd_templates.review.revision import templates_in, unpack
from cicd_templates.template.stack_template import StackTemplate

SECONDS = 300
EXTRA = Path("templates/extra")


def rendered_with(revision: str, folder: Path) -> list[StackTemplate]:
    """What `revision` renders from the configuration and the own layers here, below the empty `folder`.

    With the libraries that are installed now: a revision that needs others says so. Raises `CicdError` with the last
    line of what it said where it cannot render.
    """
    unpack(revision, folder)
    shutil.copy(CONFIGURATION, folder / CONFIGURATION)
    if EXTRA.is_dir():
        shutil.copytree(EXTRA, folder / EXTRA, dirs_exist_ok=True)
    shutil.rmtree(folder / OUT, ignore_errors=True)
    answer = subprocess.run(
        [sys.executable, "-m", "cicd_templates", "render"],
        cwd=folder,
        # Before the installed package, which is the revision of now.
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if answer.returncode:
        said = (answer.stderr or answer.stdout).strip()
        raise CicdError(f"{revision} cannot render this configuration: {said.removeprefix('error: ')}")
    return templates_in(folder / OUT)
