"""A rotation on the local AWS, which sends the events of Secrets Manager: exactly one service is deployed again."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]

WEB, WORKER = "parcel-dispatcher", "mailer"
# The names of both secrets begin alike, so that a rule that matches a prefix would match both.
SERVICES = f"""
[services.{WEB}.secrets]
CARRIER_KEY = "carrier-key"

[services.{WORKER}]
shape = "worker"
checks = {{ bandit = {{ preset = "bandit" }} }}
secrets = {{ RELAY = "relay", FEATURES = "/mail/{{environment}}/features" }}

[services.counter]
shape = "job"
job = {{ schedule = "cron(0 3 * * ? *)", command = ["count"] }}
checks = {{ bandit = {{ preset = "bandit" }} }}
secrets = {{ LEDGER = "ledger" }}
"""
PATIENCE_SECONDS = 120


def newest_deployment(project: Project, service: str) -> str:
    """Return the id of the newest deployment of a service in staging."""
    answer = project.clients("staging").ecs.describe_services(
        cluster="shipping-staging-cluster", services=[f"shipping-staging-{service}"]
    )
    (found,) = answer["services"]
    newest = found["deployments"][0]
    # Every deployment starts the task definition of the stack.
    assert newest["taskDefinition"] == found["taskDefinition"]
    return str(newest["id"])


def log_lines(project: Project, service: str) -> list[str]:
    """Return what the function of a service has printed about deployments."""
    group = f"/shipping/staging/function/{service}/rotation"
    events = project.clients("staging").logs.filter_log_events(logGroupName=group)["events"]
    return [event["message"].strip() for event in events if "changed at" in event["message"]]


def wait_until_deployed_again(project: Project, service: str, before: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while newest_deployment(project, service) == before:
        assert time.monotonic() < end, f"{service} was not deployed again: {log_lines(project, service)}"
        time.sleep(1)


def wait_for_log_lines(project: Project, service: str) -> list[str]:
    """Return the lines once there is one. A function logs its result after it has called ECS."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (lines := log_lines(project, service)) and time.monotonic() < end:
        time.sleep(1)
    return lines


def matches(project: Project, service: str, rule: str, event: dict[str, Any]) -> bool:
    """Return whether the deployed rule matches an event, as TestEventPattern of the local AWS decides it."""
    events = project.clients("staging").events
    pattern = events.describe_rule(Name=f"shipping-staging-{service}-{rule}")["EventPattern"]
    return bool(events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"])


def test_a_new_value_deploys_exactly_the_service_that_gets_it(project: Project) -> None:
    path = project.folder / "templates/environments.toml"
    path.write_text(path.read_text() + SERVICES)
    project.render_and_commit()
    project.ok("deploy --env staging --local --yes")
    account = project.accounts["staging"]
    secrets = project.clients("staging").secretsmanager
    arns = {each["Name"]: each["ARN"] for each in secrets.list_secrets()["SecretList"]}
    carrier, ledger, relay = (
        f"shipping-staging-{name}" for name in (f"{WEB}-carrier-key", "counter-ledger", f"{WORKER}-relay")
    )
    web, worker = newest_deployment(project, WEB), newest_deployment(project, WORKER)

    # Secrets of nobody, of a job, and with a name that begins like the one of the web service.
    secrets.create_secret(Name=f"{carrier}-2", SecretString="1")
    for name in (f"{carrier}-2", ledger):
        secrets.put_secret_value(SecretId=name, SecretString="2")
    # A rotation has stored a version, and has not ended.
    pending = secrets.put_secret_value(SecretId=carrier, SecretString="3", VersionStages=["AWSPENDING"])["VersionId"]
    secrets.put_secret_value(SecretId=relay, SecretString="4")
    wait_until_deployed_again(project, WORKER, worker)
    # All events before this one have been delivered as well.
    assert newest_deployment(project, WEB) == web

    (current,) = (
        version
        for version, stages in secrets.describe_secret(SecretId=carrier)["VersionIdsToStages"].items()
        if "AWSCURRENT" in stages
    )
    secrets.update_secret_version_stage(
        SecretId=carrier, VersionStage="AWSCURRENT", MoveToVersionId=pending, RemoveFromVersionId=current
    )
    wait_until_deployed_again(project, WEB, web)
    for service, secret in ((WEB, carrier), (WORKER, relay)):
        (line,) = wait_for_log_lines(project, service)
        assert line.startswith(f"shipping-staging-{service}: {arns[secret]} changed at ")
        assert line.endswith("; a new deployment has started")

    # The same event once more, delivered late: a newer deployment has already started all tasks.
    again = newest_deployment(project, WEB)
    event = {"time": datetime.fromtimestamp(time.time() - 3600, UTC).isoformat(), "resources": [arns[carrier]]}
    answer = project.clients("staging").lambda_.invoke(
        FunctionName=f"shipping-staging-{WEB}-rotation", Payload=json.dumps(event).encode()
    )
    assert ("FunctionError" in answer, answer["Payload"].read()) == (False, b"null")
    assert newest_deployment(project, WEB) == again
    assert [line.partition("; ")[2] for line in log_lines(project, WEB)] == [
        "a new deployment has started",
        "a newer deployment has succeeded, so its tasks already have the new value",
    ]

    parameter = f"arn:aws:ssm:eu-central-1:{account}:parameter/mail/staging/features"
    changed = {
        "source": "aws.ssm",
        "detail-type": "Parameter Store Change",
        "account": account,
        "region": "eu-central-1",
        "time": "2026-11-24T12:00:00Z",
        "id": "1",
        "resources": [parameter],
        "detail": {"operation": "Update", "name": "/mail/staging/features", "type": "SecureString"},
    }
    assert matches(project, WORKER, "changed-parameters", changed)
    assert not matches(project, WORKER, "changed-parameters", {**changed, "resources": [f"{parameter}/x"]})
    assert not matches(project, WORKER, "rotated-secrets", changed)
