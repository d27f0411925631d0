"""Destroy: guards first, emptied where disposable, and an account of what is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cicd_templates.deploy.changes import describe_stack
from cicd_templates.deploy.emptying import empty_bucket, empty_repository
from tests.integration.conftest import STAGING_STACKS, Project

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TagTypeDef

pytestmark = pytest.mark.integration
Fail = Callable[[str, str, str], None]


def test_a_protected_environment_refuses_unless_it_is_named(project: Project) -> None:
    project.ok("deploy --env production --layer keys --local --yes")
    for allow in ("", " --allow staging"):
        result = project.type(f"destroy --env production --local --yes{allow}")
        assert result.exit_code == 3
        assert "make destroy ENV=production ALLOW=production" in result.output
    stack = describe_stack(project.clients("production"), "payments-production-keys")
    assert stack is not None
    assert stack["EnableTerminationProtection"] is True

    destroyed = project.ok("destroy --env production --layer keys --local --yes --allow production")
    assert "kept by policy: its data outlives the stack keys" in destroyed


def test_with_several_environments_none_is_touched_when_one_refuses(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    assert project.type("destroy --env all --local --yes").exit_code == 3
    assert describe_stack(project.clients("staging"), "payments-staging-keys") is not None


def test_a_bucket_is_emptied_of_versions_markers_and_uploads_over_all_pages(project: Project) -> None:
    clients = project.clients("staging")
    clients.s3.create_bucket(Bucket="many", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    clients.s3.put_bucket_versioning(Bucket="many", VersioningConfiguration={"Status": "Enabled"})
    for number in range(1005):
        clients.s3.put_object(Bucket="many", Key=f"k{number}")
    clients.s3.delete_object(Bucket="many", Key="k1")
    clients.s3.create_multipart_upload(Bucket="many", Key="unfinished")

    assert empty_bucket(clients, "many") == 1007
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


def test_a_full_disposable_bucket_goes_with_its_stack(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    project.ok("deploy --env staging --layer storage --local --yes")
    bucket = f"payments-staging-uploads-{project.accounts['staging']}-eu-central-1"
    project.clients("staging").s3.put_object(Bucket=bucket, Key="x")

    assert f"emptied {bucket} (1 objects)" in project.ok("destroy --env staging --local --yes")


def test_a_stack_that_cannot_be_deleted_keeps_what_it_reads_from(project: Project, failing: Fail) -> None:
    project.ok("deploy --env staging --local --yes")
    failing("AWS::EC2::SecurityGroupIngress", "delete", "a task still uses it")
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert "ingress-payment-processor: FAILED: FromLoadBalancer (AWS::EC2::SecurityGroupIngress)" in result.output
    assert "cluster: FAILED: kept, because payments-staging-ingress-payment-processor still needs it" in result.output
    assert "storage: FAILED: kept, because payments-staging-cluster still needs it" in result.output
    kept = "ingress-payment-processor, cluster, storage, network, keys"
    assert f"not destroyed: {kept}" in result.output


def test_what_bears_our_names_without_a_stack_is_left_unexplained(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    clients = project.clients("staging")
    clients.logs.create_log_group(logGroupName="/payments/staging/build/forgotten")
    clients.ssm.put_parameter(Name="/payments/staging/by/hand", Value="x", Type="String")
    for name, tags in (
        ("payments-staging-ours", [{"Key": "Environment", "Value": "staging"}]),
        ("payments-staging-x", []),
    ):
        bucket = f"{name}-{project.accounts['staging']}"
        clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        if tags:
            clients.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})  # type: ignore[typeddict-item] # plain dicts
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert "UNEXPLAINED: no stack owns it" in result.output
    assert "AWS::Logs::LogGroup /payments/staging/build/forgotten" in result.output
    assert "AWS::SSM::Parameter /payments/staging/by/hand" in result.output
    assert "AWS::S3::Bucket payments-staging-ours" in result.output
    assert "payments-staging-x" not in result.output
    assert "3 resources are left unexplained" in result.output


def test_a_recorded_resource_that_no_stack_deleted_is_left_unexplained(project: Project) -> None:
    entry = {"type": "AWS::EC2::EIP", "id": "192.0.2.1", "region": "eu-central-1", "logical_id": "X"}
    account = {"account": project.accounts["staging"], "stack": "payments-staging-network"}
    project.engine.record.add({**entry, **account})
    result = project.type("destroy --env staging --local --yes")

    assert result.exit_code == 1
    assert "UNEXPLAINED: recorded for payments-staging-network" in result.output


def test_a_key_that_is_not_on_its_way_out_is_left_unexplained(project: Project) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    clients = project.clients("staging")
    from cicd_templates.deploy.remains import Owned, _waiting_keys

    key = clients.kms.create_key()["KeyMetadata"]["KeyId"]
    gone = Owned("keys", "Key", "AWS::KMS::Key", "00000000-0000-0000-0000-000000000000", "Delete")
    (left,) = _waiting_keys(clients, [Owned("keys", "Key", "AWS::KMS::Key", key, "Delete"), gone])

    assert not left.explained
    assert "schedule its deletion" in left.reason


def test_destroying_what_is_not_there_is_no_failure(project: Project) -> None:
    destroyed = project.ok("destroy --env staging --local --yes")

    assert destroyed.count("nothing to change") == STAGING_STACKS
    assert "left of staging: nothing" in destroyed


def test_declining_deletes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.ok("deploy --env staging --layer keys --local --yes")
    monkeypatch.setattr("cicd_templates.cli.selection.confirmation", lambda yes: lambda question: False)
    result = project.type("destroy --env staging --local")

    assert result.exit_code == 1
    assert "staging: declined, nothing was deleted" in result.output
    assert describe_stack(project.clients("staging"), "payments-staging-keys") is not None


def test_what_another_live_stack_owns_is_not_called_left(project: Project) -> None:
    for layer in ("keys", "storage", "notifications"):
        project.ok(f"deploy --env staging --layer {layer} --local --yes")

    assert "left of staging: nothing" in project.ok("destroy --env staging --layer notifications --local --yes")


def test_a_living_copy_is_no_remainder_of_its_original(project: Project) -> None:
    project.ok("render --suffix pr4918")
    for layer in ("keys", "storage"):
        project.ok(f"deploy --env staging --layer {layer} --local --yes")
        project.ok(f"deploy --env staging --layer {layer} --suffix pr4918 --local --yes")
    bucket = f"payments-staging-pr4918-uploads-{project.accounts['staging']}-eu-central-1"
    # The tag that AWS puts on it from the template, and the local AWS does not.
    tag: TagTypeDef = {"Key": "Environment", "Value": "staging"}
    project.clients("staging").s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})

    assert "pr4918" not in project.ok("destroy --env staging --local --yes")


def test_the_role_that_a_stack_keeps_is_not_taken_from_under_it(project: Project) -> None:
    project.ok("deploy --env staging --local --yes")
    refused = project.type("destroy --env staging --layer delivery --local --yes")

    assert refused.exit_code == 3
    assert "payments-staging-service-payment-processor keeps the role of" in refused.output
    assert "make destroy ENV=staging LAYER=service" in refused.output
    project.ok("destroy --env staging --layer service --local --yes")
    assert "delivery-payment-processor: deleted" in project.ok("destroy --env staging --layer delivery --local --yes")
