"""The project with which the tool is tested, rendered once for each state of the code.

The configuration and `out/` in this repository belong to the user, so no test of the tool depends on them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = Path(__file__).parent
# The application of the example, which releases and rehearsals of tests take as their own.
EXAMPLE = ROOT / "examples/payment-processor"
# Names of the project on which the tool is tested, each with the example's name for the same thing in the documents.
EXAMPLE_NAMES = {"shipping": "payments", "parcel-dispatcher": "payment-processor"}
# The web service of examples/settlement.
SETTLEMENT_WEB = "payment-processor"
# Where rendered projects are kept; everything in it can be deleted at any time.
CACHE = ROOT / ".state/projects"
KEPT = 3


@cache
def rendered_project(name: str = "shipping") -> Path:
    """Return a project's folder with `templates/` and the rendered `out/`.

    A separate process renders the project. A measurement of coverage is then the same, whether the project was rendered
    before or not.
    """
    folder = CACHE / f"{name}-{_digest(PROJECTS / name)}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder.with_name(f".{folder.name}.{os.getpid()}")
        link_templates(beside, PROJECTS / name)
        subprocess.run(
            # With this option, no digests of the libraries are computed for a record that nobody reads.
            [sys.executable, str(ROOT / "generate.py"), "--out", "out"],
            cwd=beside,
            check=True,
            capture_output=True,
            env={key: value for key, value in os.environ.items() if not key.startswith(("CICD_TEMPLATES_", "COV_"))},
        )
        try:
            beside.rename(folder)
        except OSError:
            # Another process was faster; its folder has the same content.
            shutil.rmtree(beside)
        _forget_old(name)
    return folder


def link_templates(folder: Path, project: Path) -> None:
    """Link the layers of the tool into `folder`, and copy the configuration. Leave out `templates/extra/`."""
    (folder / "templates").mkdir(parents=True)
    for module in sorted((ROOT / "templates").glob("*.py")):
        (folder / "templates" / module.name).symlink_to(module)
    shutil.copy(project / "environments.toml", folder / "templates")
    for name in (".cfnlintrc", ".venv-local", "examples", "src"):
        (folder / name).symlink_to(ROOT / name)


def _digest(project: Path) -> str:
    """Return a digest of everything that decides what is rendered."""
    digest = hashlib.sha256(str(ROOT).encode())
    code = [path for room in ("src", "templates") for path in (ROOT / room).rglob("*.py") if "extra" not in path.parts]
    for path in sorted([*code, *project.glob("*.toml")]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _forget_old(name: str) -> None:
    folders = sorted(CACHE.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
