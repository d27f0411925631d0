"""Actions under conditions that the rehearsal of the example does not have. The called services are fakes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.local.codepipeline import ActionExecutions, JobResults
from cicd_templates.local.deployment_hooks import HookCalls
from cicd_templates.local.ecs_tasks import Tasks
from cicd_templates.local.iam_decisions import Calls
from cicd_templates.rehearsal import approval, cloudformation, codebuild, connection_source, lambdas
from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.build_projects import Project
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_definition import Action, read_pipeline
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun, RehearsalSetup
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from cicd_templates.rehearsal.sessions import Credentials, Session
from cicd_templates.rehearsal.stages import run_stages
from tests.unit.rehearsal.pipelines import action as raw_action
from tests.unit.rehearsal.pipelines import conditions, properties, rule, stage

Client = Callable[..., Any]


class Fake:
    """A client whose operations return the given answers, and record their requests."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Client:
        def operation(**request: Any) -> Any:
            self.asked.append((name, request))
            answer = self._answers.get(name, {})
            found = answer.pop(0) if isinstance(answer, list) and len(answer) > 1 else answer
            found = found[0] if isinstance(found, list) else found
            if isinstance(found, Exception):
                raise found
            return found

        return operation

    def get_paginator(self, name: str) -> Any:
        """Return a paginator with one page, which is the operation's answer."""
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])


def place(folder: Path, **changes: Any) -> RehearsalSetup:
    made = RehearsalSetup(
        endpoint="http://127.0.0.1:1",
        secret="secret",
        account="111111111111",
        region="eu-central-1",
        folder=folder,
        tools=BuildTools(folder),
        tokens={},
        network={},
        job_results=JobResults(folder),
        action_executions=ActionExecutions(folder),
        calls=Calls(folder),
        tasks=Tasks(folder),
        hook_calls=HookCalls(folder),
        confirm=lambda question: True,
        source=b"PK",
        serve=lambda run, step, deploying: contextlib.nullcontext("http://127.0.0.1:9"),
        database_addresses=lambda run, step, source, variables, role, keys: {},
        start_databases=lambda run, step, parameters: "stopped" not in parameters,
    )
    return dataclasses.replace(made, **changes)


class Rooted(RehearsalSetup):
    """A rehearsal setup whose sessions are fakes."""

    fake: Any = None

    def root_session(self, arn: str) -> Any:
        return SimpleNamespace(client=lambda service: self.fake)


def made(folder: Path, fake: Fake, **changes: Any) -> PipelineRun:
    """Return a run in which every client is `fake`."""
    rooted = Rooted(
        **{each.name: getattr(place(folder), each.name) for each in dataclasses.fields(RehearsalSetup)} | changes
    )
    object.__setattr__(rooted, "fake", fake)
    session = Session(Credentials("a", "s", "t"), lambda service, keys: fake)
    return PipelineRun(read_pipeline(properties()), "e-1", rooted, session, {}, "v1")


def action(provider: str, **configuration: str) -> Action:
    return Action("S", "A", provider, 1, "", configuration, ("Templates",), (), "")


STEP = ActionProgress("S/A", "x")


def failure(act: Any, run: PipelineRun, of: Action) -> str:
    with pytest.raises(ActionFailedError) as caught:
        act(run, of, ActionProgress("S/A", of.provider))
    return str(caught.value)


def test_a_question_that_is_too_long_and_one_without_a_topic(tmp_path: Path) -> None:
    fake = Fake()
    run = made(tmp_path, fake)

    assert "has 1001 characters, but CodePipeline accepts at most 1000" in failure(
        approval.execute, run, action("Manual", CustomData="x" * 1001)
    )
    assert approval.execute(run, action("Manual"), STEP) == {}
    assert fake.asked == []


@pytest.mark.parametrize(
    ("commit", "end"),
    [
        pytest.param(TemplatesCommit("b" * 40), "", id="known"),
        pytest.param(
            TemplatesCommit(problem="out/tools/access.yaml differs from commit 1a2b"),
            "\n  The commit of the templates is unknown: out/tools/access.yaml differs from commit 1a2b",
            id="not committed",
        ),
        pytest.param(
            TemplatesCommit(),
            "\n  The commit of the templates is unknown: uncommitted templates of a parallel copy (SUFFIX)",
            id="parallel copy",
        ),
    ],
)
def test_a_question_says_why_the_commit_of_the_templates_is_unknown(
    tmp_path: Path, commit: TemplatesCommit, end: str
) -> None:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    run = made(tmp_path, Fake(), confirm=confirm, commit_unknown_because=commit.unknown_because)
    approval.execute(run, action("Manual", CustomData="Deploy?"), STEP)

    assert asked == [f"S/A: Deploy?{end}"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Payload": io.BytesIO(b"null")}, "f did not report the job's result: it reported nothing"),
        (
            {"Payload": io.BytesIO(b'{"errorType": "Timeout"}'), "FunctionError": "Unhandled", "LogResult": "bG9n"},
            """f did not report the job's result: {"errorType": "Timeout"}""",
        ),
    ],
    ids=["silent", "broken"],
)
def test_a_function_that_gives_no_answer_fails(tmp_path: Path, answer: dict[str, Any], expected: str) -> None:
    fake = Fake(get_function_configuration={"Role": "arn:role/r"}, invoke=answer)
    of = dataclasses.replace(action("Lambda", FunctionName="f"), inputs=())

    assert failure(lambdas.execute, made(tmp_path, fake), of) == expected


