"""The plan of a destruction is sealed like the plan of a deployment, and refused if the account has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction import plan_file
from cicd_templates.deploy.destruction.plan_file import DestructionPlan, PlannedDestruction, plan_destruction
from cicd_templates.deploy.plans.seal import refuse_other_aws
from cicd_templates.deploy.reporting.inventory_items import Fate, Item
from cicd_templates.errors import ConfigurationError, RefusedError
from tests.conftest import PROJECT
from tests.fakes.scripted_aws import SCOPE, WHEN, inventory, living

KEYS = living("shipping-staging-keys")
BUCKET = Item("AWS::S3::Bucket", "b", Fate.EMPTIED, "storage")
KEPT = Item("AWS::S3::Bucket", "kept", Fate.RETAINED, "storage")
COPY = replace(inventory(protected=True), scope=replace(SCOPE, suffix="pr1"), labels=frozenset({"b", "a"}))
PLAN = plan_destruction([inventory(BUCKET, KEPT, stacks=(KEYS,)), COPY], WHEN, local=False)
(PLANNED, _) = PLAN.environments
Edit = Callable[[dict[str, Any]], Any]


def test_a_plan_is_read_as_it_was_written_and_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "plans/destroy-plan.json"
    plan_file.DESTRUCTION_PLANS.write(PLAN, path)

    assert plan_file.DESTRUCTION_PLANS.read(path) == PLAN
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["destroy-plan.json"]
    staging, copy = json.loads(path.read_text())["environments"]
    assert [item["fate"] for item in staging["items"]] == ["emptied and deleted", "retained by policy"]
    assert (copy["environment"], copy["labels"]) == ("staging-pr1", ["a", "b"])


def test_a_plan_replaces_the_one_before_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "destroy-plan.json"
    (tmp_path / ".destroy-plan.json.new").write_text("what a killed process left")
    path.write_text("the plan before")
    plan_file.DESTRUCTION_PLANS.write(PLAN, path)

    assert plan_file.DESTRUCTION_PLANS.read(path) == PLAN
    assert list(tmp_path.iterdir()) == [path]


def another_item(facts: dict[str, Any]) -> None:
    facts["environments"][0]["items"].append(asdict(replace(BUCKET, name="another")))


EDITS: list[tuple[str, Edit]] = [
    ("a field", lambda facts: facts["environments"][1].update(protected=False)),
    ("the account", lambda facts: facts["environments"][0].update(account="333333333333")),
    ("another environment", lambda facts: facts["environments"][0].update(environment="production")),
    ("a copy's original", lambda facts: facts["environments"][1].update(suffix=None)),
    ("all stacks instead of two", lambda facts: facts["environments"][1].update(labels=None)),
    ("what becomes of an item", lambda facts: facts["environments"][0]["items"][1].update(fate="deleted")),
    ("an item that was removed", lambda facts: facts["environments"][0]["items"].pop()),
    ("an item that was added", another_item),
    ("the order of items", lambda facts: facts["environments"][0]["items"].reverse()),
    ("a stack that was removed", lambda facts: facts["environments"][0]["stacks"].clear()),
    ("a stack that was added", lambda facts: facts["environments"][0]["stacks"].update(x="2026-01-02T03:04:00+00:00")),
    ("an environment that was removed", lambda facts: facts["environments"].pop()),
    ("the order of environments", lambda facts: facts["environments"].reverse()),
    ("a longer time", lambda facts: facts.update(expires="2027-01-02T03:04:00+00:00")),
    ("the local AWS", lambda facts: facts.update(local=True)),
    ("the digest", lambda facts: facts.update(digest="0" * 64)),
    ("a field that no plan has", lambda facts: facts.update(more=1)),
    ("a field that no item has", lambda facts: facts["environments"][0]["items"][0].update(more=1)),
]


@pytest.mark.parametrize("edit", [edit for _, edit in EDITS], ids=[name for name, _ in EDITS])
def test_a_plan_that_was_edited_is_refused(tmp_path: Path, edit: Edit) -> None:
    path = tmp_path / "destroy-plan.json"
    plan_file.DESTRUCTION_PLANS.write(PLAN, path)
    facts = json.loads(path.read_text())
    edit(facts)
    path.write_text(json.dumps(facts))

    with pytest.raises(RefusedError) as refused:
        plan_file.DESTRUCTION_PLANS.read(path)
    assert str(refused.value) == f"{path}: was edited after it was written; plan again"


def test_a_plan_may_be_indented_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "destroy-plan.json"
    plan_file.DESTRUCTION_PLANS.write(PLAN, path)
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))

    assert plan_file.DESTRUCTION_PLANS.read(path) == PLAN


NOT_A_PLAN = "not a plan that `make destroy ENV= ALLOW=` wrote; plan again"
DEPLOYMENT = "this plan is for a deployment, not for a destruction; execute it with: make deploy PLAN={path}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", NOT_A_PLAN, id="nothing"),
        pytest.param("[]", NOT_A_PLAN, id="a list"),
        pytest.param("{", NOT_A_PLAN, id="half of one"),
        pytest.param('{"format": 1, "environments": []}', NOT_A_PLAN, id="of a release without a seal"),
        pytest.param('{"kind": "deployment", "local": true}', f"{DEPLOYMENT} LOCAL=1", id="of a deployment, local"),
        pytest.param('{"kind": "deployment", "local": false}', DEPLOYMENT, id="of a deployment"),
        pytest.param(
            '{"kind": "destruction", "schema": 9}',
            "the plan was written by another release of this tool (schema 9, not 2); plan again",
            id="later",
        ),
        pytest.param('{"kind": "destruction", "schema": 2, "environments": 1}', NOT_A_PLAN, id="another shape"),
    ],
)
def test_a_file_that_is_no_plan_of_a_destruction_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)

    with pytest.raises(RefusedError) as refused:
        plan_file.DESTRUCTION_PLANS.read(path)
    assert str(refused.value) == f"{path}: {message.format(path=path)}"


def test_where_no_plan_is_the_command_that_writes_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"

    with pytest.raises(ConfigurationError) as missing:
        plan_file.DESTRUCTION_PLANS.read(path)
    assert str(missing.value) == (
        f"{path}: there is no plan here: No such file or directory; write one with `make destroy ENV= ALLOW=`"
    )


@pytest.mark.parametrize(
    ("local", "hint"),
    [
        (True, "for the local AWS there is .state/local/destroy-plan.json"),
        (False, "for AWS there is destroy-plan.json"),
    ],
)
def test_a_missing_plan_of_a_destruction_is_looked_for_in_the_other_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    plan_file.DESTRUCTION_PLANS.write(PLAN, plan_file.plan_file(local=local))
    path = plan_file.plan_file(local=not local)

    with pytest.raises(ConfigurationError) as missing:
        plan_file.DESTRUCTION_PLANS.read(path)
    assert str(missing.value) == f"{path}: there is no plan here: No such file or directory; {hint}"


@pytest.mark.parametrize(
    ("hours", "refused"), [(0, False), (23.9, False), (24, True), (48, True)], ids=["new", "last", "ended", "old"]
)
def test_a_plan_holds_for_a_day(hours: float, refused: bool) -> None:
    now = WHEN + timedelta(hours=hours)
    if not refused:
        plan_file.refuse_expired(PLAN, Path("p.json"), now)
        return
    with pytest.raises(RefusedError) as expired:
        plan_file.refuse_expired(PLAN, Path("p.json"), now)
    assert str(expired.value) == "p.json: the plan expired at 2026-01-03 03:04 UTC; plan again"


@pytest.mark.parametrize(
    ("planned", "executed", "message"),
    [
        (True, False, "p.json is a plan for the local AWS; add --local"),
        (False, True, "p.json is a plan for AWS; leave out --local"),
        (True, True, None),
        (False, False, None),
    ],
)
def test_a_plan_is_executed_only_where_it_was_made(planned: bool, executed: bool, message: str | None) -> None:
    plan: DestructionPlan = replace(PLAN, local=planned)
    if message is None:
        refuse_other_aws(plan, Path("p.json"), local=executed)
        return
    with pytest.raises(RefusedError) as refused:
        refuse_other_aws(plan, Path("p.json"), local=executed)
    assert str(refused.value) == message


def test_a_plan_holds_as_long_as_there_is_no_more_than_it_says() -> None:
    for now in (
        inventory(BUCKET, KEPT, stacks=(KEYS,)),
        inventory(),
        inventory(Item("AWS::S3::Bucket", "later", Fate.RETAINED)),
    ):
        plan_file.refuse_changes(PLANNED, now)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (
            inventory(stacks=(living("shipping-staging-new"),)),
            "shipping-staging-new was deployed after the destruction was planned",
        ),
        (
            inventory(stacks=(replace(KEYS, changed=WHEN.replace(year=2027)),)),
            "was deployed after the destruction was planned",
        ),
        (
            inventory(replace(KEPT, fate=Fate.EMPTIED)),
            "AWS::S3::Bucket kept did not exist when the destruction was planned",
        ),
        (inventory(protected=True), "the environment became protected after it was planned"),
        (replace(inventory(), scope=replace(SCOPE, account="333333333333")), "planned for account 222222222222"),
    ],
    ids=["another stack", "a later deployment", "more to delete", "protected now", "another account"],
)
def test_a_plan_that_is_not_true_any_more_is_refused(now: Any, why: str) -> None:
    planned: PlannedDestruction = PLANNED
    with pytest.raises(RefusedError, match=why):
        plan_file.refuse_changes(planned, now)


def test_a_plan_of_the_local_aws_never_replaces_one_of_aws() -> None:
    assert plan_file.plan_file(local=False) == Path("destroy-plan.json")
    assert plan_file.plan_file(local=True) == Path(".state/local/destroy-plan.json")


def test_a_plan_with_an_environment_twice_is_refused() -> None:
    plan_file.refuse_repetition(PLAN, Path("p.json"))
    with pytest.raises(RefusedError, match=r"p\.json: the plan lists staging more than once; plan again"):
        plan_file.refuse_repetition(replace(PLAN, environments=(PLANNED, PLANNED)), Path("p.json"))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"expires": WHEN + timedelta(hours=25)}, "the plan says that it is valid for longer than 24 hours"),
        (
            {"created": WHEN + timedelta(hours=1), "expires": WHEN + timedelta(hours=2)},
            "which is in the future",
        ),
    ],
)
def test_a_plan_whose_times_were_moved_is_refused(times: dict[str, Any], expected: str) -> None:
    with pytest.raises(RefusedError, match=expected):
        plan_file.refuse_expired(replace(PLAN, **times), Path("p.json"), WHEN)


def test_a_plan_cannot_call_a_protected_environment_disposable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    now = datetime.now(UTC)
    facts = replace(PLANNED, protected=False, environment="production")
    plan_file.DESTRUCTION_PLANS.write(
        replace(PLAN, created=now, expires=now + timedelta(hours=1), environments=(facts,)), path
    )
    stacks = read_stacks(PROJECT / "out/production")
    target = SimpleNamespace(environment="production", stacks=stacks, protected=True, clients=None)
    asked: list[bool] = []

    def take_inventory(clients: Any, scope: Any, *, protected: bool, labels: Any) -> Any:
        asked.append(protected)
        raise RefusedError("seen")

    monkeypatch.setattr("cicd_templates.cli.selection.targets", lambda **options: [target])
    monkeypatch.setattr("cicd_templates.deploy.destruction.inventory.take_inventory", take_inventory)
    assert CliRunner().invoke(main, ["destroy", "--plan", str(path)]).output == "error: seen\n"
    assert asked == [True]
    refused = CliRunner().invoke(main, ["destroy", "--plan", str(path), "--digest", "0" * 64])
    assert (refused.exit_code, "so this is not the reviewed plan" in refused.output) == (3, True)


def test_a_plan_of_an_environment_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    now = datetime.now(UTC)
    plan_file.DESTRUCTION_PLANS.write(replace(PLAN, created=now, expires=now + timedelta(hours=1)), path)
    monkeypatch.setattr("cicd_templates.cli.selection.targets", lambda **options: [])
    refused = CliRunner().invoke(main, ["destroy", "--plan", str(path)])

    assert (refused.exit_code, refused.output) == (
        2,
        f"error: {path}: its environment staging is not in the configuration; plan again\n",
    )
