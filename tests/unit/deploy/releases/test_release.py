"""Releases and the pipeline runs that they start, with answers in CodePipeline's format."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.releases import release
from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.errors import CicdError, CredentialsError, DetachedError
from tests.fakes.scripted_cloudformation import client_error


def polling() -> Polling:
    ticks = iter(range(10_000))
    return Polling(poll_seconds=0, sleep=lambda seconds: None, now=lambda: float(next(ticks)))


class Fake:
    """A fake for S3 and CodePipeline with consecutive answers. The last answer is repeated."""

    def __init__(self, **answers: list[Any]) -> None:
        self.s3 = self.codepipeline = self
        self.answers = answers
        self.puts: list[dict[str, Any]] = []

    def put_object(self, **request: Any) -> Any:
        self.puts.append(request)
        return {"VersionId": "v1"}

    def _next(self, name: str) -> Any:
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def list_pipeline_executions(self, **request: Any) -> Any:
        return {"pipelineExecutionSummaries": self._next("runs")}

    def get_pipeline_execution(self, **request: Any) -> Any:
        return {"pipelineExecution": {"status": self._next("status")}}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_action_executions"
        return self

    def paginate(self, **request: Any) -> Any:
        assert request["filter"] == {"pipelineExecutionId": "e1"}
        return [{"actionExecutionDetails": self._next("actions")}]


def test_a_release_names_its_revision_and_author_in_ascii() -> None:
    fake: Any = Fake()

    assert release.upload_source(fake, "bucket", "pay/source.zip", Archive(b"zip", "abc", "José <j@x>")) == "v1"
    (put,) = fake.puts
    assert put["Metadata"] == {"revision": "abc", "author": "Jos%C3%A9 <j@x>"}
    # The bucket's default encrypts; a header could only be wrong.
    assert "ServerSideEncryption" not in put
    assert put["ChecksumAlgorithm"] == "SHA256"


def revision(name: str, version: str) -> dict[str, Any]:
    return {"actionName": name, "revisionId": version}


def test_the_run_of_a_version_is_waited_for() -> None:
    older = {"pipelineExecutionId": "e0", "sourceRevisions": [revision("App", "v0"), revision("Templates", "v1")]}
    fake: Any = Fake(
        runs=[
            [],
            [older, {"pipelineExecutionId": "e2"}],
            [{"pipelineExecutionId": "e1", "sourceRevisions": [revision("App", "v1")]}],
        ]
    )

    assert release.wait_for_start(fake, "p", "v1", polling()) == "e1"


def test_a_version_that_starts_nothing_is_reported_after_two_minutes() -> None:
    fake: Any = Fake(runs=[[]])

    with pytest.raises(CicdError, match="the start of p for version v1 has not finished within 2 minutes"):
        release.wait_for_start(fake, "p", "v1", polling())


def action(number: str, name: str, status: str, category: str = "Build", **output: Any) -> dict[str, Any]:
    return {
        "actionExecutionId": number,
        "stageName": "Stage",
        "actionName": name,
        "status": status,
        "input": {"actionTypeId": {"category": category}},
        **({"output": {"executionResult": output}} if output else {}),
    }


def test_each_change_is_printed_once_and_an_approval_by_its_name() -> None:
    lines: list[str] = []
    approval = action("2", "Approve", "InProgress", "Approval")
    fake: Any = Fake(
        status=["InProgress", "Stopping", "InProgress", "Succeeded"],
        actions=[
            [action("1", "Build", "InProgress")],
            [approval, action("1", "Build", "Succeeded", externalExecutionSummary="done")],
            [approval, action("1", "Build", "Succeeded")],
            [action("2", "Approve", "Succeeded", "Approval"), action("1", "Build", "Succeeded")],
        ],
    )
    release.follow(fake, "p", "e1", polling(), lines.append)

    assert lines == [
        "Stage/Build: InProgress",
        "Stage/Build: Succeeded: done",
        "Stage/Approve: waits for an approval",
        "Stage/Approve: Succeeded",
    ]


@pytest.mark.parametrize("status", ["Failed", "Stopped", "Superseded", "Cancelled"])
def test_a_run_that_does_not_succeed_is_a_failure_with_its_cause(status: str) -> None:
    lines: list[str] = []
    failed = action("1", "Gate", "Failed", "Invoke", errorDetails={"message": "2 critical findings"})
    fake: Any = Fake(status=[status], actions=[[failed]])

    with pytest.raises(
        CicdError, match=f"p: the run e1 has ended as {status}; Stage/Gate: Failed: 2 critical findings"
    ):
        release.follow(fake, "p", "e1", polling(), lines.append)
    assert lines == ["Stage/Gate: Failed: 2 critical findings"]


def test_a_run_that_ends_without_a_failed_action_names_none() -> None:
    fake: Any = Fake(status=["Superseded"], actions=[[action("1", "Build", "Succeeded")]])

    with pytest.raises(CicdError, match="has ended as Superseded; see the results of its actions above"):
        release.follow(fake, "p", "e1", polling(), lambda line: None)


def test_every_status_that_codepipeline_has_either_runs_on_or_ends() -> None:
    model = botocore.session.Session().get_service_model("codepipeline")
    known = set(model.shape_for("PipelineExecutionStatus").metadata["enum"])

    assert known - set(release.RUN_IN_PROGRESS) == {"Cancelled", "Stopped", "Succeeded", "Superseded", "Failed"}


STARTED = [{"pipelineExecutionId": "e1", "sourceRevisions": [revision("App", "v1")]}]
THROTTLED = client_error("ThrottlingException", "Rate exceeded")
ENDED = CredentialsError("profile 'x': the credentials have expired; sign in")


def test_a_throttled_poll_does_not_change_the_outcome_of_a_run() -> None:
    fake: Any = Fake(runs=[THROTTLED, STARTED], status=["InProgress", THROTTLED, "Succeeded"], actions=[[]])

    assert release.wait_for_start(fake, "pay", "v1", polling()) == "e1"
    release.follow(fake, "pay", "e1", polling(), print)


def test_credentials_that_end_while_a_release_is_followed_end_with_75_and_what_goes_on() -> None:
    fake: Any = Fake(runs=[[], ENDED], status=["InProgress", ENDED], actions=[[]])
    with pytest.raises(DetachedError) as started:
        release.wait_for_start(fake, "pay", "v1", polling())
    with pytest.raises(DetachedError) as followed:
        release.follow(fake, "pay", "e1", polling(), print)

    advice = "follow the run in the console; do not release again, because this would start another run"
    assert str(started.value) == f"{ENDED}: version v1 is uploaded and starts a run of pay; {advice}"
    assert str(followed.value) == f"{ENDED}: the run e1 of pay continues in AWS; {advice}"
    assert {started.value.exit_code, followed.value.exit_code} == {75}


def test_who_stops_following_a_release_reads_that_its_run_goes_on() -> None:
    fake: Any = Fake(status=[KeyboardInterrupt()], actions=[[]])

    with pytest.raises(DetachedError) as raised:
        release.follow(fake, "p", "e1", polling(), lambda line: None)

    assert str(raised.value) == (
        "this command was stopped, but the run e1 of p continues in AWS;"
        " follow the run in the console; do not release again, because this would start another run"
    )
    assert raised.value.exit_code == 75
