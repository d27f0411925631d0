"""The engine: its reset, and the commands that start and stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.local import engine_process as engines
from cicd_templates.local import engine_state_file
from tests.conftest import PROJECT
from tests.integration.conftest import ENGINE_PYTHON, Project

pytestmark = pytest.mark.integration


def test_a_reset_forgets_every_resource_and_every_record() -> None:
    with engines.running(python=ENGINE_PYTHON) as engine:
        from cicd_templates.deploy.aws.clients import local_clients

        clients = local_clients(engine.url, "123456789012", "eu-central-1", engine.secret)
        clients.s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        engine.record.add({"type": "T", "id": "i", "account": "a"})
        engine.reset()

        assert clients.s3.list_buckets()["Buckets"] == []
        assert engine.record.entries() == []
    assert not engine.folder.exists()
    assert not engines.alive(engine.pid)


# The process is meant to outlive the command that started it; Python warns about that.
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_local_starts_once_and_stops_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_state_file.forget()
    monkeypatch.setattr("cicd_templates.local.engine_process.DEFAULT_PYTHON", ENGINE_PYTHON)
    assert "no local AWS is running" in project.ok("local-stop")
    refused = project.type("status --local")
    assert refused.exit_code == 1
    assert "no local AWS is running; start it with `make local`" in refused.output

    started = project.ok("local")
    engine = engine_state_file.required()
    assert str(engine.pid) in started
    assert "is running already" in project.ok("local")
    assert "stopped the local AWS" in project.ok("local-stop")
    assert not Path(".state/local.json").exists()
    assert not engine.folder.exists()


@pytest.mark.long
def test_the_demo_is_one_command(in_project: Path) -> None:
    from click.testing import CliRunner

    from cicd_templates.cli import main

    first = CliRunner().invoke(main, ["demo"])
    assert first.exit_code == 0, first.output
    events = Path(".state/demo.txt").read_text()
    assert "wrote out/staging/keys.yaml" in events
    stacks = len(list((PROJECT / "out").glob("*/*.yaml")))
    assert events.count(": created, ") == stacks
    assert events.count(": nothing to change") == stacks
    assert events.count("left of ") == 3
    assert "storage: emptied shipping-staging-uploads-222222222222-eu-central-1 (4 objects)" in events
    assert "all explained" in first.output
