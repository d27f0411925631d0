"""Deployments on the simulated CloudFormation: order, plans that hold, guards, failures, and runs that are taken up."""

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
from cicd_templates.deploy.aws.retry import credentials_expired, is_transient, retry_steps, run_steps
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.simulated_aws import SimulatedAws, error, rendered

ROOT = "/payments/staging"
TOPIC = {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Revision": 1}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"Fixed": 1}}


class Office:
    """A context on the simulation, three stacks (service reads network and keys), and what was reported."""

    def __init__(self, folder: Path, protection: str = "disposable") -> None:
        self.aws = SimulatedAws()
        self.protection = protection
        self.context = DeployContext(
            self.aws,  # type: ignore[arg-type] # the simulation stands in
            self.aws.clock.polling(),
            folder,
            today=self.aws.clock.today,
        )
        self.events: list[Event] = []
        self.asked: list[str] = []
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

    def said(self) -> list[str]:
        return [line.strip() for event in self.events for line in report.as_lines(event)]

    def of(self, *kinds: type) -> list[str]:
        return [event.stack for event in self.events if isinstance(event, kinds)]  # type: ignore[union-attr] # of stacks

    def deploy(self, agree: bool = True, **options: Any) -> None:
        self.events.clear()

        def confirm(question: str) -> bool:
            self.asked.append(question)
            return agree

        deployment.deploy(self.context, self.stacks, self, confirm, **options)

    def plan(self, path: Path | None = None) -> plans.Plan:
        self.events.clear()
        return deployment.plan(self.context, self.stacks, self, path)

    def execute(self, path: Path | None = None, **options: Any) -> plans.Plan | None:
        self.events.clear()
        path = path or self.path
        return deployment.execute_plan(self.context, plans.read(path), path, self.stacks, self, **options)

    @property
    def path(self) -> Path:
        return self.context.plans / "staging.json"

    def status(self, layer: str) -> str:
        stack = self.aws.named(f"payments-staging-{layer}")
        return stack.status if stack else "none"

    def nothing_in_review(self) -> bool:
        return not any(
            stack.status == "REVIEW_IN_PROGRESS"
            or any(not each.execution.startswith("EXECUTE_") for each in stack.change_sets.values())
            for stack in self.aws.stacks.values()
            if stack.status != "DELETE_COMPLETE"
        )


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def interrupt(office: Office, operation: str, ending: type[BaseException] | Callable[[], None], nth: int = 1) -> None:
    """At the `nth` call of an operation, end with that, or do it."""
    left = [nth]

    def before(called: str) -> None:
        left[0] -= called == operation
        if left[0] == 0 and called == operation:
            if isinstance(ending, type):
                raise ending
            ending()

    office.aws.faults.before = before


def calm(office: Office) -> None:
    office.aws.faults.before = lambda operation: None
    office.aws.faults.expired = False


# Order.


def test_what_does_not_depend_on_each_other_goes_side_by_side_and_readers_after(office: Office) -> None:
    office.aws.latency = {f"payments-staging-{layer}": 600.0 for layer in ("keys", "network", "service")}
    office.deploy()

    assert office.of(report.Succeeded) == ["keys", "network", "service"]
    # Two levels of ten minutes each, and what looking adds.
    assert 1200 < office.aws.clock.seconds < 1320
    assert office.asked == ["Execute these 2 change sets on staging?", "Execute this change set on staging?"]
    assert office.nothing_in_review()
    assert list(office.context.plans.iterdir()) == []


def test_a_stack_starts_as_soon_as_its_own_producers_stand_unless_somebody_is_asked(tmp_path: Path) -> None:
    ends = {}
    for eager in (True, False):
        office = Office(tmp_path / str(eager))
        office.stacks.append(office.made("slow"))
        office.aws.latency = {"payments-staging-slow": 900.0}
        done: list[tuple[str, float]] = []

        def note(stack: StackTemplate, done: list[tuple[str, float]] = done, office: Office = office) -> None:
            done.append((stack.label, office.aws.clock.seconds))

        office.deploy(eager=eager, after=note)
        ends[eager] = dict(done)

    assert ends[True]["service"] < 200
    assert ends[False]["service"] > 900


def test_more_stacks_than_may_be_under_way_at_once_wait_for_their_turn(office: Office) -> None:
    office.stacks = [office.made(f"s{number:02}") for number in range(25)]
    office.deploy()

    running = 0
    highest = 0
    for event in office.events:
        running += isinstance(event, report.Started) - isinstance(event, report.Succeeded)
        highest = max(highest, running)
    assert (highest, len(office.of(report.Succeeded))) == (20, 25)


def test_a_second_deployment_finds_nothing_and_asks_nobody(office: Office) -> None:
    office.deploy()
    office.asked.clear()
    office.deploy()

    assert office.of(report.Unchanged) == ["keys", "network", "service"]
    assert office.asked == []


def test_the_time_that_it_took_is_expected_the_next_time(office: Office) -> None:
    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    office.deploy()
    assert [event.expected_seconds for event in office.events if isinstance(event, report.Started)] == [None]
    office.stacks[0] = office.keys()
    office.deploy()
    (started,) = [event for event in office.events if isinstance(event, report.Started)]
    assert started.expected_seconds is not None
    assert 30 < started.expected_seconds < 60


def test_a_moved_value_redeploys_its_readers(office: Office) -> None:
    office.deploy()
    office.stacks[0] = office.keys("key-2")
    office.deploy()

    assert "service: values that it reads have changed, so it is planned again" in office.said()
    assert office.of(report.Succeeded) == ["keys", "service"]
    service = office.aws.named("payments-staging-service")
    assert service is not None
    assert service.parameters["KeyArn"] == "key-2"


def test_protected_stacks_cannot_be_deleted_afterwards(tmp_path: Path) -> None:
    office = Office(tmp_path, "protected")
    office.deploy()

    assert all(stack.protected for stack in office.aws.stacks.values())


# Plans that hold.


def test_a_first_deployment_comes_in_waves_each_sealed(office: Office) -> None:
    made = office.plan()
    assert (made.waits, [stack.label for stack in made.changing]) == (
        {"service": ("keys", "network")},
        ["keys", "network"],
    )
    assert "deploy just that: make deploy PLAN=" in "".join(office.said())
    assert office.status("keys") == "REVIEW_IN_PROGRESS"

    following = office.execute()
    assert following is not None
    assert [stack.label for stack in following.changing] == ["service"]
    assert plans.read(office.path) == following
    assert office.execute() is None
    assert not office.path.exists()
    assert office.status("service") == "CREATE_COMPLETE"
    assert office.nothing_in_review()


def test_what_follows_a_plan_can_have_a_place_of_its_own(office: Office, tmp_path: Path) -> None:
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    office.plan(first)
    assert office.execute(first, next_path=second) is not None
    assert second.exists()
    assert first.exists()
    with pytest.raises(RefusedError, match="keys: its change set is EXECUTE_COMPLETE, not AVAILABLE"):
        office.execute(first)


def test_a_moved_value_makes_the_readers_of_a_plan_wait_for_the_next(office: Office) -> None:
    office.deploy()
    office.stacks = [office.keys("key-2"), office.network(), office.service(More=TOPIC)]
    assert [stack.label for stack in office.plan().changing] == ["keys", "service"]
    following = office.execute()

    assert following is not None
    assert [stack.label for stack in following.changing] == ["service"]
    assert office.of(report.Succeeded) == ["keys"]


def test_readers_whose_values_stay_go_with_the_same_plan(office: Office) -> None:
    office.deploy()
    office.stacks = [office.keys(More=TOPIC), office.network(), office.service(More=TOPIC)]
    office.plan()

    assert office.execute() is None
    assert office.of(report.Succeeded) == ["keys", "service"]


def rerendered(office: Office) -> None:
    office.stacks[2] = office.service(Again=TOPIC)


def not_rendered(office: Office) -> None:
    del office.stacks[2]


def elsewhere(office: Office) -> None:
    stack = office.stacks[2]
    office.stacks[2] = replace(stack, facts=replace(stack.facts, account="333333333333"))


def moved(office: Office) -> None:
    office.aws.values[f"{ROOT}/keys/KeyArn"] = "key-9"


def removed(office: Office) -> None:
    del office.aws.values[f"{ROOT}/keys/KeyArn"]


def released(office: Office) -> None:
    service = office.aws.named("payments-staging-service")
    assert service is not None
    service.parameters["ImageUri"] = "image-2"


def updated(office: Office) -> None:
    office.aws.somebody_updates("payments-staging-service", 1)


def retold(office: Office) -> None:
    service = office.aws.named("payments-staging-service")
    assert service is not None
    for change_set in service.change_sets.values():
        change_set.changes[0]["Action"] = "Remove"


def late(office: Office) -> None:
    office.aws.clock.seconds += timedelta(hours=25).total_seconds()


def on_another_aws(office: Office) -> None:
    office.aws.local = True


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (rerendered, "service: out/staging/service.yaml was changed since"),
        (not_rendered, "service: is no longer rendered"),
        (elsewhere, "service: is for 333333333333 in eu-central-1, the plan for 222222222222 in eu-central-1"),
        (moved, "service: /payments/staging/keys/KeyArn was key-1 and is key-9"),
        (removed, "service: /payments/staging/keys/KeyArn was key-1 and is gone"),
        (released, "service: a value that the pipeline sets, such as its image, has changed since"),
        (updated, "service: its change set is gone; it was executed or discarded, or another one was executed"),
        (retold, "service: its change set has other changes now"),
        (late, "it expired at 2026-01-02"),
        (on_another_aws, "it is of AWS, and this is the local AWS"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_plan_that_no_longer_holds_is_refused_before_anything_is_executed(
    office: Office, change: Callable[[Office], None], expected: str
) -> None:
    office.deploy()
    office.stacks[2] = office.service(More=TOPIC)
    office.plan()
    before = len(office.aws.executed)
    change(office)

    with pytest.raises(RefusedError) as caught:
        office.execute()
    assert expected in str(caught.value)
    assert "plan again: make plan ENV=staging" in str(caught.value)
    assert len(office.aws.executed) == before


def test_before_anything_begins_and_after_every_check_the_caller_is_told(office: Office) -> None:
    office.plan()
    seen: list[int] = []

    def passed() -> None:
        seen.append(len(office.of(report.Started)))

    office.execute(passed=passed)
    assert seen == [0]
    assert office.of(report.Started) == ["keys", "network"]


def test_of_a_plan_that_is_refused_nobody_is_told_that_it_passed(office: Office) -> None:
    office.deploy()
    office.stacks[2] = office.service(More=TOPIC)
    office.plan()
    rerendered(office)
    seen: list[int] = []

    with pytest.raises(RefusedError):
        office.execute(passed=lambda: seen.append(1))
    assert seen == []


def test_a_name_that_fits_nothing_is_told_once_and_not_asked_for_again(office: Office) -> None:
    office.stacks[1] = office.network(Data=BUCKET)
    office.deploy()
    office.stacks[1] = office.network(Data={**BUCKET, "Properties": {"Fixed": 2}}, More=TOPIC)

    with pytest.raises(RefusedError) as caught:
        office.deploy(allowed=["network/data", "keys/Key"])
    told = [line for line in office.said() if line.startswith("ALLOW=")]
    assert told == [f"ALLOW={name}: this plan loses no resource of that name" for name in ("network/data", "keys/Key")]
    assert str(caught.value).endswith("ALLOW=network/Data")


def test_a_plan_of_the_local_aws_is_none_of_aws(office: Office) -> None:
    office.aws.local = True
    office.plan()
    office.aws.local = False

    with pytest.raises(RefusedError, match="it is of the local AWS"):
        office.execute()


def test_a_new_plan_takes_the_place_of_the_one_before(office: Office) -> None:
    office.plan()
    office.plan()

    assert sum(len(stack.change_sets) for stack in office.aws.stacks.values()) == 2
    assert deployment.discard(office.context, office.stacks) == 2
    assert office.nothing_in_review()
    assert list(office.context.plans.iterdir()) == []


def test_one_plan_is_discarded_by_its_file(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    office.plan(path)

    assert deployment.discard(office.context, office.stacks, path) == 2
    assert office.nothing_in_review()


def test_what_no_plan_file_knows_any_more_goes_after_its_time(office: Office) -> None:
    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    office.plan()
    office.path.write_text("damaged")
    office.plan()
    assert len(office.aws.named("payments-staging-keys").change_sets) == 3  # type: ignore[union-attr] # it is there
    office.aws.clock.seconds += 25 * 3600
    office.plan()

    (executed, fresh) = office.aws.named("payments-staging-keys").change_sets.values()  # type: ignore[union-attr] # it is there
    assert executed.execution == "EXECUTE_COMPLETE"
    assert office.aws.clock.today() - fresh.created < timedelta(minutes=1)


def test_a_stack_that_has_not_published_what_is_read_of_it_is_waited_for_though_it_exists(office: Office) -> None:
    whole = office.keys(Kept=BUCKET)
    office.stacks = [office.made("keys", resources={"Kept": BUCKET})]
    office.deploy()
    readers = [
        office.made("storage", reads={"KeyArn": f"{ROOT}/keys/KeyArn"}, publishes={f"{ROOT}/storage/Name": "b"}),
        office.made("cluster", reads={"Name": f"{ROOT}/storage/Name"}),
    ]
    office.stacks = [whole, office.network(), *readers]
    made = office.plan()

    assert [stack.label for stack in made.changing] == ["keys", "network"]
    assert made.waits == {"storage": ("keys",), "cluster": ("storage",)}
    office.deploy()
    assert sorted(office.of(report.Succeeded)[:2]) == ["keys", "network"]
    assert office.of(report.Succeeded)[2:] == ["storage", "cluster"]
    assert office.plan().empty


def test_what_reads_from_a_stack_that_waits_for_others_waits_as_well(office: Office) -> None:
    storage = {f"{ROOT}/storage/Name": "b"}
    cluster = office.made("cluster", reads={"Name": f"{ROOT}/storage/Name"})
    office.stacks = [office.keys(), office.made("storage", publishes=storage), cluster]
    office.deploy()
    office.stacks[0] = office.made("keys", publishes={f"{ROOT}/keys/KeyArn": "key-1", f"{ROOT}/keys/Other": "x"})
    office.stacks[1] = office.made("storage", reads={"Other": f"{ROOT}/keys/Other"}, publishes=storage)

    assert office.plan().waits == {"storage": ("keys",), "cluster": ("storage",)}


def test_a_wait_for_a_value_that_nothing_publishes_again_is_no_plan(office: Office) -> None:
    office.deploy()
    del office.aws.values[f"{ROOT}/keys/KeyArn"]

    with pytest.raises(CicdError, match=f"not planned: service; {ROOT}/keys/KeyArn does not exist, although"):
        office.plan()
    assert not office.path.exists()
    assert office.nothing_in_review()


def test_a_plan_of_nothing_is_not_written(office: Office) -> None:
    office.deploy()

    assert office.plan().empty
    assert not office.path.exists()


def test_a_stack_that_cannot_be_planned_leaves_no_plan_and_nothing_in_review(office: Office) -> None:
    office.stacks.append(office.made("lost", reads={"X": "/nobody/X"}))

    with pytest.raises(CicdError, match="not planned: lost; the causes are above"):
        office.plan()
    assert "lost: FAILED: An error occurred (ValidationError)" in "".join(office.said())
    assert office.nothing_in_review()
    assert not office.path.exists()


# Guards.


def test_data_goes_only_by_its_name_and_a_refusal_leaves_nothing(office: Office) -> None:
    office.stacks[1] = office.network(Data=BUCKET)
    office.deploy()
    office.stacks[1] = office.network(Data={**BUCKET, "Properties": {"Fixed": 2}})
    with pytest.raises(RefusedError, match="ALLOW=network/Data"):
        office.deploy()
    assert office.nothing_in_review()
    office.plan()
    with pytest.raises(RefusedError, match="ALLOW=network/Data"):
        office.execute()
    assert office.aws.replaced == []

    office.deploy(allowed=["network/Data"])
    assert office.aws.replaced == [("payments-staging-network", "Data")]


def test_what_the_local_aws_only_records_is_let_pass_and_told(tmp_path: Path) -> None:
    office = Office(tmp_path, "protected")
    office.context = replace(office.context, recorded=frozenset({"AWS::S3::Bucket"}))
    office.stacks[1] = office.network(Data={**BUCKET, "Properties": {"Maybe": 1}})
    office.deploy()
    office.stacks[1] = office.network(Data={**BUCKET, "Properties": {"Maybe": 2}})
    office.deploy()

    loss = "network/Data (AWS::S3::Bucket): perhaps replaced; objects: deleted"
    assert f"{loss}; allowed, because the local AWS only records this type" in office.said()


def test_declining_discards_what_was_shown(office: Office) -> None:
    with pytest.raises(CicdError, match="staging: declined; no change set of this plan was executed"):
        office.deploy(agree=False)

    assert office.aws.stacks == {} or office.nothing_in_review()
    assert office.aws.executed == []


def test_after_a_refusal_what_is_under_way_is_waited_for_and_nothing_else_begins(office: Office) -> None:
    office.stacks[1] = office.network(Data=BUCKET)
    office.deploy()
    slow = office.made("slow")
    last = office.made("last", reads={"Vpc": f"{ROOT}/network/VpcId"}, resources={"Data": BUCKET})
    office.stacks = [office.keys(More=TOPIC), office.network(Data=BUCKET, More=TOPIC), office.service(), slow, last]
    office.aws.latency = {"payments-staging-slow": 2000.0}
    somebody = office.made("last")
    other = [{"Key": "Project", "Value": "another"}]
    office.aws.cloudformation.create_change_set(
        StackName=somebody.name,
        ChangeSetName="theirs",
        ChangeSetType="CREATE",
        TemplateBody=somebody.text,
        Parameters=[],
        Tags=other,
    )
    with pytest.raises(RefusedError, match="payments-staging-last: a stack of this name exists"):
        office.deploy()
    assert office.of(report.Succeeded) == []


def test_a_stack_that_cannot_be_planned_stays_failed_where_its_wave_is_declined(office: Office) -> None:
    office.stacks.append(office.made("lost", reads={"X": "/nobody/X"}))
    with pytest.raises(CicdError, match="staging: declined"):
        office.deploy(agree=False)

    assert office.of(report.Broke) == ["lost"]
    assert office.nothing_in_review()


# States.


@pytest.mark.parametrize("wait", [False, True])
def test_a_stack_that_another_operation_works_on_is_refused_or_waited_for(office: Office, wait: bool) -> None:
    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    office.context = replace(office.context, wait_for_busy=wait)
    office.aws.somebody_updates("payments-staging-keys", 500)
    if wait:
        office.deploy()
        assert office.of(report.Succeeded) == ["keys"]
    else:
        with pytest.raises(RefusedError, match="payments-staging-keys is in UPDATE_IN_PROGRESS: "):
            office.deploy()


@pytest.mark.parametrize(
    ("status", "command"),
    [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("DELETE_FAILED", "delete-stack")],
)
def test_a_state_that_a_person_must_settle_is_refused_with_the_command(
    office: Office, status: str, command: str
) -> None:
    office.deploy()
    office.aws.named("payments-staging-keys").status = status  # type: ignore[union-attr] # it is there

    typed = f"`aws cloudformation {command} --region eu-central-1 --stack-name payments-staging-keys"
    with pytest.raises(RefusedError, match=f"payments-staging-keys is in {status}: .*{typed}"):
        office.plan()


def test_a_failed_first_creation_goes_by_itself_where_nothing_is_protected(office: Office) -> None:
    office.aws.fails = {"payments-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys, service; the causes are above"):
        office.deploy()
    assert office.status("keys") == "none"
    assert office.of(report.Succeeded) == ["network"]
    assert "keys: FAILED: Policy (AWS::SNS::TopicPolicy): no quota is left" in office.said()
    assert "service: FAILED: not started, because keys failed" in office.said()
    # The stack is gone; what happened to it is not.
    (kept,) = office.context.state.glob("failures/payments-staging-keys-*.jsonl")
    assert f"all its events: {kept}" in office.said()
    statuses = [json.loads(line)["status"] for line in kept.read_text().splitlines()]
    assert "CREATE_FAILED" in statuses
    assert statuses[-1] == "DELETE_COMPLETE"

    office.aws.fails = set()
    office.deploy()
    assert office.of(report.Succeeded) == ["keys", "service"]


def test_a_failed_first_creation_of_a_protected_stack_is_made_anew(tmp_path: Path) -> None:
    office = Office(tmp_path, "protected")
    office.aws.fails = {"payments-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys"):
        office.deploy()
    assert office.status("keys") == "ROLLBACK_COMPLETE"
    office.aws.fails = set()
    office.deploy()

    assert office.status("keys") == "CREATE_COMPLETE"


def test_a_failed_creation_that_left_resources_is_a_persons_to_settle(tmp_path: Path) -> None:
    office = Office(tmp_path, "protected")
    office.deploy()
    office.aws.named("payments-staging-keys").status = "ROLLBACK_COMPLETE"  # type: ignore[union-attr] # it is there

    with pytest.raises(RefusedError, match=r"left Policy, Published0; check them, then `aws cloudformation delete-st"):
        office.plan()


def test_a_deletion_that_does_not_end_is_given_up_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(tmp_path, "protected")
    office.aws.fails = {"payments-staging-keys"}
    with pytest.raises(CicdError):
        office.deploy()
    monkeypatch.setattr(office.aws.cloudformation, "delete_stack", lambda **request: None)

    with pytest.raises(CicdError, match="not planned: keys"):
        office.plan()
    assert "the stack of its failed creation is not deleted yet; try again later" in "".join(office.said())


def test_a_failed_update_keeps_what_stands_and_what_depends_on_it_is_not_started(office: Office) -> None:
    office.deploy()
    office.stacks = [office.keys(More=TOPIC), office.network(), office.service(More=TOPIC)]
    office.aws.fails = {"payments-staging-keys"}
    with pytest.raises(CicdError, match="not deployed: keys, service"):
        office.deploy()

    assert office.status("keys") == "UPDATE_ROLLBACK_COMPLETE"
    assert office.nothing_in_review()


def test_a_change_set_that_is_refused_says_why(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.aws.validation = [
        {
            "ValidationStatus": "FAILED",
            "ValidationName": "NAME",
            "ValidationPath": "/R",
            "ValidationStatusReason": "taken",
        }
    ]
    create = office.aws.cloudformation._create

    def refusing(request: Any) -> Any:
        made = create(request)
        next(iter(office.aws.named(request["StackName"]).change_sets.values())).reason = "Transform failed"  # type: ignore[union-attr] # just made
        return made

    monkeypatch.setattr(office.aws.cloudformation, "_create", refusing)
    with pytest.raises(CicdError, match="not deployed: keys, network, service"):
        office.deploy()
    assert "CloudFormation refuses the change set: Transform failed; error: NAME at /R: taken" in "".join(office.said())
    assert office.nothing_in_review()


def test_a_change_set_that_never_ends_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.simulated_aws.CHANGE_SET_SECONDS", 10_000.0)
    with pytest.raises(CicdError, match="not planned: keys, network"):
        office.plan()

    assert "has not ended within 10 minutes; try again later" in "".join(office.said())


def test_a_change_set_that_goes_while_it_is_made_is_said(office: Office) -> None:
    def vanish() -> None:
        for stack in office.aws.stacks.values():
            stack.change_sets.clear()

    interrupt(office, "DescribeChangeSet", vanish)
    with pytest.raises(CicdError, match="not planned: keys; the causes"):
        office.plan()
    assert "somebody else deleted its change set while it was being made" in "".join(office.said())


def test_a_role_that_is_not_there_yet_is_named(office: Office) -> None:
    office.stacks = [office.made("service", deployed_as=f"{ROOT}/delivery/RoleArn")]
    with pytest.raises(CicdError, match="not deployed: service"):
        office.deploy()
    assert "/payments/staging/delivery/RoleArn does not exist yet; deploy the layer delivery first" in office.said()[-1]

    office.aws.values[f"{ROOT}/delivery/RoleArn"] = "arn:role"
    office.deploy()
    assert office.aws.named("payments-staging-service").role == "arn:role"  # type: ignore[union-attr] # it is there


def test_a_name_that_is_taken_is_found_before_the_change_set(office: Office) -> None:
    office.aws.values[f"{ROOT}/network/VpcId"] = "vpc-0"
    with pytest.raises(CicdError, match="not deployed: network, service"):
        office.deploy()

    told = "".join(office.said())
    assert "names that it would create are taken" in told
    assert "Published0 (AWS::SSM::Parameter) /payments/staging/network/VpcId: its tags cannot be read" in told
    assert office.status("network") == "none"


def test_what_aws_refuses_to_execute_has_not_begun(office: Office) -> None:
    def busy() -> None:
        office.aws.named("payments-staging-keys").status = "UPDATE_IN_PROGRESS"  # type: ignore[union-attr] # it is there

    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    interrupt(office, "ExecuteChangeSet", busy)
    with pytest.raises(CicdError, match="not deployed: keys"):
        office.deploy()
    office.aws.named("payments-staging-keys").status = "UPDATE_COMPLETE"  # type: ignore[union-attr] # it is there
    calm(office)

    assert office.nothing_in_review()
    assert office.plan().changing[0].label == "keys"


# Runs that end early.


def test_an_interrupted_run_is_taken_up_with_the_same_token_and_nothing_runs_twice(office: Office) -> None:
    interrupt(office, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError) as caught:
        office.deploy()
    assert str(caught.value) == (
        "stopped: keys, network still under way in AWS; run the same command again to continue"
    )
    assert caught.value.exit_code == 75
    with pytest.raises(RefusedError, match="keys, network: an interrupted run began this"):
        office.plan()
    with pytest.raises(RefusedError, match="an interrupted run began this"):
        deployment.discard(office.context, office.stacks)
    calm(office)
    office.deploy()

    assert "keys: continues the operation that an earlier run began" in office.said()
    assert len(office.aws.executed) == 3
    assert office.of(report.Succeeded) == ["keys", "network", "service"]


def test_what_an_interrupted_run_has_finished_is_planned_again_and_not_resumed(office: Office) -> None:
    interrupt(office, "ExecuteChangeSet", KeyboardInterrupt, nth=3)
    with pytest.raises(DetachedError, match="service still under way in AWS"):
        office.deploy()
    calm(office)
    office.deploy()

    assert office.of(report.Unchanged) == ["keys", "network", "service"]
    assert [line for line in office.said() if "earlier run" in line] == [
        "service: continues the operation that an earlier run began"
    ]


class Killed(BaseException):
    """The process ends here."""


def test_a_run_that_was_killed_before_its_call_asks_again_for_the_same(office: Office) -> None:
    interrupt(office, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        office.deploy()
    calm(office)
    office.deploy()

    assert [each.stack.name for each in office.aws.executed].count("payments-staging-keys") == 1
    assert office.of(report.Succeeded)[0] == "keys"
    assert office.nothing_in_review()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_was_killed_while_it_looked_leaves_nothing_to_the_next(office: Office, nth: int) -> None:
    interrupt(office, "DescribeChangeSet", Killed, nth)
    with pytest.raises(Killed):
        office.deploy()
    calm(office)
    with pytest.raises(CicdError, match="declined"):
        office.deploy(agree=False)

    assert office.nothing_in_review()


@pytest.mark.parametrize("nth", [1, 2])
def test_an_interrupted_plan_is_taken_up_by_the_same_command(office: Office, nth: int) -> None:
    office.plan()
    interrupt(office, "ExecuteChangeSet", Killed, nth)
    with pytest.raises(Killed):
        office.execute()
    calm(office)
    assert office.execute() is not None

    assert sorted(each.stack.name for each in office.aws.executed) == [
        "payments-staging-keys",
        "payments-staging-network",
    ]
    assert set(office.of(report.Succeeded)) == {"keys", "network"}


def test_another_plan_than_the_interrupted_one_discards_what_had_not_begun(office: Office, tmp_path: Path) -> None:
    office.stacks = [office.made(f"s{number:02}") for number in range(21)]
    first = tmp_path / "first.json"
    office.plan(first)
    interrupt(office, "DescribeStackEvents", Killed)
    with pytest.raises(Killed):
        office.execute(first)
    calm(office)
    office.aws.settle()
    office.deploy()

    assert office.nothing_in_review()
    assert office.of(report.Succeeded).count("s20") == 1


def test_what_an_earlier_run_began_and_aws_does_not_know_is_told_and_forgotten(office: Office) -> None:
    interrupt(office, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        office.deploy()
    calm(office)
    office.aws.stacks.clear()
    office.deploy()

    assert office.of(report.Succeeded) == ["keys", "network", "service"]
    assert "keys: an earlier run began this, but AWS has no record of it, so it is planned again" in office.said()


def test_a_stack_of_an_interrupted_plan_that_aws_does_not_know_is_planned_after_it(office: Office) -> None:
    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    office.plan()
    interrupt(office, "ExecuteChangeSet", Killed)
    with pytest.raises(Killed):
        office.execute()
    calm(office)
    office.aws.named("payments-staging-keys").change_sets.clear()  # type: ignore[union-attr] # it is there
    following = office.execute()

    assert following is not None
    assert [stack.label for stack in following.changing] == ["keys"]
    assert office.execute() is None
    assert office.of(report.Succeeded) == ["keys"]


def test_a_taken_up_operation_that_fails_is_a_failure_of_this_run(office: Office) -> None:
    office.aws.fails = {"payments-staging-keys"}
    interrupt(office, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        office.deploy()
    calm(office)
    office.stacks = office.stacks[1:]
    with pytest.raises(CicdError, match="not deployed: keys"):
        office.deploy()

    assert "keys: FAILED: the stack ended in DELETE_COMPLETE" in office.said()


def test_a_stack_whose_resumed_operation_fails_is_not_planned_again_by_the_same_run(office: Office) -> None:
    office.aws.fails = {"payments-staging-keys"}
    interrupt(office, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        office.deploy()
    calm(office)
    with pytest.raises(CicdError, match="not deployed: keys, service; the causes are above"):
        office.deploy()

    assert office.of(report.Planned) == []
    assert "service: FAILED: not started, because keys failed" in office.said()


def test_a_taken_up_operation_of_another_selection_is_seen_to_its_end(office: Office) -> None:
    interrupt(office, "DescribeStackEvents", KeyboardInterrupt)
    with pytest.raises(DetachedError):
        office.deploy()
    calm(office)
    office.stacks = office.stacks[2:]
    office.deploy()

    assert office.of(report.Succeeded) == ["keys", "network", "service"]


def end_credentials(office: Office) -> Callable[[], None]:
    def end() -> None:
        office.aws.faults.expired = True

    return end


@pytest.mark.parametrize("operation", ["DescribeStackEvents", "ExecuteChangeSet", "DescribeChangeSet"])
def test_credentials_that_end_are_no_success_and_no_failure(office: Office, operation: str) -> None:
    interrupt(office, operation, end_credentials(office))
    with pytest.raises(DetachedError, match="the credentials have ended"):
        office.deploy()
    calm(office)
    office.aws.settle()
    office.deploy()

    assert {office.status(layer) for layer in ("keys", "network", "service")} == {"CREATE_COMPLETE"}
    assert office.nothing_in_review()


def test_an_account_that_cannot_be_seen_for_long_is_no_failure(office: Office) -> None:
    def refuse() -> None:
        raise error("AccessDenied", "no more", "DescribeStacks")

    def always(operation: str) -> None:
        if operation == "DescribeStacks" and office.aws.executed:
            refuse()

    office.aws.faults.before = always
    with pytest.raises(
        DetachedError, match=r"nothing could be seen for a while .*no more.*keys, network still under way"
    ):
        office.deploy()


def test_a_fault_beside_what_is_under_way_is_no_failure_of_it(office: Office) -> None:
    office.stacks.append(office.made("other", reads={"Key": f"{ROOT}/keys/KeyArn"}))
    office.deploy()
    office.stacks[0] = office.keys(More=TOPIC)
    office.stacks[1] = office.network(More=TOPIC)
    office.aws.latency = {"payments-staging-network": 500.0}

    executed = len(office.aws.executed)

    def refuse(operation: str) -> None:
        if operation == "GetParameters" and len(office.aws.executed) > executed:
            raise error("AccessDenied", "not yours", operation)

    office.aws.faults.before = refuse
    with pytest.raises(DetachedError, match=r"not yours.*network still under way"):
        office.deploy()
    calm(office)


def test_a_fault_with_nothing_under_way_is_said_as_it_is(office: Office) -> None:
    def refuse() -> None:
        raise error("AccessDenied", "not yours", "DescribeStacks")

    interrupt(office, "DescribeStacks", refuse)
    with pytest.raises(ClientError, match="not yours"):
        office.deploy()


def test_a_wave_that_is_looked_at_when_another_is_refused_is_discarded(office: Office) -> None:
    office.stacks[1] = office.network(Data=BUCKET)
    office.deploy()
    vpc = {"Vpc": f"{ROOT}/network/VpcId"}
    fast = office.made("fast", publishes={f"{ROOT}/fast/X": "x"})
    slow = office.made("slow", publishes={f"{ROOT}/slow/X": "x"})
    office.stacks = [
        office.keys(More=TOPIC),
        office.network(Data=BUCKET),
        office.service(More=TOPIC),
        fast,
        slow,
        office.made("theirs", reads={"X": f"{ROOT}/fast/X"}),
        office.made("after-slow", reads={"X": f"{ROOT}/slow/X", **vpc}),
    ]
    office.aws.latency = {
        "payments-staging-keys": 500.0,
        "payments-staging-slow": 30.0,
        "payments-staging-fast": 32.0,
    }
    theirs = office.stacks[5]
    office.aws.cloudformation.create_change_set(
        StackName=theirs.name,
        ChangeSetName="x",
        ChangeSetType="CREATE",
        TemplateBody=office.made("theirs").text,
        Parameters=[],
        Tags=[],
    )
    with pytest.raises(RefusedError, match="payments-staging-theirs: a stack of this name exists"):
        office.deploy()

    assert office.of(report.Succeeded) == ["slow", "fast", "keys"]
    assert office.status("after-slow") == "none"
    assert office.aws.executed[-1].stack.name != "payments-staging-service"


# Persistence.


def test_a_call_is_made_again_while_what_it_meets_passes_by_itself(office: Office) -> None:
    faults = [error("Throttling", "x", "X"), error("InternalFailure", "x", "X", 500)]

    def call() -> str:
        if faults:
            raise faults.pop()
        return "answer"

    assert run_steps(retry_steps(call), office.aws.clock.polling()) == "answer"
    assert office.aws.clock.seconds > 0


def test_a_call_that_never_passes_is_given_up_and_one_that_is_wrong_at_once(office: Office) -> None:
    calls = []

    def throttled() -> None:
        calls.append(1)
        raise error("Throttling", "x", "X")

    with pytest.raises(ClientError):
        run_steps(retry_steps(throttled), office.aws.clock.polling())
    assert len(calls) == retry.ATTEMPTS


def test_faults_are_told_apart() -> None:
    gone = CredentialRetrievalError(provider="sso", error_msg="x")

    assert credentials_expired(gone)
    assert not is_transient(gone)
    assert not is_transient(error("AccessDenied", "x", "X"))
    assert not credentials_expired(error("AccessDenied", "x", "X"))
