"""Every project of tests/projects on the local AWS: deployed, repeated without a change, and destroyed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from cicd_templates.config.routes import base_path
from cicd_templates.local.engine_process import Engine
from tests.integration import conftest
from tests.integration.conftest import Project
from tests.integration.rehearsed_example import example, rehearsed
from tests.projects.configurations import Raw, configurations, toml
from tests.projects.rendering import PROJECTS, rendered_project

pytestmark = pytest.mark.integration
ACCOUNT = r'account"? = "(\d{12})"'
NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/environments.toml"))


# One for each way in which the run of a pipeline differs. A rehearsal has no tools but those of Python.
REHEARSED = (
    "boundary", "github", "gov-cloud", "long-names", "no-nat", "one-account", "rollouts", "three-services", "worker",
)  # fmt: skip


def with_accounts(text: str, engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with the configuration `text`, rendered, with accounts that no other test uses."""
    accounts = {account: str(next(conftest._accounts)) for account in sorted(set(re.findall(ACCOUNT, text)))}
    for account, own in accounts.items():
        text = text.replace(account, own)
    (folder / "templates").mkdir(parents=True)
    (folder / "templates/environments.toml").write_text(text, encoding="utf-8")
    project = conftest.use_project(engine, folder, monkeypatch, accounts)
    project.render_and_commit()
    return project


def deploy_twice_and_destroy(project: Project, environment: str = "all") -> None:
    """Deploy, deploy again without a change, and destroy. All remaining resources are explained."""
    environments = sorted(path.parent.name for path in project.folder.glob("out/*/REVIEW.md"))
    rooms = environments if environment == "all" else [environment]
    stacks = sum(len(list((project.folder / "out" / room).glob("*.yaml"))) for room in rooms)

    deployed = project.ok(f"deploy --env {environment} --local --yes")
    assert deployed.count(": created, ") == stacks
    again = project.ok(f"deploy --env {environment} --local --yes")
    assert again.count(": nothing to change") + again.count(": left to the pipeline") == stacks
    status = json.loads(project.ok("status --local --json"))
    shown = {row["status"] for room in rooms for row in status[room]}
    assert shown <= {"CREATE_COMPLETE", "handed over"}
    destroyed = project.ok(f"destroy --env {environment} --local --yes --allow {','.join(environments)}")
    assert destroyed.count(": deleted, ") == stacks
    assert "UNEXPLAINED" not in destroyed
    assert [row for account in project.accounts.values() for row in project.engine.record.entries(account)] == []


def text_of(name: str) -> str:
    return (PROJECTS / name / "environments.toml").read_text(encoding="utf-8")


def test_one_environment_of_three_services_is_deployed_then_unchanged_then_destroyed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_twice_and_destroy(with_accounts(text_of("three-services"), engine, tmp_path, monkeypatch), "test")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_project_is_deployed_then_unchanged_then_destroyed_with_nothing_unexplained(
    name: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_twice_and_destroy(with_accounts(text_of(name), engine, tmp_path, monkeypatch))


@pytest.mark.long
@given(raw=configurations())
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_a_generated_project_is_deployed_then_unchanged_then_destroyed_with_nothing_unexplained(
    raw: Raw, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(f"{table} = {toml(content)}\n" for table, content in raw.items())
    with pytest.MonkeyPatch.context() as monkeypatch:
        deploy_twice_and_destroy(with_accounts(text, engine, tmp_path_factory.mktemp("generated"), monkeypatch))


@pytest.mark.long
@pytest.mark.parametrize("name", REHEARSED)
def test_a_release_of_a_project_passes_its_pipeline(name: str, tmp_path: Path) -> None:
    app = example(tmp_path)
    # It is for the checks of the example's own project.
    (app / "scan-policy.toml").unlink()
    service, table = next(iter(tomllib.loads(text_of(name))["services"].items()))
    _serve_below(base_path(table.get("path_pattern", "/*")), app)
    with rehearsed(tmp_path, app, rendered_project(name) / "out", service) as run:
        assert [(step.path, step.error) for step in run.rehearsal.result.failed] == []
        assert run.rehearsal.result.succeeded


def _serve_below(folder: str, app: Path) -> None:
    """Let the application answer only below the path `folder`, because the load balancer passes on the whole path."""
    (app / "rehearsal/serve").write_text(f"""PYTHONPATH=src exec python3 -c '
import os
from wsgiref.simple_server import make_server

from payment_processor.app import application

def below(environ, start_response):
    path = environ["PATH_INFO"]
    environ["PATH_INFO"] = path.removeprefix("{folder}") if path.startswith("{folder}/") else "/nowhere"
    return application(environ, start_response)

make_server(os.environ["HOST"], int(os.environ["PORT"]), below).serve_forever()
'
""")
