"""Copies of an environment in the account of their original. Creating or destroying a copy never changes the others."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets import copy_expiry
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import take_inventory
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.reporting.report import JsonReporter
from cicd_templates.local.engine_process import Engine
from tests.integration import conftest
from tests.integration.conftest import STAGING_STACKS, Project

pytestmark = [pytest.mark.integration, pytest.mark.long]
REGION = "eu-central-1"


def owned(clients: Clients) -> dict[str, set[tuple[str, str]]]:
    """Return the type and name of every resource in the account's stacks."""
    return {
        stack["StackName"]: {
            (resource["ResourceType"], resource["PhysicalResourceId"])
            for resource in live_resources(clients, stack["StackName"])
            # The local AWS gives resources of these types no id.
            if resource["ResourceType"] not in ("AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation")
        }
        for page in clients.cloudformation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    }


def test_a_copy_is_deployed_and_destroyed_without_changing_its_original(project: Project) -> None:
    clients = project.clients("staging")
    project.ok("deploy --env staging --local --yes")
    before = owned(clients)
    project.ok("render --suffix pr4918")
    project.ok("deploy --env staging --suffix pr4918 --local --yes")
    everything = owned(clients)
    names = [name for resources in everything.values() for name in resources]
    assert len(everything) == 2 * STAGING_STACKS
    assert len(names) == len(set(names))
    destroyed = project.ok("destroy --env staging --suffix pr4918 --local --yes")
    assert "left of staging-pr4918:" in destroyed
    assert owned(clients) == before
    assert project.type("plan --env staging --local --detailed-exitcode").exit_code == 0


def test_one_environment_of_a_copy_is_rendered_deployed_and_destroyed_alone(project: Project) -> None:
    project.ok("render --env staging --suffix pr1")
    project.ok("plan --env staging --suffix pr1 --local")
    deployed = project.ok("deploy --env staging --suffix pr1 --local --yes")

    assert deployed.count(": created, ") == STAGING_STACKS
    destroyed = project.ok("destroy --env staging --suffix pr1 --local --yes")
    assert "UNEXPLAINED" not in destroyed


def test_only_copies_that_have_expired_and_are_idle_are_swept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = project.clients("staging")
    project.ok("deploy --env staging --layer keys --local --yes")
    for suffix in ("pr1", "pr2"):
        project.ok(f"render --suffix {suffix}")
        if suffix == "pr2":
            monkeypatch.setattr(copy_expiry, "COPY_LIVES", timedelta(seconds=-1))
        project.ok(f"deploy --env staging --layer keys --suffix {suffix} --local --yes")

    idle = project.ok("sweep --env staging --older-than 48h --local --yes")
    assert "staging-pr2: 1 stack, kept: the copy was deployed on" in idle
    assert "no copy has expired" in idle
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: yes)
    declined = project.type("sweep --older-than 0h --local")
    assert (declined.exit_code, "declined, nothing was deleted" in declined.output) == (1, True)

    swept = project.ok("sweep --older-than 0h --local --yes")
    assert "staging-pr1: 1 stack, kept: the copy expires on" in swept
    assert "staging-pr2: 1 stack, expired" in swept
    assert "KMS deletes the key on" in swept
    there = {
        name: describe_stack(clients, f"shipping-{name}-keys") for name in ("staging", "staging-pr1", "staging-pr2")
    }
    assert [name for name, stack in there.items() if stack is not None] == ["staging", "staging-pr1"]


def test_a_second_deployment_of_a_copy_finds_nothing_to_change(project: Project) -> None:
    project.ok("render --suffix pr1")
    project.ok("deploy --env staging --layer keys --suffix pr1 --local --yes")
    again = project.ok("deploy --env staging --layer keys --suffix pr1 --local --yes")

    assert "keys: nothing to change" in again


def test_a_sweep_fails_where_something_of_a_copy_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_expiry, "COPY_LIVES", timedelta(seconds=-1))
    monkeypatch.setattr("cicd_templates.deploy.destruction.remainders.LOOKS", 1)
    project.ok("render --suffix pr1")
    project.ok("deploy --env staging --layer keys --suffix pr1 --local --yes")
    project.clients("staging").ssm.put_parameter(Name="/shipping/staging-pr1/by/hand", Value="x", Type="String")
    swept = project.type("sweep --env staging --older-than 0h --local --yes")

    assert swept.exit_code == 1
    assert "1 resource is left for an unknown reason" in swept.output
    refused = project.type("sweep --older-than tomorrow --local --yes")
    assert (
        refused.exit_code,
        "'tomorrow' is not an age; write hours or days" in refused.output,
    ) == (2, True)


def scope(account: str, suffix: str | None) -> Scope:
    names = frozenset({"pets-dev-data"}) if suffix is None else frozenset()
    return Scope("pets", "dev", suffix, account, REGION, names)


def deploy(clients: Clients, of: Scope) -> None:
    """Deploy a stack with resources that are found by names and tags, and create similar foreign resources."""
    name = f"{of.prefix}data"
    if describe_stack(clients, name) is not None:
        return
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{of.prefix}b-{of.account}"}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"{of.root}logs"}},
        "Function": {"Type": "AWS::CodeBuild::Project", "Properties": {"Name": f"{of.prefix}project"}},
    }
    tags = [{"Key": key, "Value": value} for key, value in of.tags.items()]
    clients.cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": resources}),
        Tags=[*tags, {"Key": "Layer", "Value": "data"}],  # type: ignore[list-item] # plain dicts
    )
    clients.s3.put_object(Bucket=f"{of.prefix}b-{of.account}", Key="x")
    clients.logs.create_log_group(logGroupName=f"/aws/codebuild/{of.prefix}project")


def names_of(clients: Clients, of: Scope) -> set[str]:
    groups = clients.logs.describe_log_groups()["logGroups"]
    names = [each["logGroupName"] for each in groups] + [each["Name"] for each in clients.s3.list_buckets()["Buckets"]]
    own = {f"{of.prefix}b-{of.account}", f"{of.root}logs", f"/aws/codebuild/{of.prefix}project"}
    return own & set(names)


STEPS = st.lists(st.tuples(st.sampled_from([None, "a", "a-b", "b"]), st.booleans()), min_size=2, max_size=7)


def come_and_go(engine: Engine, steps: list[tuple[str | None, bool]]) -> None:
    account = str(next(conftest._accounts))
    clients = local_clients(engine.url, account, REGION, engine.secret)
    scopes = {suffix: scope(account, suffix) for suffix in (None, "a", "a-b", "b")}
    alive: set[str | None] = set()
    with TemporaryDirectory() as folder:
        for suffix, comes in steps:
            if comes:
                deploy(clients, scopes[suffix])
                alive.add(suffix)
            else:
                inventory = take_inventory(clients, scopes[suffix], protected=False)
                path = Path(folder) / "report.json"
                with (Path(folder) / "report").open("w") as stream:
                    assert destroy(clients, inventory, Polling(0.01), JsonReporter(stream), path=path) == []
                alive.discard(suffix)
            for other, of in scopes.items():
                assert len(names_of(clients, of)) == (3 if other in alive else 0), (suffix, comes, other)


@given(STEPS)
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_creating_and_destroying_copies_changes_no_other_copy(
    engine: Engine, steps: list[tuple[str | None, bool]]
) -> None:
    come_and_go(engine, steps)


@given(STEPS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_creating_and_destroying_copies_in_many_orders_changes_no_other_copy(
    engine: Engine, steps: list[tuple[str | None, bool]]
) -> None:
    come_and_go(engine, steps)