def test_a_function_whose_database_cannot_run_here_is_not_invoked(tmp_path: Path) -> None:
    fake = Fake(get_function_configuration={"Role": "arn:role/r"})
    of = dataclasses.replace(action("Lambda", FunctionName="f", UserParameters="stopped"), inputs=())

    assert lambdas.execute(made(tmp_path, fake), of, STEP) == {}
    assert "invoke" not in [name for name, _ in fake.asked]


def connection_action(**configuration: str) -> Action:
    made = action(
        "CodeStarSourceConnection",
        ConnectionArn="arn:aws:codeconnections:eu-west-1:111111111111:connection/c",
        FullRepositoryId="acme/till",
        BranchName="main",
        **configuration,
    )
    return dataclasses.replace(made, inputs=(), outputs=("App",))


def test_the_given_source_stands_for_the_branch_behind_a_connection(tmp_path: Path) -> None:
    fake = Fake(simulate_principal_policy={"EvaluationResults": [{"EvalDecision": "allowed"}]})
    run, step = made(tmp_path, fake), ActionProgress("Source/App", "CodeStarSourceConnection")
    variables = connection_source.execute(run, connection_action(OutputArtifactFormat="CODE_ZIP"), step)

    assert [name for name, _ in fake.asked] == ["simulate_principal_policy", "put_object", "simulate_principal_policy"]
    assert fake.asked[0][1]["ActionNames"] == ["codeconnections:UseConnection"]
    assert fake.asked[1][1]["Body"] == b"PK"
    assert fake.asked[2][1]["ActionNames"] == ["s3:PutObjectAcl"]
    assert fake.asked[2][1]["ResourceArns"] == [f"arn:aws:s3:::bucket/{run.artifacts['App'].object_key}"]
    assert (variables["CommitId"], variables["BranchName"]) == ("v1", "main")
    assert run.artifacts["App"].object_key == fake.asked[1][1]["Key"]
    assert "acme/till was not contacted, because the given source replaces the branch main" in str(step)


def test_a_source_that_only_builds_can_clone_is_refused_and_so_is_a_role_without_the_connection(
    tmp_path: Path,
) -> None:
    denied = {"EvalActionName": "codeconnections:UseConnection", "EvalDecision": "implicitDeny"}
    run = made(tmp_path, Fake(simulate_principal_policy={"EvaluationResults": [denied]}))

    assert failure(connection_source.execute, run, connection_action(OutputArtifactFormat="CODEBUILD_CLONE_REF")) == (
        "a rehearsal does not support the format CODEBUILD_CLONE_REF"
    )
    assert "may not codeconnections:UseConnection on arn:aws:codeconnections:eu-west-1" in failure(
        connection_source.execute, run, connection_action()
    )
    assert run.artifacts == {}


@pytest.mark.parametrize(
    ("revision", "expected"),
    [("c" * 40, "c" * 40), ("sha256:1", "e14e7438ed45ff5dc2ea8f847854b2fdc2afe1cf")],
    ids=["a commit", "a folder"],
)
def test_a_source_in_no_commit_gets_an_id_of_the_form_of_a_commit(revision: str, expected: str) -> None:
    found = connection_source.commit_id(Archive(b"PK", revision, "ada"))

    assert (len(found), found) == (40, expected)


def test_what_a_role_may_not_by_itself_fails(tmp_path: Path) -> None:
    denied = {"EvalActionName": "logs:PutLogEvents", "EvalDecision": "implicitDeny"}
    fake = Fake(simulate_principal_policy={"EvaluationResults": [denied]})

    with pytest.raises(ActionFailedError, match="arn:role may not logs:PutLogEvents on arn:group"):
        made(tmp_path, fake).setup.require_allowed("arn:role", ["logs:PutLogEvents"], "arn:group")


def test_a_build_of_a_project_that_is_not_there(tmp_path: Path) -> None:
    run = made(tmp_path, Fake())
    run.projects = {"known": None}  # type: ignore[dict-item]

    assert (
        failure(codebuild.execute, run, action("CodeBuild", ProjectName="no"))
        == "there is no CodeBuild project no; the projects in out/ are known"
    )


