"""A target all of whose chosen stacks are deployed only by the pipeline."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.releases.pipeline_handover import Comparison, left_to_the_pipeline
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.deploy.reporting.report import Event, Heading, Note
from cicd_templates.deploy.runs.approval import DeclinedError
from cicd_templates.errors import RefusedError
from cicd_templates.local.engine_process import Engine
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT, ROOT
from tests.fakes.scripted_cloudformation import FakeClients, FakeCloudFormation, stack

RUNNING = [{"LogicalResourceId": "Service", "ResourceType": "AWS::ECS::Service", "ResourceStatus": "CREATE_COMPLETE"}]
ADOPTED = [
    {"LogicalResourceId": "LogGroup", "ResourceType": "AWS::Logs::LogGroup", "ResourceStatus": "UPDATE_COMPLETE"}
]
GONE = [{**RUNNING[0], "ResourceStatus": "DELETE_COMPLETE"}]

COMMITTED = TemplatesCommit("c" * 40)
DIRTY = TemplatesCommit(problem="out/staging/keys.yaml differs from commit cccccccccccc")
SAME = Comparison("bucket", has_these=True)
OWN = Comparison("bucket", changed={"production": ("keys.yaml",)})
OTHERS = Comparison(
    "bucket",
    changed={
        "production": ("keys.yaml",),
        "staging": ("keys.yaml",),
        "tools": tuple(f"{name}.yaml" for name in "abcdefg"),
    },
)
NO_BUCKET = Comparison(None)
FIRST = Comparison("bucket", first=True, changed={"production": ("keys.yaml",), "tools": ("keys.yaml",)})
NOT_COMMITTED = [
    f"templates: the work tree's templates are deployed, although no commit contains them: {DIRTY.problem}",
    "templates: not handed to the pipeline, because no commit contains them; commit them, then deploy again",
]


class Tools:
    """A pipeline that deploys every service."""

    environment = SimpleNamespace(qualified="tools")
    missing: tuple[str, ...] = ()

    def __init__(self, comparison: Comparison = SAME, commit: TemplatesCommit = COMMITTED) -> None:
        self.comparison, self.commit, self.published = comparison, commit, 0

    def compare(self) -> Comparison:
        return self.comparison

    def writes(self, stack: object) -> bool:
        return True

    def publish_templates(self, bucket: str) -> str:
        self.published += 1
        return "v1"


class Notes:
    """A reporter that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def report(self, event: Event) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


class Answers:
    """A function that gives the same answer to every question, and keeps the questions."""

    def __init__(self, answer: bool) -> None:
        self.answer, self.questions = answer, list[str]()

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


def test_stacks_that_only_the_pipeline_deploys_are_not_deployed() -> None:
    tools: Any = Tools()
    target = left_altogether()
    notes = Notes()

    target.deploy(notes, Answers(True), tools, confirm_others=Answers(True))
    assert [type(event) for event in notes.events] == [Heading, Note, Note]
    assert target.plan(notes, tools) is None


def test_a_plan_uses_answers_that_other_threads_read_unless_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    monkeypatch.setattr("cicd_templates.cli.targets.refuse_kept_resources", lambda *given: used.append(given[-1]))
    target = left_altogether()
    existing: dict[str, Any] = {target.chosen[0].name: {}}
    ahead: Any = SimpleNamespace(refresh=lambda: used.append("refreshed"), existing=existing)
    tools: Any = Tools()

    assert target.plan(Notes(), tools, ahead=ahead) is None
    assert used == ["refreshed", existing]


def created(stacks: Sequence[StackTemplate], **answers: Any) -> FakeCloudFormation:
    """Return a CloudFormation that has created `stacks`."""
    listed = [{**stack("CREATE_COMPLETE"), "StackName": each.name} for each in stacks]
    return FakeCloudFormation([stack("CREATE_COMPLETE")], listed=listed, **answers)


def left_altogether() -> Target:
    """Return the service of production, which only the pipeline deploys. Only the hand-over remains to be done."""
    stacks = read_stacks(PROJECT / "out/production")
    clients: Any = FakeClients(created(stacks, resources=RUNNING))
    return Target(stacks, [each for each in stacks if each.layer == "service"], clients, Polling(), None)


def execute(
    monkeypatch: pytest.MonkeyPatch, tools: Any, *, refused: bool = False, others: Answers | None = None
) -> list[str]:
    """Execute a plan of production that also deploys the storage of tools. Return the notes."""
    stacks = read_stacks(PROJECT / "out/production")
    clients: Any = FakeClients(created(stacks))
    made: Any = SimpleNamespace(labels=())
    notes = Notes()

    def execute_plan(*arguments: Any, passed: Callable[[], None], after: Callable[[Any], None], **options: Any) -> None:
        if refused:
            raise RefusedError("a file has moved")
        assert tools.published == 0
        passed()
        for each in read_stacks(PROJECT / "out/tools"):
            after(each)

    monkeypatch.setattr("cicd_templates.deploy.runs.deployment.execute_plan", execute_plan)
    target = Target(stacks, stacks, clients, Polling(), None)
    with pytest.raises(RefusedError) if refused or tools.commit.problem else contextlib.nullcontext() as error:
        target.execute(made, Path("p"), notes, tools, confirm_others=others or Answers(False))
    return [*notes.lines, *([str(error.value)] if error else [])]


