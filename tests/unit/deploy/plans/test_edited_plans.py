"""Edited plans with a matching digest never execute anything that the original plan does not contain.

The tests use the simulated CloudFormation, in which other people have made change sets in the same stacks.
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.change_sets.cloudformation_calls import describe
from cicd_templates.deploy.change_sets.ownership import CHANGE_SET_PREFIX
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.propose import DeployContext, plan_change_set_name
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import ARN, Clock, SimulatedAws

ROOT = "/shipping/staging"
LOSS = "storage/Data"
IMAGE = {"ImageUri": {"Type": "String", "Default": "image-1"}}
Document = dict[str, Any]


class Silent:
    """A reporter that ignores every event."""

    def report(self, event: Event) -> None:
        """Ignore the event."""


def topic(action: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return {"Type": "AWS::SNS::TopicPolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}


def environment(protection: str, revision: int) -> list[StackTemplate]:
    """Return the stacks keys, network, storage (reads keys) and service (reads network and storage).

    Revision 2 loses data.
    """
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Fixed": revision}}
    actions = ["sns:Publish", "sns:*"]
    return [
        rendered(
            "keys",
            publishes={f"{ROOT}/keys/KeyArn": "key-1"},
            resources={"Policy": topic("sns:Publish", f"t{revision}")},
            protection=protection,
        ),
        rendered("network", publishes={f"{ROOT}/network/VpcId": "vpc-1"}, protection=protection),
        rendered(
            "storage",
            reads={"KeyArn": f"{ROOT}/keys/KeyArn"},
            publishes={f"{ROOT}/storage/Bucket": "bucket-1"},
            resources={"Data": bucket},
            protection=protection,
        ),
        rendered(
            "service",
            reads={"Bucket": f"{ROOT}/storage/Bucket", "VpcId": f"{ROOT}/network/VpcId"},
            parameters=IMAGE,
            resources={"Policy": topic(actions[revision - 1])},
            protection=protection,
        ),
    ]


@dataclass
class World:
    """An account with a plan, and with change sets that somebody else made in the same stacks."""

    aws: SimulatedAws
    context: DeployContext
    foreign: list[Document] = field(default_factory=list)
    document: Document = field(default_factory=dict)


def request(stack: StackTemplate, change_set: str, kind: str, **other: Any) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "ChangeSetName": change_set,
        "ChangeSetType": kind,
        "ClientToken": change_set,
        "Capabilities": (),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Parameters": [{"ParameterKey": name, "UsePreviousValue": True} for name in IMAGE if kind == "UPDATE"],
        "TemplateBody": stack.text,
        **({"OnStackFailure": "DELETE"} if kind == "CREATE" and not stack.protected else {}),
        **other,
    }


def edited_text(stack: StackTemplate) -> str:
    content = json.loads(stack.text)
    content["Resources"]["Mine"] = topic("iam:*")
    return json.dumps(content)


def others(stack: StackTemplate) -> dict[str, dict[str, Any]]:
    """Return the changed options of the request with which somebody else makes a change set of `stack`."""
    tags = [{"Key": key, "Value": value} for key, value in stack.tags.items()]
    return {
        "template": {"TemplateBody": edited_text(stack)},
        "tags": {"Tags": [*tags, {"Key": "More", "Value": "1"}]},
        "capabilities": {"Capabilities": ("CAPABILITY_NAMED_IAM",)},
        "notified": {"NotificationARNs": ["arn:aws:sns:eu-central-1:999999999999:mine"]},
        "imports": {"ImportExistingResources": True},
    }


@cache
def world(protection: str, first: bool) -> tuple[World, list[StackTemplate], dict[str, str]]:
    """Return a world with a plan, the rendered stacks, and the templates of the plan's change sets by ARN."""
    clock = Clock()
    aws = SimulatedAws(clock)
    folder = Path(mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    context = DeployContext(aws, clock.polling(), folder, today=clock.today)  # type: ignore[arg-type] # the simulation
    if not first:
        deployment.deploy(context, environment(protection, 1), Silent(), lambda question: True)
    stacks = environment(protection, 2)
    made = deployment.plan(context, stacks, Silent())
    plan_file = context.plans / "staging.json"
    result = World(aws, context, document=json.loads(plan_file.read_text()))
    for number, stack in enumerate(stacks):
        present = aws.named(stack.name)
        kind = "CREATE" if present is None or present.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        if kind == "CREATE" and stack.label not in {planned.label for planned in made.changing}:
            continue
        for what, other in others(stack).items():
            for name in (f"mine-{number}-{what}", f"{CHANGE_SET_PREFIX}{number:031x}{len(what) % 16:x}{what[:1]}"):
                arn = aws.cloudformation.create_change_set(**request(stack, name, kind, **other))["Id"]
                clock.sleep(10)
                described = describe(aws.cloudformation, arn)  # type: ignore[arg-type] # the simulation
                if described is not None and described.status == "CREATE_COMPLETE":
                    fields = {"change_set": arn, "stack_id": described.stack_id}
                    changes = json.loads(json.dumps([asdict(change) for change in described.changes]))
                    safe = [{"kind": "safe", "certain": True, "holds": "", "fate": "", "why": ""} for _ in changes]
                    result.foreign.append({"label": stack.label, **fields, "changes": changes, "impacts": safe})
    return result, stacks, {planned.change_set: planned.name for planned in made.changing}


@cache
def packed_world(protection: str, first: bool) -> bytes:
    """Return a world that each reader gets anew: `pickle` takes a half to a quarter of the time of `deepcopy`."""
    return pickle.dumps(world(protection, first)[0])


def sealed_again(document: Document) -> str:
    fields = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return json.dumps({"digest": hashlib.sha256(canonical.encode()).hexdigest(), **fields})


# The edits, each with a random choice.

Edit = Callable[[Document, World, random.Random], None]


def any_stack(document: Document, chance: random.Random) -> Document:
    stack: Document = chance.choice(document["stacks"]) if document["stacks"] else {}
    return stack


def any_value(document: Document, chance: random.Random) -> Any:
    return chance.choice(
        [
            *("", "x", "\n", "\ud800", None, True, False, 0, -1, 1e300, [], {}, [1], {"a": "b"}),
            "9999-12-31T23:59:59-23:59",
            "2026-01-01T00:00:00",
            document.get("created"),
            ARN + ":changeSet/x/1",
            any_stack(document, chance).get("change_set"),
        ]
    )


def change_any_field(document: Document, world: World, chance: random.Random) -> None:
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(place[key], dict | list) and chance.random() < 0.8:
            place = place[key]
            continue
        match chance.randrange(3):
            case 0:
                del place[key]
            case 1 if isinstance(place, list):
                place.append(copy.deepcopy(place[key]))
            case _:
                place[key] = any_value(document, chance)
        return


def move_times(document: Document, world: World, chance: random.Random) -> None:
    delta = timedelta(hours=chance.choice([-48, -24, -1, -0.01, 0.01, 1, 12, 24, 25, 4800]))
    for name in chance.choice([("created",), ("expires",), ("created", "expires")]):
        try:
            document[name] = (datetime.fromisoformat(document[name]) + delta).isoformat()
        except (TypeError, ValueError, KeyError):
            return


def let_time_pass(document: Document, world: World, chance: random.Random) -> None:
    hours = chance.choice([1, 23, 24, 25, 40, 400])
    world.aws.clock.seconds += hours * 3600
    if chance.random() < 0.7:
        now = world.aws.clock.today()
        document["created"] = (now - timedelta(hours=chance.choice([0, 1, 23]))).isoformat()
        document["expires"] = (now + timedelta(hours=chance.choice([1, 24, 2400]))).isoformat()


def call_everything_safe(document: Document, world: World, chance: random.Random) -> None:
    for stack in document["stacks"]:
        if isinstance(stack.get("impacts"), list):
            stack["impacts"] = [
                {"kind": "safe", "certain": True, "holds": "", "fate": "", "why": ""} for _ in stack["impacts"]
            ]
        if chance.random() < 0.5:
            stack["grants"] = {}
        if chance.random() < 0.5:
            stack["changes"] = stack["impacts"] = []


def take_another_change_set(document: Document, world: World, chance: random.Random) -> None:
    foreign = chance.choice(world.foreign)
    for stack in document["stacks"]:
        if stack.get("label") == foreign["label"]:
            stack.update({key: value for key, value in foreign.items() if key == "change_set" or chance.random() < 0.8})
            if chance.random() < 0.5:
                name = foreign["change_set"].split("/")[1]
                document["id"] = name.removeprefix(CHANGE_SET_PREFIX)


def make_it_again_under_its_name(document: Document, world: World, chance: random.Random) -> None:
    """Delete a change set of the plan, and make another one of the same name."""
    stack = any_stack(document, chance)
    found = world.aws.named(str(stack.get("name")))
    if found is None or stack.get("change_set") not in found.change_sets:
        return
    old = found.change_sets.pop(stack["change_set"])
    of = next(each for each in environment("protected", 2) if each.name == old.stack.name)
    other = others(of)[chance.choice(list(others(of)))]
    made = world.aws.cloudformation.create_change_set(**{**old.request, **other})
    world.aws.clock.sleep(10)
    stack["change_set"] = made["Id"]


def exchange_change_sets(document: Document, world: World, chance: random.Random) -> None:
    one, other = any_stack(document, chance), any_stack(document, chance)
    for key in ("change_set", "stack_id") if chance.random() < 0.5 else ("change_set",):
        one[key], other[key] = other.get(key), one.get(key)


def remove_a_stack(document: Document, world: World, chance: random.Random) -> None:
    if document["stacks"]:
        gone = document["stacks"].pop(chance.randrange(len(document["stacks"])))
        if chance.random() < 0.3 and isinstance(document.get("waits"), dict):
            document["waits"][str(gone.get("label"))] = ["keys"]


def empty_a_stack(document: Document, world: World, chance: random.Random) -> None:
    any_stack(document, chance).update(
        {"change_set": "", "stack_id": "", "changes": [], "impacts": [], "grants": {}, "longest_wait_seconds": 0.0}
    )


def repeat_a_stack(document: Document, world: World, chance: random.Random) -> None:
    again = copy.deepcopy(any_stack(document, chance))
    if chance.random() < 0.5:
        again["name"] = chance.choice(["shipping-production-keys", "x", "shipping-staging-network"])
    document["stacks"].insert(chance.randrange(len(document["stacks"]) + 1), again)


def reorder(document: Document, world: World, chance: random.Random) -> None:
    chance.shuffle(document["stacks"])


def flip(*names: str) -> Edit:
    def edit(document: Document, world: World, chance: random.Random) -> None:
        for name in names:
            document[name] = not document.get(name)

    return edit


def name_another(document: Document, world: World, chance: random.Random) -> None:
    name = chance.choice(["environment", "suffix", "account", "region", "id", "caller", "revision"])
    document[name] = chance.choice(["production", "all", "", "999999999999", "us-east-1", "0" * 32, "../x", "a b"])


def change_a_stack(document: Document, world: World, chance: random.Random) -> None:
    stack = any_stack(document, chance)
    key = chance.choice(["name", "label", "template_sha256", "creates", "stack_id", "inputs", "kept", "findings"])
    stack[key] = {
        "creates": not stack.get("creates"),
        "inputs": {f"{ROOT}/keys/KeyArn": "key-9"} if chance.random() < 0.5 else {},
        "kept": {"ImageUri": "image-9"},
        "findings": ["error: x"],
    }.get(key, any_stack(document, chance).get(key))


EDITS: tuple[Edit, ...] = (
    change_any_field,
    change_any_field,
    move_times,
    let_time_pass,
    call_everything_safe,
    take_another_change_set,
    take_another_change_set,
    make_it_again_under_its_name,
    exchange_change_sets,
    remove_a_stack,
    empty_a_stack,
    repeat_a_stack,
    reorder,
    flip("protected"),
    flip("local"),
    name_another,
    change_a_stack,
)


def execute_edited(seed: int) -> str:
    """Edit a plan, execute it, and return the result. Assert that nothing outside the original plan was executed."""
    chance = random.Random(seed)  # noqa: S311 - a choice, no secret
    kind = chance.choice(["disposable", "protected"]), chance.random() < 0.3
    _, stacks, planned = world(*kind)
    edited: World = pickle.loads(packed_world(*kind))  # noqa: S301 - it was packed above
    before = len(edited.aws.executed)
    for _ in range(chance.choice([1, 1, 2, 3])):
        try:
            chance.choice(EDITS)(edited.document, edited, chance)
        except (AttributeError, KeyError, TypeError):
            # An edit before this one has left nothing of the shape that this one edits.
            continue
    path = edited.context.state / f"edited-{seed}.json"
    path.write_text(sealed_again(edited.document))
    allowed = [LOSS] if chance.random() < 0.5 else []
    (edited.context.state / "runs/staging.json").unlink(missing_ok=True)
    try:
        deployment.execute_plan(edited.context, plans.read(path), path, stacks, Silent(), allowed=allowed)
        outcome = "executed"
    except (CicdError, *AWS_ERRORS) as error:
        assert str(error)
        outcome = "refused"
    finally:
        path.unlink()
    executed = edited.aws.executed[before:]
    texts = {stack.name: stack.text for stack in stacks}
    assert all(planned[change_set.arn] == change_set.stack.name for change_set in executed)
    assert all(texts[change_set.stack.name] == change_set.request["TemplateBody"] for change_set in executed)
    assert {change_set.arn for change_set in executed} == (planned.keys() if outcome == "executed" else set())
    assert len(executed) == len({change_set.arn for change_set in executed})
    assert allowed or not edited.aws.replaced
    return outcome


def outcomes(seeds: range) -> Counter[str]:
    return Counter(map(execute_edited, seeds))


def test_an_edited_plan_executes_nothing_that_it_did_not_say_when_it_was_made() -> None:
    counted = outcomes(range(100))

    assert counted["refused"] > 66
    # What nobody decides by, such as the caller's name, may say anything.
    assert counted["executed"] > 1


@pytest.mark.long
def test_ten_thousand_edited_plans_execute_nothing_that_they_did_not_say(capsys: pytest.CaptureFixture[str]) -> None:
    counted = outcomes(range(10_000))

    with capsys.disabled():
        print(f"\n  10,000 edited plans: {counted['refused']:,} refused, {counted['executed']:,} executed as made")
    assert counted["refused"] > 8_000


def test_a_plan_that_nobody_edited_is_executed() -> None:
    base, stacks, planned = world("protected", False)
    fresh = copy.deepcopy(base)
    path = fresh.context.state / "plans/staging.json"
    path.write_text(sealed_again(fresh.document))
    before = len(fresh.aws.executed)
    deployment.execute_plan(fresh.context, plans.read(path), path, stacks, Silent(), allowed=[LOSS])

    assert {change_set.arn for change_set in fresh.aws.executed[before:]} == planned.keys()
    assert plan_change_set_name(fresh.document["id"]) in next(iter(planned))
