"""Renders the configuration of the project with another revision of the tool, in a temporary folder of the caller."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.paths import CONFIGURATION, OUT
from cicd_templates.review.revision import templates_in, unpack_revision
from cicd_templates.template.stack_template import StackTemplate

RENDER_TIMEOUT_SECONDS = 300
EXTRA_LAYERS = Path("templates/extra")


def render_with(revision: str, folder: Path) -> list[StackTemplate]:
    """Return what `revision` renders from the current configuration and extra layers; `folder` must be empty.

    The installed libraries are used, even where the revision was made for others. Raises `CicdError` with the output of
    the revision where it cannot render.
    """
    unpack_revision(revision, folder)
    shutil.copy(CONFIGURATION, folder / CONFIGURATION)
    if EXTRA_LAYERS.is_dir():
        shutil.copytree(EXTRA_LAYERS, folder / EXTRA_LAYERS, dirs_exist_ok=True)
    shutil.rmtree(folder / OUT, ignore_errors=True)
    result = subprocess.run(
        [sys.executable, "-m", "cicd_templates", "render"],
        cwd=folder,
        # The source of the revision takes precedence over the installed package.
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        timeout=RENDER_TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode:
        message = (result.stderr or result.stdout).strip()
        raise CicdError(f"{revision} cannot render this configuration: {message.removeprefix('error: ')}")
    return templates_in(folder / OUT)
