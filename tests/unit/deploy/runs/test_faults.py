"""The deployer with a CloudFormation that throttles, returns stale data, loses answers, and is interrupted at any call.

For any faults in any order, and over any number of restarts, four statements hold. The reported results are the real
statuses of the stacks. Only change sets that were shown are executed. No stateful resource is lost unless it was named.
After a deployment or a discarded plan, no stack of ours remains in REVIEW_IN_PROGRESS.

`SEQUENCES=` is the number of sequences of verbs and faults that `make soak` and `make test-long` try. `make test` and
`make test-long` always use the same sequences; `make soak` has a new `SEED=`.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    get_state_machine_test,
    initialize,
    invariant,
    precondition,
    rule,
)

from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import ANOTHERS, COMPLETE, STACK, Clock, SimulatedAws

SEQUENCES = int(os.environ.get("SEQUENCES", "1000"))
SEED = os.environ.get("SEED", "1")
SAMPLE = 40
# Parts run side by side, each with sequences of its own.
PARTS = max(1, min(8, SEQUENCES // 100))
STEPS = 8
KINDS = ("throttled", "lost response", "stale read", "reordered events")
LAYERS = ("keys", "network", "storage", "service")
# What a type of the machine that is interrupted leaves behind is only what is on its disk.
DISK = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


class Killed(BaseException):
    """Raised where the process is killed without another message."""


class Judge:
    """Records which change sets are shown and so may be executed, and compares reported results with the stacks."""

    def __init__(self, aws: SimulatedAws) -> None:
        self.aws = aws
        self.shown: dict[str, PlannedStack] = {}
        self.broke: set[str] = set()
        self.succeeded: set[str] = set()

    def report(self, event: Event) -> None:
        match event:
            case report.Planned():
                self.shown[event.planned.change_set] = event.planned
            case report.Succeeded():
                self.succeeded.add(event.stack)
                assert self.ended(event.stack) == ("CREATE_COMPLETE" if event.verb == "created" else "UPDATE_COMPLETE")
            case report.Broke():
                self.broke.add(event.stack)
                if event.diagnosis:
                    counted["operations that failed"] += 1
                    assert self.ended(event.stack) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    def ended(self, label: str) -> str:
        """Return the status in which our last operation left a stack. Somebody's update may have begun since."""
        found = self.aws.named(f"shipping-staging-{label}")
        if found is None:
            return "DELETE_COMPLETE"
        return next(
            str(event["ResourceStatus"])
            for event in reversed(found.events)
            if event["ResourceType"] == STACK and event.get("ClientRequestToken") != ANOTHERS
        )


happened: Counter[str] = Counter()
counted: Counter[str] = Counter()


