"""A diagnosis in one block: the root cause, details of AWS services, the line in the template, and the next steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis import diagnose as module
from cicd_templates.deploy.diagnosis.diagnose import ADVICE, Diagnosis, FailureCollector, diagnose
from tests.fakes.answering_aws import FakeAws, denied
from tests.projects.stacks import stacks_of
from tests.unit.deploy.diagnosis.causes import test_ecs
from tests.unit.deploy.diagnosis.test_failures import BEGIN, event

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")
ME = "arn:aws:sts::222222222222:assumed-role/deployer/me"


def aws(*events: dict[str, Any], **answers: Any) -> FakeAws:
    return FakeAws({"cloudformation.describe_stack_events": {"StackEvents": list(events[::-1])}, **answers})


def diagnosed(fake: FakeAws, status: str = "UPDATE_ROLLBACK_COMPLETE") -> Diagnosis:
    return diagnose(fake, KEYS, "arn:stack", status)  # type: ignore[arg-type] # the fake stands in


def test_every_code_of_a_resource_handler_has_advice_and_no_other() -> None:
    model = botocore.session.Session().get_service_model("cloudcontrol")

    assert set(ADVICE) == set(model.shape_for("HandlerErrorCode").metadata["enum"])


def test_the_block_has_the_cause_its_place_and_what_to_do() -> None:
    reason = 'Resource handler returned message: "exists" (RequestToken: 1, HandlerErrorCode: AlreadyExists)'
    found = diagnosed(
        aws(BEGIN, event(11, "UPDATE_FAILED", "Key", reason), event(12, "UPDATE_FAILED", "KeyAlias", "too"))
    )

    assert found.reason == f"Key (AWS::S3::Bucket): {reason}"
    assert found.lines == (
        f"at {KEYS.path}:{KEYS.path.read_text().splitlines().index('  Key:') + 1}",
        "and 1 more resources failed independently",
        f"next: {ADVICE['AlreadyExists']}",
    )


@pytest.mark.parametrize(
    ("reason", "facts", "then"),
    [
        pytest.param(
            f"User: {ME} is not authorized to perform: kms:TagResource because no identity-based policy allows it"
            " (HandlerErrorCode: AccessDenied)",
            (f"{ME} may not kms:TagResource",),
            ("allow the action in a policy of the principal",),
            id="a refusal says who may not what",
        ),
        pytest.param(
            "Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm",
            (),
            (
                "aws --region eu-central-1 sts decode-authorization-message"
                " --encoded-message 4GIOHlTkIaWHQD0Q0m6XSnuUMCm",
            ),
            id="in cipher",
        ),
        pytest.param("it broke (HandlerErrorCode: Novel)", (), (), id="an unknown code"),
        pytest.param("it broke", (), (), id="words alone"),
    ],
)
def test_the_reason_decides_what_comes_next(reason: str, facts: tuple[str, ...], then: tuple[str, ...]) -> None:
    found = diagnosed(aws(BEGIN, event(11, "UPDATE_FAILED", "Key", reason)))

    assert (found.facts, found.then, found.also) == (facts, then, 0)


def test_a_state_that_a_person_must_settle_comes_with_its_command() -> None:
    found = diagnosed(aws(BEGIN, event(11, "UPDATE_FAILED", "Key", "it broke")), "UPDATE_ROLLBACK_FAILED")

    assert found.then == (
        "aws cloudformation continue-update-rollback --region eu-central-1 --stack-name shipping-staging-keys",
    )


def test_without_a_cause_or_without_events_the_state_is_reported() -> None:
    assert diagnosed(aws(BEGIN), "ROLLBACK_COMPLETE").reason == (
        "the stack ended in ROLLBACK_COMPLETE, and its events do not name a cause"
    )
    found = diagnosed(FakeAws({}), "DELETE_FAILED")
    assert found.reason.startswith("the stack ended in DELETE_FAILED, and its events are not readable: An error")
    assert found.at == str(KEYS.path)
    assert found.then[0].startswith("aws cloudformation delete-stack ")


def test_a_service_that_cannot_be_asked_changes_no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*arguments: Any) -> list[str]:
        raise EndpointConnectionError(endpoint_url="https://s3")

    monkeypatch.setitem(module.PROBES, "AWS::S3::Bucket", unreachable)
    found = diagnosed(aws(BEGIN, event(11, "UPDATE_FAILED", "Key", "it broke")))

    assert found.reason == "Key (AWS::S3::Bucket): it broke"
    assert found.facts == ('AWS::S3::Bucket gave no details: Could not connect to the endpoint URL: "https://s3"',)


def of_ecs(status: str = "CREATE_FAILED") -> ResourceEvent:
    return ResourceEvent(
        "1",
        datetime(2026, 1, 1, tzinfo=UTC),
        test_ecs.LOGICAL_ID,
        "AWS::ECS::Service",
        status,
        "never became stable",
        test_ecs.SERVICE,
    )


def test_a_failure_collector_asks_at_once_and_only_once_because_the_rollback_deletes_tasks_and_logs() -> None:
    fake = test_ecs.aws([test_ecs.task(1, stoppedReason="no memory")])
    collector = FailureCollector(fake, test_ecs.STACK)  # type: ignore[arg-type] # the fake stands in
    collector.collect(of_ecs("CREATE_IN_PROGRESS"))
    assert fake.calls == []

    collector.collect(of_ecs())
    collector.collect(of_ecs())
    asked = len(fake.calls)
    assert [call for call, _ in fake.calls].count("ecs.describe_tasks") == 1

    events = [event(11, "CREATE_FAILED", test_ecs.LOGICAL_ID, "never became stable"), BEGIN]
    fake.answers["cloudformation.describe_stack_events"] = {"StackEvents": events}
    found = collector.diagnosis("arn:stack", "ROLLBACK_COMPLETE")
    assert found.facts == ("task 1 stopped: no memory",)
    assert len(fake.calls) == asked + 1


def test_a_failure_collector_of_a_service_that_does_not_answer_does_not_stop_the_deployment() -> None:
    fake = FakeAws({"ecs.list_tasks": denied("ListTasks")})
    collector = FailureCollector(fake, test_ecs.STACK)  # type: ignore[arg-type] # the fake stands in
    collector.collect(of_ecs())

    assert [call for call, _ in fake.calls] == ["ecs.list_tasks"]
