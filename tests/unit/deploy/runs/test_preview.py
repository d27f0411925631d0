"""Previews on the simulated CloudFormation: what they show, and that they leave no change set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.preview import UNCHECKED
from cicd_templates.deploy.runs.preview import preview_environment
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.template.previews import PREVIEW_PREFIX
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import error
from tests.unit.deploy.runs.test_deployment import BUCKET, ROOT, TOPIC, DeployHarness

CHANGED = {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Revision": 2}}
WRITES = ("ExecuteChangeSet", "DeleteStack", "UpdateTerminationProtection", "PutParameter", "DeleteParameter")


@pytest.fixture
def harness(tmp_path: Path) -> DeployHarness:
    return DeployHarness(tmp_path)


def preview(harness: DeployHarness, path: Path | None = None) -> Plan:
    harness.events.clear()
    return preview_environment(harness.context, harness.stacks, harness, path)


def requests(harness: DeployHarness, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record the requests of CreateChangeSet from now on, and return the list."""
    recorded: list[dict[str, Any]] = []
    create = harness.aws.cloudformation.create_change_set

    def record(**request: Any) -> Any:
        recorded.append(request)
        return create(**request)

    monkeypatch.setattr(harness.aws.cloudformation, "create_change_set", record)
    return recorded


def test_new_stacks_are_shown_from_their_templates_and_no_empty_stack_is_made(harness: DeployHarness) -> None:
    made = preview(harness)

    assert harness.aws.stacks == {}
    assert [(stack.label, stack.creates, stack.change_set) for stack in made.changing] == [
        ("keys", True, ""),
        ("network", True, ""),
        ("service", True, ""),
    ]
    assert {change.action for change in made.stacks[0].changes} == {"Add"}
    assert made.stacks[0].findings == (UNCHECKED,)
    assert [stack.longest_wait_seconds > 0 for stack in made.stacks] == [True, True, True]
    assert made.waits == {}


