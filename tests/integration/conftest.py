"""Fixtures: one engine of the local AWS for all tests, and a project for each test with accounts of its own."""

from __future__ import annotations

import itertools
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
from botocore import parsers, useragent
from click.testing import CliRunner, Result

from cicd_templates.cli import main
from cicd_templates.config.load import parse_configuration
from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.files.paths import CHECKSUMS
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine, running
from cicd_templates.render import out_folder, render
from cicd_templates.template.checksums import checksums_text, digest_of, source_digest
from templates import LAYERS
from tests.conftest import PROJECT, ROOT

# The number of stacks: in all environments, and in staging.
STACKS = len(list((PROJECT / "out").glob("*/*.yaml")))
STAGING_STACKS = len(list((PROJECT / "out/staging").glob("*.yaml")))
ENGINE_PYTHON = ROOT / ".venv-local/bin/python"
EXAMPLE_ACCOUNTS = {"tools": "111111111111", "staging": "222222222222", "production": "333333333333"}
RENDERED_ACCOUNTS = {"tools": "499999999991", "staging": "499999999992", "production": "499999999993"}
REMEMBERED_TEXTS = 4096
_accounts = itertools.count(500000000000)


@pytest.fixture(scope="session", autouse=True)
def _parse_equal_texts_once() -> Iterator[None]:
    """Let botocore parse equal timestamps, and clean equal parts of its user agent, only once.

    Both take a tenth of the time of all calls, and commands often read the same events again.
    """
    clean = "sanitize_user_agent_string_component"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            parsers, "DEFAULT_TIMESTAMP_PARSER", lru_cache(REMEMBERED_TEXTS)(parsers.DEFAULT_TIMESTAMP_PARSER)
        )
        patch.setattr(useragent, clean, lru_cache(REMEMBERED_TEXTS)(getattr(useragent, clean)))
        yield


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with running(python=ENGINE_PYTHON) as started:
        yield started


@dataclass(frozen=True)
class Project:
    """A project folder, used through its commands."""

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
        """Render, commit the rendered files, and return the id of the commit."""
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
    """Make a project in `folder`, rendered and committed like the repository, but with accounts of its own."""
    accounts = {name: str(next(_accounts)) for name in ("tools", "staging", "production")}
    write_project(folder, accounts)
    project = use_project(engine, folder, monkeypatch, accounts)
    git(folder, "add", "out")
    git(folder, "commit", "-qm", "Render")
    return project


def use_project(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, accounts: dict[str, str]) -> Project:
    """Make `folder` the working folder and a git repository, whose commands reach only the engine."""
    monkeypatch.chdir(folder)
    engine_state_file.remember(engine)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
    project = Project(folder, engine, accounts)
    # git's sample hooks are left out, because they would be most of the project's files.
    git(folder, "init", "-q", "--template=")
    return project


def write_project(folder: Path, accounts: Mapping[str, str]) -> None:
    """Write the configuration and its rendered files. Files are rendered once; other projects replace the accounts."""
    configuration, rendered = _rendered()
    files = {"templates/environments.toml": configuration} | {f"out/{path}": text for path, text in rendered.items()}
    for path, text in files.items():
        for name, account in accounts.items():
            text = text.replace(RENDERED_ACCOUNTS[name], account)
        files[path] = text
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    sums = checksums_text({path: digest_of(files[f"out/{path}"]) for path in rendered}, source_digest(folder))
    (folder / "out" / CHECKSUMS).write_text(sums, encoding="utf-8")


@cache
def _rendered() -> tuple[str, dict[str, str]]:
    """Return the configuration with accounts that are not placeholders, and the files that are rendered from it."""
    text = (PROJECT / "templates/environments.toml").read_text()
    for name, example in EXAMPLE_ACCOUNTS.items():
        text = text.replace(example, RENDERED_ACCOUNTS[name])
    configuration = parse_configuration(tomllib.loads(text), source="environments.toml")
    files = dict(out_folder.files_of(render.render(configuration, LAYERS, "yaml"), Path("out")))
    del files[CHECKSUMS]
    return text, files


def git(folder: Path, *arguments: str) -> str:
    """Run git without the user's configuration, and return its output."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def failing(engine: Engine) -> Iterator[Callable[[str, str, str], Any]]:
    """Make an operation of a recorded type fail until the test ends."""
    yield engine.record.fail
    (engine.folder / "failures.json").unlink(missing_ok=True)
