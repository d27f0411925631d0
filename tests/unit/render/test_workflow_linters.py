"""The rendered workflows satisfy GitHub's schema and a linter of workflows, if these programs are installed.

They are no dependency of this project, because they weigh 70 MB with what they need, and only this test uses them:
`pip install check-jsonschema zizmor`. If one is missing, its test says that it was skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.render import test_github_workflow, test_pull_request_workflow

SCHEMA = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
LINTER = ("zizmor", "--offline", "--no-progress", "--persona", "regular")
UNKNOWN_KEY = ("timeout-minutes: 10", "timeout-minute: 10")
UNPINNED = ("actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5", "actions/checkout@main")


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "pull-request.yml").write_text(test_pull_request_workflow.rendered())
    (folder / "release.yml").write_text(test_github_workflow.rendered())
    return folder


def exit_code(command: tuple[str, ...], folder: Path) -> int:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here: pip install {command[0]}")
    files = sorted(map(str, folder.glob("*.yml")))
    return subprocess.run([*command, *files], capture_output=True, check=False).returncode


@pytest.mark.long
@pytest.mark.parametrize(("command", "fault"), [(SCHEMA, UNKNOWN_KEY), (LINTER, UNPINNED)], ids=[SCHEMA[0], LINTER[0]])
def test_a_program_accepts_the_workflows_and_finds_a_fault(
    command: tuple[str, ...], fault: tuple[str, str], workflows: Path
) -> None:
    assert exit_code(command, workflows) == 0
    release = workflows / "release.yml"
    text = release.read_text()
    assert fault[0] in text
    release.write_text(text.replace(*fault))

    assert exit_code(command, workflows) != 0
