"""The answers that the engine's image registry lacks."""

from __future__ import annotations

import asyncio
import json
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.image_registry import register


def ask(operation: str, request: dict[str, Any], images: list[Any]) -> tuple[int, dict[str, Any]]:
    app = ModuleType("app")

    async def engine(*request: Any) -> Any:
        return 200, {}, json.dumps({"imageDetails": images}).encode()

    app.SERVICE_HANDLERS = {"ecr": engine}  # type: ignore[attr-defined]
    register(app)

    async def call() -> Any:
        headers = {"x-amz-target": f"AmazonEC2ContainerRegistry_V20150921.{operation}"}
        return await app.SERVICE_HANDLERS["ecr"]("POST", "/", headers, json.dumps(request).encode(), {})

    status, _, body = asyncio.run(call())
    return status, json.loads(body)


def test_a_scan_has_ended_and_found_nothing() -> None:
    status, answer = ask("DescribeImageScanFindings", {"repositoryName": "r", "imageId": {"imageDigest": "d"}}, [])

    assert (status, answer["imageScanStatus"]["status"], answer["repositoryName"]) == (200, "COMPLETE", "r")
    assert answer["imageScanFindings"]["findingSeverityCounts"] == {}


def test_an_image_that_was_scanned_on_push_is_not_scanned_again() -> None:
    status, answer = ask("StartImageScan", {"repositoryName": "r", "imageId": {"imageDigest": "d"}}, [])

    assert (status, answer["__type"]) == (400, "LimitExceededException")


@pytest.mark.parametrize(
    ("operation", "request_", "images", "status"),
    [
        ("DescribeImages", {"imageIds": [{"imageTag": "t"}]}, [], 400),
        ("DescribeImages", {"imageIds": [{"imageTag": "t"}]}, [{}], 200),
        ("DescribeImages", {}, [], 200),
        ("ListImages", {"imageIds": [1]}, [], 200),
    ],
)
def test_an_image_that_is_not_there_is_an_error(
    operation: str, request_: dict[str, Any], images: list[Any], status: int
) -> None:
    found, answer = ask(operation, request_, images)

    assert found == status
    assert answer.get("__type") == (None if status == 200 else "ImageNotFoundException")