def test_the_pipeline_gets_the_templates_after_the_plan_is_approved_and_the_work_tree_is_named_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes, tools = Notes(), Tools(OWN, DIRTY)
    before: list[str] = []

    def deploy(*arguments: Any, passed: Callable[[], None], **options: Any) -> None:
        before.extend(notes.lines)
        passed()

    monkeypatch.setattr("cicd_templates.deploy.runs.deployment.deploy", deploy)
    monkeypatch.setattr("cicd_templates.cli.targets.refuse_kept_resources", lambda *arguments: None)
    clients: Any = FakeClients(FakeCloudFormation([None]))
    stacks = read_stacks(PROJECT / "out/staging")
    handed: Any = tools
    Target(stacks, stacks, clients, Polling(), None).deploy(notes, Answers(True), handed, confirm_others=Answers(True))

    assert (before, notes.lines) == (NOT_COMMITTED[:1], NOT_COMMITTED)


@pytest.mark.parametrize("missing", [("tools-pr1",), ("production-pr1", "tools-pr1")])
def test_a_copy_that_is_rendered_in_part_is_deployed_and_not_handed_over(missing: tuple[str, ...]) -> None:
    notes, tools = Notes(), Tools(OTHERS, TemplatesCommit())
    tools.missing = missing
    handed: Any = tools
    left_altogether().deploy(notes, Answers(True), handed, confirm_others=Answers(True))
    (line,) = notes.lines[1:]

    verb = "is" if len(missing) == 1 else "are"
    because = f"{' and '.join(missing)} {verb} not rendered on this machine"
    assert line == f"templates: not handed to the pipeline, because {because}"
    assert tools.published == 0


