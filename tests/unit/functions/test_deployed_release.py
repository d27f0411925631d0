"""After a deployment, the signer states what it has seen itself: change sets, templates, revision, approval, alarms."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from cicd_templates.functions import evidence_format as form
from tests.fakes import unsigned_exceptions
from tests.fakes.deployed_account import (
    APPROVER,
    FOLDER,
    REVISION,
    SERVICE_ARN,
    SIGNED,
    SIGNER,
    TEMPLATES,
    DeployedAccount,
    change_set_arn,
    detail,
    digest_text,
    minute,
    stack_arn,
    stack_name,
    state_update,
)
from tests.fakes.signing_account import DIGEST, ENVIRONMENT, EXECUTION, PARAMETERS, REPOSITORY, SERVICE

PREFIX = f"_deployments/{SERVICE}/{EXECUTION}"
UNCHANGED = "The submitted information didn't contain changes. Submit different information."


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> DeployedAccount:
    made = DeployedAccount()
    monkeypatch.setattr(boto3, "client", made.client)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made.sign_release()
    return made


def stored(account: DeployedAccount, key: str) -> bytes:
    return account.objects["evidence", key][-1][1]


def statement(account: DeployedAccount, name: str = "staging/1.dsse.json") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(json.loads(stored(account, f"{PREFIX}/{name}"))["payload"]))
    return content


def predicate(account: DeployedAccount, *layers: str, **more: str) -> dict[str, Any]:
    """Attest a deployment, and return the predicate of the statement about it."""
    kind, request = account.attest(*layers, **more)
    assert kind == "success", request
    content: dict[str, Any] = statement(account)["predicate"]
    return content


def refusal(account: DeployedAccount, *layers: str, **more: str) -> str:
    """Attest a deployment without an approval, which must not fail, or with one. Return why nothing was signed."""
    kind, request = account.attest(*layers, **more)
    assert kind == ("failure" if "reviewed" in more else "success")
    assert [key for _, key in account.objects if key.startswith(PREFIX)] == []
    return str(request["failureDetails"]["message"] if kind == "failure" else request["outputVariables"]["Problem"])


@pytest.mark.no_cover
def test_the_statement_is_about_the_signed_image_and_binds_it_to_its_release(account: DeployedAccount) -> None:
    kind, request = account.attest()
    release = stored(account, f"{FOLDER}/{form.RELEASE}")

    assert (kind, request["outputVariables"]) == ("success", {"Statement": f"{PREFIX}/staging/1.dsse.json"})
    content = statement(account)
    assert (content["_type"], content["predicateType"]) == (form.STATEMENT_TYPE, form.DEPLOYMENT_TYPE)
    assert content["subject"] == [
        {"name": REPOSITORY, "digest": {"sha256": DIGEST.removeprefix("sha256:")}},
        {"name": form.RELEASE, "digest": {"sha256": hashlib.sha256(release).hexdigest()}},
    ]


def test_the_statement_names_what_runs_and_when_it_was_deployed(account: DeployedAccount) -> None:
    content = predicate(account, "migration", "service")

    assert content["file"] == "deployments/staging/1.dsse.json"
    assert (content["service"], content["environment"], content["execution"]) == (SERVICE, "staging", EXECUTION)
    assert content["release"] == EXECUTION
    assert content["attester"] == {"id": SIGNER}
    assert content["templates"]["uri"] == "s3://templates/templates.zip?versionId=t-1"
    assert (content["began"], content["ended"]) == ("2026-11-24T12:10:00+00:00", "2026-11-24T12:20:00+00:00")
    assert content["stacks"] == [
        {
            "stack": stack_arn(layer),
            "changeSet": change_set_arn(layer),
            "executed": True,
            "taskDefinitions": [revision],
            "services": services,
            "template": {
                "name": f"staging/{layer}-basket.yaml",
                "digest": {"sha256": digest_text(TEMPLATES[layer])},
            },
        }
        for layer, revision, services in (("migration", f"{REVISION}0", []), ("service", REVISION, [SERVICE_ARN]))
    ]
    assert content["services"] == [
        {"service": SERVICE_ARN, "taskDefinition": REVISION, "desiredCount": 2, "runningCount": 2}
    ]
    assert "approval" not in content
    assert set(account.assumed) == {"shop-staging-review-basket as signer"}


def migrated(account: DeployedAccount) -> None:
    """Let the stage of the migration have run before the stage of the service."""
    stage = {"stageName": "Staging-Migration"}
    account.executions += [detail("ExecuteMigration", 2, 3) | stage, detail("MigrateStaging", 3, 5) | stage]


def test_a_migration_with_a_stage_of_its_own_has_a_statement_of_its_own(account: DeployedAccount) -> None:
    migrated(account)
    account.began = minute(2)
    _, request = account.attest("migration")
    name = "deployments/staging/migration-1.dsse.json"
    content = statement(account, "staging/migration-1.dsse.json")["predicate"]

    assert request["outputVariables"] == {"Statement": f"{PREFIX}/staging/migration-1.dsse.json"}
    assert (content["file"], content["environment"]) == (name, "staging")
    assert (content["began"], content["ended"]) == ("2026-11-24T12:02:00+00:00", "2026-11-24T12:05:00+00:00")
    assert [stack["taskDefinitions"] for stack in content["stacks"]] == [[f"{REVISION}0"]]
    assert content["services"] == []
    account.began = minute(10)
    service = predicate(account, "service")
    assert service["file"] == "deployments/staging/1.dsse.json"
    assert [earlier["name"] for earlier in service["earlier"]] == [name]
    account.began = minute(2)
    account.attest("migration")
    assert statement(account, "staging/migration-2.dsse.json")["predicate"]["file"].endswith("/migration-2.dsse.json")


@pytest.mark.parametrize("action", ["ExecuteMigration", "MigrateStaging"])
def test_a_migration_that_has_not_succeeded_is_not_attested(account: DeployedAccount, action: str) -> None:
    migrated(account)
    for execution in account.executions:
        execution["status"] = "Failed" if execution["actionName"] == action else execution["status"]

    assert "the actions of Staging-Migration have not succeeded" in refusal(account, "migration")


def test_a_change_set_without_changes_is_not_executed_and_deploys_no_template(account: DeployedAccount) -> None:
    account.change_sets[stack_name("service")] |= {
        "Status": "FAILED",
        "StatusReason": UNCHANGED,
        "ExecutionStatus": "UNAVAILABLE",
    }
    account.templates[stack_arn("service")] = "# another comment\n" + TEMPLATES["service"]
    (stack,) = predicate(account)["stacks"]

    assert (stack["executed"], "template" in stack) == (False, False)


def test_a_template_that_the_sdk_has_parsed_is_compared_as_text(account: DeployedAccount) -> None:
    account.templates[stack_arn("service")] = {"Resources": {}}

    assert "the template differs from the file staging/service-basket.yaml" in refusal(account)


def test_a_job_has_no_service(account: DeployedAccount) -> None:
    del account.resources[stack_arn("service")]["Service"]
    content = predicate(account)

    assert content["services"] == []
    assert content["stacks"][0]["taskDefinitions"] == [REVISION]


def test_alarms_that_cannot_be_found_are_named(account: DeployedAccount) -> None:
    del account.resources[stack_name("health")]

    assert predicate(account)["alarms"] == [{"name": stack_name("health"), "unread": "ValidationError"}]


def test_the_states_of_the_alarms_are_those_of_the_deployment(account: DeployedAccount) -> None:
    account.alarms = {"errors": "ALARM"}
    for name in ("unread", "quiet"):
        account.resources[stack_name("health")][name] = ("AWS::CloudWatch::Alarm", name)
    account.alarms["quiet"] = "OK"
    account.denied.add("unread")
    account.history["errors"] = [
        state_update(11, "ALARM"),
        state_update(12, "OK"),
        state_update(13, "ALARM", data='{"newState": {"stateVal'),
    ]

    assert predicate(account)["alarms"] == [
        {
            "name": "errors",
            "state": "ALARM",
            "changes": [
                {"on": "2026-11-24T12:11:00+00:00", "to": "ALARM"},
                {"on": "2026-11-24T12:12:00+00:00", "to": "OK"},
                {"on": "2026-11-24T12:13:00+00:00", "to": "Alarm updated to ALARM"},
            ],
        },
        {"name": "quiet", "state": "OK", "changes": []},
        {"name": "slow", "unread": "there is no metric alarm with this name"},
        {"name": "unread", "unread": "AccessDenied"},
    ]


@pytest.mark.parametrize("approved", [False, True], ids=["without an approval", "after an approval"])
@pytest.mark.parametrize(
    ("unreadable", "unread"),
    [
        pytest.param(
            lambda account: account.denied.update(("errors", "slow")),
            "errors (AccessDenied), slow (AccessDenied)",
            id="two alarms",
        ),
        pytest.param(
            lambda account: account.alarms.pop("slow"),
            "slow (there is no metric alarm with this name)",
            id="a missing alarm",
        ),
        pytest.param(
            lambda account: account.resources.pop(stack_name("health")),
            f"{stack_name('health')} (ValidationError)",
            id="the stack of the alarms",
        ),
    ],
)
def test_a_statement_without_the_states_of_alarms_is_signed_and_raises_the_alarm(
    account: DeployedAccount,
    capsys: pytest.CaptureFixture[str],
    unreadable: Callable[[DeployedAccount], Any],
    unread: str,
    approved: bool,
) -> None:
    more = {"reviewed": account.approve("service")} if approved else {}
    account.attest(**more)
    assert capsys.readouterr().out == ""
    unreadable(account)
    kind, request = account.attest(**more)
    problem = f"The statement lacks the states of alarms that could not be read: {unread}"

    assert (kind, request["outputVariables"]) == (
        "success",
        {"Statement": f"{PREFIX}/staging/2.dsse.json", "Problem": problem},
    )
    logged, metric = capsys.readouterr().out.splitlines()
    assert logged == problem
    assert (json.loads(metric)["SignerErrors"], json.loads(metric)["PipelineName"]) == (1, ENVIRONMENT["PIPELINE"])


def test_an_approval_is_named_with_its_page_its_person_and_its_time(account: DeployedAccount) -> None:
    account.executions.insert(0, detail("Approve", 0, 0) | {"status": "Failed"})
    reviewed = account.approve("service")

    assert predicate(account, reviewed=reviewed)["approval"] == {
        "record": reviewed,
        "page": {"page.html": digest_text("<!doctype html>"), "page.json": digest_text("{}")},
        "approvedBy": APPROVER,
        "approvedOn": "2026-11-24T12:09:00+00:00",
    }


def test_an_approver_whom_codepipeline_does_not_name_is_not_invented(account: DeployedAccount) -> None:
    del account.executions[0]["updatedBy"]

    assert predicate(account, reviewed=account.approve("service"))["approval"]["approvedBy"] == ""


def test_later_statements_are_numbered_and_list_those_before_them(account: DeployedAccount) -> None:
    for _ in range(2):
        assert account.attest()[0] == "success"
    first = hashlib.sha256(stored(account, f"{PREFIX}/staging/1.dsse.json")).hexdigest()
    earlier = [{"name": "deployments/staging/1.dsse.json", "digest": {"sha256": first}}]

    assert statement(account)["predicate"]["earlier"] == []
    assert statement(account, "staging/2.dsse.json")["predicate"]["earlier"] == earlier


def test_an_action_that_is_listed_late_is_waited_for(account: DeployedAccount) -> None:
    account.late = [account.executions.pop(1)]

    assert predicate(account)["ended"] == "2026-11-24T12:20:00+00:00"


def other_image(account: DeployedAccount) -> None:
    account.change_sets[stack_name("service")]["Parameters"] = [
        {"ParameterKey": "Size", "ParameterValue": "1"},
        {"ParameterKey": "ImageUri", "ParameterValue": f"{REPOSITORY}@sha256:{'9' * 64}"},
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            other_image, f"it deploys {REPOSITORY}@sha256:{'9' * 64}, but the signed image is {SIGNED}", id=("an image")
        ),
        pytest.param(
            lambda account: account.change_sets[stack_name("service")].update(Parameters=[]),
            f"it deploys no image, but the signed image is {SIGNED}",
            id="no image",
        ),
        pytest.param(
            lambda account: account.change_sets[stack_name("service")].update(ExecutionStatus="AVAILABLE"),
            f"the change set {change_set_arn('service')} has the execution status AVAILABLE",
            id="a change set that was not executed",
        ),
        pytest.param(
            lambda account: account.templates.update({stack_arn("service"): "Resources: {}"}),
            f"{stack_name('service')}: the template differs from the file staging/service-basket.yaml",
            id="a template",
        ),
        pytest.param(
            lambda account: account.service.update(taskDefinition=f"{REVISION}1"),
            f"{SERVICE_ARN} runs {REVISION}1, which is not in {stack_arn('service')}",
            id="a revision",
        ),
        pytest.param(
            lambda account: account.executions[1].update(status="Failed"),
            "the actions of Staging have not succeeded: {'Execute': 'Failed'}",
            id="a failed deployment",
        ),
        pytest.param(
            lambda account: account.executions.pop(1),
            "the actions of Staging have not succeeded: {'Execute': 'missing'}",
            id="no deployment",
        ),
        pytest.param(
            lambda account: account.objects.pop(("evidence", f"{FOLDER}/{form.RELEASE}")),
            "NotSignedError",
            id="a release that is not signed",
        ),
    ],
)
def test_what_is_not_signed_or_did_not_happen_is_not_attested(
    account: DeployedAccount, change: Callable[[DeployedAccount], Any], expected: str
) -> None:
    change(account)
    message = refusal(account)

    assert message.startswith("Nothing was signed: ")
    assert expected in message


def test_an_unknown_environment_is_not_attested(account: DeployedAccount) -> None:
    assert "'elsewhere' is not in list" in refusal(account, environment="elsewhere")


def test_a_change_set_that_was_not_approved_is_not_attested(account: DeployedAccount) -> None:
    assert f"the change sets ['{change_set_arn('service')}'] were not approved" in refusal(
        account, reviewed=account.approve("migration")
    )


def test_an_approval_that_is_not_recorded_is_not_attested(account: DeployedAccount) -> None:
    assert "NotApprovedError" in refusal(account, reviewed="0" * 64)


def test_a_stage_that_would_roll_back_does_not_fail_and_the_alarm_is_raised(
    account: DeployedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    other_image(account)
    kind, request = account.attest()

    assert kind == "success"
    assert "the signed image is" in request["outputVariables"]["Problem"]
    metric = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metric["SignerErrors"], metric["PipelineName"]) == (1, ENVIRONMENT["PIPELINE"])


def test_an_excepted_image_is_told_without_a_failure_after_an_approval(
    account: DeployedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    excepted = unsigned_exceptions.variable("production", unsigned_exceptions.exception(SIGNED))
    monkeypatch.setenv("UNSIGNED_IMAGES", excepted)
    del account.objects["evidence", f"{FOLDER}/{form.RELEASE}"]
    kind, request = account.attest(reviewed="0" * 64)

    assert (kind, "NotSignedError" in request["outputVariables"]["Problem"]) == ("success", True)


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"statements": FOLDER}, id="a folder alone"),
        pytest.param({**PARAMETERS, "statements": FOLDER}, id="a release with a folder"),
        pytest.param({**PARAMETERS, "reviewed": "0"}, id="a release with an approval"),
        pytest.param({**PARAMETERS, "other": "0"}, id="an unknown name"),
    ],
)
def test_parameters_of_neither_kind_are_refused(account: DeployedAccount, parameters: dict[str, str]) -> None:
    kind, request = account.invoke(parameters)

    assert (kind, "the user parameters must be" in request["failureDetails"]["message"]) == ("failure", True)
