"""An application that tries to bypass the checks: none of its code runs, and what it hides is reported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.builds import buildspecs
from cicd_templates.builds.build_scripts import write_script
from cicd_templates.builds.check_commands import list_dependencies
from cicd_templates.builds.configured_checks import checks_of
from cicd_templates.functions.scan_gate.formats import read_report
from tests.hostile import application
from tests.projects.rendering import EXAMPLE
from tests.unit.builds.build_runner import checked, commands, run, service

JUDGES = ("bandit", "secrets")
# All on one worker, because they share what takes longest.
pytestmark = pytest.mark.xdist_group("hostile application")


def source(folder: Path, *files: Any) -> Path:
    """Return the example with `files`, as CodeBuild unpacks it."""
    copy = folder / "source"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for each in files:
        application.write(each, copy)
    return copy


def loaded(folder: Path) -> list[str]:
    """Return the notes about the application's files that were run or loaded."""
    notes = folder / "loaded"
    return notes.read_text().splitlines() if notes.exists() else []


@dataclass(frozen=True)
class Judged:
    """The folder and the report of a check of the example with all hostile files."""

    folder: Path
    report: bytes


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Judged]:
    """Return a function that runs a check once on the example with all hostile files."""

    @cache
    def judge(name: str) -> Judged:
        hostile = tmp_path_factory.mktemp(f"hostile-{name}")
        _, report = checked(name, source(hostile, application.steering(), *application.findings()))
        return Judged(hostile, report.read_bytes())

    return judge


@pytest.mark.parametrize("name", ["bandit", pytest.param("secrets", marks=pytest.mark.long)])
def test_nothing_of_the_application_runs_in_a_check_that_judges_it(name: str, judged: Callable[[str], Judged]) -> None:
    folder = judged(name).folder

    assert loaded(folder) == []
    assert not list(folder.rglob("loaded"))


def test_the_application_notes_what_runs_of_it_where_it_is_meant_to_run(tmp_path: Path) -> None:
    record, report = checked("unit-tests", source(tmp_path, application.steering()))

    assert any("pytest" in note for note in loaded(tmp_path))
    assert (record["exit_code"], 'errors="0" failures="0"' in report.read_text()) == (0, True)


def test_bandit_reports_every_planted_call(judged: Callable[[str], Judged]) -> None:
    code, _ = application.findings()
    read = read_report("bandit", judged("bandit").report)

    found = {each.file.removeprefix("./") for each in read.findings if each.id == "B602"}
    assert found == set(code)


@pytest.mark.long
def test_every_planted_secret_is_reported(judged: Callable[[str], Judged]) -> None:
    _, secrets = application.findings()
    read = read_report("detect-secrets", judged("secrets").report)

    assert {each.file for each in read.findings if each.id == "AWS Access Key"} == set(secrets)


@pytest.mark.long
@pytest.mark.parametrize("name", JUDGES)
def test_files_that_try_to_influence_a_check_do_not_change_its_report(name: str, tmp_path: Path) -> None:
    def findings(report: bytes) -> list[tuple[str, str, int | None]]:
        read = read_report("bandit" if name == "bandit" else "detect-secrets", report)
        return sorted((each.id, each.file, each.line) for each in read.findings)

    reports = []
    for folder, files in ((tmp_path / "hostile", [application.steering()]), (tmp_path / "plain", [])):
        folder.mkdir()
        reports.append(findings(checked(name, source(folder, *files))[1].read_bytes()))
    assert reports[0] == reports[1]


@pytest.mark.parametrize("name", ["*requirements*.txt", "requirements.txt"])
def test_files_that_try_to_influence_a_check_do_not_change_the_input_of_dependency_scanners(
    name: str, tmp_path: Path
) -> None:
    def given(folder: Path, *files: Any) -> tuple[dict[str, str], Any]:
        folder.mkdir()
        of = source(folder, *files)
        answer = run(list_dependencies(name), of, NOT_READ=str(folder / "not_read"))
        assert answer.returncode == 0, answer.stderr
        copies = folder / "tmp/judged"
        pinned = "/tmp/tool/bin/python3 -I /tmp/pinned_requirements.py requirements.txt"
        pins = run(f"{write_script('pinned_requirements.py')}\n{pinned}", of)
        read = {path.name: path.read_text() for path in copies.iterdir()} | {"to install": pins.stdout}
        return read, json.loads((folder / "not_read").read_text())

    hostile = given(tmp_path / "hostile", application.steering())
    assert hostile == given(tmp_path / "plain")
    assert hostile[0]["requirements.txt"]
    assert loaded(tmp_path / "hostile") == []


@pytest.mark.long
def test_files_that_try_to_influence_a_check_do_not_change_the_bill_of_materials(tmp_path: Path) -> None:
    def components(folder: Path, *files: Any) -> Any:
        folder.mkdir()
        write, _ = commands(buildspecs.bill_of_materials(service()))
        answer = run(write, source(folder, *files))
        assert answer.returncode == 0, answer.stderr
        return json.loads((folder / "tmp/sbom.cdx.json").read_text())["components"]

    hostile = components(tmp_path / "hostile", application.steering())
    assert hostile == components(tmp_path / "plain")
    assert loaded(tmp_path / "hostile") == []


ALL = tuple(check.name for check in checks_of(service()))


@pytest.mark.parametrize(
    ("target", "names", "refused"),
    [
        ("../../outside", ALL, True),
        ("/proc/self/environ", ("bandit",), True),
        ("/etc", ("bandit",), True),
        (".", ("bandit",), False),
    ],
)
def test_a_link_that_leads_out_of_the_source_is_refused_by_its_name(
    target: str, names: tuple[str, ...], refused: bool, tmp_path: Path
) -> None:
    folder = source(tmp_path)
    (folder / "src/link").symlink_to(target)
    (tmp_path / "outside").write_text("secret")
    checks = [check for check in checks_of(service()) if check.name in names]
    for check in checks:
        answer = run(commands(buildspecs.check(service(), check), "install")[0], folder)

        assert answer.returncode == int(refused)
        assert ("./src/link" in answer.stderr) is refused
    assert len(checks) == len(names)
