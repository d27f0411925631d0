"""Uploads the rendered templates for the pipeline during a deployment, and creates the AWS clients for the upload.

If the templates cannot be uploaded, the deployment reports the reason and continues. The user must agree to an upload
of changed templates. If the user declines:

- The deployment stops if it deploys all environments whose templates have changed.
- If templates of another environment have changed, the deployment continues without the upload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from cicd_templates import hints
from cicd_templates.cli.accounts import open_account
from cicd_templates.config.environment import Configuration
from cicd_templates.deploy.aws.clients import require_account
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks, template_paths
from cicd_templates.deploy.releases.pipeline_handover import Comparison, PipelineHandover
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
from cicd_templates.deploy.reporting.report import Note, Reporter
from cicd_templates.deploy.runs.approval import Confirm, DeclinedError
from cicd_templates.files.paths import BUILD
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine
from cicd_templates.template.stack_template import StackTemplate

if TYPE_CHECKING:
    from cicd_templates.cli.targets import Target

HAND_OVER_QUESTION = "Hand these templates to the pipeline? Its next release deploys them."
HAND_OVER_OTHERS = (
    "Hand all templates to the pipeline? The pipeline's next release then also deploys the changes for {others}."
)
SHOWN_FILES = 5
NO_COMMIT_SOUGHT = TemplatesCommit(problem="a plan does not look for the commit of the templates")


@dataclass
class TemplatesHandover:
    """Uploads the rendered templates for the pipeline during one deployment.

    - `deployed` has the names of the environments that are being deployed.
    - `confirm` asks the user whether to upload changed templates of these environments.
    - `confirm_others` asks the user whether to upload changed templates of other environments.
    - `waits` is true while the pipeline's bucket for templates does not exist yet.
    """

    tools: PipelineHandover
    reporter: Reporter
    deployed: frozenset[str]
    confirm: Confirm
    confirm_others: Confirm
    waits: bool = field(default=False, init=False)

    def note_uncommitted(self) -> None:
        """Report if the templates are not committed."""
        if problem := self.tools.commit.problem:
            self._note(f"the work tree's templates are deployed, although no commit contains them: {problem}")

    def hand_over(self) -> None:
        """Upload the templates for the pipeline, or report why they are not uploaded.

        Raises `DeclinedError` if the user declines to upload the templates of the environments that are being deployed.
        """
        comparison = self.tools.compare()
        self.waits = comparison.bucket is None
        if comparison.bucket is None:
            self._note("not handed to the pipeline yet, because the tools environment has no bucket for templates")
        elif comparison.has_these:
            self._note("the pipeline already has these")
        elif self.tools.missing:
            self._note(
                f"not handed to the pipeline, because {' and '.join(self.tools.missing)}"
                f" {'is' if len(self.tools.missing) == 1 else 'are'} not rendered on this machine"
            )
        elif self.tools.commit.problem:
            self._note("not handed to the pipeline, because no commit contains them; commit them, then deploy again")
        elif self._agreed(comparison):
            version = self.tools.publish_templates(comparison.bucket)
            self._note(f"handed to the pipeline as version {version}, {self.tools.commit.description}")

    def after(self, stack: StackTemplate) -> None:
        """If `stack`, which was just deployed, contains the bucket for templates, upload the templates for the
        pipeline.
        """
        if self.waits and stack.links.environment == self.tools.environment.qualified and stack.layer == "storage":
            self.hand_over()

    def _agreed(self, comparison: Comparison) -> bool:
        others = {name: files for name, files in comparison.changed.items() if name not in self.deployed}
        # The first hand-over is a part of deploying the pipeline. No release has deployed anything yet.
        if comparison.first and self.tools.environment.qualified in self.deployed:
            return True
        if others:
            for line in _lines(others):
                self._note(f"the pipeline would also get the changed files of {line}")
            if self.confirm_others(HAND_OVER_OTHERS.format(others=_listed(others))):
                return True
            self._note(
                "not handed to the pipeline, because files of other environments also changed"
                f" ({_listed(others)}); {hints.option('HAND_OVER', value=True)} hands over all changes"
            )
            return False
        if comparison.changed and not self.confirm(HAND_OVER_QUESTION):
            raise DeclinedError("the templates were not handed to the pipeline, and nothing was deployed")
        return True

    def _note(self, text: str) -> None:
        self.reporter.report(Note(f"templates: {text}"))


def _listed(environments: Iterable[str]) -> str:
    """Return the names as a list in a sentence: `qa`, `qa and tools`, or `load, qa and tools`."""
    *first, last = environments
    return f"{', '.join(first)} and {last}" if first else last


def _lines(changed: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return a line for each environment: how many of its files changed, and the first `SHOWN_FILES` file names."""
    lines = []
    for environment, files in changed.items():
        more = f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
        lines.append(f"{environment}: {len(files)} ({', '.join(files[:SHOWN_FILES])}{more})")
    return lines


def open_tools(
    configuration: Configuration,
    folder: Path,
    *,
    local: bool,
    engine: Engine | None = None,
    known: Mapping[str, Target] = MappingProxyType({}),
    plans_only: bool = False,
) -> PipelineHandover:
    """Return a `PipelineHandover`, which uploads templates for the pipeline in the tools environment.

    The result has the stacks of every environment, because a pipeline run may deploy any of them. For a parallel copy
    of the environments, the result has only the stacks that were rendered into `folder`.

    - `local`: use the local AWS in `engine`. If `engine` is None, use the local AWS that `make local` started.
    - `known` maps names of environments to open targets. The stacks and AWS clients of these targets are used again.
    - `plans_only`: do not search for the commit that contains the templates. Only an upload needs this commit.
    """
    tools = next(environment for environment in configuration.environments if environment.kind == "tools")
    # The templates of a copy are never committed; the copy's pipeline reaches only environments of the same copy.
    copy = folder.parent == BUILD
    by_environment = {
        environment.qualified: _stacks_of(known.get(environment.qualified), folder / environment.qualified)
        for environment in configuration.environments
        if not copy or template_paths(folder / environment.qualified)
    }
    target = known.get(tools.qualified)
    if target is not None and target.caller:
        clients, caller = target.clients, target.caller
    else:
        own = by_environment.get(tools.qualified)
        account, region = (own[0].account, own[0].region) if own else (tools.account, tools.region)
        engine = engine or next((each.engine for each in known.values()), None)
        clients, _ = open_account(tools, account, region, (engine or engine_state_file.required()) if local else None)
        caller = require_account(clients, account)
    stacks = [stack for stacks in by_environment.values() for stack in stacks]
    missing = tuple(
        environment.qualified
        for environment in configuration.environments
        if environment.qualified not in by_environment
    )
    commit = TemplatesCommit() if copy else NO_COMMIT_SOUGHT if plans_only else find_templates_commit(folder, stacks)
    return PipelineHandover(tools, clients, tuple(stacks), commit, caller, missing)


def _stacks_of(target: Target | None, folder: Path) -> Sequence[StackTemplate]:
    """Return the stacks of `target`. If `target` is None, read the stacks from `folder`."""
    return target.stacks if target else read_stacks(folder)
