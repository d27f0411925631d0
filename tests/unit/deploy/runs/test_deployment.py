"""Deployments on the simulated CloudFormation: order, sealed plans, guards, failures, and continued runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError

from cicd_templates.deploy.aws import retry
from cicd_templates.deploy.aws.retry import is_transient, retry_steps, run_steps
from cicd_templates.deploy.change_sets.cloudformation_calls import Described
from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.propose import DeployContext, with_impact
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.deploy.runs.approval import DeclinedError
from cicd_templates.errors import CicdError, DetachedError, NoTerminalError, RefusedError
from cicd_templates.template.changes.impact import Change
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import SimulatedAws, SimulatedStack, error

ROOT = "/shipping/staging"
TOPIC = {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Revision": 1}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"Fixed": 1}}


class DeployHarness:
    """A context on the simulation, three stacks (service reads network and keys), and the reported events."""

    def __init__(self, folder: Path, protection: str = "disposable") -> None:
        self.aws = SimulatedAws()
        self.protection = protection
        self.knows_its_plans = True
        self.context = DeployContext(
            self.aws,  # type: ignore[arg-type] # the simulation stands in
            self.aws.clock.polling(),
            folder,
            today=self.aws.clock.today,
        )
        self.events: list[Event] = []
        self.questions: list[str] = []
        self.stacks = [self.keys(), self.network(), self.service()]

    def keys(self, value: str = "key-1", **resources: Any) -> StackTemplate:
        return self.made("keys", publishes={f"{ROOT}/keys/KeyArn": value}, resources={"Policy": TOPIC, **resources})

    def network(self, **resources: Any) -> StackTemplate:
        return self.made("network", publishes={f"{ROOT}/network/VpcId": "vpc-1"}, resources=resources)

    def service(self, **resources: Any) -> StackTemplate:
        reads = {"KeyArn": f"{ROOT}/keys/KeyArn", "VpcId": f"{ROOT}/network/VpcId"}
        image = {"ImageUri": {"Type": "String", "Default": "image-1"}}
        return self.made("service", reads=reads, parameters=image, resources={"Policy": TOPIC, **resources})

    def made(self, layer: str, **parts: Any) -> StackTemplate:
        return rendered(layer, protection=self.protection, **parts)

    def report(self, event: Event) -> None:
        self.events.append(event)

    def lines(self) -> list[str]:
        return [line.strip() for event in self.events for line in report.as_lines(event)]

    def of(self, *kinds: type) -> list[str]:
        return [event.stack for event in self.events if isinstance(event, kinds)]  # type: ignore[union-attr] # of stacks

    def deploy(self, agree: bool = True, **options: Any) -> None:
        self.events.clear()

        def confirm(question: str) -> bool:
            self.questions.append(question)
            return agree

        deployment.deploy(self.context, self.stacks, self, confirm, **options)

    def plan(self, path: Path | None = None, drift: DetectedDrift | None = None) -> plans.Plan:
        self.events.clear()
        return deployment.plan(self.context, self.stacks, self, path, drift=drift)

    def execute(self, path: Path | None = None, **options: Any) -> plans.Plan | None:
        self.events.clear()
        path = path or self.path
        return deployment.execute_plan(self.context, plans.read(path), path, self.stacks, self, **options)

    @property
    def path(self) -> Path:
        return self.context.plans / "staging.json"

    def status(self, layer: str) -> str:
        stack = self.aws.named(f"shipping-staging-{layer}")
        return stack.status if stack else "none"

    def nothing_in_review(self) -> bool:
        return not any(
            stack.status == "REVIEW_IN_PROGRESS"
            or any(not each.execution.startswith("EXECUTE_") for each in stack.change_sets.values())
            for stack in self.aws.stacks.values()
            if stack.status != "DELETE_COMPLETE"
        )


@pytest.fixture
def harness(tmp_path: Path) -> DeployHarness:
    return DeployHarness(tmp_path)


def interrupt(
    harness: DeployHarness, operation: str, ending: type[BaseException] | Callable[[], None], nth: int = 1
) -> None:
    """At the `nth` call of an operation, raise `ending`, or call it."""
    left = [nth]

    def before(called: str) -> None:
        left[0] -= called == operation
        if left[0] == 0 and called == operation:
            if isinstance(ending, type):
                raise ending
            ending()

    harness.aws.faults.before = before


def calm(harness: DeployHarness) -> None:
    harness.aws.faults.before = lambda operation: None
    harness.aws.faults.expired = False


def test_a_resource_that_a_condition_kept_away_is_new_with_all_that_it_grants() -> None:
    """The deployed template has it too, but it does not exist: CloudFormation adds it."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy: dict[str, Any] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": [everything]}},
    }
    stack = rendered("access", resources={"Backdoor": policy, "Kept": policy})
    changes = (Change("Add", "Backdoor", policy["Type"]), Change("Modify", "Kept", policy["Type"]))
    described = Described("arn", "id", "CREATE_COMPLETE", "", "AVAILABLE", changes)
    planned = PlannedStack(stack.name, stack.label, "")

    found = with_impact(planned, stack, described, stack.resources)
    assert [(name, diff.widens) for name, diff in found.grants.items()] == [("Backdoor", True)]


# Order.


def test_what_does_not_depend_on_each_other_goes_side_by_side_and_readers_after(harness: DeployHarness) -> None:
    harness.aws.latency = {f"shipping-staging-{layer}": 600.0 for layer in ("keys", "network", "service")}
    harness.deploy()

    assert harness.of(report.Succeeded) == ["keys", "network", "service"]
    # Two levels of ten minutes each, and what looking adds.
    assert 1200 < harness.aws.clock.seconds < 1320
    assert harness.questions == ["Execute these 2 change sets on staging?", "Execute this change set on staging?"]
    assert harness.nothing_in_review()
    assert list(harness.context.plans.iterdir()) == []


def test_a_stack_starts_once_its_own_producers_are_deployed_unless_a_person_confirms(tmp_path: Path) -> None:
    ends = {}
    for eager in (True, False):
        harness = DeployHarness(tmp_path / str(eager))
        harness.stacks.append(harness.made("slow"))
        harness.aws.latency = {"shipping-staging-slow": 900.0}
        done: list[tuple[str, float]] = []

        def note(stack: StackTemplate, done: list[tuple[str, float]] = done, harness: DeployHarness = harness) -> None:
            done.append((stack.label, harness.aws.clock.seconds))

        harness.deploy(eager=eager, after=note)
        ends[eager] = dict(done)

    assert ends[True]["service"] < 200
    assert ends[False]["service"] > 900


