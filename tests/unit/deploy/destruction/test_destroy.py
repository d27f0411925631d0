"""A destruction on the fake AWS: failures outside the stacks, the report, sweeps and imports."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets import copy_expiry
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction import destroy as destroy_module
from cicd_templates.deploy.destruction import execution, reimport, remainders, report_file
from cicd_templates.deploy.destruction.deletion import DeletionProgress
from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.execution import (
    DestructionRecord,
    SerialReporter,
    StackDeletion,
    StopSignal,
    delete_blocking_items,
    delete_items,
)
from cicd_templates.deploy.destruction.inventory import WINDOW
from cicd_templates.deploy.destruction.reimport import Reimport, find_reimports, import_resources
from cicd_templates.deploy.destruction.scope import Scope, scope_of
from cicd_templates.deploy.destruction.sweep import find_copies, parse_age
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Fate, Item, Remainder, item_lines, remainder_lines
from cicd_templates.errors import CicdError, ConfigurationError, CredentialsError, DetachedError
from cicd_templates.files.private_files import write_privately
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.recorded_types import Record
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES, facts_of
from cicd_templates.template.stack_graph import Links, Read
from tests.conftest import PROJECT
from tests.fakes.scripted_aws import (
    SCOPE,
    WHEN,
    Many,
    aws,
    clock,
    inventory,
    living,
    refusal,
)
from tests.projects.stacks import stacks_of

STAGING = stacks_of("staging")
KEYS = next(stack for stack in STAGING if stack.layer == "keys")
KEY = Owned("keys", "Key", "AWS::KMS::Key", "k-1", "RetainExceptOnCreate")
PARAMETER = Item("AWS::SSM::Parameter", "/shipping/staging/x", Fate.DELETED)


def test_the_work_on_a_stack_ends_at_its_next_pause_after_a_stop() -> None:
    slept: list[float] = []
    signal = StopSignal()
    polling = signal.interrupt(Polling(2.0, slept.append))

    polling.sleep(1.0)
    signal.stopping.set()
    with pytest.raises(KeyboardInterrupt):
        polling.sleep(2.0)
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ("DELETE_IN_PROGRESS", "stopped: AWS is still deleting keys; to continue, run the same command again"),
        ("DELETE_COMPLETE", "stopped: nothing is in progress in AWS; to continue, run the same command again"),
    ],
)
def test_an_interrupted_destruction_says_what_goes_on_in_aws(tmp_path: Path, now: str, message: str) -> None:
    path, sink = tmp_path / "report.json", io.StringIO()
    gone = refusal("ValidationError", "Stack with id id-keys does not exist")
    after = gone if now == "DELETE_COMPLETE" else {"Stacks": [{"StackStatus": now}]}
    fake = aws(cloudformation={"describe_stacks": Many([KeyboardInterrupt(), after])})
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))

    with pytest.raises(DetachedError) as stopped:
        destroy(fake, there, clock(), report.PlainReporter(sink), path=path)
    assert str(stopped.value) == message
    (entry,) = json.loads(path.read_text()).values()
    assert (entry["finished"], entry["kept"][0]["physical_id"]) == (False, "k-1")


def test_nothing_is_deleted_where_the_report_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    deletions: list[str] = []
    fake = aws(cloudformation={"delete_stack": lambda **request: deletions.append(request["StackName"])})
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))

    with pytest.raises(CicdError, match=r"report\.json: cannot be .*: Not a directory; nothing was deleted") as raised:
        destroy(fake, there, clock(), report.PlainReporter(io.StringIO()), path=tmp_path / "folder/report.json")

    assert raised.value.exit_code == 1
    assert deletions == []


@pytest.mark.parametrize("interrupted", [False, True])
def test_kept_resources_are_shown_if_the_disk_fills_up_meanwhile(
    interrupted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sink = tmp_path / "report.json", io.StringIO()
    other = replace(inventory(stacks=(living("shipping-staging-keys", KEY),)), scope=replace(SCOPE, suffix="pr1"))
    report_file.write_report(other, DestructionRecord(), [], path, WHEN)
    writes = [write_privately, lambda *arguments: (_ for _ in ()).throw(OSError(28, "No space left"))]
    monkeypatch.setattr(report_file, "write_privately", lambda *arguments: writes.pop(0)(*arguments))

    def execute(*arguments: object, **options: object) -> None:
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(destroy_module, "execute_destruction", execute)
    monkeypatch.setattr(destroy_module, "wait_for_remainders", lambda *arguments: [])
    fake = aws(cloudformation={"describe_stacks": {"Stacks": [{"StackStatus": "DELETE_COMPLETE"}]}})
    left = Remainder("AWS::Logs::LogGroup", "/shipping/x", "nobody knows", explained=False)
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))

    with pytest.raises(DetachedError if interrupted else CicdError) as raised:
        destroy(fake, there, clock(), report.PlainReporter(sink), lambda: [left], path)

    assert "kept: AWS::KMS::Key k-1 of keys Key" in sink.getvalue()
    assert f"{path}: cannot be written: No space left" in sink.getvalue()
    assert ("/shipping/x" in sink.getvalue()) is not interrupted
    assert ("copy the list of kept resources above" in str(raised.value)) is not interrupted
    assert report_file.read_kept_resources(other.scope, path) == [KEY]


def test_credentials_that_end_in_a_destruction_are_no_failed_deletion(tmp_path: Path) -> None:
    path, sink = tmp_path / "report.json", io.StringIO()
    fake = aws(cloudformation={"describe_stacks": CredentialsError("profile 'x': the credentials have expired; y")})
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))

    with pytest.raises(DetachedError, match=r"^profile 'x': .* expired; y; AWS continues the deletions") as ended:
        destroy(fake, there, clock(), report.PlainReporter(sink), path=path)
    assert ended.value.exit_code == 75
    assert "failed" not in sink.getvalue()
    (entry,) = json.loads(path.read_text()).values()
    assert (entry["finished"], entry["kept"][0]["physical_id"]) == (False, "k-1")


def test_a_stack_that_cannot_be_deleted_is_named_at_the_end(tmp_path: Path) -> None:
    fake = aws(cloudformation={"describe_stacks": refusal("AccessDenied", "not yours")})
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))

    with pytest.raises(CicdError, match="not destroyed: keys; the causes are above"):
        destroy(fake, there, clock(), report.PlainReporter(io.StringIO()), path=tmp_path / "report.json")


def test_a_destruction_whose_lock_was_removed_deletes_nothing_more(tmp_path: Path) -> None:
    def require_lock() -> None:
        raise DetachedError("staging: the lock of this run was removed")

    fake = aws()
    there = inventory(stacks=(living("shipping-staging-keys", KEY),))
    with pytest.raises(DetachedError, match="the lock of this run was removed; AWS continues"):
        destroy(
            fake,
            there,
            clock(),
            report.PlainReporter(io.StringIO()),
            path=tmp_path / "report.json",
            require_lock=require_lock,
        )

    assert fake.called("delete_stack") == []


def test_credentials_that_end_beside_the_stacks_end_the_destruction() -> None:
    fake = aws(ssm={"delete_parameter": CredentialsError("sign in")})
    with pytest.raises(CredentialsError, match="sign in"):
        delete_items(fake, [PARAMETER], SerialReporter(report.PlainReporter(io.StringIO())))


ENDPOINT, GROUP, INTERFACE = (
    Item(f"AWS::EC2::{kind}", name, Fate.DELETED)
    for kind, name in (("VPCEndpoint", "vpce-1"), ("SecurityGroup", "sg-1"), ("NetworkInterface", "eni-1"))
)


def blocked(state: Any) -> tuple[Any, list[str], list[str]]:
    """Delete items that block a network, among them GuardDuty's endpoint. Return the fake AWS, the calls and the notes.

    `state` has the answers to consecutive descriptions of the endpoint.
    """
    sink = io.StringIO()
    fake = aws(ec2={"describe_vpc_endpoints": state})
    serial = SerialReporter(report.PlainReporter(sink))
    delete_blocking_items(fake, [GROUP, INTERFACE, ENDPOINT, PARAMETER], clock(), serial)
    return fake, [call for call, _ in fake.calls], sink.getvalue().splitlines()


def test_guarddutys_endpoint_is_deleted_before_the_stacks_and_its_group_after_the_endpoint() -> None:
    standing, gone = ({"VpcEndpoints": [{"State": state}]} for state in ("deleting", "deleted"))
    fake, calls, _ = blocked(Many([standing, standing, gone]))

    assert calls == [
        "delete_vpc_endpoints",
        *["describe_vpc_endpoints"] * 3,
        "delete_network_interface",
        "delete_security_group",
    ]
    assert fake.called("delete_security_group") == [{"GroupId": "sg-1"}]


def test_an_endpoint_that_is_not_deleted_is_named_and_the_others_are_tried() -> None:
    _, calls, lines = blocked({"VpcEndpoints": [{"State": "deleting"}]})

    assert any("the deletion of vpce-1 has not finished within 15 minutes" in line for line in lines)
    assert calls[-1] == "delete_security_group"


def test_credentials_that_end_while_an_endpoint_goes_end_the_destruction() -> None:
    with pytest.raises(DetachedError):
        blocked(CredentialsError("the credentials ended"))


def test_an_undeletable_resource_outside_the_stacks_is_reported_and_the_others_are_deleted() -> None:
    output = io.StringIO()
    fake = aws(ssm={"delete_parameter": Many([refusal("AccessDenied", "not yours"), {}])})
    delete_items(fake, [PARAMETER, replace(PARAMETER, name="/y")], SerialReporter(report.PlainReporter(output)))

    assert "AWS::SSM::Parameter /shipping/staging/x: An error occurred (AccessDenied)" in output.getvalue()
    assert "outside the stacks: deleted AWS::SSM::Parameter /y" in output.getvalue()


def test_an_undeletable_stack_keeps_the_stacks_that_it_reads_from_and_the_others_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = "/shipping/staging/keys/KeyArn"
    keys = living(links=Links("shipping-staging-keys", "staging", (), {path: False}, ()))
    service = living(
        "shipping-staging-service",
        links=Links("shipping-staging-service", "staging", (Read("Key", path, is_list=False),), {}, ()),
    )
    other = living("shipping-staging-other", KEY)

    def delete(clients: object, stack: Any, polling: object, progress: DeletionProgress, *, unguard: bool) -> str:
        progress.note(f"{stack.label}: emptied")
        progress.event(ResourceEvent("1", WHEN, "Key", "AWS::KMS::Key", "DELETE_FAILED", "no"))
        return "it broke" if stack is service else ""

    monkeypatch.setattr(execution, "delete_stack", delete)
    output, record = io.StringIO(), DestructionRecord()
    with pytest.raises(CicdError, match=r"^not destroyed: service, keys; the causes are above$"):
        execution.execute_destruction(
            aws(),
            inventory(stacks=(keys, service, other)),
            clock(),
            report.PlainReporter(output),
            record,
            unguard=False,
            require_lock=lambda: None,
        )

    assert "service: FAILED: it broke" in output.getvalue()
    assert "keys: FAILED: kept, because it is still needed by shipping-staging-service" in output.getvalue()
    assert "other: emptied" in output.getvalue()
    assert {deletion.stack: deletion.reason for deletion in record.deletions} == {
        "shipping-staging-service": "it broke",
        "shipping-staging-other": "",
    }


DEFINITION = Owned("report", "TaskDefinition", "AWS::ECS::TaskDefinition", "arn:aws:ecs:r:2:task-definition/x-report:7")
SCHEDULE = Owned("report", "Schedule", "AWS::Scheduler::Schedule", "x-report")


def destroy_job(monkeypatch: pytest.MonkeyPatch, list_tasks: Any) -> tuple[Any, str]:
    """Delete the stack of a job whose schedule starts the task `late` during the deletion."""
    running: list[str] = []

    def delete(clients: object, stack: Any, *_: object, **__: object) -> str:
        running.extend(["arn:aws:ecs:r:2:task/c/late"] if stack.name == "report" else [])
        return ""

    monkeypatch.setattr(execution, "delete_stack", delete)
    monkeypatch.setattr(execution, "retake_inventory", lambda *_: inventory())
    fake = aws(ecs={"list_tasks": lambda **request: list_tasks(running)})
    output = io.StringIO()
    execution.execute_destruction(
        fake,
        inventory(stacks=(living("report", DEFINITION, SCHEDULE), living("other", KEY))),
        clock(),
        report.PlainReporter(output),
        DestructionRecord(),
        unguard=False,
        require_lock=lambda: None,
    )
    return fake, output.getvalue()


def test_a_task_that_the_schedule_starts_until_its_stack_is_deleted_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake, output = destroy_job(monkeypatch, lambda running: {"taskArns": list(running)})

    (stopped,) = fake.called("stop_task")
    assert stopped["task"] == "arn:aws:ecs:r:2:task/c/late"
    assert "report: stopped its task late" in output


def test_a_task_that_cannot_be_stopped_after_its_stack_is_deleted_is_only_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def list_tasks(running: list[str]) -> Any:
        if running:
            raise refusal("ThrottlingException")
        return {"taskArns": []}

    fake, output = destroy_job(monkeypatch, list_tasks)

    assert fake.called("stop_task") == []
    assert "report: the tasks were not stopped: An error occurred (ThrottlingException)" in output
    assert "other: deleted" in output


def test_credentials_that_end_while_the_tasks_of_a_deleted_stack_are_listed_end_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def list_tasks(running: list[str]) -> Any:
        if running:
            raise CredentialsError("sign in")
        return {"taskArns": []}

    with pytest.raises(CredentialsError, match="sign in"):
        destroy_job(monkeypatch, list_tasks)


@pytest.mark.parametrize(
    ("item", "explained", "reason"),
    [
        (Item("T", "x", Fate.RETAINED, detail="kept"), True, "kept"),
        (
            Item("T", "x", Fate.SCHEDULED, detail="KMS deletes the key on 2026-01-01"),
            True,
            "KMS deletes the key on 2026-01-01",
        ),
        (
            Item("T", "x", Fate.SCHEDULED, detail=WINDOW),
            False,
            "the resource belongs to the environment, but no stack owns it",
        ),
        (Item("T", "x", Fate.DELETED), False, "the resource belongs to the environment, but no stack owns it"),
        (Item("T", "x", Fate.UNTOUCHED, detail="only its name"), False, "only its name"),
    ],
)
def test_only_resources_that_remain_on_purpose_are_explained(item: Item, explained: bool, reason: str) -> None:
    (left,) = remainders.list_remainders(
        aws(), inventory(item, Item("T", "owned", Fate.DELETED, "keys")), stacks_too=True
    )

    assert (left.explained, left.reason.startswith(reason)) == (explained, True)


def test_resources_that_an_environment_in_use_created_outside_its_stacks_are_explained() -> None:
    there = inventory(Item("T", "x", Fate.DELETED), stacks=(living(),))

    (left,) = remainders.list_remainders(aws(), there, stacks_too=False)
    assert (left.explained, left.reason) == (
        True,
        "no stack owns the resource, so it stays until the environment that created it is destroyed",
    )


def test_a_stack_that_is_still_there_is_not_explained() -> None:
    there = inventory(stacks=(living(status="DELETE_FAILED"),))

    (left,) = remainders.list_remainders(aws(), there, stacks_too=True)
    assert (left.explained, left.reason) == (False, "the stack still exists (status DELETE_FAILED)")
    assert "delete-stack --region eu-central-1 --stack-name shipping-staging-keys" in left.command
    assert remainders.list_remainders(aws(), there, stacks_too=False) == []


def test_remainders_are_listed_again_until_the_services_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [inventory(PARAMETER), inventory(PARAMETER), inventory()]
    monkeypatch.setattr(remainders, "retake_inventory", lambda clients, before: looks.pop(0))
    polling = clock()

    assert remainders.wait_for_remainders(aws(), inventory(), polling) == []
    assert polling.now() == 2.0 + 4.0


def test_listing_the_remainders_again_ends_after_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remainders, "retake_inventory", lambda clients, before: inventory(PARAMETER))
    polling = clock()

    assert len(remainders.wait_for_remainders(aws(), inventory(), polling)) == 1
    assert polling.now() == sum(2.0 * 2**look for look in range(remainders.LOOKS - 1))


def test_the_report_keeps_what_it_says_of_others_and_what_an_earlier_run_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    other = replace(inventory(), scope=replace(SCOPE, environment="production"))
    report_file.write_report(other, DestructionRecord(), [], path, WHEN)
    report_file.write_report(
        inventory(stacks=(living("shipping-staging-keys", KEY),)), DestructionRecord(), None, path, WHEN
    )
    left = [Remainder("AWS::KMS::Key", "k-1", "kept by policy", explained=True)]
    report_file.write_report(inventory(), DestructionRecord([StackDeletion("s", 1.0, 2.0)]), left, path, WHEN)
    facts = json.loads(path.read_text())

    assert {entry["environment"] for entry in facts.values()} == {"production", "staging"}
    (staging,) = [entry for entry in facts.values() if entry["environment"] == "staging"]
    assert (staging["finished"], staging["explained"], staging["ended"]) == (True, True, "2026-01-02T03:04:00+00:00")
    assert staging["stacks"] == [{"stack": "s", "began": 1.0, "ended": 2.0, "reason": ""}]
    assert report_file.read_kept_resources(SCOPE, path) == [KEY]
    assert report_file.read_kept_resources(SCOPE, tmp_path / "none.json") == []


@pytest.mark.parametrize(
    "other",
    [{"project": "shop"}, {"environment": "production"}, {"suffix": "pr1"}, {"account": "3"}, {"region": "eu-west-1"}],
    ids=lambda each: next(iter(each)),
)
def test_a_report_counts_for_its_own_environment_alone_and_keeps_what_it_says_of_others(
    tmp_path: Path, other: dict[str, str]
) -> None:
    path, theirs = tmp_path / "report.json", replace(SCOPE, **other)  # type: ignore[arg-type] # all of them texts
    kept = replace(inventory(stacks=(living("shipping-staging-keys", KEY),)), scope=theirs)
    report_file.write_report(kept, DestructionRecord(), [], path, WHEN)

    assert report_file.read_kept_resources(SCOPE, path) == []
    report_file.write_report(inventory(), DestructionRecord(), [], path, WHEN)
    assert report_file.read_kept_resources(SCOPE, path) == []
    assert report_file.read_kept_resources(theirs, path) == [KEY]


@pytest.mark.parametrize("project", ["shipping", "shop"])
def test_a_resource_of_any_projects_stack_is_not_offered_for_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str
) -> None:
    monkeypatch.chdir(tmp_path)
    scope = scope_of(STAGING)
    kept = replace(inventory(stacks=(living("shipping-staging-keys", KEY),)), scope=scope)
    report_file.write_report(kept, DestructionRecord(), [], report_file.report_file(local=True), WHEN)
    tags = {"ManagedBy": "cicd-templates", "Project": project}
    other = {
        "StackName": "other",
        "StackId": "id-other",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": WHEN,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    owned = {
        "LogicalResourceId": "Key",
        "ResourceType": "AWS::KMS::Key",
        "PhysicalResourceId": "k-1",
        "ResourceStatus": "IMPORT_COMPLETE",
    }

    def offered(*resources: dict[str, Any]) -> list[Reimport]:
        def described(**request: Any) -> Any:
            if "StackName" in request:
                raise refusal("ValidationError", f"Stack with id {request['StackName']} does not exist")
            return [{"Stacks": [other]}]

        fake = aws(
            local=True,
            cloudformation={
                "describe_stacks": described,
                "list_stacks": {"StackSummaries": []},
                "list_stack_resources": {"StackResourceSummaries": list(resources)},
                "get_template": {"TemplateBody": {"Resources": {}}},
            },
            kms={"describe_key": {"KeyMetadata": {"Arn": "arn:key", "KeyState": "Enabled"}}},
            ssm={"get_parameters": {"Parameters": []}},
        )
        return find_reimports(fake, STAGING)

    assert [each.resources for each in offered()] == [(KEY,)]
    assert offered(owned) == []


@pytest.mark.parametrize("text", ["", "[]", '{"%s": []}', '{"%s": {"kept": [{"x": 1}]}}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text.replace("%s", "222222222222/eu-central-1/shipping/staging"))
    with pytest.raises(ConfigurationError, match="`make destroy` did not write this file; move it to another folder"):
        report_file.read_kept_resources(SCOPE, path)


def test_an_inventory_counts_deleted_items_and_names_the_others() -> None:
    items = [Item("AWS::IAM::Role", f"r{number}", Fate.DELETED, "service") for number in range(12)]
    items += [Item("AWS::S3::Bucket", "b", Fate.EMPTIED, "storage", "3 versions"), PARAMETER]

    assert item_lines("staging", items) == [
        "  inventory of staging: 2 stacks; 14 resources, including any outside these stacks",
        "    deleted: 13",
        "      12 IAM::Role",
        "      AWS::SSM::Parameter /shipping/staging/x",
        "    emptied and deleted: 1",
        "      AWS::S3::Bucket b",
        "        3 versions",
    ]


def test_an_explained_remainder_needs_no_command() -> None:
    explained = Remainder("T", "a", "kept", explained=True, command="aws delete a")
    lost = Remainder("T", "b", "lost", explained=False, command="aws delete b")

    assert remainder_lines("staging", [lost, explained])[1:] == [
        "    UNEXPLAINED: lost",
        "      T b",
        "        aws delete b",
        "    kept",
        "      T a",
    ]


NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def stack_of(
    suffix: str | None, *, ends: str = "", hours: int = 50, guarded: bool = False, **more: str
) -> dict[str, Any]:
    tags = {"ManagedBy": "cicd-templates", "Project": "shipping", "Environment": "staging", **more}
    tags |= {"Suffix": suffix} if suffix else {}
    tags |= {"Expires": ends} if ends else {}
    return {
        "StackName": f"s-{suffix}",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": NOW - timedelta(hours=hours),
        "EnableTerminationProtection": guarded,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


PAST, FUTURE = "2026-06-01T11:00:00Z", "2026-06-01T13:00:00Z"


@pytest.mark.parametrize(
    ("stacks", "stays"),
    [
        ([stack_of("a", ends=PAST)], ""),
        ([stack_of("a", ends=PAST), stack_of("a", ends=FUTURE)], "the copy expires on 2026-06-01 13:00 UTC"),
        ([stack_of("a", ends=PAST), stack_of("a")], "a stack has no tag that says when it expires"),
        ([stack_of("a", ends="tomorrow")], "a stack has no tag that says when it expires"),
        ([stack_of("a", ends=PAST, hours=1)], "the copy was deployed on 2026-06-01 11:00 UTC"),
        ([stack_of("a", ends=PAST, guarded=True)], "the copy is protected from deletion"),
    ],
    ids=["expired", "one stack is younger", "one without a tag", "a tag nobody can read", "not idle", "protected"],
)
def test_a_copy_is_swept_only_when_all_of_it_has_expired_and_is_idle(stacks: list[dict[str, Any]], stays: str) -> None:
    fake = aws(cloudformation={"describe_stacks": [{"Stacks": stacks}]})
    (copy,) = find_copies(fake, Scope("shipping", "staging", None, "2", "r"), timedelta(hours=48), NOW)

    assert (copy.stays, copy.scope.qualified) == (stays, "staging-a")


def test_originals_and_the_copies_of_others_are_never_swept() -> None:
    stacks = [
        stack_of(None, ends=PAST),
        stack_of("a", ends=PAST, Environment="qa"),
        stack_of("b", ends=PAST, Project="x"),
    ]
    fake = aws(cloudformation={"describe_stacks": [{"Stacks": stacks}]})

    assert find_copies(fake, Scope("shipping", "staging", None, "2", "r"), timedelta(0), NOW) == []


@pytest.mark.parametrize(("text", "expected"), [("48h", timedelta(hours=48)), ("7d", timedelta(days=7))])
def test_an_age_is_hours_or_days(text: str, expected: timedelta) -> None:
    assert parse_age(text) == expected


@pytest.mark.parametrize("text", ["48", "h", "-1h", "2w", "48h ", "12345h"])
def test_another_text_is_no_age(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an age; write hours or days, such as 48h or 7d"):
        parse_age(text)


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (None, "2026-06-03T12:00:00Z"),
        ({"Tags": [{"Key": "Expires", "Value": FUTURE}]}, FUTURE),
        ({"Tags": [{"Key": "Expires", "Value": PAST}]}, "2026-06-03T12:00:00Z"),
    ],
    ids=["new", "not yet", "has passed"],
)
def test_the_tag_of_a_copy_stays_until_it_has_passed(existing: dict[str, Any] | None, expected: str) -> None:
    copy = replace(KEYS, facts=KEYS.facts._replace(stack_tags={**KEYS.tags, "Suffix": "pr1"}))

    assert copy_expiry.change_set_tags(copy, existing, NOW) == {**copy.tags, "Expires": expected}


def test_originals_and_protected_copies_do_not_expire() -> None:
    protected = KEYS.facts._replace(stack_tags={**KEYS.tags, "Suffix": "pr1"}, protection="protected")

    for stack in (KEYS, replace(KEYS, facts=protected)):
        assert "Expires" not in copy_expiry.change_set_tags(stack, None, NOW)


def test_every_type_that_a_protected_environment_keeps_can_be_imported() -> None:
    kept = {
        resource["Type"]
        for environment in ("tools", "production")
        for stack in read_stacks(PROJECT / "out" / environment)
        for resource in stack.resources.values()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert kept
    assert [name for name in kept if not facts_of(name).import_identifier] == []


def test_the_template_of_an_import_refers_to_nothing_outside_it() -> None:
    for stack in read_stacks(PROJECT / "out/production"):
        kept = [
            Owned(stack.label, logical_id, resource["Type"], "x")
            for logical_id, resource in stack.resources.items()
            if resource.get("DeletionPolicy", "Delete") != "Delete"
        ]
        template = Reimport(stack, tuple(kept)).template
        resources = json.loads(template)["Resources"]
        assert all(resource["DeletionPolicy"] for resource in resources.values())
        for reference in ("Fn::GetAtt", '"Ref": "KeyArn"'):
            assert reference not in template
        if stack.layer == "keys":
            assert "KeyPolicy" in resources["Key"]["Properties"]
        if stack.layer == "storage":
            assert resources["LogBucket" if "LogBucket" in resources else next(iter(resources))]["Properties"][
                "BucketName"
            ]


def test_what_only_a_replacement_changes_is_known_of_every_type_that_can_be_imported() -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    for facts in RESOURCE_TYPES.values():
        if facts.import_identifier:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", facts.type_name).schema
            fixed = {path.split("/")[2] for path in schema.get("createOnlyProperties", ())}
            assert facts.create_only == fixed - {facts.name_property}, facts.type_name


TOOLS = stacks_of("tools")
REGISTRY = next(stack for stack in TOOLS if stack.layer == "registry")
KEY_PATH = "/shipping/tools/keys/KeyArn"
REPOSITORY = next(
    Owned(REGISTRY.label, name, "AWS::ECR::Repository", "shipping-tools-parcel-dispatcher", "Retain")
    for name, resource in REGISTRY.resources.items()
    if resource["Type"] == "AWS::ECR::Repository"
)


def kept_by_tools(stored: dict[str, str], *others: Owned) -> Any:
    """Return an account after the destruction of tools, which kept `others`, with the remaining parameters."""

    def stored_values(Names: list[str]) -> Any:  # noqa: N803 - AWS's word
        return {"Parameters": [{"Name": name, "Value": stored[name]} for name in Names if name in stored]}

    owned = [REPOSITORY, *others]
    events: dict[str, list[Any]] = {each.stack: [] for each in owned}
    for each in owned:
        events[each.stack].append(
            {
                "LogicalResourceId": each.logical_id,
                "PhysicalResourceId": each.physical_id,
                "ResourceType": each.resource_type,
                "ResourceStatus": "DELETE_SKIPPED",
            }
        )
    stacks = {f"id-{stack.label}": stack for stack in TOOLS if stack.label in events}

    def describe_stacks(**request: Any) -> Any:
        if request.get("StackName") in stacks:
            tags = stacks[request["StackName"]].tags
            return {"Stacks": [{"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]}
        if request:
            raise refusal("ValidationError", "Stack with id x does not exist")
        return {"Stacks": []}

    return aws(
        cloudformation={
            "describe_stacks": describe_stacks,
            "list_stacks": {
                "StackSummaries": [{"StackName": stack.name, "StackId": key} for key, stack in stacks.items()]
            },
            "describe_stack_events": lambda StackName: {"StackEvents": events[stacks[StackName].label]},  # noqa: N803
        },
        kms={"describe_key": {"KeyMetadata": {"Arn": "arn:kept-key", "KeyState": "Enabled"}}},
        ssm={"get_parameters": stored_values},
    )


@pytest.mark.parametrize(
    ("stored", "others", "expected"),
    [
        pytest.param({KEY_PATH: "arn:stored-key"}, (), "arn:stored-key", id="Parameter Store has it"),
        pytest.param({}, (KEY,), "arn:kept-key", id="its stack was destroyed and kept the key"),
        pytest.param({KEY_PATH: "arn:stored-key"}, (KEY,), "arn:stored-key", id="Parameter Store counts"),
    ],
)
def test_what_cannot_be_changed_later_is_imported_with_its_value(
    stored: dict[str, str], others: tuple[Owned, ...], expected: str
) -> None:
    (reimport_,) = find_reimports(kept_by_tools(stored, *others), [REGISTRY], TOOLS)
    resource = json.loads(reimport_.template)["Resources"][REPOSITORY.logical_id]

    assert resource["Properties"]["EncryptionConfiguration"] == {"EncryptionType": "KMS", "KmsKey": expected}


def test_what_was_kept_is_written_with_the_commands_that_import_it(tmp_path: Path) -> None:
    (reimport_,) = find_reimports(kept_by_tools({KEY_PATH: "arn:stored-key"}), [REGISTRY], TOOLS)
    commands = reimport_.write(tmp_path)
    template, resources = (tmp_path / f"{REGISTRY.name}.{end}" for end in ("json", "resources.json"))

    assert template.read_text() == reimport_.template + "\n"
    (resource,) = json.loads(resources.read_text())
    assert (resource["ResourceType"], resource["LogicalResourceId"]) == (
        "AWS::ECR::Repository",
        REPOSITORY.logical_id,
    )
    assert f"--template-body file://{template} --resources-to-import file://{resources}" in commands[0]
    assert [command.split()[2] for command in commands] == [
        "create-change-set",
        "wait",
        "execute-change-set",
        "wait",
        "update-stack",
    ]
    assert all(f"--region {REGISTRY.region} --stack-name {REGISTRY.name}" in command for command in commands)


def test_what_cannot_be_changed_later_is_not_imported_without_its_value() -> None:
    (reimport_,) = find_reimports(kept_by_tools({}), TOOLS)

    with pytest.raises(CicdError, match="create-only property EncryptionConfiguration refers to") as refused:
        _ = reimport_.template
    assert '{"Ref": "KeyArn"}' in str(refused.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "KeyArn"}, "arn:key"),
        ([{"Ref": "SubnetIds"}], [["a", "b"]]),
        (
            {"Fn::Sub": "${KeyArn}/${Other}/${SubnetIds}/${!KeyArn}"},
            {"Fn::Sub": "arn:key/${Other}/${SubnetIds}/${!KeyArn}"},
        ),
        ({"A": {"Ref": "Other"}, "B": 1}, {"A": {"Ref": "Other"}, "B": 1}),
    ],
)
def test_a_value_stands_in_the_place_of_its_reference(value: Any, expected: Any) -> None:
    assert reimport._with_values(value, {"KeyArn": "arn:key", "SubnetIds": ["a", "b"]}) == expected


def test_the_value_of_a_list_is_a_list_and_what_is_no_key_has_no_arn() -> None:
    listing = next(stack for stack in STAGING if any(read.is_list for read in stack.links.reads))
    read = next(read for read in listing.links.reads if read.is_list)

    assert reimport._values_of(listing, {read.path: "a,b"}) == {read.parameter: ["a", "b"]}
    assert reimport._arn_of(aws(), Owned("s", "Topic", "AWS::SNS::Topic", "t")) == ""


def test_a_name_that_a_stack_publishes_is_the_one_of_what_it_kept() -> None:
    storage = next(stack for stack in TOOLS if stack.layer == "storage")
    published = next(
        (resource["Properties"]["Name"], resource["Properties"]["Value"]["Ref"])
        for resource in storage.resources.values()
        if resource["Type"] == "AWS::SSM::Parameter" and "Ref" in resource["Properties"]["Value"]
    )
    bucket = Owned(storage.label, published[1], "AWS::S3::Bucket", "kept-bucket", "Retain")

    assert reimport._published_values(aws(ssm={"get_parameters": {"Parameters": []}}), TOOLS, [bucket]) == {
        published[0]: "kept-bucket"
    }


def importing(states: list[str], prepared: dict[str, Any] | None = None) -> Any:
    return aws(
        cloudformation={
            "create_change_set": {"Id": "arn:cs", "StackId": "id"},
            "describe_change_set": prepared or {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"},
            "describe_stacks": Many([{"Stacks": [{"StackStatus": state}]} for state in states]),
            "list_change_sets": {"Summaries": [{"ChangeSetId": "arn:cs"}]},
            "list_stack_resources": {"StackResourceSummaries": []},
        }
    )


BACK = Reimport(KEYS, (KEY,))


def test_an_imported_stack_is_tagged_as_ours() -> None:
    fake = importing(["IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE"])
    import_resources(fake, BACK, clock())

    (asked,) = fake.called("create_change_set")
    assert asked["ChangeSetType"] == "IMPORT"
    assert asked["ResourcesToImport"] == [
        {"ResourceType": "AWS::KMS::Key", "LogicalResourceId": "Key", "ResourceIdentifier": {"KeyId": "k-1"}}
    ]
    assert "Tags" not in asked
    (tagged,) = fake.called("update_stack")
    assert {"Key": "ManagedBy", "Value": "cicd-templates"} in tagged["Tags"]


def test_an_import_that_ends_otherwise_is_an_error() -> None:
    with pytest.raises(CicdError, match="ended in IMPORT_ROLLBACK_COMPLETE instead of IMPORT_COMPLETE"):
        import_resources(importing(["IMPORT_ROLLBACK_COMPLETE"]), BACK, clock())


@pytest.mark.parametrize(
    ("local", "reason"),
    [
        (False, "the key is in another stack"),
        (True, "the key is in another stack; start anew with `make local-stop` and `make local`"),
    ],
    ids=["AWS", "the local AWS"],
)
def test_an_import_that_is_refused_leaves_nothing_behind(local: bool, reason: str) -> None:
    fake = importing(["REVIEW_IN_PROGRESS"], {"Status": "FAILED", "StatusReason": "the key is in another stack"})
    fake.local = local

    with pytest.raises(CicdError) as refused:
        import_resources(fake, BACK, clock())
    assert str(refused.value).endswith(f": CloudFormation refused the import: {reason}")
    # The deletion of the empty stack deletes its change set.
    assert [call for call, _ in fake.calls][-1] == "delete_stack"
    assert fake.called("delete_change_set") == []


def test_a_refusal_names_two_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Reimport(KEYS, tuple(replace(KEY, physical_id=f"k-{number}") for number in range(5)))
    monkeypatch.setattr(reimport, "find_reimports", lambda clients, stacks, existing: [many])

    with pytest.raises(CicdError, match="kept AWS::KMS::Key k-0, AWS::KMS::Key k-1 and 3 more; import them"):
        reimport.refuse_kept_resources(aws(), [KEYS], "make adopt ENV=staging")


def test_on_aws_itself_nothing_is_only_recorded() -> None:
    target = Target([KEYS], [KEYS], aws(), Polling(), None)

    assert (target.notes(), target.recorded_remains(inventory())) == ([], [])
    assert (target.heading("Deploying").where, target.command("adopt"), target.labels) == (
        "",
        "make adopt ENV=staging",
        None,
    )
    copy = replace(KEYS, facts=KEYS.facts._replace(suffix="pr1"))
    engine: Any = object()
    local = Target([copy], [copy], aws(local=True), Polling(), engine)
    assert local.command("adopt") == "make adopt ENV=staging SUFFIX=pr1 LOCAL=1"


def test_only_what_was_recorded_for_the_chosen_stacks_is_noted(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for stack, kind in ((KEYS.name, "EC2::EIP"), (KEYS.name, "EC2::EIP"), ("another-stack", "EC2::FlowLog")):
        record.add({"type": f"AWS::{kind}", "id": "1", "account": KEYS.account, "stack": stack})
    engine = Engine(1, 1, tmp_path)
    target = Target([KEYS], [KEYS], aws(local=True), Polling(), engine)

    assert target.notes() == ["the local AWS records these resources, but does not create them: 2 EC2::EIP"]
    whole, network = inventory(), replace(inventory(), labels=frozenset({"network"}))
    assert [left.reason for left in target.recorded_remains(whole)] == [f"recorded for {KEYS.name}"] * 2
    assert target.recorded_remains(network) == []
    removed = replace(network, stacks=(living("another-stack"),))
    assert [left.reason for left in target.recorded_remains(removed)] == ["recorded for another-stack"]
    record.clear()
    assert target.notes() == []


def test_a_wait_ends_with_what_it_waited_for() -> None:
    with pytest.raises(CicdError, match="x has not finished within 1 minutes; it continues in AWS"):
        clock().until(lambda: False, "x", 60)


def test_the_keys_of_disposable_environments_wait_the_shortest_time() -> None:
    for environment, days in (("staging", 7), ("production", 30)):
        (keys,) = [stack for stack in read_stacks(PROJECT / "out" / environment) if stack.layer == "keys"]
        assert keys.resources["Key"]["Properties"]["PendingWindowInDays"] == days
