"""The doctor: every line is fine or says how to mend it, and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy import doctor
from cicd_templates.deploy.clients import local_clients
from cicd_templates.deploy.stacks import read_stacks
from cicd_templates.errors import CicdError
from tests.conftest import ROOT
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation, client_error, stack

STACKS = read_stacks(ROOT / "out/staging")
FLOW_LOG = "/payments/staging/flow-log"
UPLOADS = "payments-staging-uploads-222222222222-eu-central-1"


class FakeClients:
    """An account with these buckets, and a role or an error in its place."""

    def __init__(self, buckets: list[str], role_error: Exception | None, deployed: bool = False) -> None:
        self.cloudformation = FakeCloudFormation([stack("CREATE_COMPLETE") if deployed else None])
        self._buckets, self._role_error = buckets, role_error
        self.s3 = self.iam = self.logs = self.ecr = self.secretsmanager = self.lambda_ = self
        self.quota = 1000

    def list_buckets(self) -> Any:
        return {"Buckets": [{"Name": name} for name in self._buckets]}

    def get_paginator(self, name: str) -> Any:
        pages = {
            "describe_log_groups": [{"logGroups": [{"logGroupName": FLOW_LOG}]}] if UPLOADS in self._buckets else [],
            "list_secrets": [{"SecretList": [{"Name": "another"}]}],
            "describe_repositories": [{"repositories": [{"repositoryName": "another"}]}],
        }

        class Paginator:
            def paginate(self) -> Any:
                return pages[name]

        return Paginator()

    def get_account_settings(self) -> Any:
        return {"AccountLimit": {"ConcurrentExecutions": self.quota}}

    def get_role(self, **request: Any) -> Any:
        if self._role_error:
            raise self._role_error
        return {}


@pytest.mark.parametrize(
    ("clients", "subject", "expected"),
    [
        pytest.param(FakeClients([], None), "ECS role", "", id="all is well"),
        pytest.param(
            FakeClients([], client_error("NoSuchEntity", "none")),
            "ECS role",
            "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
            id="no service-linked role",
        ),
        pytest.param(FakeClients([], client_error("AccessDenied", "denied")), "ECS role", "denied", id="not readable"),
        pytest.param(
            FakeClients([UPLOADS], None), f"AWS::S3::Bucket {UPLOADS}", "import it into the stack", id="name taken"
        ),
        pytest.param(FakeClients([UPLOADS], None, deployed=True), "names", "", id="bucket of the stack itself"),
    ],
)
def test_each_finding_has_its_fix(
    clients: FakeClients, subject: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "require_account", lambda clients, account: "arn:aws:iam::1:user/me")
    found = {check.subject: check.fix for check in doctor.checks(clients, STACKS)}  # type: ignore[arg-type] # a fake

    assert found["Python"] == found["credentials"] == ""
    assert expected in found[subject]
    assert bool(found[subject]) == bool(expected)


def test_every_name_in_the_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "require_account", lambda clients, account: "me")
    clients: Any = FakeClients([UPLOADS], None)
    taken = [check.subject for check in doctor.checks(clients, STACKS) if "is not deployed" in check.finding]

    assert taken == [f"AWS::Logs::LogGroup {FLOW_LOG}", f"AWS::S3::Bucket {UPLOADS}"]


def test_without_credentials_nothing_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(clients: object, account: str) -> str:
        raise CicdError("no AWS credentials")

    monkeypatch.setattr(doctor, "require_account", refuse)
    checks = list(doctor.checks(local_clients("http://127.0.0.1:1", "2", "r"), STACKS))

    assert [check.subject for check in checks] == ["Python", "credentials"]
    assert checks[1].fix == "no AWS credentials"


def test_a_tools_environment_needs_no_role_for_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "require_account", lambda clients, account: "me")
    clients: Any = FakeClients([], AssertionError())

    subjects = [check.subject for check in doctor.checks(clients, read_stacks(ROOT / "out/tools"))]
    assert subjects == ["Python", "credentials", "region", "Lambda quota", "names"]


@pytest.mark.parametrize(("quota", "fixed"), [(1000, False), (108, False), (107, True), (10, True)])
def test_a_quota_that_cannot_hold_what_is_reserved_is_told(
    quota: int, fixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "require_account", lambda clients, account: "me")
    clients: Any = FakeClients([], None)
    clients.quota = quota
    found = {check.subject: check for check in doctor.checks(clients, read_stacks(ROOT / "out/tools"))}

    assert found["Lambda quota"].finding == f"{quota} functions may run at once, and ours reserve 8"
    assert ("reserve_concurrency = false" in found["Lambda quota"].fix) == fixed


def test_functions_that_reserve_nothing_need_no_quota() -> None:
    clients: Any = FakeClients([], None)
    clients.quota = 10

    assert doctor._concurrency(clients, STACKS).fix == ""
