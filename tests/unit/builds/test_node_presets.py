"""The presets for Node and Semgrep: how npm is called, and what a source cannot hide from them."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd_templates.builds import buildspecs
from cicd_templates.builds.check_presets import PRESETS
from cicd_templates.builds.configured_checks import checks_of
from tests.conftest import ROOT
from tests.unit.builds.build_runner import SERVICE, commands, run, service

EXAMPLE = ROOT / "examples/receipt-printer"
SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
REGISTRY = "https://registry.example.com/"
PRETTIER = {"version": "3.10.1", "integrity": "sha512-1"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    copy = tmp_path / "source"
    shutil.copytree(EXAMPLE, copy)
    return copy


def stub(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "tmp/tool/bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    python = path.parent / "python3"
    if not python.exists():
        python.symlink_to(sys.executable)


def check(preset: str, source: Path) -> dict[str, Any]:
    """Run the check of a preset and return its run record."""
    of = service((f"{SERVICE}/checks", {"check": {"preset": preset}}))
    specification = buildspecs.check(of, checks_of(of)[0])
    prepare, *install = commands(specification, "install")
    run(prepare, source)
    for command in install:
        if "pip install" not in command and "npm ci" not in command:
            run(command, source)
    run(commands(specification)[0], source)
    record: dict[str, Any] = json.loads((source / ".report/run.json").read_text())
    return record


def audit(source: Path, tmp_path: Path, registry: str = REGISTRY) -> dict[str, Any]:
    answer = (
        f'case "$1" in config) echo {registry};; audit) ls -A > "{tmp_path}/seen"; echo "$@";; *) echo 11.1.0;; esac'
    )
    stub(tmp_path, "npm", answer)
    return check("npm-audit", source)


def judged(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the packages that the script for lock files lists as not judged."""
    monkeypatch.setattr(sys, "argv", ["npm_lock.py", str(source), str(tmp_path / "judged"), REGISTRY])
    runpy.run_path(str(SCRIPTS / "npm_lock.py"), run_name="__main__")
    return json.loads(capsys.readouterr().out)


def write_lock(source: Path, packages: Any) -> None:
    (source / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))


def test_npm_sees_only_the_lock_and_what_follows_from_it(source: Path, tmp_path: Path) -> None:
    record = audit(source, tmp_path)

    assert (record["not_read"], record["exit_code"], record["tool_version"]) == ([], 0, "11.1.0")
    assert (tmp_path / "seen").read_text().split() == ["package-lock.json", "package.json"]
    root = json.loads((tmp_path / "tmp/judged/package.json").read_text())
    assert root == {"name": "receipt-printer", "version": "1.0.0", "devDependencies": {"prettier": "^3.10.1"}}
    asked = (source / ".report/report.json").read_text()
    assert asked.startswith("audit --json --package-lock-only --ignore-scripts --include=dev")


