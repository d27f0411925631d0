"""The demo runs its steps in order, and fails if anything that it shows is not true."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import demo_steps, main, targets
from cicd_templates.cli.demo_report import DemoReporter
from cicd_templates.cli.targets import Target
from cicd_templates.config.environment import Environment
from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Heading
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError
from cicd_templates.lint.formats import LintFinding
from tests.conftest import PROJECT
from tests.fakes.scripted_aws import inventory
from tests.projects.stacks import stacks_of
from tests.unit.deploy.plans.test_document import PLAN

# All on one worker, because they share what is rendered.
pytestmark = [pytest.mark.usefixtures("commands_render_once"), pytest.mark.xdist_group("demo steps")]


class Leaking(Target):
    """The staging environment with a recorded resource that no stack deleted."""

    def recorded_remains(self, inventory: Inventory) -> list[Remainder]:
        return [Remainder("T", "lost", "recorded", explained=False)]


STAGING = stacks_of("staging")
TARGET = Leaking(STAGING, STAGING, local_clients("http://127.0.0.1:1", "2", "r", "secret"), Polling(), None)


@pytest.mark.no_cover
def test_a_finding_of_cfn_lint_fails_it(in_project: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_steps, "lint_templates", lambda paths: [LintFinding("out/x.yaml", 1, "E1", "wrong")])

    with pytest.raises(CicdError, match=r"cfn-lint has findings:\n  out/x.yaml:1: E1 wrong"):
        demo_steps.run()


def test_a_second_deployment_that_would_change_something_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "plan", lambda *arguments: PLAN)

    with pytest.raises(CicdError, match="staging: deploying the same templates again would change the environment"):
        demo_steps._require_no_change(DemoReporter(), [TARGET])


def test_an_unexplained_remainder_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = DemoReporter()
    monkeypatch.setattr(Target, "inventory", lambda target: inventory())
    monkeypatch.setattr(Target, "refuse_destruction", lambda target, found: None)
    monkeypatch.setattr(targets, "destroy", lambda clients, found, polling, reporter, also_left, **lock: also_left())
    unlocked = SimpleNamespace(require_held=lambda: None)
    monkeypatch.setattr(EnvironmentLock, "held", lambda lock, *holder: contextlib.nullcontext(unlocked))

    with pytest.raises(CicdError, match="staging: resources are left for an unknown reason"):
        demo_steps._destroy(reporter, TARGET)
    assert "UNEXPLAINED: recorded" in reporter.text


class Deployed:
    """An environment on an AWS that accepts every call and keeps it."""

    def __init__(self, environment: Environment, folder: Path, told: list[str]) -> None:
        self.environment = environment.qualified
        self.stacks = read_stacks(folder / environment.qualified)
        self.told = told
        self.clients: Any = SimpleNamespace(ssm=self, s3=self)

    def get_parameter(self, **request: str) -> dict[str, Any]:
        return {"Parameter": {"Value": f"the bucket of {request['Name']}"}}

    def put_object(self, **request: Any) -> None:
        self.told.append(f"put {request['Body'].decode()} into {request['Bucket']}")

    def delete_object(self, **request: str) -> None:
        self.told.append(f"delete {request['Key']}")

    def deploy(self, reporter: object, confirm: Callable[[str], bool], tools: object, **options: Any) -> None:
        assert confirm("?")
        assert options["confirm_others"]("?")
        assert options["deployed"] == {"tools", "staging", "production"}
        self.told.append(f"deploy {self.environment}")

    def plan(self, reporter: object, tools: object) -> Any:
        return SimpleNamespace(empty=True)

    def heading(self, verb: str) -> Heading:
        return Heading(verb, self.environment, "1", "r", "")

    def inventory(self) -> Any:
        return inventory()

    def refuse_destruction(self, found: object) -> None:
        self.told.append(f"check {self.environment}")

    def destroy(self, reporter: object, found: object) -> list[Remainder]:
        self.told.append(f"destroy {self.environment}")
        return []


def test_it_renders_deploys_twice_writes_and_destroys_in_reverse_order(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    engine = SimpleNamespace(url="http://127.0.0.1:1")
    monkeypatch.setattr(demo_steps, "lint_templates", lambda paths: [])
    monkeypatch.setattr("cicd_templates.local.engine_process.running", lambda: contextlib.nullcontext(engine))
    monkeypatch.setattr(demo_steps, "open_tools", lambda *arguments, **options: None)
    monkeypatch.setattr(
        demo_steps, "open_target", lambda environment, folder, **options: Deployed(environment, folder, told)
    )
    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 0, result.output
    order = [line.split()[1] for line in told if line.startswith("deploy")]
    assert sorted(order) == ["production", "staging", "tools"]
    assert [line.split()[1] for line in told if line.startswith("destroy")] == order[::-1]
    bucket = "the bucket of /shipping/staging/storage/UploadsBucketName"
    versions = [f"put {version} into {bucket}" for version in ("first", "second", "third")]
    assert told[3:7] == [*versions, "delete templates/example"]
    assert "deployed all stacks, found no further change, destroyed them" in result.output
    assert "5. use      wrote and deleted versions of an object in staging" in result.output
    assert len(result.output.splitlines()) < 24
    assert max(map(len, result.output.splitlines())) < 80
    events = (in_project / ".state/demo.txt").read_text()
    assert "wrote out/staging/keys.yaml" in events
    assert "Destroying staging: account 1, r" in events
    assert CliRunner().invoke(main, ["render", "--check"]).exit_code == 0


def test_no_object_is_written_if_everything_is_protected() -> None:
    target = replace(TARGET, stacks=read_stacks(PROJECT / "out/production"))

    assert demo_steps._write_objects([target]).endswith("in no environment: all are protected")


def test_a_demo_that_fails_still_lists_what_happened(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_steps, "lint_templates", lambda paths: [LintFinding("out/x.yaml", 1, "E1", "wrong")])
    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 1
    assert "is listed in .state/demo.txt" in result.output
    assert "wrote out/staging/keys.yaml" in (in_project / ".state/demo.txt").read_text()
