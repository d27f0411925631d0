"""Adds two responses that the local AWS's image registry lacks: an image's scan, and the error for a missing image.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]


def with_missing_operations(rest: Handler) -> Handler:
    """Return a handler that answers requests about image scans, and refuses requests about missing images.

    `rest`, the engine's handler, answers all other requests. Images are not really scanned: no scan has findings.
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation == "DescribeImageScanFindings":
            request = json.loads(body)
            about = {key: request[key] for key in ("repositoryName", "imageId")}
            now = time.time()
            found: dict[str, Any] = {
                "imageScanCompletedAt": now,
                "vulnerabilitySourceUpdatedAt": now,
                "findings": [],
                "findingSeverityCounts": {},
            }
            answer = {**about, "imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": found}
            return _answer(200, answer)
        if operation == "StartImageScan":
            return _answer(400, {"__type": "LimitExceededException", "message": "the image was scanned on push"})
        response = await rest(method, path, headers, body, query)
        # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
        if operation == "DescribeImages" and json.loads(body).get("imageIds") and b'"imageDetails": []' in response[2]:
            wrong = {"__type": "ImageNotFoundException", "message": "the repository has no such image"}
            return _answer(400, wrong)
        return response

    return handle


def _answer(status: int, content: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def register(app: ModuleType) -> None:
    """Replace the engine's handler of ECR requests with a handler that has the missing operations."""
    app.SERVICE_HANDLERS["ecr"] = with_missing_operations(app.SERVICE_HANDLERS["ecr"])