@pytest.mark.parametrize(
    ("packages", "not_read"),
    [
        pytest.param({"node_modules/a": PRETTIER}, [], id="without an address, which the registry then has"),
        pytest.param({"node_modules/a": {**PRETTIER, "resolved": f"{REGISTRY}a/-/a-3.10.1.tgz"}}, [], id="the package"),
        pytest.param(
            {"node_modules/x/node_modules/@s/a": {**PRETTIER, "resolved": f"{REGISTRY}@s/a/-/a-3.10.1.tgz"}},
            [],
            id="a scope, in another package",
        ),
        pytest.param(
            {"node_modules/b": {**PRETTIER, "name": "a", "resolved": f"{REGISTRY}a/-/a-3.10.1.tgz"}}, [], id="an alias"
        ),
        pytest.param(
            {"node_modules/a": {**PRETTIER, "resolved": f"{REGISTRY}evil/-/evil-3.10.1.tgz"}},
            [f"a 3.10.1 from {REGISTRY}evil/-/evil-3.10.1.tgz"],
            id="another package under its name",
        ),
        pytest.param(
            {"node_modules/a": {**PRETTIER, "resolved": f"{REGISTRY}a/-/a-1.0.0.tgz"}},
            [f"a 3.10.1 from {REGISTRY}a/-/a-1.0.0.tgz"],
            id="another version",
        ),
        pytest.param(
            {"node_modules/a": {**PRETTIER, "resolved": "git+ssh://git@example.com/a.git#1"}},
            ["a 3.10.1 from git+ssh://git@example.com/a.git#1"],
            id="a repository",
        ),
        *(
            pytest.param(
                {"node_modules/a": {**PRETTIER, "name": name, "version": version, "resolved": at}},
                [f"{name} {version} from {at}"],
                id=f"{name} {version}",
            )
            for name, version in (("x/../a", "3.10.1"), ("a/-/a-3.10.1.tgz?", "3.10.1"), ("a", "3/../4"), ("..", "1"))
            for at in [f"{REGISTRY}{name}/-/{name.rpartition('/')[2]}-{version}.tgz"]
        ),
        pytest.param(
            {"node_modules/a": {"version": "3.10.1"}},
            ["a 3.10.1 from the registry, without a digest"],
            id="without a digest",
        ),
        pytest.param(
            {"node_modules/a": {"resolved": "lib/a", "link": True}},
            ["node_modules/a (a folder of the source)"],
            id="a link",
        ),
    ],
)
def test_a_package_that_is_not_what_its_entry_says_is_in_the_record(
    packages: dict[str, Any],
    not_read: list[str],
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_lock(source, {"": {"name": "x"}, **packages})

    assert judged(source, tmp_path, monkeypatch, capsys) == not_read


@pytest.mark.parametrize(
    "name",
    [".npmrc", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json", "lib/a.tgz", "web/package.json"],
)
def test_files_that_bring_packages_or_settings_are_in_the_record(
    name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_text("x")

    assert judged(source, tmp_path, monkeypatch, capsys) == [name]


def test_packages_that_lie_in_the_source_are_in_the_record(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "web/node_modules/a").mkdir(parents=True)
    (source / "web/node_modules/a/package.json").write_text("{}")

    assert judged(source, tmp_path, monkeypatch, capsys) == ["web/node_modules"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "which is missing"),
        ("not JSON", "which is not a lock file of npm 7 or newer"),
        ("[]", "which is not a lock file of npm 7 or newer"),
        ('{"lockfileVersion": 1, "dependencies": {}}', "which is not a lock file of npm 7 or newer"),
        ('{"packages": {"node_modules/a": 7}}', "which is not a lock file of npm 7 or newer"),
    ],
)
def test_a_source_without_a_lock_that_can_be_read_is_not_judged(
    text: str | None,
    reason: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (source / "package-lock.json").unlink()
    if text is not None:
        (source / "package-lock.json").write_text(text)

    assert judged(source, tmp_path, monkeypatch, capsys) == [f"package-lock.json, {reason}"]


def test_the_lines_of_a_finding_are_those_of_the_source(source: Path, tmp_path: Path) -> None:
    place = {"path": "src/receipt.js", "start": {"line": 1}, "end": {"line": 1}}
    results = [{**place, "extra": {"lines": "requires login"}}, {**place, "extra": {"lines": "kept"}}]
    report = json.dumps({"version": "1.185.0", "results": results, "errors": []})
    stub(tmp_path, "semgrep", f"[ \"$1\" = --version ] && echo 1.185.0 || echo '{report}'")
    record = check("semgrep", source)

    assert (record["tool_version"], record["exit_code"]) == ("1.185.0", 0)
    found = json.loads((source / ".report/report.json").read_text())["results"]
    assert [each["extra"]["lines"] for each in found] == ['const CURRENCIES = new Set(["EUR", "USD"]);', "kept"]


def test_lines_that_semgrep_left_out_are_put_in(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"path": "src/receipt.js", "start": {"line": 1}, "end": {"line": 2}}
    report = tmp_path / "report.json"
    report.write_text(
        json.dumps({"results": [{**place, "extra": {"lines": text}} for text in ("requires login", "kept")]})
    )
    monkeypatch.chdir(source)
    monkeypatch.setattr(sys, "argv", ["semgrep_lines.py", str(report)])
    runpy.run_path(str(SCRIPTS / "semgrep_lines.py"), run_name="__main__")

    lines = [each["extra"]["lines"] for each in json.loads(report.read_text())["results"]]
    assert lines == ['const CURRENCIES = new Set(["EUR", "USD"]);\n', "kept"]


def test_semgrep_has_its_rules_in_the_template_and_obeys_no_file_or_comment_of_the_source() -> None:
    preset = PRESETS["semgrep"]()
    rules = yaml.safe_load(
        next(each for each in preset.tools if each.startswith("cat > /tmp/semgrep.yaml"))
        .split("\n", 1)[1]
        .rsplit("\n", 1)[0]
    )
    (command,) = preset.commands

    assert len(rules["rules"]) > 10
    assert all(rule["metadata"]["cwe"].startswith("CWE-") for rule in rules["rules"])
    for option in ("--disable-nosem", "--no-git-ignore", "--x-ignore-semgrepignore-files", "--metrics off"):
        assert option in command


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node on this machine")
def test_the_tests_of_the_node_example_really_run(source: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp/tool/bin").mkdir(parents=True)
    record = check("node-tests", source)
    text = (source / ".report/report.xml").read_text()

    assert record["exit_code"] == 0
    assert record["tool_version"].startswith("v")
    assert text.count("<testcase ") == 6
    assert "<failure" not in text
