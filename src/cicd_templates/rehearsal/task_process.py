"""Runs the first container of an ECS task as a process, because a rehearsal runs no containers.

The process gets the variables and secrets of the task definition and the credentials of the task role. It does not get
the environment variables of the rehearsal itself. Like ECS, this module uses the execution role to read the secrets and
to write the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.releases import release
from cicd_templates.local import orphans
from cicd_templates.rehearsal.artifacts import read_artifact, unpack
from cicd_templates.rehearsal.build_tools import search_path
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.template.arn import Arn

LIMIT_SECONDS = 300.0
# The exit codes of a shell: for a program that cannot be started, and for a program that was killed.
NOT_FOUND, KILLED = 127, 128 + signal.SIGKILL
PLACEHOLDER_SECRET = "no-value-in-a-rehearsal"  # noqa: S105 - no secret
NOTE = (
    "no container was started: the task's command ran as a local process in the folder of the source. The process had"
    " the variables of the task definition and the credentials of the task role. The image and the network were not"
    " tested"
)
NO_FURTHER_CONTAINERS = "not rehearsed: the other containers of the task ({})"


@dataclass(frozen=True)
class Task:
    """A task whose first container can run as a process.

    `role` is the name of the task role. `step` is the progress of the action that runs the process.
    """

    run: PipelineRun
    step: ActionProgress
    arn: str
    role: str
    container: dict[str, Any]
    environment: dict[str, str]
    starting: Session
    folder: Path

    @property
    def source(self) -> Path:
        """Return the folder in which commands run. It contains a copy of the released source."""
        return self.folder / "src"

    def log(self) -> str:
        """Return the output of the process so far."""
        return (self.folder / "log").read_text(errors="replace")

    def command_of_script(self, script: Path) -> list[str]:
        """Return the command that runs a script of the source."""
        return ["/bin/sh", str(script)]

    @contextlib.contextmanager
    def running(self, command: Sequence[str], **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the command with additional variables until the end of the `with` block, then kill it and write its log.

        The log stream exists before the command starts, as in ECS. Raises `OSError` if the command cannot be started.
        """
        self.starting.client("logs").create_log_stream(**self._stream)
        with (self.folder / "log").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the application's own command
                command,
                cwd=self.source,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            with orphans.prevented(process.pid):
                yield process
        finally:
            # Kill the processes that the command left in the background, too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            # The log driver of ECS writes what a task has printed, however the task ends.
            self._write_log(self.log())
            self.step.printed += (
                f"{self.container['name']}: {line}" for line in self.log().splitlines() if line.strip()
            )

    def run_to_its_end(self) -> int:
        """Run the command of the task definition to its end. Return the exit code that a shell would return."""
        command = self.container["command"]
        try:
            with self.running(command) as process:
                try:
                    code = process.wait(LIMIT_SECONDS)
                except subprocess.TimeoutExpired:
                    code = KILLED
        except OSError as error:
            self._write_log(f"{command[0]}: {error.strerror}")
            return NOT_FOUND
        return code if code >= 0 else 128 - code

    @property
    def _stream(self) -> dict[str, str]:
        """Return the names of the log group and the log stream to which ECS would write the container's log."""
        options = self.container["logConfiguration"]["options"]
        name = f"{options['awslogs-stream-prefix']}/{self.container['name']}/{self.arn.rpartition('/')[2]}"
        return {"logGroupName": options["awslogs-group"], "logStreamName": name}

    def _write_log(self, text: str) -> None:
        """Write the output as the log driver of ECS does: one event for each line."""
        now = int(time.time() * 1000)
        # CloudWatch Logs refuses an event without text.
        if events := [{"timestamp": now, "message": line} for line in text.splitlines() if line.strip()]:
            self.starting.client("logs").put_log_events(**self._stream, logEvents=events)


def prepare_task(run: PipelineRun, step: ActionProgress, arn: str, definition: str) -> Task:
    """Prepare a task to run in a new folder that contains the released source, and return the task.

    `arn` is the ARN of the task, and `definition` is the ARN of its task definition. Only the first container of the
    task definition will run. A note lists the other containers.
    """
    ecs = run.setup.root_session(arn).client("ecs")
    described = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    container, *further = described["containerDefinitions"]
    if further:
        step.note(NO_FURTHER_CONTAINERS.format(", ".join(each["name"] for each in further)))
    starting = run.service_session(described["executionRoleArn"], arn, step)
    working = run.service_session(described["taskRoleArn"], arn, step)
    folder = run.setup.folder / f"task-{uuid.uuid4().hex}"
    artifact = run.artifacts[release.SOURCE_ACTION_NAME]
    with read_artifact(run.setup.root_session(run.pipeline.role).client("s3"), artifact) as archive:
        unpack(archive, folder / "src")
    environment = _environment(run, step, container, starting, working, Arn.parse(arn).region, folder)
    environment |= run.setup.database_addresses(
        run, step, folder / "src", environment, described["taskRoleArn"], working.keys
    )
    return Task(run, step, arn, described["taskRoleArn"].rpartition("/")[2], container, environment, starting, folder)


def run_started_tasks(run: PipelineRun, step: ActionProgress) -> None:
    """Run the command of every started task that has not ended yet, and store the exit code."""
    for arn, definition in run.setup.tasks.running():
        step.note(NOTE)
        run.setup.tasks.end(arn, prepare_task(run, step, arn, definition).run_to_its_end())


def _environment(
    run: PipelineRun,
    step: ActionProgress,
    container: dict[str, Any],
    starting: Session,
    working: Session,
    region: str,
    folder: Path,
) -> dict[str, str]:
    plain = {each["name"]: each["value"] for each in container.get("environment", ())}
    secrets = {each["name"]: _secret(starting, each["valueFrom"], step) for each in container.get("secrets", ())}
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


def _secret(session: Session, source: str, step: ActionProgress) -> str:
    """Read a secret or a parameter with the execution role, and return its value.

    If the local AWS has no value for `source`, return a placeholder and add a note. For example, the value may exist
    only in the user's AWS account.
    """
    value = _parameter(session, source) if ":parameter/" in source else _value_of_secret(session, source)
    if value is None:
        step.note(f"{Arn.parse(source).resource} has no value in the local AWS, so the task got a placeholder")
        return PLACEHOLDER_SECRET
    return value


def _parameter(session: Session, source: str) -> str | None:
    name = source.partition(":parameter")[2]
    found = session.client("ssm").get_parameters(Names=[name], WithDecryption=True)["Parameters"]
    return str(found[0]["Value"]) if found else None


def _value_of_secret(session: Session, source: str) -> str | None:
    """Return the value of a secret, or None if the secret does not exist.

    `source` is the ARN of the secret. It has seven parts separated by colons. If an eighth part follows, it is a key in
    the secret's JSON, and only the value of this key is returned.
    """
    parts = source.split(":")
    try:
        answer = session.client("secretsmanager").get_secret_value(SecretId=":".join(parts[:7]))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    secret = str(answer["SecretString"])
    return str(json.loads(secret)[parts[7]]) if any(parts[7:]) else secret