@pytest.mark.no_cover
def test_more_stacks_than_may_be_under_way_at_once_wait_for_their_turn(harness: DeployHarness) -> None:
    harness.stacks = [harness.made(f"s{number:02}") for number in range(25)]
    harness.deploy()

    running = 0
    highest = 0
    for event in harness.events:
        running += isinstance(event, report.Started) - isinstance(event, report.Succeeded)
        highest = max(highest, running)
    assert (highest, len(harness.of(report.Succeeded))) == (20, 25)


def test_a_second_deployment_finds_nothing_and_asks_nobody(harness: DeployHarness) -> None:
    harness.deploy()
    harness.questions.clear()
    harness.deploy()

    assert harness.of(report.Unchanged) == ["keys", "network", "service"]
    assert harness.questions == []


def test_a_stack_that_is_certainly_unchanged_needs_no_change_set(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[1] = harness.network(More=TOPIC)
    before = harness.aws.calls["CreateChangeSet"]
    made = harness.plan()

    assert [stack.label for stack in made.changing] == ["network"]
    assert harness.aws.calls["CreateChangeSet"] - before == 1


def test_a_plan_deletes_expired_change_sets_of_stacks_that_do_not_change(harness: DeployHarness) -> None:
    harness.deploy()
    stack = harness.aws.named("shipping-staging-keys")
    assert stack is not None
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.plan()
    harness.path.unlink()
    assert [each.name for each in stack.change_sets.values() if not each.execution.startswith("EXECUTE_")]
    harness.stacks[0] = harness.keys()
    harness.aws.clock.seconds += timedelta(days=2).total_seconds()
    harness.plan()

    assert not [each.name for each in stack.change_sets.values() if not each.execution.startswith("EXECUTE_")]


def test_a_survey_that_is_not_allowed_fails_every_stack_of_the_wave(harness: DeployHarness) -> None:
    harness.deploy()

    def refuse() -> None:
        raise error("AccessDenied", "not authorized", "DescribeStacks")

    interrupt(harness, "DescribeStacks", refuse, nth=2)
    with pytest.raises(CicdError, match="not deployed: keys, network, service; the causes are above"):
        harness.deploy()


def test_a_plan_reads_the_stacks_and_values_once(harness: DeployHarness) -> None:
    harness.deploy()
    before = harness.aws.calls.copy()
    harness.plan()

    assert {name: harness.aws.calls[name] - before[name] for name in ("DescribeStacks", "GetParameters")} == {
        "DescribeStacks": 1,
        "GetParameters": 1,
    }


def test_the_time_that_it_took_is_expected_the_next_time(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.deploy()
    assert [event.expected_seconds for event in harness.events if isinstance(event, report.Started)] == [None]
    harness.stacks[0] = harness.keys()
    harness.deploy()
    (started,) = [event for event in harness.events if isinstance(event, report.Started)]
    assert started.expected_seconds is not None
    assert 30 < started.expected_seconds < 60


def test_a_changed_value_redeploys_the_stacks_that_read_it(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys("key-2")
    harness.deploy()

    assert "service: values that it reads have changed, so it is planned again" in harness.lines()
    assert harness.of(report.Succeeded) == ["keys", "service"]
    service = harness.aws.named("shipping-staging-service")
    assert service is not None
    assert service.parameters["KeyArn"] == "key-2"


def test_protected_stacks_cannot_be_deleted_afterwards(tmp_path: Path) -> None:
    harness = DeployHarness(tmp_path, "protected")
    harness.deploy()

    assert all(stack.protected for stack in harness.aws.stacks.values())


# Plans that hold.


def test_a_first_deployment_comes_in_waves_each_sealed(harness: DeployHarness) -> None:
    made = harness.plan()
    assert (made.waits, [stack.label for stack in made.changing]) == (
        {"service": ("keys", "network")},
        ["keys", "network"],
    )
    assert "deploy exactly this plan: make deploy PLAN=" in "".join(harness.lines())
    assert harness.status("keys") == "REVIEW_IN_PROGRESS"

    following = harness.execute()
    assert following is not None
    assert [stack.label for stack in following.changing] == ["service"]
    assert plans.read(harness.path) == following
    assert harness.execute() is None
    assert not harness.path.exists()
    assert harness.status("service") == "CREATE_COMPLETE"
    assert harness.nothing_in_review()


def test_the_page_of_a_plan_has_the_command_for_exactly_this_plan_and_goes_with_it(harness: DeployHarness) -> None:
    made = harness.plan()
    page = harness.path.with_suffix(".html")

    assert f"make deploy PLAN={harness.path} DIGEST={plans.digest(made)}" in page.read_text()
    harness.execute()
    assert plans.digest(made) not in page.read_text()
    harness.execute()
    assert not page.exists()


def test_the_next_plan_shows_the_stacks_that_are_no_longer_rendered_as_well(harness: DeployHarness) -> None:
    deployment.plan(harness.context, harness.stacks, harness, None, ["old"])

    following = harness.execute()
    assert following is not None
    assert following.removed == ("old",)


def test_what_follows_a_plan_can_have_a_place_of_its_own(harness: DeployHarness, tmp_path: Path) -> None:
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    harness.plan(first)
    assert harness.execute(first, next_path=second) is not None
    assert second.exists()
    assert first.exists()
    with pytest.raises(RefusedError, match="keys: the change set is EXECUTE_COMPLETE, not AVAILABLE"):
        harness.execute(first)


def test_a_changed_value_makes_the_readers_of_a_plan_wait_for_the_next_plan(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks = [harness.keys("key-2"), harness.network(), harness.service(More=TOPIC)]
    assert [stack.label for stack in harness.plan().changing] == ["keys", "service"]
    following = harness.execute()

    assert following is not None
    assert [stack.label for stack in following.changing] == ["service"]
    assert harness.of(report.Succeeded) == ["keys"]


def test_readers_of_unchanged_values_are_deployed_with_the_same_plan(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks = [harness.keys(More=TOPIC), harness.network(), harness.service(More=TOPIC)]
    harness.plan()

    assert harness.execute() is None
    assert harness.of(report.Succeeded) == ["keys", "service"]


def rerendered(harness: DeployHarness) -> None:
    harness.stacks[2] = harness.service(Again=TOPIC)


def not_rendered(harness: DeployHarness) -> None:
    del harness.stacks[2]


def elsewhere(harness: DeployHarness) -> None:
    stack = harness.stacks[2]
    harness.stacks[2] = replace(stack, facts=stack.facts._replace(account="333333333333"))


def moved(harness: DeployHarness) -> None:
    harness.aws.values[f"{ROOT}/keys/KeyArn"] = "key-9"


def removed(harness: DeployHarness) -> None:
    del harness.aws.values[f"{ROOT}/keys/KeyArn"]


def released(harness: DeployHarness) -> None:
    service = harness.aws.named("shipping-staging-service")
    assert service is not None
    service.parameters["ImageUri"] = "image-2"


def updated(harness: DeployHarness) -> None:
    harness.aws.somebody_updates("shipping-staging-service", 1)


def described_anew(harness: DeployHarness) -> None:
    service = harness.aws.named("shipping-staging-service")
    assert service is not None
    for change_set in service.change_sets.values():
        change_set.changes[0]["Action"] = "Remove"


def late(harness: DeployHarness) -> None:
    harness.aws.clock.seconds += timedelta(hours=25).total_seconds()


def on_another_aws(harness: DeployHarness) -> None:
    harness.aws.local = True


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (rerendered, "service: the file out/staging/service.yaml was changed after the plan was made"),
        (not_rendered, "service: is no longer rendered"),
        (
            elsewhere,
            "service: the stack is for 333333333333 in eu-central-1, but the plan is for 222222222222 in eu-central-1",
        ),
        (moved, "service: /shipping/staging/keys/KeyArn was key-1 and is key-9"),
        (removed, "service: /shipping/staging/keys/KeyArn was key-1 and is gone"),
        (released, "service: a value that the pipeline sets, such as the image, has changed since the plan was made"),
        (
            updated,
            "service: the change set no longer exists: it was executed or deleted, or another change set",
        ),
        (described_anew, "service: the change set now has different changes"),
        (late, "the plan expired at 2026-01-02"),
        (on_another_aws, "the plan is for AWS, not for the local AWS"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_plan_that_no_longer_holds_is_refused_before_anything_is_executed(
    harness: DeployHarness, change: Callable[[DeployHarness], None], expected: str
) -> None:
    harness.deploy()
    harness.stacks[2] = harness.service(More=TOPIC)
    harness.plan()
    before = len(harness.aws.executed)
    change(harness)

    with pytest.raises(RefusedError) as caught:
        harness.execute()
    assert expected in str(caught.value)
    assert "plan again: make plan ENV=staging" in str(caught.value)
    assert len(harness.aws.executed) == before


def test_the_caller_is_notified_after_every_check_and_before_any_operation(harness: DeployHarness) -> None:
    harness.plan()
    seen: list[int] = []

    def passed() -> None:
        seen.append(len(harness.of(report.Started)))

    harness.execute(passed=passed)
    assert seen == [0]
    assert harness.of(report.Started) == ["keys", "network"]


def test_the_caller_is_not_notified_of_a_plan_that_is_refused(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[2] = harness.service(More=TOPIC)
    harness.plan()
    rerendered(harness)
    seen: list[int] = []

    with pytest.raises(RefusedError):
        harness.execute(passed=lambda: seen.append(1))
    assert seen == []


def test_an_allowed_name_without_a_loss_is_reported_once(harness: DeployHarness) -> None:
    harness.stacks[1] = harness.network(Data=BUCKET)
    harness.deploy()
    harness.stacks[1] = harness.network(Data={**BUCKET, "Properties": {"Fixed": 2}}, More=TOPIC)

    with pytest.raises(RefusedError) as caught:
        harness.deploy(allowed=["network/data", "keys/Key"])
    notes = [line for line in harness.lines() if line.startswith("ALLOW=")]
    unused = "this plan deletes or replaces no stateful resource of that name"
    assert notes == [f"ALLOW={name}: {unused}" for name in ("network/data", "keys/Key")]
    assert str(caught.value).endswith("ALLOW=network/Data")


def test_a_plan_of_the_local_aws_is_none_of_aws(harness: DeployHarness) -> None:
    harness.aws.local = True
    harness.plan()
    harness.aws.local = False

    with pytest.raises(RefusedError, match="the plan is for the local AWS"):
        harness.execute()


def test_a_new_plan_takes_the_place_of_the_one_before(harness: DeployHarness) -> None:
    harness.plan()
    harness.plan()

    assert sum(len(stack.change_sets) for stack in harness.aws.stacks.values()) == 2
    assert deployment.discard(harness.context, harness.stacks) == 2
    assert harness.nothing_in_review()
    assert list(harness.context.plans.iterdir()) == []


def test_a_plan_without_changes_has_a_page_only_if_there_is_drift(harness: DeployHarness) -> None:
    harness.deploy()
    clean, unchecked = (StackDrift("keys"),), (StackDrift("keys"), StackDrift("network", problem="access denied"))
    harness.plan(drift=DetectedDrift(clean))
    assert harness.lines()[-1] == "changed outside CloudFormation: Nothing. CloudFormation checked 1 stack."
    assert list(harness.context.plans.iterdir()) == []

    harness.plan(drift=DetectedDrift(unchecked))
    page = harness.context.plans / "staging.html"
    assert harness.lines()[-3:] == [
        "network: not checked: access denied",
        "changed outside CloudFormation: Nothing. CloudFormation checked 1 stack. 1 stack could not be"
        " checked completely.",
        f"nothing to deploy; what was changed outside CloudFormation: {page}",
    ]
    assert list(harness.context.plans.iterdir()) == [page]
    assert "<dt>To see the repairs</dt><dd><code>make recover ENV=staging</code>" in page.read_text()

    harness.plan()
    assert list(harness.context.plans.iterdir()) == []


def edited_by_hand(*labels: str) -> DetectedDrift:
    resource = DriftedResource(
        "Data", "AWS::S3::Bucket", "keys.yaml:7", "MODIFIED", (PropertyDrift("/Versioned", "true", "false"),)
    )
    return DetectedDrift(tuple(StackDrift(label, (resource,)) for label in labels), revert=True)


def drift_of_keys(harness: DeployHarness, edit: dict[str, Any] | None) -> SimulatedStack:
    """Deploy a stack with a bucket. Then somebody edits the bucket, or deletes it if `edit` is None."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Versioned": True}}
    harness.stacks[0] = harness.keys(Data=bucket)
    harness.deploy()
    stack = harness.aws.named("shipping-staging-keys")
    assert stack is not None
    stack.edits = {"Data": edit}
    return stack


@pytest.mark.parametrize(
    ("edit", "action", "values"),
    [({"Versioned": False}, "Modify", [("false", "true")]), (None, "Add", [])],
    ids=["a bucket that was edited", "a bucket that was deleted"],
)
def test_a_plan_that_reverts_drift_is_executed_like_any_other(
    harness: DeployHarness, edit: dict[str, Any] | None, action: str, values: list[tuple[str, str]]
) -> None:
    stack = drift_of_keys(harness, edit)
    assert harness.plan(drift=replace(edited_by_hand("keys"), revert=False)).changing == ()

    made = harness.plan(drift=edited_by_hand("keys"))
    (keys,) = made.changing
    assert (keys.label, keys.reverts_drift) == ("keys", True)
    (change,) = keys.changes
    assert (change.action, change.logical_id) == (action, "Data")
    assert [(detail.before, detail.after) for detail in change.details] == values
    assert plans.read(harness.path) == made

    harness.execute()
    assert harness.of(report.Succeeded) == ["keys"]
    assert stack.edits == {}
    assert harness.plan(drift=edited_by_hand("keys")).changing == ()


def test_a_plan_does_not_say_that_it_only_deploys_if_it_reverts_drift(harness: DeployHarness) -> None:
    drift_of_keys(harness, {"Versioned": False})
    made = harness.plan(drift=edited_by_hand("keys"))
    stacks = tuple(replace(stack, reverts_drift=False) for stack in made.stacks)
    plans.write(replace(made, stacks=stacks), harness.path, "")

    with pytest.raises(
        RefusedError, match="disagree on whether the change set reverts changes made outside CloudFormation"
    ):
        harness.execute()


def test_a_plan_is_refused_if_cloudformation_does_not_revert_what_it_was_asked_to(harness: DeployHarness) -> None:
    drift_of_keys(harness, {"Versioned": False})
    create = harness.aws.cloudformation.create_change_set

    def forgetful(DeploymentMode: str = "", **request: Any) -> Any:  # noqa: N803 - as the API spells it
        return create(**request)

    setattr(harness.aws.cloudformation, "create_change_set", forgetful)  # noqa: B010 - an older CloudFormation
    harness.stacks[0] = harness.keys(Data=BUCKET)
    with pytest.raises(CicdError, match="not planned: keys"):
        harness.plan(drift=edited_by_hand("keys"))
    assert "the plan must revert drift, but CloudFormation's change set does not revert drift" in "".join(
        harness.lines()
    )
    assert harness.nothing_in_review()


def test_a_stack_that_is_created_has_no_drift_to_revert(harness: DeployHarness) -> None:
    made = harness.plan(drift=edited_by_hand("keys", "service"))

    assert [stack.reverts_drift for stack in made.stacks] == [False, False]
    assert made.kept_drift == {"service": "this plan leaves the stack out"}


def test_one_plan_is_discarded_by_its_file(harness: DeployHarness, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    harness.plan(path)

    assert deployment.discard(harness.context, harness.stacks, path) == 2
    assert harness.nothing_in_review()


def test_a_change_set_that_the_plan_did_not_make_is_not_discarded_by_its_file(harness: DeployHarness) -> None:
    made = harness.plan()
    first, *rest = made.stacks
    foreign = replace(first, change_set=first.change_set.replace(made.id, "0" * 32))
    plans.write(replace(made, stacks=(foreign, *rest)), harness.path, "")

    with pytest.raises(RefusedError, match="the change sets of keys were not made by this plan"):
        deployment.discard(harness.context, harness.stacks, harness.path)
    assert sum(len(stack.change_sets) for stack in harness.aws.stacks.values()) == 2


def untagged(harness: DeployHarness) -> None:
    harness.aws.named("shipping-staging-service").tags = []  # type: ignore[union-attr] # it is there


def found_otherwise(harness: DeployHarness) -> None:
    harness.aws.validation = [{"ValidationStatus": "FAILED", "ValidationName": "NAMES"}]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (untagged, "service: the tags of the stack do not show that this project owns the stack"),
        (found_otherwise, "service: CloudFormation's validation now has different findings"),
    ],
)
def test_what_aws_says_otherwise_by_now_refuses_a_plan(
    harness: DeployHarness, change: Callable[[DeployHarness], None], expected: str
) -> None:
    harness.deploy()
    harness.stacks[2] = harness.service(More=TOPIC)
    harness.plan()
    change(harness)

    with pytest.raises(RefusedError) as caught:
        harness.execute()
    assert expected in str(caught.value)


def test_a_stack_cannot_wait_for_a_later_plan_and_be_in_this_one(harness: DeployHarness) -> None:
    made = harness.plan()
    plans.write(replace(made, waits={**made.waits, "keys": ("network",)}), harness.path, "")

    with pytest.raises(
        RefusedError,
        match="keys: the plan leaves this stack to a later plan, although this plan deploys the stack",
    ):
        harness.execute()


def test_a_plan_is_not_executed_where_its_change_sets_may_not_be_read(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[2] = harness.service(More=TOPIC)
    harness.plan()

    def deny() -> None:
        raise error("AccessDenied", "not yours", "DescribeChangeSet", 403)

    interrupt(harness, "DescribeChangeSet", deny)
    with pytest.raises(ClientError, match="not yours"):
        harness.execute()


def test_what_no_plan_file_knows_any_more_goes_after_its_time(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.plan()
    harness.path.write_text("damaged")
    harness.plan()
    assert len(harness.aws.named("shipping-staging-keys").change_sets) == 3  # type: ignore[union-attr] # it is there
    harness.aws.clock.seconds += 25 * 3600
    harness.plan()

    (executed, fresh) = harness.aws.named("shipping-staging-keys").change_sets.values()  # type: ignore[union-attr] # it is there
    assert executed.execution == "EXECUTE_COMPLETE"
    assert harness.aws.clock.today() - fresh.created < timedelta(minutes=1)


def test_an_existing_stack_that_has_not_published_its_outputs_yet_is_waited_for(
    harness: DeployHarness,
) -> None:
    whole = harness.keys(Kept=BUCKET)
    harness.stacks = [harness.made("keys", resources={"Kept": BUCKET})]
    harness.deploy()
    readers = [
        harness.made("storage", reads={"KeyArn": f"{ROOT}/keys/KeyArn"}, publishes={f"{ROOT}/storage/Name": "b"}),
        harness.made("cluster", reads={"Name": f"{ROOT}/storage/Name"}),
    ]
    harness.stacks = [whole, harness.network(), *readers]
    made = harness.plan()

    assert [stack.label for stack in made.changing] == ["keys", "network"]
    assert made.waits == {"storage": ("keys",), "cluster": ("storage",)}
    harness.deploy()
    assert sorted(harness.of(report.Succeeded)[:2]) == ["keys", "network"]
    assert harness.of(report.Succeeded)[2:] == ["storage", "cluster"]
    assert harness.plan().empty


def test_what_reads_from_a_stack_that_waits_for_others_waits_as_well(harness: DeployHarness) -> None:
    storage = {f"{ROOT}/storage/Name": "b"}
    cluster = harness.made("cluster", reads={"Name": f"{ROOT}/storage/Name"})
    harness.stacks = [harness.keys(), harness.made("storage", publishes=storage), cluster]
    harness.deploy()
    harness.stacks[0] = harness.made("keys", publishes={f"{ROOT}/keys/KeyArn": "key-1", f"{ROOT}/keys/Other": "x"})
    harness.stacks[1] = harness.made("storage", reads={"Other": f"{ROOT}/keys/Other"}, publishes=storage)

    assert harness.plan().waits == {"storage": ("keys",), "cluster": ("storage",)}


def test_a_wait_for_a_value_that_nothing_publishes_again_is_no_plan(harness: DeployHarness) -> None:
    harness.deploy()
    del harness.aws.values[f"{ROOT}/keys/KeyArn"]

    with pytest.raises(CicdError, match=f"service: not planned, .* missing in Parameter Store: {ROOT}/keys/KeyArn\\."):
        harness.plan()
    assert not harness.path.exists()
    assert harness.nothing_in_review()


def test_a_plan_of_nothing_is_not_written(harness: DeployHarness) -> None:
    harness.deploy()

    assert harness.plan().empty
    assert not harness.path.exists()


def test_a_stack_that_cannot_be_planned_leaves_no_plan_and_nothing_in_review(harness: DeployHarness) -> None:
    harness.stacks.append(harness.made("lost", reads={"X": "/nobody/X"}))

    with pytest.raises(CicdError, match="not planned: lost; the causes are above"):
        harness.plan()
    assert "lost: FAILED: An error occurred (ValidationError)" in "".join(harness.lines())
    assert harness.nothing_in_review()
    assert not harness.path.exists()


# Guards.


def test_data_is_lost_only_if_it_is_named_and_a_refusal_leaves_nothing(harness: DeployHarness) -> None:
    harness.stacks[1] = harness.network(Data=BUCKET)
    harness.deploy()
    harness.stacks[1] = harness.network(Data={**BUCKET, "Properties": {"Fixed": 2}})
    with pytest.raises(RefusedError, match="ALLOW=network/Data"):
        harness.deploy()
    assert harness.nothing_in_review()
    harness.plan()
    with pytest.raises(RefusedError, match="ALLOW=network/Data"):
        harness.execute()
    assert harness.aws.replaced == []

    harness.deploy(allowed=["network/Data"])
    assert harness.aws.replaced == [("shipping-staging-network", "Data")]


def test_losses_of_resources_that_the_local_aws_only_records_are_allowed_and_reported(tmp_path: Path) -> None:
    harness = DeployHarness(tmp_path, "protected")
    harness.context = replace(harness.context, recorded=frozenset({"AWS::S3::Bucket"}))
    harness.stacks[1] = harness.network(Data={**BUCKET, "Properties": {"Maybe": 1}})
    harness.deploy()
    harness.stacks[1] = harness.network(Data={**BUCKET, "Properties": {"Maybe": 2}})
    harness.deploy()

    loss = "network/Data (AWS::S3::Bucket): perhaps replaced; objects: deleted"
    because = "allowed, because the local AWS records resources of this type, but does not create them"
    assert f"{loss}; {because}" in harness.lines()


def test_declining_discards_what_was_shown(harness: DeployHarness) -> None:
    with pytest.raises(CicdError, match="staging: declined; no change set of this plan was executed"):
        harness.deploy(agree=False)

    assert harness.aws.stacks == {} or harness.nothing_in_review()
    assert harness.aws.executed == []


def test_the_caller_is_notified_once_when_the_first_plan_is_approved_and_nothing_has_begun(
    harness: DeployHarness,
) -> None:
    seen: list[tuple[int, int]] = []

    def passed() -> None:
        seen.append((len(harness.of(report.Planned)), len(harness.of(report.Started))))

    harness.deploy(passed=passed)
    ((plans_shown, started),) = seen
    assert plans_shown
    assert not started
    assert harness.status("service") == "CREATE_COMPLETE"


def test_the_caller_is_not_notified_of_a_plan_that_is_declined(harness: DeployHarness) -> None:
    seen: list[int] = []
    with pytest.raises(DeclinedError):
        harness.deploy(agree=False, passed=lambda: seen.append(1))

    assert seen == []


def test_a_caller_that_declines_when_notified_executes_nothing(harness: DeployHarness) -> None:
    def passed() -> None:
        raise DeclinedError("the templates stay here")

    with pytest.raises(DeclinedError, match="the templates stay here"):
        harness.deploy(passed=passed)
    assert harness.aws.executed == []
    assert harness.nothing_in_review()


def test_without_a_terminal_nothing_is_asked_if_nothing_changes(harness: DeployHarness) -> None:
    def no_terminal(question: str) -> bool:
        raise NoTerminalError("there is no terminal for questions")

    harness.deploy()
    executed = list(harness.aws.executed)
    deployment.deploy(harness.context, harness.stacks, harness, no_terminal)
    assert harness.aws.executed == executed

    harness.stacks[1] = harness.network(Data=BUCKET)
    with pytest.raises(NoTerminalError):
        deployment.deploy(harness.context, harness.stacks, harness, no_terminal)
    assert harness.aws.executed == executed
    assert harness.nothing_in_review()


def test_after_a_refusal_what_is_under_way_is_waited_for_and_nothing_else_begins(harness: DeployHarness) -> None:
    harness.stacks[1] = harness.network(Data=BUCKET)
    harness.deploy()
    slow = harness.made("slow")
    last = harness.made("last", reads={"Vpc": f"{ROOT}/network/VpcId"}, resources={"Data": BUCKET})
    harness.stacks = [harness.keys(More=TOPIC), harness.network(Data=BUCKET, More=TOPIC), harness.service(), slow, last]
    harness.aws.latency = {"shipping-staging-slow": 2000.0}
    somebody = harness.made("last")
    other = [{"Key": "Project", "Value": "another"}]
    harness.aws.cloudformation.create_change_set(
        StackName=somebody.name,
        ChangeSetName="theirs",
        ChangeSetType="CREATE",
        TemplateBody=somebody.text,
        Parameters=[],
        Tags=other,
    )
    with pytest.raises(RefusedError, match="shipping-staging-last: a stack of this name exists"):
        harness.deploy()
    assert harness.of(report.Succeeded) == []


def test_a_stack_that_cannot_be_planned_stays_failed_where_its_wave_is_declined(harness: DeployHarness) -> None:
    harness.stacks.append(harness.made("lost", reads={"X": "/nobody/X"}))
    with pytest.raises(CicdError, match="staging: declined"):
        harness.deploy(agree=False)

    assert harness.of(report.Broke) == ["lost"]
    assert harness.nothing_in_review()


# States.


@pytest.mark.parametrize("wait", [False, True])
def test_a_stack_that_another_operation_works_on_is_refused_or_waited_for(harness: DeployHarness, wait: bool) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.context = replace(harness.context, wait_for_busy=wait)
    harness.aws.somebody_updates("shipping-staging-keys", 500)
    if wait:
        harness.deploy()
        assert harness.of(report.Succeeded) == ["keys"]
    else:
        with pytest.raises(RefusedError, match="shipping-staging-keys is in UPDATE_IN_PROGRESS: "):
            harness.deploy()


@pytest.mark.parametrize(
    ("status", "command"),
    [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("DELETE_FAILED", "delete-stack")],
)
def test_a_state_that_a_person_must_settle_is_refused_with_the_command(
    harness: DeployHarness, status: str, command: str
) -> None:
    harness.deploy()
    harness.aws.named("shipping-staging-keys").status = status  # type: ignore[union-attr] # it is there

    typed = f"`aws cloudformation {command} --region eu-central-1 --stack-name shipping-staging-keys"
    with pytest.raises(RefusedError, match=f"shipping-staging-keys is in {status}: .*{typed}"):
        harness.plan()


def test_a_failed_first_creation_is_deleted_if_nothing_is_protected(harness: DeployHarness) -> None:
    harness.aws.fails = {"shipping-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys, service; the causes are above"):
        harness.deploy()
    assert harness.status("keys") == "none"
    assert harness.of(report.Succeeded) == ["network"]
    assert "keys: FAILED: Policy (AWS::SNS::TopicPolicy): no quota is left" in harness.lines()
    assert "service: FAILED: not started, because keys failed" in harness.lines()
    # The stack is gone; what happened to it is not.
    (kept,) = harness.context.state.glob("failures/shipping-staging-keys-*.jsonl")
    assert f"all its events: {kept}" in harness.lines()
    statuses = [json.loads(line)["status"] for line in kept.read_text().splitlines()]
    assert "CREATE_FAILED" in statuses
    assert statuses[-1] == "DELETE_COMPLETE"

    harness.aws.fails = set()
    harness.deploy()
    assert harness.of(report.Succeeded) == ["keys", "service"]


def test_a_failed_first_creation_of_a_protected_stack_is_made_anew(tmp_path: Path) -> None:
    harness = DeployHarness(tmp_path, "protected")
    harness.aws.fails = {"shipping-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys"):
        harness.deploy()
    assert harness.status("keys") == "ROLLBACK_COMPLETE"
    harness.aws.fails = set()
    harness.deploy()

    assert harness.status("keys") == "CREATE_COMPLETE"


def test_a_failed_creation_that_left_resources_must_be_repaired_by_a_person(tmp_path: Path) -> None:
    harness = DeployHarness(tmp_path, "protected")
    harness.deploy()
    harness.aws.named("shipping-staging-keys").status = "ROLLBACK_COMPLETE"  # type: ignore[union-attr] # it is there

    with pytest.raises(
        RefusedError, match=r"left Policy, Published0; check these resources, then run `aws cloudformation delete-st"
    ):
        harness.plan()


def test_a_deletion_that_does_not_end_is_reported_after_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = DeployHarness(tmp_path, "protected")
    harness.aws.fails = {"shipping-staging-keys"}
    with pytest.raises(CicdError):
        harness.deploy()
    monkeypatch.setattr(harness.aws.cloudformation, "delete_stack", lambda **request: None)

    with pytest.raises(CicdError, match="not planned: keys"):
        harness.plan()
    assert (
        "an earlier creation of this stack failed, and the empty stack is not deleted yet; try again later"
        in "".join(harness.lines())
    )


def test_a_failed_update_keeps_the_old_version_and_dependent_stacks_are_not_started(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks = [harness.keys(More=TOPIC), harness.network(), harness.service(More=TOPIC)]
    harness.aws.fails = {"shipping-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys, service"):
        harness.deploy()

    assert harness.status("keys") == "UPDATE_ROLLBACK_COMPLETE"
    assert harness.nothing_in_review()


def test_a_change_set_that_is_refused_says_why(harness: DeployHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.aws.validation = [
        {
            "ValidationStatus": "FAILED",
            "ValidationName": "NAME",
            "ValidationPath": "/R",
            "ValidationStatusReason": "taken",
        }
    ]
    create = harness.aws.cloudformation._create

    def refusing(request: Any) -> Any:
        made = create(request)
        next(iter(harness.aws.named(request["StackName"]).change_sets.values())).reason = "Transform failed"  # type: ignore[union-attr] # just made
        return made

    monkeypatch.setattr(harness.aws.cloudformation, "_create", refusing)
    with pytest.raises(CicdError, match="not deployed: keys, network, service"):
        harness.deploy()
    assert "CloudFormation refuses the change set: Transform failed; error: NAME at /R: taken" in "".join(
        harness.lines()
    )
    assert harness.nothing_in_review()


def test_a_change_set_that_never_ends_is_given_up(harness: DeployHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.simulated_aws.CHANGE_SET_SECONDS", 10_000.0)
    with pytest.raises(CicdError, match="not planned: keys, network"):
        harness.plan()

    assert "has not finished within 10 minutes; try again later" in "".join(harness.lines())


def test_a_change_set_that_is_deleted_while_it_is_created_is_reported(harness: DeployHarness) -> None:
    def vanish() -> None:
        for stack in harness.aws.stacks.values():
            stack.change_sets.clear()

    interrupt(harness, "DescribeChangeSet", vanish)
    with pytest.raises(CicdError, match="not planned: keys; the causes"):
        harness.plan()
    assert "somebody else deleted the change set while it was being created" in "".join(harness.lines())


def test_a_role_that_is_not_there_yet_is_named(harness: DeployHarness) -> None:
    harness.stacks = [harness.made("service", deployed_as=f"{ROOT}/delivery/RoleArn")]
    with pytest.raises(CicdError, match="not deployed: service"):
        harness.deploy()
    assert (
        "its ARN is not in /shipping/staging/delivery/RoleArn yet; deploy the layer delivery first"
        in harness.lines()[-1]
    )

    harness.aws.values[f"{ROOT}/delivery/RoleArn"] = "arn:role"
    harness.deploy()
    assert harness.aws.named("shipping-staging-service").role == "arn:role"  # type: ignore[union-attr] # it is there


def with_new_role(harness: DeployHarness) -> None:
    harness.stacks[2] = harness.made("service", deployed_as=f"{ROOT}/delivery/RoleArn", resources={"Policy": TOPIC})
    harness.aws.values[f"{ROOT}/delivery/RoleArn"] = "arn:role"


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet"])
@pytest.mark.parametrize("seconds", [5.0, 70.0])
def test_a_role_that_cannot_be_assumed_yet_is_tried_again(
    harness: DeployHarness, operation: str, seconds: float
) -> None:
    with_new_role(harness)

    def hide_role() -> None:
        harness.aws.assumable_from = {"arn:role": harness.aws.clock.seconds + seconds}

    interrupt(harness, operation, hide_role)
    harness.deploy()

    assert harness.status("service") == "CREATE_COMPLETE"


def test_a_role_that_can_never_be_assumed_is_named_after_three_minutes(harness: DeployHarness) -> None:
    with_new_role(harness)
    harness.aws.assumable_from = {"arn:role": 1e9}
    with pytest.raises(CicdError, match="not deployed: service"):
        harness.deploy()

    assert "Role arn:role is invalid or cannot be assumed" in "".join(harness.lines())
    assert harness.aws.clock.seconds < 300
    assert harness.nothing_in_review()


def test_a_name_that_is_taken_is_found_before_the_change_set(harness: DeployHarness) -> None:
    harness.aws.values[f"{ROOT}/network/VpcId"] = "vpc-0"
    harness.aws.denied = {"GetResources"}
    with pytest.raises(CicdError, match="not deployed: network, service"):
        harness.deploy()

    output = "".join(harness.lines())
    assert "network: FAILED: shipping-staging-network: the names of new resources are already taken: " in output
    assert (
        "Published0 (AWS::SSM::Parameter) /shipping/staging/network/VpcId: the tags of the resource cannot be read"
        in output
    )
    assert harness.status("network") == "none"


def test_what_aws_refuses_to_execute_has_not_begun(harness: DeployHarness) -> None:
    def busy() -> None:
        harness.aws.named("shipping-staging-keys").status = "UPDATE_IN_PROGRESS"  # type: ignore[union-attr] # it is there

    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    interrupt(harness, "ExecuteChangeSet", busy)
    with pytest.raises(CicdError, match="not deployed: keys"):
        harness.deploy()
    harness.aws.named("shipping-staging-keys").status = "UPDATE_COMPLETE"  # type: ignore[union-attr] # it is there
    calm(harness)

    assert harness.nothing_in_review()
    assert harness.plan().changing[0].label == "keys"


# Runs that end early.


def test_an_interrupted_run_is_continued_with_the_same_token_and_nothing_runs_twice(harness: DeployHarness) -> None:
    interrupt(harness, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError) as caught:
        harness.deploy()
    assert str(caught.value) == (
        "stopped: keys, network still under way in AWS; run the same command again to continue"
    )
    assert caught.value.exit_code == 75
    with pytest.raises(RefusedError, match="keys, network: an interrupted run started operations"):
        harness.plan()
    with pytest.raises(RefusedError, match="an interrupted run started operations"):
        deployment.discard(harness.context, harness.stacks)
    calm(harness)
    harness.deploy()

    assert "keys: continuing the operation that an earlier run began" in harness.lines()
    assert len(harness.aws.executed) == 3
    assert harness.of(report.Succeeded) == ["keys", "network", "service"]


def test_what_an_interrupted_run_has_finished_is_planned_again_and_not_resumed(harness: DeployHarness) -> None:
    interrupt(harness, "ExecuteChangeSet", KeyboardInterrupt, nth=3)
    with pytest.raises(DetachedError, match="service still under way in AWS"):
        harness.deploy()
    calm(harness)
    harness.deploy()

    assert harness.of(report.Unchanged) == ["keys", "network", "service"]
    assert [line for line in harness.lines() if "earlier run" in line] == [
        "service: continuing the operation that an earlier run began"
    ]


class Killed(BaseException):
    """Raised where the process is killed."""


def test_a_run_that_was_killed_before_its_call_asks_again_for_the_same(harness: DeployHarness) -> None:
    interrupt(harness, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        harness.deploy()
    calm(harness)
    harness.deploy()

    assert [each.stack.name for each in harness.aws.executed].count("shipping-staging-keys") == 1
    assert harness.of(report.Succeeded)[0] == "keys"
    assert harness.nothing_in_review()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_was_killed_while_it_looked_leaves_nothing_to_the_next(harness: DeployHarness, nth: int) -> None:
    interrupt(harness, "DescribeChangeSet", Killed, nth)
    with pytest.raises(Killed):
        harness.deploy()
    calm(harness)
    with pytest.raises(CicdError, match="declined"):
        harness.deploy(agree=False)

    assert harness.nothing_in_review()


@pytest.mark.parametrize("nth", [1, 2])
def test_an_interrupted_plan_is_continued_by_the_same_command(harness: DeployHarness, nth: int) -> None:
    harness.plan()
    interrupt(harness, "ExecuteChangeSet", Killed, nth)
    with pytest.raises(Killed):
        harness.execute()
    calm(harness)
    assert harness.execute() is not None

    assert sorted(each.stack.name for each in harness.aws.executed) == [
        "shipping-staging-keys",
        "shipping-staging-network",
    ]
    assert set(harness.of(report.Succeeded)) == {"keys", "network"}


def test_another_plan_than_the_interrupted_one_discards_what_was_not_begun(
    harness: DeployHarness, tmp_path: Path
) -> None:
    harness.stacks = [harness.made(f"s{number:02}") for number in range(21)]
    first = tmp_path / "first.json"
    harness.plan(first)
    interrupt(harness, "DescribeStackEvents", Killed)
    with pytest.raises(Killed):
        harness.execute(first)
    calm(harness)
    harness.aws.settle()
    harness.deploy()

    assert harness.nothing_in_review()
    assert harness.of(report.Succeeded).count("s20") == 1


def test_an_operation_of_an_earlier_run_that_aws_does_not_know_is_reported_and_forgotten(
    harness: DeployHarness,
) -> None:
    interrupt(harness, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        harness.deploy()
    calm(harness)
    harness.aws.stacks.clear()
    harness.deploy()

    assert harness.of(report.Succeeded) == ["keys", "network", "service"]
    assert (
        "keys: AWS does not know the operation that an earlier run requested, so a new plan is made for the stack"
        in harness.lines()
    )


def test_a_stack_of_an_interrupted_plan_that_aws_does_not_know_is_planned_after_it(harness: DeployHarness) -> None:
    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.plan()
    interrupt(harness, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        harness.execute()
    calm(harness)
    harness.aws.named("shipping-staging-keys").change_sets.clear()  # type: ignore[union-attr] # it is there
    following = harness.execute()

    assert following is not None
    assert [stack.label for stack in following.changing] == ["keys"]
    assert harness.execute() is None
    assert harness.of(report.Succeeded) == ["keys"]


def test_a_continued_operation_that_fails_is_a_failure_of_this_run(harness: DeployHarness) -> None:
    harness.aws.fails = {"shipping-staging-keys"}
    interrupt(harness, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        harness.deploy()
    calm(harness)
    harness.stacks = harness.stacks[1:]
    with pytest.raises(CicdError, match="not deployed: keys"):
        harness.deploy()

    assert "keys: FAILED: the stack ended in DELETE_COMPLETE" in harness.lines()


def test_a_stack_whose_resumed_operation_fails_is_not_planned_again_by_the_same_run(harness: DeployHarness) -> None:
    harness.aws.fails = {"shipping-staging-keys"}
    interrupt(harness, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        harness.deploy()
    calm(harness)
    with pytest.raises(CicdError, match="not deployed: keys, service; the causes are above"):
        harness.deploy()

    assert harness.of(report.Planned) == []
    assert "service: FAILED: not started, because keys failed" in harness.lines()


def test_a_continued_operation_of_another_selection_is_watched_to_its_end(harness: DeployHarness) -> None:
    interrupt(harness, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        harness.deploy()
    calm(harness)
    harness.stacks = harness.stacks[2:]
    harness.deploy()

    assert harness.of(report.Succeeded) == ["keys", "network", "service"]


def end_credentials(harness: DeployHarness) -> Callable[[], None]:
    def end() -> None:
        harness.aws.faults.expired = True

    return end


@pytest.mark.parametrize("operation", ["DescribeStackEvents", "ExecuteChangeSet", "DescribeChangeSet"])
def test_expired_credentials_are_neither_a_success_nor_a_failure(harness: DeployHarness, operation: str) -> None:
    interrupt(harness, operation, end_credentials(harness))
    with pytest.raises(DetachedError, match="the credentials have expired"):
        harness.deploy()
    calm(harness)
    harness.aws.settle()
    harness.deploy()

    assert {harness.status(layer) for layer in ("keys", "network", "service")} == {"CREATE_COMPLETE"}
    assert harness.nothing_in_review()


def test_an_account_that_cannot_be_read_for_long_is_no_failure(harness: DeployHarness) -> None:
    def refuse() -> None:
        raise error("AccessDenied", "no more", "DescribeStacks")

    def always(operation: str) -> None:
        if operation == "DescribeStacks" and harness.aws.executed:
            refuse()

    harness.aws.faults.before = always
    with pytest.raises(
        DetachedError,
        match=r"the last 30 attempts to read the stacks failed .*no more.*keys, network still under way",
    ):
        harness.deploy()


def test_an_unrelated_fault_is_no_failure_of_the_operations_under_way(harness: DeployHarness) -> None:
    harness.stacks.append(harness.made("other", reads={"Key": f"{ROOT}/keys/KeyArn"}))
    harness.deploy()
    harness.stacks[0] = harness.keys(More=TOPIC)
    harness.stacks[1] = harness.network(More=TOPIC)
    harness.aws.latency = {"shipping-staging-network": 500.0}

    executed = len(harness.aws.executed)

    def refuse(operation: str) -> None:
        if operation == "GetParameters" and len(harness.aws.executed) > executed:
            raise error("AccessDenied", "not yours", operation)

    harness.aws.faults.before = refuse
    with pytest.raises(DetachedError, match=r"not yours.*network still under way"):
        harness.deploy()
    calm(harness)


def test_an_error_with_no_operation_under_way_is_raised_unchanged(harness: DeployHarness) -> None:
    def refuse() -> None:
        raise error("AccessDenied", "not yours", "DescribeStacks")

    interrupt(harness, "DescribeStacks", refuse)
    with pytest.raises(ClientError, match="not yours"):
        harness.deploy()


def test_a_wave_that_is_looked_at_when_another_is_refused_is_discarded(harness: DeployHarness) -> None:
    harness.stacks[1] = harness.network(Data=BUCKET)
    harness.deploy()
    vpc = {"Vpc": f"{ROOT}/network/VpcId"}
    fast = harness.made("fast", publishes={f"{ROOT}/fast/X": "x"})
    slow = harness.made("slow", publishes={f"{ROOT}/slow/X": "x"})
    harness.stacks = [
        harness.keys(More=TOPIC),
        harness.network(Data=BUCKET),
        harness.service(More=TOPIC),
        fast,
        slow,
        harness.made("theirs", reads={"X": f"{ROOT}/fast/X"}),
        harness.made("after-slow", reads={"X": f"{ROOT}/slow/X", **vpc}),
    ]
    harness.aws.latency = {
        "shipping-staging-keys": 500.0,
        "shipping-staging-slow": 30.0,
        "shipping-staging-fast": 32.0,
    }
    theirs = harness.stacks[5]
    harness.aws.cloudformation.create_change_set(
        StackName=theirs.name,
        ChangeSetName="x",
        ChangeSetType="CREATE",
        TemplateBody=harness.made("theirs").text,
        Parameters=[],
        Tags=[],
    )
    with pytest.raises(RefusedError, match="shipping-staging-theirs: a stack of this name exists"):
        harness.deploy()

    assert harness.of(report.Succeeded) == ["slow", "fast", "keys"]
    assert harness.status("after-slow") == "none"
    assert harness.aws.executed[-1].stack.name != "shipping-staging-service"


# Persistence.


def test_a_call_is_made_again_while_what_it_meets_passes_by_itself(harness: DeployHarness) -> None:
    faults = [error("Throttling", "x", "X"), error("InternalFailure", "x", "X", 500)]

    def call() -> str:
        if faults:
            raise faults.pop()
        return "answer"

    assert run_steps(retry_steps(call), harness.aws.clock.polling()) == "answer"
    assert harness.aws.clock.seconds > 0


def test_a_call_that_never_passes_is_given_up_and_one_that_is_wrong_at_once(harness: DeployHarness) -> None:
    calls = []

    def throttled() -> None:
        calls.append(1)
        raise error("Throttling", "x", "X")

    with pytest.raises(ClientError):
        run_steps(retry_steps(throttled), harness.aws.clock.polling())
    assert len(calls) == retry.STEP_ATTEMPTS


def test_transient_errors_are_distinguished_from_others() -> None:
    gone = CredentialRetrievalError(provider="sso", error_msg="x")

    assert not is_transient(gone)
    assert not is_transient(error("AccessDenied", "x", "X"))