class Deployer(RuleBasedStateMachine):
    """One environment of four stacks that is edited, deployed, interrupted and deployed again."""

    @initialize(seed=st.integers(0, 2**32), protection=st.sampled_from(["disposable", "protected"]))
    def begin(self, seed: int, protection: str) -> None:
        counted["sequences"] += 1
        self.aws = SimulatedAws(Clock())
        self.aws.faults.random = random.Random(seed)  # noqa: S311 - faults, not secrets
        self.protection = protection
        self.revisions = dict.fromkeys(LAYERS, 0)
        self.shape: dict[str, dict[str, Any]] = {layer: {} for layer in LAYERS}
        self.value = 0
        self.folder = Path(tempfile.mkdtemp(dir=DISK, prefix="cicd-faults-"))
        self.context = DeployContext(
            self.aws,  # type: ignore[arg-type] # the simulation stands in
            self.aws.clock.polling(),
            self.folder,
            wait_for_busy=True,
            today=self.aws.clock.today,
            # Plans are discarded in the order of their names, so with random ids a sequence would not repeat itself.
            new_plan_id=lambda: f"{self.aws.number():032x}",
        )
        self.judge = Judge(self.aws)
        self.allowed: set[str] = set()
        self.interrupted = False
        self.clean = True

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)
            happened.update(self.aws.faults.happened)

    def stacks(self) -> list[StackTemplate]:
        root = "/shipping/staging"
        made = []
        for layer, reads in (("keys", []), ("network", []), ("storage", ["keys"]), ("service", ["storage", "network"])):
            resources = {
                "Data": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {"Tags": self.revisions[layer], **self.shape[layer]},
                    "DeletionPolicy": "Retain" if self.protection == "protected" else "Delete",
                },
                "Plain": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Revision": self.revisions[layer]}},
            }
            if self.shape[layer].get("Gone"):
                del resources["Data"]
            made.append(
                rendered(
                    layer,
                    reads={name.title(): f"{root}/{name}/Value" for name in reads},
                    publishes={f"{root}/{layer}/Value": f"{layer}-{self.value if layer == 'keys' else 0}"},
                    resources=resources,
                    protection=self.protection,
                )
            )
        return made

    # What people and the world do.

    @rule(
        layer=st.sampled_from(LAYERS),
        what=st.sampled_from(["edit", "Fixed", "Maybe", "Gone", "key", "fail", "rollback", "busy", "slow", "time"]),
        number=st.floats(0, 1),
    )
    def change(self, layer: str, what: str, number: float) -> None:
        name = f"shipping-staging-{layer}"
        stack = self.aws.named(name)
        match what:
            case "edit":
                self.revisions[layer] += 1
            case "Fixed" | "Maybe" | "Gone":
                self.shape[layer][what] = not self.shape[layer].get(what)
            case "key":
                self.value += 1
            case "fail" | "rollback":
                self.aws.fails ^= {name}
                self.aws.rollback_fails = self.aws.fails & {name} if what == "rollback" else set()
            case "busy" if stack is not None and stack.status in COMPLETE:
                self.aws.somebody_updates(name, 1 + number * 600)
            case "slow":
                self.aws.latency[name] = 1 + number * 4000
            case "time":
                self.aws.clock.seconds += 3600 * (1 + number * 30)
                self.aws.catch_up()

    @rule(rate=st.sampled_from([0.02, 0.1, 0.2]), kinds=st.sets(st.sampled_from(KINDS), min_size=1))
    def set_faults(self, rate: float, kinds: set[str]) -> None:
        self.aws.faults.rate, self.aws.faults.kinds = rate, tuple(sorted(kinds))

    # The verbs, each with a moment at which it may end.

    @contextlib.contextmanager
    def until(self, ending: str, call: int) -> Iterator[None]:
        """For the length of a block, `ending` at the `call`th call."""
        left = [call]

        def before(operation: str) -> None:
            left[0] -= 1
            if left[0] < 0 and ending == "killed":
                # A process that was killed calls nothing any more, whatever its code would still do.
                raise Killed
            if left[0] == 0:
                happened[ending] += 1
                if ending == "credentials":
                    self.aws.faults.expired = True
                else:
                    raise KeyboardInterrupt if ending == "Ctrl-C" else Killed

        if ending != "none":
            self.aws.faults.before = before
        try:
            yield
        finally:
            self.aws.faults.before = lambda operation: None
            self.aws.faults.expired = False

    @rule(
        allow=st.booleans(),
        agree=st.sampled_from([True, True, True, False]),
        eager=st.booleans(),
        ending=st.sampled_from(["none", "none", "Ctrl-C", "killed", "credentials"]),
        call=st.integers(1, 120),
    )
    def deploy(self, allow: bool, agree: bool, eager: bool, ending: str, call: int) -> None:
        counted["deployments"] += 1
        allowed = {f"{layer}/Data" for layer in LAYERS} if allow else set()
        self.allowed |= {name.replace("/", " ") for name in allowed}
        self.judge.broke.clear()
        stacks = self.stacks()
        outcome = "done"
        with self.until(ending, call):
            try:
                deployment.deploy(
                    self.context, stacks, self.judge, lambda question: agree, allowed=allowed, eager=eager
                )
            except Killed:
                outcome = "killed"
            except DetachedError:
                outcome = "detached"
            except RefusedError:
                outcome = "refused"
            except CicdError as error:
                outcome = "declined" if "declined" in str(error) else "failed"
            except AWS_ERRORS:
                outcome = "given up"
        self._judge(outcome, stacks)

    def _judge(self, outcome: str, stacks: list[StackTemplate]) -> None:
        """Compare the results that a deployment reported with the statuses of the stacks."""
        counted[outcome] += 1
        self.clean = outcome in ("done", "failed", "refused", "declined")
        standing = {
            stack.label
            for stack in stacks
            if (found := self.aws.named(stack.name)) and found.status in COMPLETE and found.body == stack.text
        }
        labels = {stack.label for stack in stacks}
        if outcome == "done":
            assert (standing, self.judge.broke) == (labels, set())
        if outcome == "failed":
            assert self.judge.broke
            # Everything that is not called broken stands as it was reviewed.
            assert standing | self.judge.broke == labels

    @rule(ending=st.sampled_from(["none", "none", "Ctrl-C", "killed"]), call=st.integers(1, 80))
    def plan(self, ending: str, call: int) -> None:
        counted["plans"] += 1
        self.clean = False
        with self.until(ending, call), contextlib.suppress(CicdError, Killed, KeyboardInterrupt, *AWS_ERRORS):
            deployment.plan(self.context, self.stacks(), self.judge)

    @precondition(lambda self: (self.folder / "plans/staging.json").exists())
    @rule(
        allow=st.booleans(),
        ending=st.sampled_from(["none", "none", "Ctrl-C", "killed", "credentials"]),
        call=st.integers(1, 80),
    )
    def deploy_plan(self, allow: bool, ending: str, call: int) -> None:
        path = self.folder / "plans/staging.json"
        counted["plans executed"] += 1
        allowed = {f"{layer}/Data" for layer in LAYERS} if allow else set()
        self.allowed |= {name.replace("/", " ") for name in allowed}
        self.clean = False
        with self.until(ending, call), contextlib.suppress(CicdError, Killed, KeyboardInterrupt, *AWS_ERRORS):
            deployment.execute_plan(self.context, plans.read(path), path, self.stacks(), self.judge, allowed=allowed)

    @precondition(lambda self: (self.folder / "plans").exists() and any((self.folder / "plans").iterdir()))
    @rule()
    def discard(self) -> None:
        counted["plans discarded"] += 1
        try:
            deployment.discard(self.context, self.stacks())
        except (RefusedError, *AWS_ERRORS):
            return

    # What must hold after everything.

    @invariant()
    def nothing_but_what_was_shown_is_executed(self) -> None:
        for change_set in getattr(self, "aws", SimulatedAws()).executed:
            shown = self.judge.shown.get(change_set.arn)
            assert shown is not None, change_set.arn
            logical_ids = [each["LogicalResourceId"] for each in change_set.changes]
            assert [each.logical_id for each in shown.changes] == logical_ids

    @invariant()
    def no_data_goes_without_being_named(self) -> None:
        for stack, logical_id in getattr(self, "aws", SimulatedAws()).replaced:
            if logical_id == "Data":
                assert f"{stack.removeprefix('shipping-staging-')} Data" in self.allowed

    @invariant()
    def the_role_of_a_stack_never_changes(self) -> None:
        assert getattr(self, "aws", SimulatedAws()).role_changes == []

    @invariant()
    def nothing_of_ours_is_left_in_review(self) -> None:
        if getattr(self, "clean", False):
            left = [
                change_set.name
                for stack in self.aws.stacks.values()
                for change_set in stack.change_sets.values()
                if stack.status != "DELETE_COMPLETE" and not change_set.execution.startswith("EXECUTE_")
            ]
            shells = [stack.name for stack in self.aws.stacks.values() if stack.status == "REVIEW_IN_PROGRESS"]
            assert (left, shells) == ([], [])


