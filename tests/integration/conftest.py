"""One engine for the whole run, and for each test a project whose accounts nobody else has used."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main
from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine, running
from tests.conftest import ROOT

# How many stacks there are, in all and in staging.
STACKS = len(list((ROOT / "out").glob("*/*.yaml")))
STAGING_STACKS = len(list((ROOT / "out/staging").glob("*.yaml")))
ENGINE_PYTHON = ROOT / ".venv-local/bin/python"
EXAMPLE_ACCOUNTS = {"tools": "111111111111", "staging": "222222222222", "production": "333333333333"}
# The files that the committed checksums list, relative to `out/`.
COMMITTED = [line.split("  ")[1] for line in (ROOT / "out/SHA256SUMS").read_text().splitlines()]
_accounts = itertools.count(500000000000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Measure no coverage here, which would double the time: the unit tests cover every line by themselves."""
    measurement = coverage.Coverage.current()
    if measurement is None:
        return (yield)
    measurement.stop()
    try:
        return (yield)
    finally:
        measurement.start()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with running(python=ENGINE_PYTHON) as started:
        yield started


@dataclass(frozen=True)
class Project:
    """A project folder, used by typing its commands."""

    folder: Path
    engine: Engine
    accounts: dict[str, str]

    def type(self, command: str, *, input_text: str | None = None) -> Result:
        return CliRunner().invoke(main, command.split(), input=input_text)

    def ok(self, command: str) -> str:
        result = self.type(command)
        assert result.exit_code == 0, result.output
        return str(result.output)

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "templates/environments.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def render_and_commit(self) -> str:
        """Render, and commit what that writes; the commit's id."""
        self.ok("render")
        git(self.folder, "add", "-A", "out")
        git(self.folder, "commit", "-qm", "Render", "--allow-empty")
        return self.head

    @property
    def head(self) -> str:
        return git(self.folder, "rev-parse", "HEAD")

    def clients(self, environment: str) -> Clients:
        return local_clients(self.engine.url, self.accounts[environment], "eu-central-1", self.engine.secret)


@pytest.fixture
def project(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return make_project(engine, tmp_path, monkeypatch)


def make_project(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project in `folder` that is committed and rendered as the repository is, but with accounts of its own."""
    accounts = {name: str(next(_accounts)) for name in ("tools", "staging", "production")}
    copy_rendered(folder, {EXAMPLE_ACCOUNTS[name]: account for name, account in accounts.items()})
    monkeypatch.chdir(folder)
    engine_state_file.remember(engine)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
    project = Project(folder, engine, accounts)
    # Without git's samples of hooks, which would be most of the files of a project.
    git(folder, "init", "-q", "--template=")
    git(folder, "add", "out")
    git(folder, "commit", "-qm", "Render")
    return project


def copy_rendered(folder: Path, accounts: Mapping[str, str]) -> None:
    """Copy the configuration and `out/` with other account ids; the bytes are those that rendering would write."""
    sums = []
    for name in ("templates/environments.toml", *(f"out/{path}" for path in COMMITTED)):
        text = (ROOT / name).read_text(encoding="utf-8")
        for before, after in accounts.items():
            text = text.replace(before, after)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if name.startswith("out/"):
            sums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name.removeprefix('out/')}\n")
    (folder / "out/SHA256SUMS").write_text("".join(sums))


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular; what it says."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def failing(engine: Engine) -> Iterator[Callable[[str, str, str], Any]]:
    """Makes an operation of a recorded type fail, until the test ends."""
    yield engine.record.fail
    (engine.folder / "failures.json").unlink(missing_ok=True)
