"""Locked evidence on the local AWS: an administrator cannot delete it, and `destroy` only where it may be lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]
TOOLS = '[environments.tools]\nkind = "tools"\naccount = "{account}"\nregion = "eu-central-1"\nprotection = "{words}"'


def deployed(project: Project) -> tuple[Any, str]:
    """Deploy the buckets of the tools environment. Return S3 as an administrator, and the name of the bucket."""
    for layer in ("keys", "notifications", "storage"):
        project.ok(f"deploy --env tools --layer {layer} --local --yes")
    return project.clients("tools").s3, f"shipping-tools-evidence-{project.accounts['tools']}-eu-central-1"


def test_an_administrator_cannot_delete_evidence_of_a_protected_environment(project: Project) -> None:
    s3, bucket = deployed(project)
    version = s3.put_object(Bucket=bucket, Key="verdict.json", Body=b"{}", IfNoneMatch="*")["VersionId"]
    one = {"Bucket": bucket, "Key": "verdict.json", "VersionId": version}
    listed = {"Objects": [{"Key": "verdict.json", "VersionId": version}]}

    lock = s3.get_object_retention(**one)["Retention"]
    assert lock["Mode"] == "GOVERNANCE"
    assert lock["RetainUntilDate"] > datetime.now(UTC) + timedelta(days=1095)
    with pytest.raises(ClientError, match="object protected by object lock"):
        s3.delete_object(**one)
    assert s3.delete_objects(Bucket=bucket, Delete=listed)["Errors"][0]["Code"] == "AccessDenied"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object_retention(**one, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC)})
    with pytest.raises(ClientError, match="versioning state cannot be changed"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    # A delete marker hides the newest version, but does not delete it.
    s3.delete_object(Bucket=bucket, Key="verdict.json")
    assert s3.get_object(**one)["Body"].read() == b"{}"

    kept = project.ok("destroy --env tools --local --yes --allow tools")
    assert "Object Lock in governance mode keeps each version for 1,096 days after it was stored" in kept
    assert s3.get_object(**one)["Body"].read() == b"{}"


def test_a_plan_says_that_a_bucket_is_locked_for_ever_before_it_is(project: Project) -> None:
    locked = (project.folder / "templates/environments.toml").read_text()
    project.edit("[evidence]\nlock_days = 1096\n", "")
    project.ok("render")
    s3, bucket = deployed(project)
    before = s3.put_object(Bucket=bucket, Key="before", Body=b"", IfNoneMatch="*")["VersionId"]
    (project.folder / "templates/environments.toml").write_text(locked)
    project.ok("render")

    planned = project.ok("plan --env tools --layer storage --local")
    assert "Object Lock can never be switched off again" in planned
    assert "existing versions stay unlocked" in planned
    project.ok("deploy --env tools --layer storage --local --yes")
    after = s3.put_object(Bucket=bucket, Key="after", Body=b"", IfNoneMatch="*")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="before", VersionId=before)
    with pytest.raises(ClientError, match="object protected by object lock"):
        s3.delete_object(Bucket=bucket, Key="after", VersionId=after)


def test_destroy_unlocks_what_is_disposable_and_says_what_it_cannot_delete(project: Project) -> None:
    account = project.accounts["tools"]
    project.edit(TOOLS.format(account=account, words="protected"), TOOLS.format(account=account, words="disposable"))
    project.ok("render")
    s3, bucket = deployed(project)
    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"{number}.json", Body=b"{}", IfNoneMatch="*")
    until = datetime.now(UTC) + timedelta(seconds=20)
    s3.put_object(
        Bucket=bucket,
        Key="kept",
        Body=b"",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=until,
        IfNoneMatch="*",
    )

    refused = project.type("destroy --env tools --local --yes")
    assert refused.exit_code == 1, refused.output
    assert f"{bucket}/kept: S3 refuses to delete this object: AccessDenied" in refused.output
    assert f"; Object Lock (compliance mode) keeps it and its bucket until {until:%Y-%m-%d}" in refused.output
    assert {each["Key"] for each in s3.list_object_versions(Bucket=bucket)["Versions"]} == {"kept"}
