"""Data that the local AWS would drop: events for pipelines and log groups, and the object's version in S3's events."""

from __future__ import annotations

import json
import time
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import event_targets

EVENT = {"Source": "aws.s3", "Detail": json.dumps({"object": {"key": "k"}})}


class View:
    """The event as the engine passes it to targets."""

    def event_with_detail(self) -> dict[str, Any]:
        return {"detail": {"a": 1}}


def engine(**members: Any) -> ModuleType:
    module = ModuleType("engine")
    for name, member in members.items():
        setattr(module, name, member)
    return module


@pytest.fixture
def delivered() -> dict[str, Any]:
    """Return what was delivered to which target by an engine whose two functions were replaced."""
    went: dict[str, list[Any]] = {"rest": [], "starts": [], "streams": [], "entries": []}
    events = engine(
        _invoke_target=lambda target, event, rule, view: went["rest"].append(target),
        _pattern_event_view=lambda event: View(),
        _apply_input_transformer=lambda transformer, rule, view: json.dumps({"sourceRevisions": [transformer]}),
    )
    logs = engine(_create_log_stream=went["streams"].append, _put_log_events=went["entries"].append)
    event_targets.register(events, logs, went["starts"].append)
    return {**went, "deliver": events._invoke_target}


def test_an_event_for_a_pipeline_is_the_request_that_starts_it(delivered: dict[str, Any]) -> None:
    arn = "arn:aws:codepipeline:eu-central-1:111111111111:shipping"
    delivered["deliver"]({"Arn": arn, "RoleArn": "role", "InputTransformer": {"t": 1}}, EVENT, {"Name": "release"})

    (start,) = delivered["starts"]
    assert start.pop("execution")
    assert abs(start.pop("time") - time.time()) < 3600
    assert start == {
        "account": "111111111111",
        "region": "eu-central-1",
        "role": "role",
        "rule": "release",
        "request": {"name": "shipping", "sourceRevisions": [{"t": 1}]},
    }


def test_an_event_for_a_log_group_is_an_entry_in_it(delivered: dict[str, Any]) -> None:
    delivered["deliver"]({"Arn": "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/events/p"}, EVENT, {}, View())

    (stream,), (entry,) = delivered["streams"], delivered["entries"]
    assert stream["logGroupName"] == entry["logGroupName"] == "/aws/events/p"
    assert stream["logStreamName"] == entry["logStreamName"]
    assert entry["logEvents"] == [{"message": '{"detail": {"a": 1}}'}]


def test_every_other_target_is_the_engines(delivered: dict[str, Any]) -> None:
    for arn in ("arn:aws:sqs:eu-central-1:111111111111:q", "", "no-arn"):
        delivered["deliver"]({"Arn": arn}, EVENT, {})

    assert len(delivered["rest"]) == 3
    assert delivered["starts"] == delivered["entries"] == []


@pytest.mark.parametrize(
    ("version", "source", "expected"),
    [("v1", "aws.s3", "v1"), (None, "aws.s3", None), ("v1", "mine", None)],
    ids=["versioned", "not versioned", "another source"],
)
def test_the_version_of_an_object_is_in_the_event_about_it(
    version: str | None, source: str, expected: str | None
) -> None:
    seen: list[dict[str, Any]] = []
    events = engine(_dispatch_event=lambda event, view: seen.append(event))

    def fire(bucket: str, *, version_id: str | None) -> None:
        events._dispatch_event({**EVENT, "Source": source})

    s3 = engine(_fire_s3_event=fire)
    event_targets.name_versions(s3, events)
    s3._fire_s3_event("bucket", version_id=version)
    # An event of no object, in another thread, knows no version.
    assert json.loads(seen[0]["Detail"])["object"].get("version-id") == expected
