"""A context for checks: commands and an AWS that answer from tables, a clock that is moved by pauses, and a project."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from cicd_templates.acceptance.check import CheckContext
from cicd_templates.acceptance.commands import Answer, CommandFailed
from cicd_templates.acceptance.project import PRODUCTION, STAGING, TOOLS, EnvironmentAccess, Project
from cicd_templates.errors import DetachedError
from tests.conftest import ROOT
from tests.fakes.answering_aws import FakeAws

SUFFIX = "abcde"
ACCESS = {
    STAGING: EnvironmentAccess("222222222222", "eu-central-1"),
    PRODUCTION: EnvironmentAccess("333333333333", "eu-central-1"),
    TOOLS: EnvironmentAccess("111111111111", "eu-central-1", profile="sandbox"),
}


class FakeCommands:
    """Commands that end as a table says: `verb environment` or `verb` maps to an answer, or to answers in order."""

    def __init__(self, folder: Path, answers: dict[str, Any]) -> None:
        self.folder, self.answers = folder, answers
        self.typed: list[str] = []
        # Those of each command that is not `render` or `plan`.
        self.credentials: list[dict[str, str] | None] = []

    def run(
        self,
        verb: str,
        *arguments: str,
        expected: Collection[int] = (0,),
        credentials: dict[str, str] | None = None,
    ) -> Answer:
        if not self.folder.is_dir():
            raise FileNotFoundError(self.folder)
        self.typed.append(" ".join([verb, *arguments]))
        if verb not in ("render", "plan"):
            self.credentials.append(credentials)
        answer = self._answer(verb, arguments)
        if answer.code == DetachedError.exit_code and answer.code not in expected:
            raise DetachedError(answer.last_lines)
        if answer.code not in expected:
            raise CommandFailed(f"`{verb}` ended with {answer.code}: {answer.last_lines}")
        return answer

    def on(
        self,
        verb: str,
        environment: str,
        *arguments: str,
        expected: Collection[int] = (0,),
        credentials: dict[str, str] | None = None,
    ) -> Answer:
        return self.run(verb, environment, *arguments, expected=expected, credentials=credentials)

    def _answer(self, verb: str, arguments: tuple[str, ...]) -> Answer:
        key = f"{verb} {arguments[0]}" if arguments and f"{verb} {arguments[0]}" in self.answers else verb
        answer = self.answers.get(key, Answer(0, ""))
        if callable(answer):
            answer = answer(*arguments)
        if isinstance(answer, list):
            answer = answer.pop(0)
        return answer if isinstance(answer, Answer) else Answer(*answer)


DATE = "2026-01-01"
# The answers of IAM and STS when a role of the run is created and assumed.
ROLE = {"Path": "/", "RoleName": "r", "RoleId": "A" * 16, "Arn": "a" * 20, "CreateDate": DATE}
KEYS = {"AccessKeyId": "A" * 16, "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": DATE}
PEOPLE = {
    "iam.create_role": {"Role": ROLE},
    "iam.attach_role_policy": {},
    "sts.assume_role": {"Credentials": KEYS},
}


class Clock:
    """The seconds since the epoch, which only pauses move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def check_context(
    folder: Path,
    commands: dict[str, Any] | None = None,
    aws: dict[str, Any] | dict[str, FakeAws] | None = None,
    *,
    local: bool = False,
    facts: dict[str, Any] | None = None,
    post: Callable[[str, bytes, str], int] | None = None,
) -> Any:
    """Return a context. `aws` are the answers of AWS for every environment, or one AWS for each environment."""
    given = aws or {}
    one = FakeAws(given)
    clients = {name: given.get(name, one) for name in ACCESS}
    clock = Clock()
    return CheckContext(
        Project(folder, ROOT, SUFFIX, dict(ACCESS), local),
        FakeCommands(folder, commands or {}),  # type: ignore[arg-type] # it has both methods
        clients.__getitem__,
        lambda environment, credentials: clients[environment],
        post or (lambda url, body, trusted: 201),
        clock,
        clock.pause,
        lambda: None,
        {} if facts is None else facts,
    )


def stack(name: str, status: str) -> dict[str, Any]:
    """Return a summary of a stack, as ListStacks has it."""
    identifier = f"arn:aws:cloudformation:eu-central-1:222222222222:stack/{name}/1"
    return {"StackId": identifier, "StackName": name, "StackStatus": status, "CreationTime": "2026-01-01"}


def stacks(*summaries: dict[str, Any]) -> dict[str, Any]:
    return {"StackSummaries": list(summaries)}


def render_pipeline(folder: Path, *stages: str, name: str = "shop-acceptance") -> None:
    """Write the template of a pipeline, and one of another stack, into the rendered templates of tools."""
    place = folder / f"build/{SUFFIX}/tools-{SUFFIX}"
    place.mkdir(parents=True, exist_ok=True)
    pipeline = {"Name": name, "Stages": [{"Name": stage} for stage in stages]}
    contents = {
        "keys": {"Key": {"Type": "AWS::KMS::Key"}},
        "pipeline-shop": {"Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": pipeline}},
    }
    for stack_name, resources in contents.items():
        (place / f"{stack_name}.yaml").write_text(json.dumps({"Resources": resources}))