BROKEN = "version: 0.2\nphases: {build: {commands: [%s]}}\nreports: {r: {files: [r.xml]%s}}\n"


@pytest.mark.parametrize(
    ("command", "form", "expected"),
    [
        ("echo no > r.xml", "", "report r: r.xml is not valid JUnit XML"),
        ("echo", "", "report r: no file matches r.xml in ."),
        ("echo no > r.xml", ", file-format: CUCUMBERJSON", None),
    ],
)
def test_a_report_is_read_as_codebuild_would(tmp_path: Path, command: str, form: str, expected: str | None) -> None:
    source = io.BytesIO()
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a", "1")

    def body() -> dict[str, Any]:
        return {"Body": io.BytesIO(source.getvalue())}

    prefix = tmp_path / "venv"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    (prefix / "pyvenv.cfg").touch()
    fake = Fake(
        start_build={"build": {"id": "p:1", "arn": "arn:build"}},
        get_object=body(),
        simulate_principal_policy={"EvaluationResults": []},
    )
    run = made(tmp_path, fake, tools=BuildTools(prefix))
    run.service_session = lambda *_: Session(Credentials("a", "s"), lambda service, keys: fake)  # type: ignore[method-assign]
    run.projects = {"p": Project("p", "arn:x:p", "arn:role", BROKEN % (command, form), (), 1, "", "", "")}
    run.artifacts["Templates"] = Artifact("Templates", "b", "k")
    of = action("CodeBuild", ProjectName="p")

    if expected is None:
        assert codebuild.execute(run, of, ActionProgress("S/A", "CodeBuild")) == {}
    else:
        assert expected in failure(codebuild.execute, run, of)
    assert fake.asked[-1] == ("batch_get_builds", {"ids": ["p:1"]})


GONE = ClientError({"Error": {"Code": "ValidationError", "Message": "Stack s does not exist"}}, "DescribeStacks")
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")
SET = {"StackName": "s", "ChangeSetName": "c", "RoleArn": "arn:role", "TemplatePath": "Templates::t.yaml"}


def template() -> dict[str, Any]:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("t.yaml", "Resources: {}")
        archive.writestr("t.json", json.dumps({"Parameters": {"P": "1"}, "Tags": {"T": "2"}}))
    return {"Body": io.BytesIO(data.getvalue())}


def replaced(folder: Path, fake: Fake, **more: str) -> ActionProgress:
    run, step = made(folder, fake), ActionProgress("S/A", "CloudFormation")
    run.artifacts["Templates"] = Artifact("Templates", "b", "k")
    cloudformation.execute(run, action("CloudFormation", ActionMode="CHANGE_SET_REPLACE", **{**SET, **more}), step)
    return step


def test_the_first_change_set_creates_with_what_the_configuration_says(tmp_path: Path) -> None:
    change = {"ResourceChange": {"Action": "Add", "LogicalResourceId": "A"}}
    described = [{"Status": "CREATE_IN_PROGRESS"}, {"Status": "CREATE_COMPLETE", "Changes": [change]}]
    fake = Fake(describe_stacks=GONE, get_object=template(), describe_change_set=described)
    more = {"TemplateConfiguration": "Templates::t.json", "ParameterOverrides": '{"Q": "3"}', "Capabilities": "A,B"}
    step = replaced(tmp_path, fake, **more)

    request = next(request for name, request in fake.asked if name == "create_change_set")
    assert (request["ChangeSetType"], request["Capabilities"], request["RoleARN"]) == ("CREATE", ["A", "B"], "arn:role")
    assert [each["ParameterKey"] for each in request["Parameters"]] == ["P", "Q"]
    assert request["Tags"] == [{"Key": "T", "Value": "2"}]
    assert step.log == "Add A"
    assert "delete_change_set" not in [name for name, _ in fake.asked]


