"""The bill of materials of a rehearsed build is that of its requirements, whether it was written before or not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.remembered_tools import INSTALLED, PROGRAM, remembering_tools

pytestmark = pytest.mark.long


def listed(folder: Path, requirements: str) -> tuple[str, list[str]]:
    """Return the serial number of a bill of materials, which is new for each that is written, and its packages."""
    (folder / "requirements.txt").write_text(requirements)
    command = [str(remembering_tools().prefix / "bin" / PROGRAM), "requirements", "requirements.txt"]
    output = folder / "bill.json"
    subprocess.run([*command, "--output-format", "JSON", "--output-file", str(output)], cwd=folder, check=True)
    bill = json.loads(output.read_bytes())
    output.unlink()
    return bill["serialNumber"], [component["name"] for component in bill["components"]]


def test_equal_requirements_have_the_same_bill_and_others_have_their_own(tmp_path: Path) -> None:
    first = listed(tmp_path, "flask==3.0.0\n")

    assert first[1] == ["flask"]
    assert listed(tmp_path, "flask==3.0.0\n") == first
    assert listed(tmp_path, "django==5.0.0\n")[1] == ["django"]


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            listed(tmp_path, "--requirement missing.txt\n")
    (tmp_path / "missing.txt").write_text("flask==3.0.0\n")

    assert listed(tmp_path, "--requirement missing.txt\n")[1] == ["flask"]


def test_every_other_tool_is_the_installed_one() -> None:
    installed = {path.name for path in (INSTALLED.prefix / "bin").iterdir() if not path.name.startswith("pip")}
    tools = {path.name: path for path in (remembering_tools().prefix / "bin").iterdir()}

    assert tools.keys() == installed
    assert all(
        path.resolve() == (INSTALLED.prefix / "bin" / name).resolve() for name, path in tools.items() if name != PROGRAM
    )
    assert remembering_tools().installed() == INSTALLED.installed()
