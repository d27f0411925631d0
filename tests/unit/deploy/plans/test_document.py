"""The plan as a document: sealed, read again, refused if it was edited, and readable as a page."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.text import drift_answer, planned_lines
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.fakes.simulated_aws import EPOCH

CHANGES = (
    Change(
        "Modify", "Logs", "AWS::S3::Bucket", "True", "ReplaceAndRetain", (Detail("Properties", "Name", "", "a|b", "c"),)
    ),
    Change("Modify", "Topic", "AWS::SNS::TopicPolicy", "False", details=(Detail("Properties", "Text"),)),
    Change("Modify", "Queue", "AWS::SQS::Queue", "Conditional"),
    Change("Modify", "Tags", "AWS::EC2::Route", "False"),
)
IMPACTS = (
    Impact("replacement", True, "objects", "kept, outside the stack"),
    Impact("IAM widening"),
    Impact("replacement", False, "messages", "deleted"),
    Impact("safe"),
)
STORAGE = PlannedStack(
    "shipping-staging-storage",
    "storage",
    "0123456789abcdef",
    change_set="arn",
    changes=CHANGES,
    impacts=IMPACTS,
    grants={"Topic": PolicyDiff(("allow *",), (), True)},
    findings=("warning: x",),
    longest_wait_seconds=300.0,
)
PLAN = Plan(
    id="1",
    environment="staging-pr1",
    suffix="pr1",
    account="222222222222",
    region="eu-central-1",
    caller="arn:me",
    revision="abc",
    local=True,
    protected=False,
    created=EPOCH,
    expires=EPOCH + timedelta(hours=24),
    stacks=(STORAGE, PlannedStack("shipping-staging-keys", "keys", "s")),
    waits={"service": ("keys", "network")},
)


def test_a_plan_is_read_as_it_was_written_and_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "plans/staging.json"
    plans.write(PLAN, path, "summary", "page")

    assert plans.read(path) == PLAN
    assert path.with_suffix(".md").read_text() == "summary"
    assert path.with_suffix(".html").read_text() == "page"
    assert [file for file in path.parent.iterdir() if file.stat().st_mode & 0o077] == []
    plans.remove(path)
    plans.remove(path)
    assert list(path.parent.iterdir()) == []


CHANGED = DriftedResource(
    "Key", "AWS::KMS::Key", "keys.yaml:7", "MODIFIED", (PropertyDrift("/EnableKeyRotation", "true", "false"),)
)
UNREAD = DriftedResource("Alias", "AWS::KMS::Alias", "keys.yaml:9", "UNKNOWN", reason="not yours")


def test_a_plan_with_drift_is_read_as_it_was_written(tmp_path: Path) -> None:
    drifted = replace(PLAN, drift=(StackDrift("keys", (CHANGED, UNREAD), {"AWS::KMS::Alias": 2}, "denied"),))
    plans.write(drifted, tmp_path / "staging.json", "")

    assert plans.read(tmp_path / "staging.json") == drifted
    assert plans.digest(drifted) != plans.digest(PLAN)


@pytest.mark.parametrize(
    ("drift", "answer"),
    [
        (None, "Not checked in staging-pr1; `make plan DRIFT=1` checks for drift."),
        ((), ""),
        (
            (StackDrift("keys"), StackDrift("storage", deployed=False)),
            "Nothing. CloudFormation checked 1 stack.",
        ),
        (
            (StackDrift("keys", (CHANGED, UNREAD)), StackDrift("storage", problem="denied")),
            "1 resource. A deployment does not reliably revert these changes. Use `make plan REVERT_DRIFT=1`."
            " 2 stacks could not be checked completely.",
        ),
        (
            (StackDrift("keys"), StackDrift("storage", problem="denied")),
            "Nothing. CloudFormation checked 1 stack. 1 stack could not be checked completely.",
        ),
        ((StackDrift("keys", (UNREAD,)),), "1 stack could not be checked completely."),
    ],
)
def test_what_was_changed_outside_cloudformation_is_answered_in_sentences(
    drift: tuple[StackDrift, ...] | None, answer: str
) -> None:
    assert drift_answer([replace(PLAN, drift=drift)]) == answer


def test_a_plan_that_reverts_drift_says_in_which_stacks_and_why_not_in_others() -> None:
    drift = tuple(StackDrift(label, (CHANGED,)) for label in ("keys", "ingress-a", "ingress-b", "network"))
    made = replace(
        PLAN,
        stacks=(replace(STORAGE, label="keys", reverts_drift=True),),
        drift=drift,
        kept_drift={"ingress-a": "of weights", "network": "of rules", "ingress-b": "of weights"},
    )

    assert drift_answer([made]) == (
        "4 resources. This plan reverts the changes in 1 stack. Not reverted in ingress-a, ingress-b, because of"
        " weights. Not reverted in network, because of rules."
    )


def test_a_stack_whose_drift_is_reverted_says_so_and_what_stays() -> None:
    reverting = replace(STORAGE, reverts_drift=True, ignored_drift=("Key /Name is not reverted: AWS manages it",))
    notes = [
        "reverts what was changed outside CloudFormation; if this fails, the stack returns to its present state",
        "Key /Name is not reverted: AWS manages it",
    ]

    assert planned_lines("storage", reverting)[-3:-1] == [f"    {note}" for note in notes]
    page = plan_markdown(replace(PLAN, stacks=(reverting,)))
    assert [f"- {note}" in page for note in notes] == [True, True]


def test_the_page_of_a_plan_lists_what_was_changed_outside_cloudformation() -> None:
    page = plan_markdown(replace(PLAN, drift=(StackDrift("keys", (CHANGED, UNREAD)), StackDrift("storage"))))

    lines = page.splitlines()
    start = lines.index("## Changed outside CloudFormation")
    assert lines[start + 2] == (
        "1 resource. A deployment does not reliably revert these changes. Use \\`make plan REVERT_DRIFT=1\\`."
        " 1 stack could not be checked completely."
    )
    assert lines[start + 4 : start + 7] == [
        "- keys: 1 resource changed outside CloudFormation; 1 resource could not be read",
        "- Key (AWS::KMS::Key) at keys.yaml:7: MODIFIED: /EnableKeyRotation is false instead of true",
        "- Alias (AWS::KMS::Alias) at keys.yaml:9: UNKNOWN: not yours",
    ]


def edited(path: Path, **facts: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"account": "333333333333"}, "was edited after it was written; plan again"),
        ({"digest": "0"}, "was edited after it was written; plan again"),
        ({"schema": 0}, "the plan was written by another release of this tool (schema 0, not 7); plan again"),
        ({"schema": 6}, "the plan was written by another release of this tool (schema 6, not 7); plan again"),
        ({"stacks": "x"}, "not a plan that `make plan ENV=` wrote; plan again"),
        ({"more": 1}, "was edited after it was written; plan again"),
        (
            {"kind": "destruction"},
            "this plan is for a destruction, not for a deployment; execute it with: make destroy PLAN={path} LOCAL=1",
        ),
    ],
    ids=[
        "another account",
        "another digest",
        "another release",
        "the last release",
        "another shape",
        "one fact too many",
        "another kind",
    ],
)
def test_a_plan_that_was_touched_is_refused(tmp_path: Path, edit: dict[str, Any], expected: str) -> None:
    path = tmp_path / "staging.json"
    plans.write(PLAN, path, "")
    edited(path, **edit)

    with pytest.raises(RefusedError) as refused:
        plans.read(path)
    assert str(refused.value) == f"{path}: {expected.format(path=path)}"


@pytest.mark.parametrize(
    "text", ["", "[]", "1", "{}", '{"schema": 7}', '{"kind": "deployment", "schema": 7}', '{"kind": ["x"]}']
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(RefusedError, match="not a plan that `make plan ENV=` wrote"):
        plans.read(path)


def test_a_missing_plan_is_reported_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="there is no plan here: No such file or directory; write one with `make plan"
    ):
        plans.read(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("named", "existing", "hint"),
    [
        (".state/plans/dev.json", [".state/local/plans/dev.json"], "for the local AWS there is {}"),
        (".state/local/plans/dev.json", [".state/plans/dev.json"], "for AWS there is {}"),
        ("dev.2.json", [".state/plans/dev.2.json"], "for AWS there is {}"),
        (
            "d.json",
            [".state/plans/d.json", ".state/local/plans/d.json"],
            "for AWS there is {}; for the local AWS there is {}",
        ),
        (".state/plans/dev.json", [".state/plans/other.json", "dev.json"], "write one with `make plan ENV=`"),
    ],
)
def test_a_missing_plan_is_looked_for_where_plans_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, existing: list[str], hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in map(Path, existing):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    with pytest.raises(ConfigurationError) as missing:
        plans.read(Path(named))
    assert str(missing.value) == f"{named}: there is no plan here: No such file or directory; {hint.format(*existing)}"


def test_a_folder_is_no_plan_and_not_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".state/plans").mkdir(parents=True)

    with pytest.raises(ConfigurationError) as refused:
        plans.read(Path(".state/plans"))
    assert str(refused.value) == ".state/plans: there is no plan here: Is a directory; write one with `make plan ENV=`"


def test_a_pipe_or_a_device_is_no_plan_and_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigurationError) as refused:
            plans.read(path)
        assert str(refused.value) == (
            f"{path}: there is no plan here: not an ordinary file; write one with `make plan ENV=`"
        )


def test_a_plan_names_its_environment_as_make_does() -> None:
    assert PLAN.make_variables == "ENV=staging SUFFIX=pr1 LOCAL=1"
    assert replace(PLAN, environment="tools", suffix="", local=False).make_variables == "ENV=tools"
    assert PLAN.labels == ("storage", "keys", "service")
    assert not PLAN.empty
    assert replace(PLAN, stacks=PLAN.stacks[1:], waits={}).empty


@pytest.mark.parametrize(
    ("protected", "allowed", "recorded", "refused"),
    [
        pytest.param(False, [], [], "ALLOW=storage/Logs", id="certain"),
        pytest.param(
            False,
            ["storage/Queue", "keys/Logs"],
            [],
            "ALLOW=storage/Queue,keys/Logs,storage/Logs",
            id="another is named",
        ),
        pytest.param(False, ["storage/Logs"], [], None, id="named"),
        pytest.param(False, ["shipping-staging-storage/Logs"], [], None, id="named by the whole name"),
        pytest.param(
            True, ["storage/Logs"], [], "ALLOW=storage/Logs,storage/Queue", id="conditional counts where protected"
        ),
        pytest.param(True, ["storage/Logs"], ["AWS::SQS::Queue"], None, id="of a type that is only recorded"),
        pytest.param(False, [], ["AWS::S3::Bucket"], "ALLOW=storage/Logs", id="recorded, but certain"),
    ],
)
def test_a_stateful_resource_is_lost_only_if_it_is_named(
    protected: bool, allowed: list[str], recorded: list[str], refused: str | None
) -> None:
    plan = replace(PLAN, protected=protected)
    if refused is None:
        plans.refuse_losses(plan, allowed, recorded)
    else:
        with pytest.raises(RefusedError) as caught:
            plans.refuse_losses(plan, allowed, recorded)
        assert str(caught.value).endswith(refused)
    spared = {loss.change.logical_id for loss in plans.exempt(plan, recorded)}
    assert spared == ({"Queue"} if "AWS::SQS::Queue" in recorded else set())


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("storage/Logs", True),
        ("shipping-staging-storage/Logs", True),
        ("storage/logs", False),
        ("keys/Key", False),
        ("service/Anything", True),
        ("nothing/Logs", False),
        ("Logs", False),
    ],
)
def test_a_name_fits_a_loss_or_a_stack_of_a_later_wave(name: str, fits: bool) -> None:
    stacks = ["storage", "shipping-staging-storage", "keys", "shipping-staging-keys", "service"]

    assert plans.unfitting(PLAN, [name], stacks) == ([] if fits else [name])


def test_what_has_to_be_allowed_is_what_is_refused() -> None:
    protected = replace(PLAN, protected=True)

    assert plans.to_allow(protected) == ("storage/Logs", "storage/Queue")
    assert plans.to_allow(protected, ["AWS::SQS::Queue"]) == ("storage/Logs",)
    plans.refuse_losses(protected, plans.to_allow(protected))


def test_a_refusal_says_what_and_what_becomes_of_it() -> None:
    words = [loss.words for loss in plans.losses(replace(PLAN, protected=True))]

    assert words == [
        "storage/Logs (AWS::S3::Bucket): replaced; objects: kept, outside the stack",
        "storage/Queue (AWS::SQS::Queue): perhaps replaced; messages: deleted",
    ]
    gone = plans.DataLoss("keys", Change("Remove", "Key", "AWS::KMS::Key"), Impact("deletion", holds="a key", fate="x"))
    assert gone.words == "keys/Key (AWS::KMS::Key): deleted; a key: x"


def test_stacks_to_plan_again_are_not_among_those_without_changes() -> None:
    lines = plan_markdown(replace(PLAN, moved=("keys",))).splitlines()

    assert "Nothing to change: none." in lines
    assert "Stacks to plan again, because they read a value that changes: keys." in lines


def test_a_plan_is_a_page_with_the_losses_first() -> None:
    page = plan_markdown(PLAN)

    assert page.splitlines()[:6] == [
        "# Plan of staging-pr1",
        "",
        "- account 222222222222, eu-central-1 (local AWS), by `arn:me`",
        "- revision abc",
        "- made 2026-01-01 00:00 UTC, valid until 2026-01-02 00:00 UTC",
        f"- digest `{plans.digest(PLAN)}`",
    ]
    for line in (
        "- storage/Logs (AWS::S3::Bucket): replaced; objects: kept, outside the stack",
        "A deployment of this plan must allow the loss of each of these resources: `ALLOW=storage/Logs`.",
        "## storage: update, 2 Modify, 1 Replace, 1 Perhaps replace",
        "Template `0123456789ab`, at most 5 min.",
        "- warning: x",
        "| Modify | Logs | AWS::S3::Bucket | **replacement** | Name: a\\|b -> c<br>objects: kept, outside the stack |",
        "| Modify | Topic | AWS::SNS::TopicPolicy | **IAM widening** | now: allow \\* |",
        "| Modify | Queue | AWS::SQS::Queue | **perhaps replacement** | messages: deleted |",
        "| Modify | Tags | AWS::EC2::Route | safe |  |",
        "Nothing to change: keys.",
        "service waits for the deployment of keys, network.",
    ):
        assert line in page.splitlines(), line


def test_a_page_of_outputs_alone_has_no_table() -> None:
    only = replace(STORAGE, changes=(), impacts=(), grants={}, findings=(), creates=True)
    page = plan_markdown(replace(PLAN, stacks=(only,), revision="", local=False, waits={}))

    assert "## storage: create, outputs or tags only" in page
    assert "- revision unknown" in page
    assert "|" not in page
    assert "Nothing to change: none." in page


def test_plans_of_an_environment_are_found_and_no_others(tmp_path: Path) -> None:
    for name in ("staging.json", "staging.0a.json", "staging-pr1.json", "staging.md"):
        (tmp_path / name).touch()

    assert [path.name for path in plans.files(tmp_path, "staging")] == ["staging.json", "staging.0a.json"]


@pytest.mark.parametrize("text", ['{"kind": "\\ud800"}', "[" * 100_000], ids=["no text", "too deep"])
def test_what_cannot_be_printed_or_read_is_no_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(RefusedError, match="not a plan that"):
        plans.read(path)


@pytest.mark.parametrize(
    "plan",
    [replace(PLAN, created=EPOCH.replace(tzinfo=None)), replace(PLAN, expires=EPOCH.replace(tzinfo=None))],
    ids=["created", "expires"],
)
def test_a_time_without_its_zone_is_no_time_of_a_plan(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "x.json"
    plans.write(plan, path, "")

    with pytest.raises(RefusedError, match="not a plan that"):
        plans.read(path)


def test_the_plan_that_was_reviewed_is_named_by_its_digest(tmp_path: Path) -> None:
    digest, path = plans.digest(PLAN), Path("p.json")
    for accepted in (None, digest, digest[:12], digest[:20].upper()):
        plans.DEPLOYMENT_PLANS.refuse_other_digest(PLAN, path, accepted)

    with pytest.raises(RefusedError, match=rf"p\.json: its digest is {digest}, not {'0' * 64}"):
        plans.DEPLOYMENT_PLANS.refuse_other_digest(PLAN, path, "0" * 64)
    for short in ("", digest[:11]):
        with pytest.raises(ConfigurationError, match="is too short; give at least 12 characters"):
            plans.DEPLOYMENT_PLANS.refuse_other_digest(PLAN, path, short)