@pytest.mark.parametrize(
    ("described", "more", "expected"),
    [
        ({"Status": "FAILED", "StatusReason": "No updates are to be performed."}, {}, ""),
        ({"Status": "FAILED", "StatusReason": "why"}, {}, "the change set c of s failed: why"),
        ({"Status": "FAILED"}, {}, "the change set c of s failed: no reason given"),
        (
            {},
            {"TemplatePath": "Other::t.yaml"},
            "Other::t.yaml: the action has no input artifact Other; it has Templates",
        ),
        ({}, {"TemplatePath": "Templates::u.yaml"}, "Templates::u.yaml: the artifact has no such file"),
    ],
)
def test_a_change_set_that_changes_nothing_is_none_that_fails(
    tmp_path: Path, described: dict[str, Any], more: dict[str, str], expected: str
) -> None:
    stacks = {"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}
    fake = Fake(describe_stacks=stacks, get_object=template(), describe_change_set=described)

    if not expected:
        assert "the change set has no changes" in replaced(tmp_path, fake, **more).notes
        assert "delete_change_set" in [name for name, _ in fake.asked]
        return
    with pytest.raises(ActionFailedError) as caught:
        replaced(tmp_path, fake, **more)
    assert str(caught.value) == expected


EVENTS = {
    "StackEvents": [
        {"ResourceStatus": "UPDATE_ROLLBACK_COMPLETE", "LogicalResourceId": "s"},
        {"ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "Late", "ResourceStatusReason": "cancelled"},
        {"ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "First", "ResourceStatusReason": "why"},
        {"ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "Silent"},
    ]
}


@pytest.mark.parametrize(
    ("status", "events", "expected"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", EVENTS, "the stack s is UPDATE_ROLLBACK_COMPLETE; First: why"),
        ("UPDATE_FAILED", {"StackEvents": []}, "the stack s is UPDATE_FAILED; no reason given"),
    ],
)
def test_a_stack_that_fails_says_the_first_cause(
    tmp_path: Path, status: str, events: dict[str, Any], expected: str
) -> None:
    fake = Fake(
        describe_change_set={"ExecutionStatus": "AVAILABLE"},
        describe_stacks=[{"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]}, {"Stacks": [{"StackStatus": status}]}],
        describe_stack_events=events,
    )
    of = action("CloudFormation", ActionMode="CHANGE_SET_EXECUTE", StackName="s", ChangeSetName="c")

    assert failure(cloudformation.execute, made(tmp_path, fake), of) == expected


def test_nothing_to_execute_gives_the_outputs_all_the_same(tmp_path: Path) -> None:
    outputs = [{"OutputKey": "Url", "OutputValue": "https://x"}]
    stacks = {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}]}
    fake = Fake(
        describe_change_set={"ExecutionStatus": "UNAVAILABLE"},
        describe_stacks=stacks,
        describe_stack_events={"StackEvents": []},
        list_stack_resources={"StackResourceSummaries": [{"ResourceType": "AWS::Logs::LogGroup"}]},
    )
    of = action("CloudFormation", ActionMode="CHANGE_SET_EXECUTE", StackName="s", ChangeSetName="c")
    step = ActionProgress("S/A", "CloudFormation")

    assert cloudformation.execute(made(tmp_path, fake), of, step) == {"Url": "https://x"}
    assert step.notes == ["the change set had no changes to execute"]


def test_another_mode_and_a_stack_that_may_not_be_seen(tmp_path: Path) -> None:
    of = action("CloudFormation", ActionMode="DELETE_ONLY", StackName="s")

    assert failure(cloudformation.execute, made(tmp_path, Fake()), of) == (
        "a rehearsal does not support the action mode DELETE_ONLY"
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        replaced(tmp_path, Fake(describe_stacks=DENIED, get_object=template()))


def test_a_stage_behind_a_lock_is_not_entered(tmp_path: Path) -> None:
    lock = rule("Verdict", "VariableCheck", Variable="#{codepipeline.PipelineExecutionId}", Operator="NE", Value="e-1")
    stages = [
        stage("First", raw_action("Ask", "Manual")),
        stage("Second", raw_action("Ask", "Manual"), BeforeEntry=conditions(lock)),
    ]
    run = made(tmp_path, Fake())
    run.pipeline = read_pipeline(properties(*stages))
    steps = {each.path: ActionProgress(each.path, each.provider) for each in run.pipeline.actions}
    lines: list[str] = []

    refusal = run_stages(run, steps, lambda step: lines.append(f"{step.path} {step.state}"))
    assert refusal == "Second is locked: Verdict requires #{codepipeline.PipelineExecutionId} NE e-1"
    assert lines == ["First/Ask not reached", "First/Ask succeeded"]
    assert steps["Second/Ask"].state is ActionState.NOT_REACHED


def test_a_stage_whose_action_fails_is_the_last_one(tmp_path: Path) -> None:
    stages = [
        stage(
            "First", raw_action("Ask", "Manual"), raw_action("Long", "Manual", Configuration={"CustomData": "x" * 1001})
        ),
        stage("Second", raw_action("Ask", "Manual")),
    ]
    run = made(tmp_path, Fake())
    run.pipeline = read_pipeline(properties(*stages))
    steps = {each.path: ActionProgress(each.path, each.provider) for each in run.pipeline.actions}

    assert run_stages(run, steps, lambda step: None) == ""
    assert [step.state for step in steps.values()] == [
        ActionState.SUCCEEDED,
        ActionState.FAILED,
        ActionState.NOT_REACHED,
    ]
