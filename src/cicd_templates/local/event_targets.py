"""Delivers events to EventBridge targets that the local AWS accepts but ignores: pipelines and log groups.

- If the target is a pipeline, this module records the request with which EventBridge would start the pipeline.
- If the target is a log group, this module writes the event to the log group.

This module also adds the version of the object to S3 events, because releases need the version.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

Rule = dict[str, Any]
EventTarget = dict[str, Any]
StartRecorder = Callable[[dict[str, Any]], None]


def register(events: ModuleType, logs: ModuleType, started: StartRecorder) -> None:
    """Replace the function that delivers events, in the engine's module `events`.

    The new function starts no pipeline. Instead, it calls `started` with the request that would start the pipeline.
    """
    deliver_the_rest = events._invoke_target

    def deliver(target: EventTarget, event: dict[str, Any], rule: Rule, view: Any = None) -> None:
        service, account, region, resource = _parts(str(target.get("Arn", "")))
        seen = view or events._pattern_event_view(event)
        if service == "codepipeline":
            revisions = json.loads(_payload(events, target, rule, seen))
            started(
                {
                    "account": account,
                    "region": region,
                    "role": target.get("RoleArn", ""),
                    "rule": rule.get("Name", ""),
                    "request": {"name": resource, **revisions},
                    "execution": str(uuid.uuid4()),
                    "time": time.time(),
                }
            )
        elif service == "logs":
            group = resource.removeprefix("log-group:").removesuffix(":*")
            message = _payload(events, target, rule, seen)
            stream = str(uuid.uuid4())
            logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
            logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [{"message": message}]})
        else:
            deliver_the_rest(target, event, rule, view)

    events._invoke_target = deliver  # type: ignore[attr-defined] # the engine looks this name up at each call


def name_versions(s3: ModuleType, events: ModuleType) -> None:
    """Add the version of the object to the events of the engine's S3. In AWS, these events contain the version.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    fire, dispatch = s3._fire_s3_event, events._dispatch_event
    # `fire` calls `dispatch` in the same thread, so a thread-local variable can pass the version on.
    current = threading.local()

    def fire_with_version(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        current.version = version_id
        fire(*arguments, version_id=version_id, **options)

    def dispatch_with_version(event: dict[str, Any], view: Any = None) -> None:
        version = getattr(current, "version", None)
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    s3._fire_s3_event = fire_with_version  # type: ignore[attr-defined] # the engine looks this name up at each call
    events._dispatch_event = dispatch_with_version  # type: ignore[attr-defined]


def _parts(arn: str) -> tuple[str, str, str, str]:
    service, region, account, resource = (arn.split(":", 5) + [""] * 6)[2:6]
    return service, account, region, resource


def _payload(events: ModuleType, target: EventTarget, rule: Rule, view: Any) -> str:
    """Return the input of the target: the event, or the result of the target's input transformer."""
    transformer = target.get("InputTransformer")
    if transformer:
        return str(events._apply_input_transformer(transformer, rule, view))
    return json.dumps(view.event_with_detail())
