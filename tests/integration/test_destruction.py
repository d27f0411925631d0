"""Destruction on the local AWS: guards, resources outside the stacks, the order, and the list of what is left."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.ecr import empty_repository
from cicd_templates.deploy.aws.resource_types.s3 import empty_bucket
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.destruction import deletion, plan_file, remainders
from tests.integration.conftest import STAGING_STACKS, Project

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TagTypeDef

pytestmark = [pytest.mark.integration, pytest.mark.long]
Fail = Callable[[str, str, str], None]

OURS = {"ManagedBy": "cicd-templates", "Project": "shipping", "Environment": "staging"}


def report(project: Project, environment: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((project.folder / ".state/local/destroy-report.json").read_text())
    (found,) = [dict(entry) for entry in facts.values() if entry["environment"] == environment]
    return found


def bucket(clients: Clients, name: str, **tags: str) -> None:
    clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    if tags:
        tag_set: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in tags.items()]
        clients.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_set})


def fill(clients: Clients, name: str, versions: int) -> None:
    """Create versions of 50 keys, a delete marker, and an unfinished upload."""
    clients.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda number: clients.s3.put_object(Bucket=name, Key=f"k{number % 50}"), range(versions)):
            pass
    clients.s3.delete_object(Bucket=name, Key="k1")
    clients.s3.create_multipart_upload(Bucket=name, Key="unfinished")


def test_a_protected_environment_is_planned_and_then_destroyed_by_the_plan(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    for allow in ("", " --allow staging"):
        result = project.type(f"destroy --env production --local --yes{allow}")
        assert result.exit_code == 3
        assert "make destroy ENV=production LOCAL=1 ALLOW=production" in result.output

    planned = project.type("destroy --env production --local --allow production")
    assert planned.exit_code == 4
    assert "retained by policy: 1" in planned.output
    assert "make destroy PLAN=.state/local/destroy-plan.json LOCAL=1" in planned.output
    assert project.type("destroy --local --plan .state/local/destroy-plan.json --confirm staging").exit_code == 3
    assert project.type("destroy --local --plan .state/local/destroy-plan.json").exit_code == 2
    stack = describe_stack(project.clients("production"), "shipping-production-keys")
    assert stack is not None
    assert stack["EnableTerminationProtection"] is True

    destroyed = project.ok("destroy --local --plan .state/local/destroy-plan.json --confirm production")
    assert "kept by policy: the data outlives the stack keys" in destroyed
    assert describe_stack(project.clients("production"), "shipping-production-keys") is None
    (kept,) = report(project, "production")["kept"]
    key = project.clients("production").kms.describe_key(KeyId=kept["physical_id"])["KeyMetadata"]
    assert (kept["resource_type"], key["KeyState"]) == ("AWS::KMS::Key", "Enabled")
    assert "kept by policy: the data outlives" in project.ok("status --left --env production --local")


def test_a_plan_is_executed_only_while_it_matches_the_account(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    assert project.type("destroy --env production --local --allow production").exit_code == 4
    project.ok("deploy --env production --layer notifications --local --yes")
    result = project.type("destroy --local --plan .state/local/destroy-plan.json --confirm production")

    assert result.exit_code == 3
    assert (
        "shipping-production-notifications was deployed after the destruction was planned; plan again" in result.output
    )
    refused = project.type("destroy --local --plan .state/local/destroy-plan.json --env production --suffix x")
    assert (refused.exit_code, "leave out --env, --suffix" in refused.output) == (2, True)
    assert project.type("destroy --env staging --local --confirm staging").exit_code == 2
    path = project.folder / ".state/local/destroy-plan.json"
    plan = plan_file.DESTRUCTION_PLANS.read(path)
    path.write_text(path.read_text().replace('"environment": "production"', '"environment": "qa"'))
    edited = project.type("destroy --local --plan .state/local/destroy-plan.json --confirm qa")
    assert (edited.exit_code, "was edited after it was written; plan again" in edited.output) == (3, True)
    (production,) = plan.environments
    plan_file.DESTRUCTION_PLANS.write(replace(plan, environments=(replace(production, environment="qa"),)), path)
    gone = project.type("destroy --local --plan .state/local/destroy-plan.json --confirm qa")
    assert (gone.exit_code, "its environment qa is not in the configuration" in gone.output) == (2, True)
    plan_file.DESTRUCTION_PLANS.write(replace(plan, expires=plan.created), path)
    expired = project.type("destroy --local --plan .state/local/destroy-plan.json --confirm production")
    assert (expired.exit_code, "the plan expired at " in expired.output) == (3, True)
    elsewhere = project.type("destroy --plan .state/local/destroy-plan.json --confirm production")
    assert (elsewhere.exit_code, "is a plan for the local AWS; add --local" in elsewhere.output) == (3, True)


def test_with_several_environments_none_is_changed_if_one_refuses(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("deploy --env production --layer keys --local --yes")
    assert project.type("destroy --env all --local --yes").exit_code == 3
    assert describe_stack(project.clients("staging"), "shipping-staging-keys") is not None

    assert project.type("destroy --env all --local --allow tools,production").exit_code == 4
    project.ok("destroy --local --plan .state/local/destroy-plan.json --confirm tools,production,staging")
    for environment, state in (("staging", "PendingDeletion"), ("production", "Enabled")):
        kms = project.clients(environment).kms
        (key,) = kms.list_keys()["Keys"]
        assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == state


def test_resources_kept_by_a_protected_environment_are_imported_and_deployed_again(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    project.ok("deploy --env production --layer storage --local --yes")
    clients = project.clients("production")
    logs = f"shipping-production-logs-{project.accounts['production']}-eu-central-1"
    clients.s3.put_object(Bucket=logs, Key="evidence", Body=b"kept")
    project.ok("destroy --env production --local --yes --allow production")
    (key,) = [each["physical_id"] for each in report(project, "production")["kept"] if each["logical_id"] == "Key"]

    refused = project.type("deploy --env production --layer keys --local --yes")
    assert refused.exit_code == 3
    assert f"the last destruction kept AWS::KMS::Key {key}" in refused.output
    assert "make adopt ENV=production LAYER=keys LOCAL=1" in refused.output

    adopted = project.ok("adopt --env production --local --yes")
    assert "which this tool did not write" not in project.ok("render --suffix pr1")
    assert "--change-set-type IMPORT" in adopted
    to_import = json.loads((project.folder / ".state/local/adopt/shipping-production-keys.resources.json").read_text())
    assert to_import[0]["ResourceIdentifier"] == {"KeyId": key}
    project.ok("deploy --env production --layer keys --local --yes")
    project.ok("deploy --env production --layer storage --local --yes")
    assert clients.s3.get_object(Bucket=logs, Key="evidence")["Body"].read() == b"kept"
    arn = clients.ssm.get_parameter(Name="/shipping/production/keys/KeyArn")["Parameter"]["Value"]
    assert arn.endswith(key)
    assert "nothing to import" in project.ok("adopt --env production --local --yes")


def test_after_a_destruction_and_an_adoption_one_deployment_brings_everything_back(project: Project) -> None:
    project.ok("deploy --env production --local --yes")
    project.ok("deploy --env tools --local --yes")
    project.ok("destroy --env production --local --yes --allow production")
    project.ok("adopt --env production --local --yes")
    clients, service = project.clients("production"), "shipping-production-service-parcel-dispatcher"
    assert describe_stack(clients, service) is not None

    planned = project.ok("plan --env production --local")
    assert "network: waits for keys" in planned
    deployed = project.ok("deploy --env production --local --yes")
    assert "left to the pipeline" not in deployed
    assert "service-parcel-dispatcher: updated" in deployed
    (running,) = [each for each in live_resources(clients, service) if each["ResourceType"] == "AWS::ECS::Service"]
    cluster = str(running["PhysicalResourceId"]).split("/")[-2]
    (found,) = clients.ecs.describe_services(cluster=cluster, services=[running["PhysicalResourceId"]])["services"]
    assert (found["status"], found["desiredCount"]) == ("ACTIVE", 2)
    status = json.loads(project.ok("status --env production --local --json"))["production"]
    assert {row["status"] for row in status} == {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert {row["text"] for row in status} == {"reviewed"}
    # From now on, the pipeline deploys this stack.
    assert "service-parcel-dispatcher: left to the pipeline" in project.ok("plan --env production --local")


def test_an_import_that_cloudformation_refuses_leaves_no_empty_stack(project: Project) -> None:
    for layer in ("keys", "registry"):
        project.ok(f"deploy --env tools --layer {layer} --local --yes")
    project.ok("destroy --env tools --local --yes --allow tools")
    result = project.type("adopt --env tools --layer registry --local --yes")

    assert result.exit_code == 1
    assert "CloudFormation refused the import: Resource import is not supported by this emulator" in result.output
    assert describe_stack(project.clients("tools"), "shipping-tools-registry-parcel-dispatcher") is None


def test_nothing_is_imported_if_the_user_declines(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    project.ok("destroy --env production --local --yes --allow production")
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)
    result = project.type("adopt --env production --local")

    assert (result.exit_code, "declined, nothing was imported" in result.output) == (1, True)
    assert describe_stack(project.clients("production"), "shipping-production-keys") is None


def test_a_bucket_is_emptied_of_versions_markers_and_uploads_over_all_pages(project: Project) -> None:
    clients = project.clients("staging")
    bucket(clients, "many")
    fill(clients, "many", 1005)
    counts: list[int] = []

    assert empty_bucket(clients, "many", counts.append) == 1007
    assert counts == [1000, 1006]
    left = clients.s3.list_object_versions(Bucket="many")
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")
    assert not clients.s3.list_multipart_uploads(Bucket="many").get("Uploads")


def test_a_repository_is_emptied_of_its_images(project: Project) -> None:
    clients = project.clients("staging")
    clients.ecr.create_repository(repositoryName="app")
    for tag in ("a", "b"):
        clients.ecr.put_image(repositoryName="app", imageManifest=f'{{"schemaVersion": 2, "x": "{tag}"}}', imageTag=tag)

    assert empty_repository(clients, "app") == 2
    assert clients.ecr.list_images(repositoryName="app")["imageIds"] == []


def test_a_bucket_of_five_thousand_versions_goes_with_its_stack(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("deploy --env staging --layer storage --local --yes")
    name = f"shipping-staging-uploads-{project.accounts['staging']}-eu-central-1"
    fill(project.clients("staging"), name, 5000)
    destroyed = project.ok("destroy --env staging --local --yes")

    assert "1,000 versions or more" in destroyed
    assert f"emptied {name} (5,002 objects)" in destroyed
    assert "left of staging:\n    KMS deletes the key on" in destroyed


def stacks_went_after_all_that_needed_them(account: dict[str, Any]) -> None:
    steps = {step["stack"].removeprefix("shipping-staging-"): step for step in account["stacks"]}

    assert len(steps) == STAGING_STACKS
    for first, then in (
        ("service-parcel-dispatcher", "delivery-parcel-dispatcher"),
        ("service-parcel-dispatcher", "ingress-parcel-dispatcher"),
        ("ingress-parcel-dispatcher", "cluster"),
        ("service-parcel-dispatcher", "network"),
        ("cluster", "storage"),
        ("notifications", "keys"),
        ("storage", "keys"),
    ):
        assert steps[first]["ended"] <= steps[then]["began"], (first, then)
    pairs = itertools.permutations(steps.values(), 2)
    assert any(one["began"] < other["began"] < one["ended"] for one, other in pairs)


def test_resources_outside_the_stacks_are_deleted_in_order_and_foreign_ones_are_kept(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    clients = project.clients("staging")
    family = "shipping-staging-parcel-dispatcher"
    tags = [{"key": key, "value": value} for key, value in OURS.items()]
    containers = [{"name": "a", "image": "x"}]
    clients.ecs.register_task_definition(family=family, containerDefinitions=containers, tags=tags)
    clients.logs.create_log_group(logGroupName="/shipping/staging/ours", tags=OURS)
    clients.secretsmanager.create_secret(
        Name="shipping-staging-old", SecretString="x", Tags=[{"Key": key, "Value": OURS[key]} for key in OURS]
    )
    clients.secretsmanager.delete_secret(SecretId="shipping-staging-old")
    account = project.accounts["staging"]
    bucket(clients, f"shipping-staging-ours-{account}", **OURS)
    fill(clients, f"shipping-staging-ours-{account}", 20)
    strangers = {
        f"shipping-staging-stranger-{account}": {},
        f"shipping-staging-theirs-{account}": {**OURS, "ManagedBy": "somebody", "Environment": "qa"},
        f"shipping-staging-pr1-uploads-{account}": {**OURS, "Suffix": "pr1"},
    }
    for name, theirs in strangers.items():
        bucket(clients, name, **theirs)
    destroyed = project.ok("destroy --env staging --local --yes")

    assert f"AWS::S3::Bucket shipping-staging-ours-{account}\n        outside the stacks" in destroyed
    assert "deleted AWS::Logs::LogGroup /shipping/staging/ours" in destroyed
    assert "deleted AWS::SecretsManager::Secret shipping-staging-old" in destroyed
    assert clients.secretsmanager.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    for status in ("ACTIVE", "INACTIVE"):
        assert clients.ecs.list_task_definitions(familyPrefix=family, status=status)["taskDefinitionArns"] == []
    assert {each["Name"] for each in clients.s3.list_buckets()["Buckets"]} >= strangers.keys()
    for name in (*strangers, "stranger"):
        assert name not in destroyed
    assert {each["resource_type"] for each in report(project, "staging")["left"]} == {
        "AWS::KMS::Key",
        "AWS::ECS::TaskDefinition",
    }
    stacks_went_after_all_that_needed_them(report(project, "staging"))


def test_an_undeletable_stack_keeps_the_stacks_that_it_reads_from_until_it_is_deleted(
    project: Project, failing: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "DELETION_ATTEMPTS", 2)
    project.ok("deploy --env staging --local --yes")
    failing("AWS::EC2::SecurityGroupIngress", "delete", "a task still uses it")
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert "ingress-parcel-dispatcher: attempt 1 of 2 failed" in result.output
    assert "ingress-parcel-dispatcher: FAILED: FromLoadBalancer (AWS::EC2::SecurityGroupIngress)" in result.output
    assert (
        "cluster: FAILED: kept, because it is still needed by shipping-staging-ingress-parcel-dispatcher"
        in result.output
    )
    assert "storage: FAILED: kept, because it is still needed by shipping-staging-cluster" in result.output
    assert "not destroyed: ingress-parcel-dispatcher, " in result.output
    assert describe_stack(project.clients("staging"), "shipping-staging-notifications") is None
    assert report(project, "staging")["finished"] is False
    assert "no stack owns the resource, so it stays until the environment that created it is destroyed" in project.ok(
        "status --left --env staging --local"
    )

    (project.engine.folder / "failures.json").unlink()
    project.ok("destroy --env staging --local --yes")
    assert report(project, "staging")["explained"] is True


def test_an_interrupted_destruction_continues(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ok("deploy --env staging --local --yes")
    real = deletion.delete_stack

    def interrupted(clients: Clients, stack: Any, *rest: Any, **options: Any) -> str:
        if stack.label == "cluster":
            raise KeyboardInterrupt
        return real(clients, stack, *rest, **options)

    monkeypatch.setattr("cicd_templates.deploy.destruction.execution.delete_stack", interrupted)
    stopped = project.type("destroy --env staging --local --yes")
    assert stopped.exit_code == 75
    assert re.search(r"error: stopped: .*; to continue, run the same command again\n", stopped.output)
    assert report(project, "staging")["finished"] is False
    assert describe_stack(project.clients("staging"), "shipping-staging-service-parcel-dispatcher") is None
    assert describe_stack(project.clients("staging"), "shipping-staging-cluster") is not None
    monkeypatch.undo()
    monkeypatch.chdir(project.folder)

    continued = project.ok("destroy --env staging --local --yes")
    assert "outside the stacks: deleted AWS::ECS::TaskDefinition" in continued
    assert "service-parcel-dispatcher: deleted" not in continued


def test_a_resource_with_our_name_but_without_our_tags_is_kept_and_unexplained(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remainders, "LOOKS", 2)
    project.ok("deploy --env staging --layer keys --local --yes")
    clients = project.clients("staging")
    clients.logs.create_log_group(logGroupName="/shipping/staging/build/forgotten")
    clients.ssm.put_parameter(Name="/shipping/staging/by/hand", Value="x", Type="String")
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert (
        "UNEXPLAINED: the name has the environment's prefix, but nothing proves that the resource belongs to"
        in result.output
    )
    there = f"aws --endpoint-url {project.engine.url} logs delete-log-group"
    assert f"{there} --region eu-central-1 --log-group-name /shipping/staging/build/f" in result.output
    assert "AWS::SSM::Parameter /shipping/staging/by/hand" in result.output
    assert "2 resources are left for an unknown reason" in result.output
    assert clients.ssm.get_parameter(Name="/shipping/staging/by/hand")["Parameter"]["Value"] == "x"
    assert project.type("status --left --env staging --local").exit_code == 1


def test_a_recorded_resource_that_no_stack_deleted_is_left_unexplained(project: Project) -> None:
    entry = {"type": "AWS::EC2::EIP", "id": "192.0.2.1", "region": "eu-central-1", "logical_id": "X"}
    account = {"account": project.accounts["staging"], "stack": "shipping-staging-network"}
    project.engine.record.add({**entry, **account})
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert "UNEXPLAINED: recorded for shipping-staging-network" in result.output


def test_destroying_a_missing_environment_is_no_failure(project: Project) -> None:
    destroyed = project.ok("destroy --env staging --local --yes")

    assert "inventory of staging: nothing" in destroyed
    assert "left of staging: nothing" in destroyed


def test_declining_deletes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)
    result = project.type("destroy --env staging --local")

    assert result.exit_code == 1
    assert "staging: declined, nothing was deleted" in result.output
    assert describe_stack(project.clients("staging"), "shipping-staging-keys") is not None


def test_a_stack_that_refuses_deletion_protects_its_environment(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    clients = project.clients("staging")
    clients.cloudformation.update_termination_protection(
        StackName="shipping-staging-keys", EnableTerminationProtection=True
    )
    refused = project.type("destroy --env staging --local --yes")

    assert (refused.exit_code, "staging is protected" in refused.output) == (3, True)


def test_an_empty_stack_whose_change_set_was_never_executed_is_deleted_too(project: Project) -> None:
    clients = project.clients("staging")
    clients.cloudformation.create_change_set(
        StackName="shipping-staging-retired",
        ChangeSetName="forgotten",
        ChangeSetType="CREATE",
        TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
        Tags=[{"Key": key, "Value": value} for key, value in OURS.items()],
    )
    destroyed = project.ok("destroy --env staging --local --yes")

    assert "AWS::CloudFormation::Stack shipping-staging-retired\n        a change set that was never" in destroyed
    assert describe_stack(clients, "shipping-staging-retired") is None


def test_a_stack_is_not_destroyed_while_another_stack_reads_from_it(project: Project) -> None:
    for layer in ("keys", "storage", "notifications"):
        project.ok(f"deploy --env staging --layer {layer} --local --yes")
    refused = project.type("destroy --env staging --layer keys --local --yes")

    assert refused.exit_code == 3
    assert "reads /shipping/staging/keys/KeyArn of shipping-staging-keys; destroy " in refused.output
    assert "left of staging: nothing" in project.ok("destroy --env staging --layer notifications --local --yes")


def test_a_role_is_not_destroyed_while_a_stack_is_deployed_with_it(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    refused = project.type("destroy --env staging --layer delivery --local --yes")

    assert refused.exit_code == 3
    assert (
        "shipping-staging-service-parcel-dispatcher can be deleted only while shipping-staging-delivery"
        in refused.output
    )
    assert "make destroy ENV=staging LAYER=service SERVICE=parcel-dispatcher LOCAL=1" in refused.output
    project.ok("destroy --env staging --layer service --local --yes")
    assert "delivery-parcel-dispatcher: deleted" in project.ok("destroy --env staging --layer delivery --local --yes")


def test_a_foreign_stack_with_our_name_refuses_the_whole_destruction(project: Project) -> None:
    clients = project.clients("staging")
    body = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    clients.cloudformation.create_stack(StackName="shipping-staging-keys", TemplateBody=body)
    refused = project.type("destroy --env staging --local --yes")

    assert refused.exit_code == 3
    assert "does not have both tags ManagedBy=cicd-templates and Project=" in refused.output
    assert describe_stack(clients, "shipping-staging-keys") is not None