@pytest.mark.parametrize("refused", [True, False])
def test_templates_are_handed_over_after_the_plan_has_passed_all_checks(
    refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools: Any = Tools(OWN)
    execute(monkeypatch, tools, refused=refused)

    assert tools.published == (not refused)


def test_a_plan_of_a_protected_environment_is_refused_while_the_templates_are_in_no_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools: Any = Tools(OWN, DIRTY)

    assert execute(monkeypatch, tools) == [
        "production is protected, so its templates must be committed before they are deployed:"
        " out/staging/keys.yaml differs from commit cccccccccccc; commit them, then deploy the same plan"
    ]
    assert tools.published == 0


@pytest.mark.parametrize("agreed", [True, False])
def test_a_reviewed_plan_is_no_consent_for_other_environments(agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tools: Any = Tools(OTHERS)
    others = Answers(agreed)
    lines = execute(monkeypatch, tools, others=others)

    assert (tools.published, len(others.questions)) == (agreed, 1)
    assert "templates: the pipeline would also get the changed files of staging: 1 (keys.yaml)" in lines


def test_templates_are_handed_over_once_as_soon_as_the_bucket_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools: Any = Tools(NO_BUCKET)
    lines = execute(monkeypatch, tools)
    waiting = "templates: not handed to the pipeline yet, because the tools environment has no bucket for templates"

    assert lines == [waiting, waiting]
    tools = Tools(SAME)
    assert execute(monkeypatch, tools) == ["templates: the pipeline already has these"]


@pytest.mark.parametrize(
    ("comparison", "asked"), [(OWN, 1), (SAME, 0), (NO_BUCKET, 0)], ids=["others", "the same", "no bucket"]
)
def test_other_templates_than_the_pipeline_has_are_handed_over_with_consent_only(
    comparison: Comparison, asked: int
) -> None:
    tools: Any = Tools(comparison)
    refuse, others = Answers(False), Answers(True)

    with (
        pytest.raises(DeclinedError, match="not handed to the pipeline, and nothing was deployed")
        if asked
        else contextlib.nullcontext()
    ):
        left_altogether().deploy(Notes(), refuse, tools, confirm_others=others)
    assert (len(refuse.questions), others.questions, tools.published) == (asked, [], 0)


@pytest.mark.parametrize(
    ("changed", "listed"),
    [(["qa"], "qa"), (["qa", "tools"], "qa and tools"), (["load", "qa", "tools"], "load, qa and tools")],
)
def test_other_environments_are_named_as_in_a_sentence(changed: list[str], listed: str) -> None:
    notes = Notes()
    tools: Any = Tools(replace(OTHERS, changed=dict.fromkeys(changed, ("keys.yaml",))))
    left_altogether().deploy(notes, Answers(True), tools, confirm_others=Answers(False))

    assert f"because files of other environments also changed ({listed});" in notes.lines[-1]


def test_changes_of_other_environments_are_listed_and_asked_for_by_a_question_of_their_own() -> None:
    notes, yes, others = Notes(), Answers(True), Answers(False)
    tools: Any = Tools(OTHERS)
    left_altogether().deploy(notes, yes, tools, confirm_others=others)

    assert notes.lines[1:] == [
        "templates: the pipeline would also get the changed files of staging: 1 (keys.yaml)",
        "templates: the pipeline would also get the changed files of tools:"
        " 7 (a.yaml, b.yaml, c.yaml, d.yaml, e.yaml and 2 more)",
        "templates: not handed to the pipeline, because files of other environments also changed"
        " (staging and tools); --hand-over hands over all changes",
    ]
    assert (yes.questions, tools.published) == ([], 0)
    assert others.questions == [
        "Hand all templates to the pipeline?"
        " The pipeline's next release then also deploys the changes for staging and tools."
    ]


@pytest.mark.parametrize(
    ("comparison", "deployed", "asked"),
    [
        pytest.param(OTHERS, {"production"}, 1, id="one environment of three"),
        pytest.param(OTHERS, {"production", "staging", "tools"}, 0, id="all of them"),
        pytest.param(FIRST, {"tools"}, 0, id="the first time, with the pipeline"),
        pytest.param(FIRST, {"staging"}, 1, id="the first time, with staging alone"),
        pytest.param(Comparison("bucket"), {"staging"}, 0, id="the same files, of which no commit was known"),
    ],
)
def test_with_consent_the_templates_are_handed_over(comparison: Comparison, deployed: set[str], asked: int) -> None:
    notes, others = Notes(), Answers(True)
    tools: Any = Tools(comparison)
    left_altogether().deploy(notes, Answers(True), tools, confirm_others=others, deployed=frozenset(deployed))

    assert (len(others.questions), tools.published) == (asked, 1)
    assert notes.lines[-1] == "templates: handed to the pipeline as version v1, commit cccccccccccc"


@pytest.mark.parametrize(
    ("comparison", "lines"),
    [
        pytest.param(OTHERS, NOT_COMMITTED, id="others"),
        pytest.param(SAME, [NOT_COMMITTED[0], "templates: the pipeline already has these"], id="the same"),
        pytest.param(
            NO_BUCKET,
            [
                NOT_COMMITTED[0],
                "templates: not handed to the pipeline yet, because the tools environment has no bucket for templates",
            ],
            id="no bucket",
        ),
    ],
)
def test_templates_in_no_commit_are_deployed_and_not_handed_over_and_both_is_reported(
    comparison: Comparison, lines: list[str]
) -> None:
    notes = Notes()
    tools: Any = Tools(comparison, DIRTY)
    left_altogether().deploy(notes, Answers(True), tools, confirm_others=Answers(True))

    assert (notes.lines[1:], tools.published) == (lines, 0)


@pytest.mark.parametrize(
    ("found", "resources", "left"),
    [
        pytest.param("UPDATE_COMPLETE", RUNNING, 1, id="its service runs"),
        pytest.param("UPDATE_COMPLETE", ADOPTED, 0, id="only what was taken back"),
        pytest.param("UPDATE_COMPLETE", [*ADOPTED, *GONE], 0, id="its service is deleted"),
        pytest.param(None, [], 0, id="no stack"),
    ],
)
def test_only_the_pipeline_deploys_a_stack_that_has_its_service(
    found: str | None, resources: list[dict[str, str]], left: int
) -> None:
    service = [each for each in read_stacks(PROJECT / "out/production") if each.layer == "service"]
    tools: Any = Tools()
    clients: Any = FakeClients(FakeCloudFormation([stack(found) if found else None], resources=resources))

    assert len(left_to_the_pipeline(clients, tools, service)) == left
    known: dict[str, Any] = {each.name: {} for each in service if found}
    assert len(left_to_the_pipeline(clients, tools, service, known)) == left


@pytest.mark.parametrize(("local", "words"), [(False, ""), (True, " LOCAL=1")])
def test_the_stack_of_the_pipeline_asked_for_by_name_is_refused_with_the_release(local: bool, words: str) -> None:
    stacks = read_stacks(PROJECT / "out/production")
    service = [each for each in stacks if each.layer == "service"]
    clients: Any = FakeClients(created(stacks, resources=RUNNING))
    tools: Any = Tools()
    engine: Any = Engine(1, 1, ROOT) if local else None
    target = Target(stacks, service, clients, Polling(), engine, layer="service")
    reporter: Any = SimpleNamespace(report=lambda event: None)

    with pytest.raises(RefusedError) as refused:
        target.plan(reporter, tools)
    assert str(refused.value).endswith(f"release instead: make release SERVICE=parcel-dispatcher{words} APP=<source>")


def test_plans_are_discarded_and_looked_for_in_the_environment_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    discarded: list[Any] = []

    def discard(context: Any, stacks: Any, path: Path | None) -> int:
        discarded.append((context.plans, stacks, path))
        return 3

    monkeypatch.setattr("cicd_templates.deploy.runs.deployment.discard", discard)
    target = left_altogether()

    assert target.discard(Path("plan.json")) == 3
    assert discarded == [(target.context().plans, target.stacks, Path("plan.json"))]
    assert target.claims() == {}
