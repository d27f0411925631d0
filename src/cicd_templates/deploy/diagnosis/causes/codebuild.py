"""Finds out why a build failed: the failed phase, CodeBuild's message, and the last lines of the log."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.diagnosis.causes.logs import tail

FAILED = frozenset({"FAILED", "FAULT", "TIMED_OUT", "STOPPED"})


def failed_build(clients: Clients, build_id: str) -> list[str]:
    """Return what CodeBuild reports about a failed build, one fact per line.

    The result is empty if CodeBuild has no build with this id. Raises boto3's errors.
    """
    builds = clients.codebuild.batch_get_builds(ids=[build_id])["builds"]
    lines = []
    for build in builds:
        for phase in build.get("phases", ()):
            if phase.get("phaseStatus") in FAILED:
                message = "; ".join(
                    f"{context.get('statusCode', '')} {context.get('message', '')}".strip()
                    for context in phase.get("contexts", ())
                )
                lines.append(f"build {build['id']}, phase {phase['phaseType']}: {message or phase['phaseStatus']}")
        logs = build.get("logs", {})
        # A build whose container never started has no log stream.
        if logs.get("groupName") and logs.get("streamName"):
            lines += [f"  | {line}" for line in tail(clients, logs["groupName"], logs["streamName"])]
    return lines
