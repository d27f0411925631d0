"""A rehearsal for tests: runs the example once, repeats single actions, and removes single permissions."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd_templates.deploy.releases.archives import source_archive
from cicd_templates.local.engine_process import Engine, running
from cicd_templates.rehearsal import artifacts, deployed_pipeline
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.rehearse import Rehearsal, run_rehearsal
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.stages import list_execution
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT, ROOT
from tests.integration.remembered_tools import remembering_tools
from tests.projects.rendering import EXAMPLE

ENGINE_PYTHON = ROOT / ".venv-local/bin/python"
TOOLS = remembering_tools()


def example(folder: Path) -> Path:
    """Return a copy of the example in a plain folder, so that the work tree of this repository does not matter."""
    app = folder / "app"
    shutil.copytree(EXAMPLE, app, ignore=shutil.ignore_patterns("__pycache__"))
    return app


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """A finished rehearsal whose engine is still running."""

    engine: Engine
    stacks: list[StackTemplate]
    rehearsal: Rehearsal

    @property
    def run(self) -> PipelineRun:
        return self.rehearsal.run

    def action(self, path: str) -> Action:
        return next(action for action in self.run.pipeline.actions if action.path == path)

    def again(self, path: str, *, reports: Mapping[str, Mapping[str, str]] = {}, **changes: Any) -> ActionProgress:
        """Repeat an action, with a changed report in an artifact or with changed settings of the rehearsal."""
        run = dataclasses.replace(
            self.run,
            setup=dataclasses.replace(self.run.setup, **changes),
            artifacts=dict(self.run.artifacts),
            variables=copy.deepcopy(self.run.variables),
        )
        for name, files in reports.items():
            run.artifacts[name] = self.changed(name, files)
        self._list_producers(run, reports)
        try:
            return dataclasses.replace(self.rehearsal, run=run).replay(self.action(path))
        finally:
            self._list_producers(self.run, reports)
            # The functions read the newest execution of each action, so a repetition that failed is not left as such.
            list_execution(self.run, self.action(path), str(uuid.uuid4()), time.time(), "Succeeded")

    @contextlib.contextmanager
    def listed(self, path: str, status: str) -> Iterator[None]:
        """List a newer execution of an action with `status` until the end of the `with` block."""
        list_execution(self.run, self.action(path), str(uuid.uuid4()), time.time(), status)
        try:
            yield
        finally:
            list_execution(self.run, self.action(path), str(uuid.uuid4()), time.time(), "Succeeded")

    def file(self, name: str, member: str) -> str:
        """Return the text of a file in an artifact of the run."""
        s3 = self.run.setup.root_session(self.run.pipeline.role).client("s3")
        with artifacts.read_artifact(s3, self.run.artifacts[name]) as archive:
            return archive.read(member).decode()

    def _list_producers(self, run: PipelineRun, names: Iterable[str]) -> None:
        """List a newer execution of the actions that put out these artifacts, with the artifacts of `run`."""
        for action in self.run.pipeline.actions:
            if set(action.outputs) & set(names):
                list_execution(run, action, str(uuid.uuid4()), time.time(), "Succeeded")

    def changed(self, name: str, files: Mapping[str, str]) -> artifacts.Artifact:
        """Replace some files in an artifact of the run."""
        s3 = self.run.setup.root_session(self.run.pipeline.role).client("s3")
        with artifacts.read_artifact(s3, self.run.artifacts[name]) as archive:
            content = {member: archive.read(member) for member in archive.namelist()}
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for member, data in {**content, **{key: text.encode() for key, text in files.items()}}.items():
                archive.writestr(member, data)
        return artifacts.put_artifact(s3, self.run.pipeline, name, target.getvalue())

    def stack(self, label: str, environment: str = "tools") -> StackTemplate:
        return next(stack for stack in self.stacks if (stack.links.environment, stack.label) == (environment, label))

    @contextlib.contextmanager
    def without(self, role: str, statement: str, action: str) -> Iterator[None]:
        """Deploy the role's stack without one action of one statement, until the end of the `with` block."""
        stack, lesser = without(self.stacks, role, statement, action)
        deployed_pipeline.deploy_stacks(self.engine, [lesser])
        try:
            yield
        finally:
            deployed_pipeline.deploy_stacks(self.engine, [stack])


def without(stacks: list[StackTemplate], role: str, statement: str, action: str) -> tuple[StackTemplate, StackTemplate]:
    """Return the stack of a role, and the same stack without one action in its rendered template."""
    for stack in stacks:
        template = copy.deepcopy(dict(stack.content))
        for rendered in _statements(template["Resources"], role):
            if rendered["Sid"] == statement and action in rendered["Action"]:
                # A statement without any action would be invalid.
                rendered["Action"] = [name for name in rendered["Action"] if name != action] or [
                    "iam:GetContextKeysForX"
                ]
                body = cloudformation_yaml.dump(template)
                return stack, dataclasses.replace(stack, content=template, text=body)
    raise AssertionError(f"{role} has no {action} in {statement}")


def _statements(resources: Mapping[str, Any], role: str) -> Iterator[Any]:
    for logical, resource in resources.items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role" and properties.get("RoleName") == role:
            for policy in properties.get("Policies", ()):
                yield from policy["PolicyDocument"]["Statement"]
            for other in resources.values():
                if other["Type"] == "AWS::IAM::Policy" and {"Ref": logical} in other["Properties"]["Roles"]:
                    yield from other["Properties"]["PolicyDocument"]["Statement"]


@contextlib.contextmanager
def rehearsed(
    folder: Path, app: Path | None = None, out: Path = PROJECT / "out", service: str | None = None, **options: Any
) -> Iterator[Rehearsed]:
    """Rehearse the example, or another source, in an engine of its own."""
    stacks = deployed_pipeline.read_every_stack(out)
    archive = source_archive(app or example(folder))
    options = {"tools": TOOLS, "tokens": {}, "network": {}, "confirm": lambda question: True, **options}
    with (
        running(python=ENGINE_PYTHON, auth=True, tls=True) as engine,
        run_rehearsal(engine, stacks, service, archive, **options) as rehearsal,
    ):
        yield Rehearsed(engine, stacks, rehearsal)
