"""Emptying buckets and repositories that are busy, that refuse deletions, or that are large."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.aws.resource_types import ecr, s3
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.errors import CicdError
from tests.fakes.scripted_aws import WHEN, Many, aws, refusal


def versions(count: int, page: int = 1000) -> list[dict[str, Any]]:
    return [
        {"Versions": [{"Key": f"k{number}", "VersionId": "1"} for number in range(start, min(start + page, count))]}
        for start in range(0, count, page)
    ]


def test_only_keys_that_s3_was_too_busy_to_delete_are_tried_again() -> None:
    busy = {"Errors": [{"Key": "k1", "VersionId": "1", "Code": "SlowDown", "Message": "busy"}]}
    fake = aws(
        s3={
            "list_object_versions": Many([versions(3), [{}]]),
            "delete_objects": Many([busy, {}]),
            "list_multipart_uploads": [{}],
        }
    )

    assert s3.empty_bucket(fake, "b") == 3
    first, second = [[each["Key"] for each in call["Delete"]["Objects"]] for call in fake.called("delete_objects")]
    assert (first, second) == (["k0", "k1", "k2"], ["k1"])


def test_versions_that_a_listing_missed_are_found_by_listing_again() -> None:
    listings = Many([versions(2), versions(1), [{}]])
    fake = aws(s3={"list_object_versions": listings, "list_multipart_uploads": [{}]})

    assert s3.empty_bucket(fake, "b") == 3


def test_emptying_ends_even_if_a_writer_never_stops() -> None:
    fake = aws(s3={"list_object_versions": versions(1), "list_multipart_uploads": [{}]})

    assert s3.empty_bucket(fake, "b") == s3.PASSES


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDenied", "b/k0: S3 refuses to delete this object: AccessDenied: why"),
        ("SlowDown", "b: S3 is too busy to delete 1 objects; run the same command again to continue"),
    ],
)
def test_an_object_that_stays_is_reported(code: str, expected: str) -> None:
    refused = {"Errors": [{"Key": "k0", "VersionId": "1", "Code": code, "Message": "why"}]}
    fake = aws(s3={"list_object_versions": versions(1), "delete_objects": refused})

    with pytest.raises(CicdError, match=expected):
        s3.empty_bucket(fake, "b")


@pytest.mark.no_cover
def test_no_more_than_a_few_batches_are_held_while_a_long_list_is_read() -> None:
    read, deleted, most = 0, 0, 0

    def listed(**request: str) -> Any:
        return []

    class Pages(list[Any]):
        def __iter__(self) -> Any:
            nonlocal read, most
            for page in versions(20_000):
                read += 1000
                most = max(most, read - deleted)
                yield page

    def delete(Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - AWS's words
        nonlocal deleted
        deleted += len(Delete["Objects"])
        return {}

    listings = Many([Pages(), [{}]])
    fake = aws(s3={"list_object_versions": listings, "delete_objects": delete, "list_multipart_uploads": listed})
    counts: list[int] = []

    assert s3.empty_bucket(fake, "b", counts.append) == 20_000
    assert counts == list(range(1000, 20_001, 1000))
    assert most <= (s3.CONCURRENT_CALLS + 2) * 1000


def test_an_image_that_an_index_names_goes_after_it() -> None:
    both = {"imageIds": [{"imageDigest": "child", "imageTag": "v1"}, {"imageDigest": "index"}]}
    refused = {"failures": [{"failureCode": "ImageReferencedByManifestList", "failureReason": "named"}]}
    child = {"imageIds": [{"imageDigest": "child"}]}
    fake = aws(ecr={"list_images": Many([both, child, {"imageIds": []}]), "batch_delete_image": Many([refused, {}])})

    assert ecr.empty_repository(fake, "app") == 2
    assert fake.called("batch_delete_image")[0]["imageIds"] == [{"imageDigest": "child"}, {"imageDigest": "index"}]


def test_an_image_that_cannot_be_deleted_is_reported() -> None:
    refused = {"failures": [{"failureCode": "KmsError", "failureReason": "no key"}]}
    fake = aws(ecr={"list_images": {"imageIds": [{"imageDigest": "a"}]}, "batch_delete_image": refused})

    with pytest.raises(CicdError, match="app: ECR refuses to delete an image: KmsError: no key"):
        ecr.empty_repository(fake, "app")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"IsTruncated": False}, "empty"),
        ({"Versions": [{}], "IsTruncated": False}, "1 version"),
        ({"Versions": [{}] * 600, "DeleteMarkers": [{}] * 400, "IsTruncated": True}, "1,000 versions or more"),
        (refusal("AccessDenied"), "the contents cannot be listed: AccessDenied"),
    ],
    ids=["empty", "one", "a full page", "not ours to read"],
)
def test_how_much_a_bucket_holds_is_read_from_one_page(answer: Any, expected: str) -> None:
    assert s3.describe_contents(aws(s3={"list_object_versions": answer}), "b") == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"imageIds": [{}, {}]}, "2 images"),
        ({"imageIds": [{}], "nextToken": "more"}, "1 image or more"),
        (refusal("AccessDeniedException"), "the contents cannot be listed: AccessDeniedException"),
    ],
    ids=["two", "a page", "not ours to read"],
)
def test_how_much_a_repository_holds_is_read_from_one_page(answer: Any, expected: str) -> None:
    assert ecr.describe_contents(aws(ecr={"list_images": answer}), "app") == expected


def test_a_bucket_is_emptied_of_versions_and_unfinished_uploads_before_it_is_deleted() -> None:
    uploads = [{"Uploads": [{"Key": "u0", "UploadId": "1"}]}, {"Uploads": [{"Key": "u1", "UploadId": "2"}]}]
    fake = aws(s3={"list_object_versions": Many([versions(2), [{}]]), "list_multipart_uploads": uploads})

    leftover = operations_of("AWS::S3::Bucket").leftover
    assert leftover is not None
    assert leftover.delete is not None
    leftover.delete(fake, "b")
    assert fake.called("abort_multipart_upload") == [
        {"Bucket": "b", "Key": "u0", "UploadId": "1"},
        {"Bucket": "b", "Key": "u1", "UploadId": "2"},
    ]
    assert fake.called("delete_bucket") == [{"Bucket": "b"}]
    assert len(fake.called("delete_objects")) == 1


LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
DENIED = {"Errors": [{"Key": "k1", "VersionId": "1", "Code": "AccessDenied", "Message": "object protected by lock"}]}


def test_versions_in_governance_mode_are_deleted_with_the_bypass_only_after_s3_refused() -> None:
    fake = aws(
        s3={
            "list_object_versions": Many([versions(1001), [{}]]),
            "delete_objects": Many([DENIED, {}]),
            "get_object_lock_configuration": {"ObjectLockConfiguration": LOCK},
            "list_multipart_uploads": [{}],
        }
    )

    assert s3.empty_bucket(fake, "b") == 1001
    first, *others = fake.called("delete_objects")
    assert "BypassGovernanceRetention" not in first
    assert [call["Delete"]["Objects"] for call in others if call.get("BypassGovernanceRetention")][-1:]
    assert {"Key": "k1", "VersionId": "1"} in [each for call in others for each in call["Delete"]["Objects"]]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param(
            {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": WHEN},
            "; Object Lock (compliance mode) keeps it and its bucket until 2026-01-02",
            id="compliance",
        ),
        pytest.param(
            {"ObjectLockLegalHoldStatus": "ON"}, "; it has a legal hold, which must be removed first", id="legal hold"
        ),
        pytest.param({}, "", id="a reason that the caller may not read"),
        pytest.param(refusal("403"), "", id="not readable"),
    ],
)
def test_a_version_that_the_bypass_does_not_delete_is_explained(version: Any, expected: str) -> None:
    fake = aws(
        s3={
            "list_object_versions": versions(1),
            "delete_objects": DENIED,
            "get_object_lock_configuration": {"ObjectLockConfiguration": LOCK},
            "head_object": version,
        }
    )

    with pytest.raises(CicdError) as caught:
        s3.empty_bucket(fake, "b")
    message = "b/k1: S3 refuses to delete this object: AccessDenied: object protected by lock"
    assert str(caught.value) == f"{message}{expected}"
    assert [call.get("BypassGovernanceRetention", False) for call in fake.called("delete_objects")] == [False, True]


@pytest.mark.parametrize("answer", [refusal("ObjectLockConfigurationNotFoundError"), refusal("AccessDenied"), {}])
def test_a_bucket_without_a_lock_that_can_be_read_has_no_description_of_one(answer: Any) -> None:
    assert s3.describe_lock(aws(s3={"get_object_lock_configuration": answer}), "b") == ""


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        pytest.param(LOCK, "Object Lock in governance mode keeps each version for 30 days after it was stored", id="d"),
        pytest.param(
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}},
            "Object Lock in compliance mode keeps each version for 1 year after it was stored",
            id="years",
        ),
        pytest.param(
            {"ObjectLockEnabled": "Enabled"},
            "Object Lock without a default retention",
            id="only versions that were locked one by one",
        ),
    ],
)
def test_a_lock_is_described_with_the_contents(lock: dict[str, Any], expected: str) -> None:
    one: dict[str, Any] = {"Versions": [{}], "IsTruncated": False}
    fake = aws(s3={"list_object_versions": one, "get_object_lock_configuration": {"ObjectLockConfiguration": lock}})

    assert s3.describe_lock(fake, "b") == expected
    assert s3.describe_contents(fake, "b") == f"1 version; {expected}"
