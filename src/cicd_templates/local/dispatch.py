"""EventBridge targets that the local AWS takes and then drops: pipelines and log groups.

An event for a pipeline becomes the request with which EventBridge would start it, in the record beside the engine; one
for a log group is put into that group. Runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

Rule = dict[str, Any]
Target = dict[str, Any]
Start = Callable[[dict[str, Any]], None]


def register(events: ModuleType, logs: ModuleType, started: Start) -> None:
    """Take over such targets from the engine's EventBridge, the module `events`; `started` hears of each request."""
    deliver_the_rest = events._invoke_target

    def deliver(target: Target, event: dict[str, Any], rule: Rule, view: Any = None) -> None:
        service, account, region, resource = _parts(str(target.get("Arn", "")))
        seen = view or events._pattern_event_view(event)
        if service == "codepipeline":
            revisions = json.loads(_payload(events, target, rule, seen))
            started(
                {
                    "account": account,
                    "region": region,
                    "role": target.get("RoleArn", ""),
                    "request": {"name": resource, **revisions},
                    "execution": str(uuid.uuid4()),
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

    events._invoke_target = deliver  # type: ignore[attr-defined] # the engine calls what stands under this name


def _parts(arn: str) -> tuple[str, str, str, str]:
    """Service, account, region and resource of an ARN."""
    service, region, account, resource = (arn.split(":", 5) + [""] * 6)[2:6]
    return service, account, region, resource


def _payload(events: ModuleType, target: Target, rule: Rule, view: Any) -> str:
    """What the target is handed: the event, or what its transformer makes of it."""
    transformer = target.get("InputTransformer")
    if transformer:
        return str(events._apply_input_transformer(transformer, rule, view))
    return json.dumps(view.event_with_detail())