def test_an_existing_stack_is_described_and_its_change_set_is_deleted(
    harness: DeployHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(Policy=CHANGED)
    before = {stack.name: stack.status for stack in harness.aws.stacks.values()}
    calls = harness.aws.calls.copy()
    recorded = requests(harness, monkeypatch)
    made = preview(harness)

    (stack,) = made.changing
    assert [(change.logical_id, change.action) for change in stack.changes] == [("Policy", "Modify")]
    assert harness.nothing_in_review()
    assert {stack.name: stack.status for stack in harness.aws.stacks.values()} == before
    assert not set(WRITES) & (harness.aws.calls - calls).keys()
    for request in recorded:
        assert request["ChangeSetName"].startswith(PREVIEW_PREFIX)
        assert request.keys().isdisjoint({"RoleARN", "Tags", "OnStackFailure"})


def test_stacks_are_described_by_name_alone(harness: DeployHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of all stacks needs a permission for every stack of the account."""
    harness.deploy()
    described: list[dict[str, Any]] = []
    describe = harness.aws.cloudformation.describe_stacks
    paginator = harness.aws.cloudformation.get_paginator

    def record(**request: Any) -> Any:
        described.append(request)
        return describe(**request)

    def only_others(operation: str) -> Any:
        assert operation != "describe_stacks"
        return paginator(operation)

    monkeypatch.setattr(harness.aws.cloudformation, "describe_stacks", record)
    monkeypatch.setattr(harness.aws.cloudformation, "get_paginator", only_others)
    preview(harness)

    assert {request["StackName"] for request in described} == {stack.name for stack in harness.stacks}


def test_a_preview_without_changes_is_written_too(harness: DeployHarness) -> None:
    harness.deploy()
    made = preview(harness)

    path = harness.context.state / "previews/staging.json"
    assert made.empty
    assert plans.read(path) == made
    assert path.with_suffix(".html").is_file()
    assert harness.lines()[-1] == f"written to {path}; this plan is only a preview, so no command can execute it"


def test_a_stack_that_reads_a_value_of_a_later_deployment_waits_for_it(harness: DeployHarness) -> None:
    harness.deploy()
    reads = {"KeyArn": f"{ROOT}/keys/KeyArn", "New": f"{ROOT}/network/New", "Foreign": f"{ROOT}/elsewhere/Value"}
    harness.stacks[2] = harness.made("service", reads={"New": reads["New"], "KeyArn": reads["KeyArn"]})
    harness.stacks[1] = harness.made("network", publishes={f"{ROOT}/network/VpcId": "v", reads["New"]: "new"})

    assert preview(harness).waits == {"service": ("network",)}

    harness.stacks[2] = harness.made("service", reads={"Foreign": reads["Foreign"], "KeyArn": reads["KeyArn"]})
    assert preview(harness).waits == {"service": ("keys",)}


def test_a_preview_of_stacks_that_all_wait_says_for_which(harness: DeployHarness) -> None:
    harness.deploy()
    (network,) = [stack for stack in harness.stacks if stack.label == "network"]
    for path in network.links.publishes:
        del harness.aws.values[path]
    chosen = [stack for stack in harness.stacks if stack.label == "service"]

    with pytest.raises(
        CicdError, match="staging: nothing can be previewed until the first stacks are deployed: service after"
    ):
        preview_environment(harness.context, chosen, harness)


def test_nothing_executes_a_preview(harness: DeployHarness, tmp_path: Path) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(Policy=CHANGED)
    path = tmp_path / "preview.json"
    preview(harness, path)

    with pytest.raises(
        RefusedError, match="the plan is a preview, which no command executes; make a plan without PREVIEW=1"
    ):
        harness.execute(path)


def test_a_refused_change_set_is_deleted_and_named(harness: DeployHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(Policy=CHANGED)
    find = harness.aws.cloudformation._find

    def failed(*names: Any) -> Any:
        found = find(*names)
        found.reason = "Resource handler returned no"
        return found

    monkeypatch.setattr(harness.aws.cloudformation, "_find", failed)
    with pytest.raises(CicdError, match="not previewed: keys, network, service; the causes are above"):
        preview(harness)
    assert "keys: FAILED: shipping-staging-keys: CloudFormation refuses the change set: Resource handler" in "".join(
        harness.lines()
    )
    assert harness.nothing_in_review()


def test_an_interrupted_preview_deletes_its_change_sets(
    harness: DeployHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(Policy=CHANGED)

    def interrupt() -> None:
        raise KeyboardInterrupt

    context = replace(harness.context, polling=replace(harness.context.polling))
    monkeypatch.setattr(type(context.polling), "pause", lambda polling: interrupt())
    with pytest.raises(KeyboardInterrupt):
        preview_environment(context, harness.stacks, harness)
    assert harness.nothing_in_review()


def test_a_stack_of_another_project_is_refused(harness: DeployHarness) -> None:
    harness.deploy()
    stack = harness.aws.named("shipping-staging-keys")
    assert stack
    stack.tags = []

    with pytest.raises(RefusedError, match="does not have both tags"):
        preview(harness)


def test_a_stack_that_is_deleted_meanwhile_is_new(harness: DeployHarness) -> None:
    harness.deploy()
    harness.aws.cloudformation.delete_stack(StackName="shipping-staging-service")
    harness.stacks = harness.stacks[2:]
    harness.context = replace(harness.context, wait_for_busy=True)

    assert [(stack.label, stack.creates) for stack in preview(harness).stacks] == [("service", True)]


def test_a_lost_answer_and_a_missing_change_set_are_no_errors(
    harness: DeployHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.deploy()
    harness.stacks = [
        rendered("keys", publishes={f"{ROOT}/keys/KeyArn": "key-1"}, resources={"Bucket": BUCKET, "P": TOPIC})
    ]
    delete = harness.aws.cloudformation.delete_change_set

    def twice(**request: Any) -> None:
        delete(**request)
        raise error("ChangeSetNotFound", "it does not exist", "DeleteChangeSet", 404)

    monkeypatch.setattr(harness.aws.cloudformation, "delete_change_set", twice)
    assert [stack.label for stack in preview(harness).changing] == ["keys"]

    def denied(**request: Any) -> None:
        raise error("AccessDenied", "no", "DeleteChangeSet")

    monkeypatch.setattr(harness.aws.cloudformation, "delete_change_set", denied)
    with pytest.raises(CicdError, match="not previewed: keys"):
        preview(harness)
