"""Why a build failed: its phase, CodeBuild's words for it, and the last lines of its log."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.diagnosis.causes.logs import tail

FAILED = frozenset({"FAILED", "FAULT", "TIMED_OUT", "STOPPED"})


def failed_build(clients: Clients, build_id: str) -> list[str]:
    """What CodeBuild knows of a build, empty where it knows none of that id. Raises the clients' errors."""
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
        # A build that never got its container has no stream.
        if logs.get("groupName") and logs.get("streamName"):
            lines += [f"  | {line}" for line in tail(clients, logs["groupName"], logs["streamName"])]
    return lines
