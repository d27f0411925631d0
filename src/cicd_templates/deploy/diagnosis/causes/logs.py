"""The last lines of a log stream."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients

LINES = 10
# One terminal line of a log may be a whole JSON document.
LONGEST = 300


def tail(clients: Clients, group: str, stream: str) -> list[str]:
    """Up to ten last lines, each shortened to 300 characters. Raises the client's errors."""
    answer = clients.logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False)
    return [event["message"].rstrip()[:LONGEST] for event in answer["events"]]
