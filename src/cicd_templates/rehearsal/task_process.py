"""Runs the command of a started ECS task as a local process, because a rehearsal runs no containers.

The process gets the variables and secrets of the task definition and the credentials of the task role, but no other
variables of the environment. The secrets are read and the log is written with the execution role, as ECS does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from cicd_templates.deploy.releases import release
from cicd_templates.rehearsal.artifacts import read_artifact, unpack
from cicd_templates.rehearsal.build_tools import search_path
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.template.arn import Arn

LIMIT_SECONDS = 300.0
# The exit codes of a shell: for a program that cannot be started, and for a program that was killed.
NOT_FOUND, KILLED = 127, 128 + signal.SIGKILL
NOTE = (
    "no container was started: the task's command ran as a process in the source, with the variables of the task"
    " definition and the credentials of the task role; image and network are not rehearsed"
)


def run_started_tasks(run: PipelineRun, step: ActionProgress) -> None:
    """Run the command of every started task that has not ended yet, and store the exit code."""
    for task, definition in run.setup.tasks.running():
        step.note(NOTE)
        ecs = run.setup.root_session(task).client("ecs")
        described = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
        (container,) = described["containerDefinitions"]
        starting = run.service_session(described["executionRoleArn"], task, step)
        working = run.service_session(described["taskRoleArn"], task, step)
        folder = run.setup.folder / f"task-{uuid.uuid4().hex}"
        environment = _environment(run, container, starting, working, Arn.parse(task).region, folder)
        code, log = _run_command(run, container["command"], environment, folder)
        _write_log(starting.client("logs"), container, task, log)
        run.setup.tasks.end(task, code)


def _environment(
    run: PipelineRun, container: dict[str, Any], starting: Session, working: Session, region: str, folder: Path
) -> dict[str, str]:
    plain = {each["name"]: each["value"] for each in container.get("environment", ())}
    secrets = {each["name"]: _secret(starting, each["valueFrom"]) for each in container.get("secrets", ())}
    return {
        "PATH": search_path(run.setup.tools.link_into(folder / "tool")),
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        # In AWS, the SDK asks the agent for the credentials, and derives the address of a service from the region.
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": run.setup.endpoint,
        "AWS_ACCESS_KEY_ID": working.keys.access,
        "AWS_SECRET_ACCESS_KEY": working.keys.secret,
        "AWS_SESSION_TOKEN": working.keys.token or "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        **plain,
        **secrets,
    }


def _secret(session: Session, source: str) -> str:
    """Return the value of a secret or of a parameter, which the execution role reads."""
    if ":parameter/" in source:
        name = source.partition(":parameter")[2]
        answer = session.client("ssm").get_parameters(Names=[name], WithDecryption=True)
        return str(answer["Parameters"][0]["Value"])
    return str(session.client("secretsmanager").get_secret_value(SecretId=source)["SecretString"])


def _run_command(run: PipelineRun, command: list[str], environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run the command in a copy of the released source. Return its exit code and its output."""
    source = folder / "src"
    artifact = run.artifacts[release.SOURCE_ACTION_NAME]
    with read_artifact(run.setup.root_session(run.pipeline.role).client("s3"), artifact) as archive:
        unpack(archive, source)
    log = folder / "log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the application's own command
                command,
                cwd=source,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return NOT_FOUND, f"{command[0]}: {error.strerror}"
        try:
            code = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            code = KILLED
        finally:
            # Kill the processes that the command left in the background, too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return code if code >= 0 else 128 - code, log.read_text(errors="replace")


def _write_log(logs: Any, container: dict[str, Any], task: str, text: str) -> None:
    """Write the output as the log driver of ECS does: one event for each line."""
    options = container["logConfiguration"]["options"]
    prefix, name = options["awslogs-stream-prefix"], container["name"]
    group, stream = options["awslogs-group"], f"{prefix}/{name}/{task.rpartition('/')[2]}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    # CloudWatch Logs refuses an event without text.
    if events := [{"timestamp": now, "message": line} for line in text.splitlines() if line.strip()]:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