def story(seed: int) -> list[Any]:
    """Return the state after each step of a sequence of verbs and faults that `seed` selects."""
    chance, machine, steps = random.Random(seed), Deployer(), []  # noqa: S311 - a sequence, no secret
    machine.begin(seed, chance.choice(["disposable", "protected"]))
    machine.set_faults(chance.choice([0.02, 0.1, 0.2]), set(KINDS))
    edits = ["edit", "Fixed", "Maybe", "Gone", "key", "fail", "rollback", "busy", "slow", "time"]
    for _ in range(STEPS):
        ending, call = chance.choice(["killed", "Ctrl-C", "killed", "credentials", "none"]), chance.randint(1, 120)
        match chance.choice(["change", "deploy", "deploy", "plan", "deploy_plan", "discard"]):
            case "change":
                machine.change(chance.choice(LAYERS), chance.choice(edits), chance.random())
            case "deploy":
                allow, agree, eager = (chance.random() < share for share in (0.5, 0.7, 0.5))
                machine.deploy(allow, agree, eager, ending, call)
            case "plan":
                machine.plan("none" if ending == "credentials" else ending, call)
            case "deploy_plan" if (machine.folder / "plans/staging.json").exists():
                machine.deploy_plan(chance.random() < 0.5, ending, call)
            case "discard":
                machine.discard()
        statuses = sorted((stack.name, stack.status) for stack in machine.aws.stacks.values())
        files = sorted(path.name for path in (machine.folder / "plans").glob("*"))
        steps.append((statuses, files, machine.aws.clock.seconds, machine.aws.calls.total()))
    machine.teardown()
    return steps


@pytest.mark.parametrize("seed", range(90, 98))
def test_a_sequence_repeats_itself(seed: int) -> None:
    """Hypothesis replays sequences; what differs at the second time, it calls inconsistent."""
    assert story(seed) == story(seed)


@pytest.mark.parametrize(
    ("sequences", "seeded"),
    [
        pytest.param(SAMPLE, "sample", id="sample"),
        *(
            pytest.param(
                -(-SEQUENCES // PARTS),
                f"{SEED}, part {number}",
                id=f"many, part {number} of {PARTS}",
                marks=pytest.mark.long,
            )
            for number in range(1, PARTS + 1)
        ),
    ],
)
def test_whatever_happens_the_report_is_true_and_only_shown_changes_are_executed(
    sequences: int, seeded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    happened.clear()
    counted.clear()
    test = get_state_machine_test(
        Deployer,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            derandomize=False,
        ),
    )
    seed(seeded)(test)()
    with capsys.disabled():
        faults = ", ".join(f"{count:,} {kind}" for kind, count in sorted(happened.items()))
        verbs = ", ".join(f"{count:,} {verb}" for verb, count in sorted(counted.items()) if verb != "sequences")
        print(f"\n  {counted['sequences']:,} sequences, seed {seeded}: {verbs}\n  faults: {faults}\n  violations: 0")
    assert {"throttled", "lost response", "stale read", "Ctrl-C", "killed"} <= happened.keys()
