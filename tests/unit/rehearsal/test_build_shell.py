"""Build specifications, and their phases in a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.build_shell import BuildOutcome, run_phases
from cicd_templates.rehearsal.buildspec import Files, Phase, read_buildspec

WHOLE = """
version: 0.2
env:
  shell: bash
  variables: {A: "1"}
  secrets-manager: {B: secret}
  parameter-store: {C: /name}
  exported-variables: [D]
phases:
  build: {commands: [make], finally: [clean]}
  install: {commands: [prepare]}
artifacts: {base-directory: out, files: ["**/*"]}
reports:
  results: {files: [r.xml], base-directory: out}
cache: {paths: [x]}
"""


def test_a_build_specification_is_read_whole() -> None:
    found = read_buildspec(WHOLE)

    assert [phase.name for phase in found.phases] == ["install", "build"]
    assert found.phases[1] == Phase("build", ("make",), ("clean",))
    assert (found.shell, found.exported, found.artifacts) == ("bash", ("D",), Files("out", ("**/*",)))
    assert (found.variables, found.secrets, found.parameters) == ({"A": "1"}, {"B": "secret"}, {"C": "/name"})
    assert found.reports == {"results": ("JUNITXML", Files("out", ("r.xml",)))}


def test_the_least_one_has_the_shell_of_the_image() -> None:
    found = read_buildspec("version: 0.2\nartifacts: {files: [a]}\n")

    assert (found.shell, found.phases, found.artifacts) == ("sh", (), Files(".", ("a",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "the build specification is not valid YAML"),
        ("version: 0.1", "must have version 0.2"),
        ("text", "must have version 0.2"),
        ("version: 0.2\nphase: {}", "has phase, which CodeBuild does not support"),
        (
            "version: 0.2\nphases: {build: {commands: [true]}}",
            "phase build has a command that is not a string, True",
        ),
        (
            "version: 0.2\nphases: {built: {}}",
            "has the unknown phase built; the phases are install, pre_build, build, post_build",
        ),
    ],
)
def test_a_wrong_one_is_refused(text: str, expected: str) -> None:
    with pytest.raises(CicdError, match=expected):
        read_buildspec(text)


def run(
    folder: Path, *phases: Phase, shell: str = "sh", limit: float = 20.0, exported: tuple[str, ...] = ()
) -> BuildOutcome:
    return run_phases(
        phases,
        exported,
        shell=shell,
        source=folder,
        folder=folder,
        environment={"PATH": "/usr/bin:/bin"},
        limit_seconds=limit,
    )


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_commands_share_a_shell_and_export_variables(tmp_path: Path, shell: str) -> None:
    phases = (
        Phase("install", ("A=1",), ()),
        Phase("build", ('echo "a is $A"', "export B='two\nlines'; C=$A"), ()),
    )
    outcome = run(tmp_path, *phases, shell=shell, exported=("B", "C", "D"))

    assert (outcome.failed, outcome.log) == ("", "a is 1\n")
    assert outcome.exported == {"B": "two\nlines", "C": "1", "D": ""}
    assert list(outcome.seconds) == ["install", "build"]


@pytest.mark.parametrize(
    ("phases", "failed", "log"),
    [
        pytest.param(
            (Phase("build", ("echo 1", "(exit 3)", "echo 2"), ("echo 3",)), Phase("post_build", ("echo 4",), ())),
            "command 2 of phase build failed with exit code 3",
            "1\n3\n4\n",
            id="a build is followed by what comes after it",
        ),
        pytest.param(
            (Phase("install", ("false",), ("echo 1",)), Phase("build", ("echo 2",), ())),
            "command 1 of phase install failed with exit code 1",
            "1\n",
            id="without an installation nothing is built",
        ),
        pytest.param(
            (Phase("build", ("true",), ("(exit 2)",)),),
            "command 1 of phase build-finally failed with exit code 2",
            "",
            id="what must be done fails",
        ),
        pytest.param(
            (Phase("build", ("echo 1", "exit 7"), ("echo 2",)),),
            "command 2 of phase build terminated the shell",
            "1\n",
            id="a command that leaves",
        ),
        pytest.param(
            (Phase("build", ("set -e", "false", "echo 1"), ()),),
            "command 2 of phase build terminated the shell",
            "",
            id="a shell that was told to stop",
        ),
    ],
)
def test_a_command_that_fails_is_named(tmp_path: Path, phases: tuple[Phase, ...], failed: str, log: str) -> None:
    outcome = run(tmp_path, *phases)

    assert (outcome.failed, outcome.log) == (failed, log)


def test_a_build_that_takes_too_long_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    outcome = run(tmp_path, Phase("build", ("sleep 600 & sleep 600",), ()), limit=0.3)

    assert outcome.failed == "command 1 of phase build was still running after 0 s, the project's timeout"


def test_a_shell_that_cannot_write_has_no_log(tmp_path: Path) -> None:
    (tmp_path / "build.log").mkdir()
    outcome = run(tmp_path, Phase("build", ("true",), ()))

    assert outcome.failed == "the shell could not start"
    assert outcome.log == ""
