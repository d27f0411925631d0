"""Clients always belong to the account of the templates, and never confuse AWS and the local AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.stub import Stubber

from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.clients import (
    aws_clients,
    explain,
    local_clients,
    local_clients_as,
    require_account,
    session_clients,
)
from cicd_templates.deploy.aws.sessions import session_for
from cicd_templates.errors import CicdError, RefusedError
from tests.fakes.scripted_cloudformation import client_error

SERVICES = (
    "cloudformation",
    "codepipeline",
    "ecr",
    "elbv2",
    "iam",
    "kms",
    "lambda_",
    "logs",
    "s3",
    "secretsmanager",
    "ssm",
    "sts",
)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the credentials of the user who runs the tests."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    session_for.cache_clear()
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def test_local_clients_point_at_the_local_aws_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:2")
    local = local_clients("http://127.0.0.1:1", "222222222222", "eu-central-1", "secret")

    assert local.local
    for service in SERVICES:
        client = getattr(local, service)
        assert client.meta.endpoint_url == "http://127.0.0.1:1"
        assert client.meta.config.proxies == {}
        assert client._request_signer._credentials.access_key == "222222222222"


def test_clients_of_aws_have_its_region_and_retry_often() -> None:
    real = aws_clients(Access("eu-central-1"))

    assert not real.local
    assert real.s3.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert vars(real.cloudformation.meta.config)["retries"] == {"mode": "adaptive", "total_max_attempts": 10}
    assert real.cloudformation is real.cloudformation


@pytest.mark.parametrize(("account", "fits"), [("222222222222", True), ("333333333333", False)])
def test_the_caller_must_work_in_the_account_of_the_templates(account: str, fits: bool) -> None:
    clients = local_clients("http://127.0.0.1:1", "222222222222", "eu-central-1", "secret")
    caller = {"Account": "222222222222", "Arn": "arn:aws:iam::222222222222:user/me", "UserId": "1"}
    with Stubber(clients.sts) as stub:
        stub.add_response("get_caller_identity", caller)
        if fits:
            assert require_account(clients, account) == "arn:aws:iam::222222222222:user/me"
            return
        with pytest.raises(
            RefusedError, match=r"are for account 222222222222 .* templates are for 333333333333"
        ) as error:
            require_account(clients, account)
        assert error.value.exit_code == 3


def test_local_clients_of_a_role_have_the_credentials_that_sts_answers() -> None:
    clients = local_clients("http://127.0.0.1:1", "222222222222", "eu-central-1", "secret")
    role = "arn:aws:iam::222222222222:role/deployer"
    keys = {
        "AccessKeyId": "ASIA1234567890123456",
        "SecretAccessKey": "of the session",
        "SessionToken": "token",
        "Expiration": datetime(2026, 1, 1, tzinfo=UTC),
    }
    with Stubber(clients.sts) as stub:
        expected = {"RoleArn": role, "RoleSessionName": "cicd-templates"}
        stub.add_response("assume_role", {"Credentials": keys}, expected)
        stub.add_client_error("assume_role", "AccessDenied", "not yours")
        assumed = local_clients_as(clients, role)
        with pytest.raises(CicdError, match="not yours"):
            local_clients_as(clients, role)

    used = vars(assumed.sts)["_request_signer"]._credentials.get_frozen_credentials()
    assert (used.access_key, used.secret_key, used.token) == ("ASIA1234567890123456", "of the session", "token")
    assert (assumed.endpoint_url, assumed.region) == ("http://127.0.0.1:1", "eu-central-1")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoCredentialsError(), "Unable to locate credentials"),
        (client_error("ExpiredToken", "The token\nhas expired"), "The token has expired"),
        (BotoCoreError(), "An unspecified error occurred"),
    ],
)
def test_an_error_of_aws_is_one_line(error: Exception, expected: str) -> None:
    assert expected in explain(error)
    assert "\n" not in explain(error)


def test_an_error_without_a_message_has_no_trailing_colon() -> None:
    assert explain(client_error("400", "")).endswith(" operation")


def test_the_stubbed_errors_are_those_of_botocore() -> None:
    assert isinstance(client_error("A", "b"), ClientError)


@pytest.mark.parametrize(
    ("attribute", "service"),
    [
        ("acm", "acm"),
        ("cloudwatch", "cloudwatch"),
        ("codebuild", "codebuild"),
        ("codeconnections", "codeconnections"),
        ("dynamodb", "dynamodb"),
        ("rds", "rds"),
        ("ec2", "ec2"),
        ("ecs", "ecs"),
        ("quotas", "service-quotas"),
        ("sns", "sns"),
        ("sqs", "sqs"),
        ("scaling", "application-autoscaling"),
        ("tagging", "resourcegroupstaggingapi"),
    ],
)
def test_each_attribute_is_the_client_of_its_service(attribute: str, service: str) -> None:
    clients = local_clients("http://127.0.0.1:1", "222222222222", "eu-central-1", "secret")

    assert getattr(clients, attribute).meta.service_model.service_name == service
    assert clients.region == "eu-central-1"


def test_the_clients_of_a_session_sign_with_its_credentials_and_call_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://another.example.com")
    keys = {"AccessKeyId": "AKIA", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": "now"}
    client: Any = session_clients("eu-central-1", keys).ssm

    assert client.meta.endpoint_url == "https://ssm.eu-central-1.amazonaws.com"
    signer = client._request_signer._credentials
    assert (signer.access_key, signer.secret_key, signer.token) == ("AKIA", "secret", "token")
