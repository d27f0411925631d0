"""Every project of tests/projects on the local AWS: deployed, repeated without a change, and destroyed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cicd_templates.local.engine_process import Engine
from tests.integration import conftest
from tests.integration.conftest import Project
from tests.projects.rendering import PROJECTS

pytestmark = pytest.mark.integration
NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/environments.toml"))


def copied(name: str, engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with accounts that no other test uses."""
    text = (PROJECTS / name / "environments.toml").read_text(encoding="utf-8")
    accounts = {account: str(next(conftest._accounts)) for account in sorted(set(re.findall(r"\b\d{12}\b", text)))}
    for account, own in accounts.items():
        text = text.replace(account, own)
    (folder / "templates").mkdir()
    (folder / "templates/environments.toml").write_text(text, encoding="utf-8")
    return conftest.use_project(engine, folder, monkeypatch, accounts)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_project_is_deployed_then_unchanged_then_destroyed_with_nothing_unexplained(
    name: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copied(name, engine, tmp_path, monkeypatch)
    project.render_and_commit()
    stacks = len(list(tmp_path.glob("out/*/*.yaml")))
    environments = sorted(folder.name for folder in tmp_path.glob("out/*/"))

    deployed = project.ok("deploy --env all --local --yes")
    assert deployed.count(": created, ") == stacks
    again = project.ok("deploy --env all --local --yes")
    assert again.count(": nothing to change") + again.count(": left to the pipeline") == stacks
    status = json.loads(project.ok("status --local --json"))
    assert {row["status"] for rows in status.values() for row in rows} == {"CREATE_COMPLETE", "handed over"}
    destroyed = project.ok(f"destroy --env all --local --yes --allow {','.join(environments)}")
    assert destroyed.count(": deleted, ") == stacks
    assert "UNEXPLAINED" not in destroyed
    assert [entry for account in project.accounts.values() for entry in engine.record.entries(account)] == []
    assert project.ok("status --local").count("not deployed") == stacks
