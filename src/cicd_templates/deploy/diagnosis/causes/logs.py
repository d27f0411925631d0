"""Reads the last lines of a log stream."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients

LINES = 10
# The maximum number of characters that are shown of a line, because a log line may be a whole JSON document.
LONGEST = 300


def tail(clients: Clients, group: str, stream: str) -> list[str]:
    """Return the last lines of a log stream, at most ten, each cut to 300 characters. Raises boto3's errors."""
    answer = clients.logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False)
    return [event["message"].rstrip()[:LONGEST] for event in answer["events"]]
