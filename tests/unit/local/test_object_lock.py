"""Object Lock of the local AWS: templates lock buckets, and what S3 refuses is refused in S3's words."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import object_lock

RETENTION = {"Mode": "GOVERNANCE", "Days": "7"}
LOCKED = {
    "ObjectLockEnabled": "true",
    "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": RETENTION}},
}


class Engine(ModuleType):
    """The part of the engine's module that is extended."""

    def __init__(self) -> None:
        super().__init__("s3")
        self._buckets: dict[str, Any] = {"b": {"objects": {}}}
        self._bucket_object_lock: dict[str, Any] = {}
        self._bucket_versioning = {"b": "Enabled"}
        self.versions = False
        self._put_object: Callable[..., Any] = lambda *request: "done"
        self._put_bucket_versioning: Callable[..., Any] = lambda *request: "done"

    def _bucket_has_versions(self, name: str) -> bool:
        return self.versions

    def _error(self, code: str, message: str, status: int, resource: str) -> tuple[str, str, int]:
        return code, message, status


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def bucket(engine: Engine) -> dict[str, Any]:
    handlers: dict[str, dict[str, Any]] = {
        object_lock.BUCKET: {
            "create": lambda logical_id, properties, stack: ("b", {}),
            "update": lambda physical_id, before, properties, stack: (physical_id, {}),
            "delete": lambda physical_id, properties: "deleted",
            "import": None,
        }
    }
    object_lock.register(engine, handlers)
    return handlers[object_lock.BUCKET]


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_template_locks_its_bucket(operation: str, engine: Engine, bucket: dict[str, Any]) -> None:
    arguments = ("B", LOCKED, "stack") if operation == "create" else ("b", {}, LOCKED, "stack")

    assert bucket[operation](*arguments) == ("b", {})
    assert engine._bucket_object_lock == {
        "b": {"enabled": True, "default_retention": {"Mode": "GOVERNANCE", "Days": 7}}
    }


def test_a_lock_without_a_retention_and_no_lock_at_all(engine: Engine, bucket: dict[str, Any]) -> None:
    bucket["create"]("B", {}, "stack")
    assert engine._bucket_object_lock == {}
    bucket["create"]("B", {"ObjectLockEnabled": True}, "stack")
    assert engine._bucket_object_lock == {"b": {"enabled": True, "default_retention": None}}
    # What is locked stays locked.
    bucket["update"]("b", {"ObjectLockEnabled": True}, {}, "stack")
    assert engine._bucket_object_lock == {"b": {"enabled": True, "default_retention": None}}


def test_a_bucket_without_versioning_cannot_be_locked(engine: Engine, bucket: dict[str, Any]) -> None:
    engine._bucket_versioning.clear()

    with pytest.raises(ValueError, match="Versioning must be 'Enabled' on the bucket"):
        bucket["create"]("B", LOCKED, "stack")


@pytest.mark.parametrize(
    "retention",
    [
        pytest.param({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, id="both"),
        pytest.param({"Mode": "GOVERNANCE"}, id="neither"),
        pytest.param({"Days": 1}, id="no mode"),
        pytest.param({"Mode": "governance", "Years": 1}, id="no such mode"),
    ],
)
def test_a_default_retention_has_a_mode_and_either_days_or_years(
    retention: dict[str, Any], engine: Engine, bucket: dict[str, Any]
) -> None:
    wrong = {**LOCKED, "ObjectLockConfiguration": {"Rule": {"DefaultRetention": retention}}}

    with pytest.raises(ValueError, match="did not validate against our published schema"):
        bucket["create"]("B", wrong, "stack")
    assert engine._bucket_object_lock == {}


@pytest.mark.parametrize(("objects", "versions"), [({"k": {}}, False), ({}, True)])
def test_a_stack_does_not_delete_a_bucket_with_contents(
    objects: dict[str, Any], versions: bool, engine: Engine, bucket: dict[str, Any]
) -> None:
    engine._buckets["b"]["objects"], engine.versions = objects, versions

    with pytest.raises(ValueError, match=r"not empty\. You must delete all versions in the bucket"):
        bucket["delete"]("b", LOCKED)


def test_an_empty_bucket_goes_with_its_lock(engine: Engine, bucket: dict[str, Any]) -> None:
    bucket["create"]("B", LOCKED, "stack")

    assert bucket["delete"]("b", LOCKED) == "deleted"
    assert bucket["delete"]("gone", {}) == "deleted"
    assert engine._bucket_object_lock == {}


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        pytest.param({}, False, id="none"),
        pytest.param({"x-amz-trailer": "expires"}, False, id="another trailer"),
        pytest.param({"content-md5": "x"}, True, id="MD5"),
        pytest.param({"x-amz-checksum-sha256": "x"}, True, id="SHA-256"),
        pytest.param({"x-amz-trailer": "x-amz-checksum-crc32"}, True, id="after the body"),
    ],
)
def test_an_upload_into_a_locked_bucket_needs_a_checksum(
    headers: dict[str, str], accepted: bool, engine: Engine
) -> None:
    assert engine._put_object("b", "k", b"", headers) == "done"
    engine._bucket_object_lock["b"] = {"enabled": True, "default_retention": None}
    assert engine._put_object("b", "k", b"", headers) == "done"
    expected = "done" if accepted else ("InvalidRequest", object_lock.NEEDS_CHECKSUM, 400)
    for parameter in ("mode", "retain-until-date", "legal-hold"):
        assert engine._put_object("b", "k", b"", {**headers, f"x-amz-object-lock-{parameter}": "x"}) == expected
    engine._bucket_object_lock["b"]["default_retention"] = RETENTION
    assert engine._put_object("b", "k", b"", headers) == expected


@pytest.mark.usefixtures("bucket")
def test_versioning_of_a_locked_bucket_cannot_be_suspended(engine: Engine) -> None:
    suspended, enabled = b"<Status>Suspended</Status>", b"<Status>Enabled</Status>"

    assert engine._put_bucket_versioning("b", suspended) == "done"
    engine._bucket_object_lock["b"] = {"enabled": True, "default_retention": None}
    assert engine._put_bucket_versioning("b", enabled) == "done"
    assert engine._put_bucket_versioning("b", suspended) == ("InvalidBucketState", object_lock.VERSIONING_STAYS, 409)
