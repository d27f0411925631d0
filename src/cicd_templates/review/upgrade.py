"""Renders the project's configuration with another version of this tool, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cicd_templates.errors import CicdError
from cicd_templates.files.paths import CONFIGURATION, OUT
from cicd_templates.review.revision import templates_in, unpack_revision
from cicd_templates.template.stack_template import StackTemplate

RENDER_TIMEOUT_SECONDS = 300
EXTRA_LAYERS = Path("templates/extra")

# The source of the revision takes precedence over the installed package. The layers of the revision are in its folder.
RENDER_PROGRAM = (
    "import os, runpy, sys; sys.path[:0] = [os.path.join(os.getcwd(), 'src'), os.getcwd()];"
    " runpy.run_module('cicd_templates', run_name='__main__', alter_sys=True)"
)


def render_with(revision: str, folder: Path) -> list[StackTemplate]:
    """Return the templates that a git revision of this tool renders from the current configuration.

    The user's extra layers are included. `folder` must be empty. Raises `CicdError` with the output of the revision if
    the revision cannot render the configuration.

    The code of the revision runs as the current user, but with an empty home folder, and without the environment
    variables of the caller, such as credentials and tokens. The code uses the libraries that are installed now, even if
    the revision was written for other versions.
    """
    unpack_revision(revision, folder)
    shutil.copy(CONFIGURATION, folder / CONFIGURATION)
    if EXTRA_LAYERS.is_dir():
        shutil.copytree(EXTRA_LAYERS, folder / EXTRA_LAYERS, dirs_exist_ok=True)
    shutil.rmtree(folder / OUT, ignore_errors=True)
    home = folder / ".home"
    home.mkdir(mode=0o700)
    result = subprocess.run(  # noqa: S603 - the caller has agreed to run the revision
        # Isolated mode (-I) ignores PYTHON* variables and the user's site-packages.
        [sys.executable, "-I", "-c", RENDER_PROGRAM, "render"],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RENDER_TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode:
        message = (result.stderr or result.stdout).strip()
        raise CicdError(f"{revision} cannot render this configuration: {message.removeprefix('error: ')}")
    return templates_in(folder / OUT)
