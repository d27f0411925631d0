"""Runs the commands of rendered build specifications on this machine, as CodeBuild runs them in a container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from cicd_templates.builds import buildspecs
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.config.environment import Service
from tests.conftest import ROOT, environment

SERVICE = "services/parcel-dispatcher"


def service(*edits: tuple[str, Any]) -> Service:
    (found,) = environment("tools", *edits).services
    return found


def commands(text: str, phase: str = "build") -> list[str]:
    found: list[str] = yaml.load(text, Loader=yaml.CSafeLoader)["phases"][phase]["commands"]
    return found


def digest_of(source: Path) -> str:
    """Return the digest that the checks record for `source`."""
    script = ROOT / "src/cicd_templates/builds/scripts/source_digest.sh"
    lists = source.parent / "digest_lists"
    text = script.read_text().replace("/tmp/source_digest_lists", str(lists))
    command = ["sh", "-s", str(source), "."]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()


def run(command: str, source: Path, *before_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command of a build as CodeBuild runs it, with the tools of this environment."""
    path = os.pathsep.join([*map(str, before_path), str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    here = {
        "PATH": path,
        "HOME": str(source.parent),
        "CODEBUILD_SRC_DIR": str(source),
        "CODEBUILD_BUILD_ID": "shipping:1",
        "SOURCE_VERSION": "v.1_2-3",
        "EXECUTION_ID": "e-1",
        **variables,
    }
    # A container has its own /tmp, and so has this run.
    temporary = source.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    if not (temporary / "tool").exists():
        (temporary / "tool").symlink_to(sys.prefix)
    return subprocess.run(
        ["bash", "-c", command.replace("/tmp/", f"{temporary}/")],
        cwd=source,
        env=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def checked(name: str, source: Path) -> tuple[dict[str, Any], Path]:
    """Return the run record and the report of a check that was run on `source`."""
    of = service()
    (check,) = [each for each in checks_of(of) if each.name == name]
    specification = buildspecs.check(of, check)
    policy = run(commands(specification, "install")[0], source)
    assert policy.returncode == 0, policy.stderr
    (command,) = commands(specification)
    answer = run(command, source)
    assert answer.returncode == 0, answer.stderr
    record = json.loads((source / ".report/run.json").read_text())
    return record, source / ".report" / record["report"]
