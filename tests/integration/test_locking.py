"""The lock of an environment on the local AWS, between processes that act like commands on two machines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd_templates.deploy.locking.holder import lock_parameter
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]
# Another machine: a process with a folder of its own. It says what it has come to, and goes on when it is told to.
MACHINE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.errors import RefusedError

url, account, secret, root, folder = sys.argv[1:]
clients = local_clients(url, account, "eu-central-1", secret)
clients.ssm
lock = EnvironmentLock(clients, Polling(), "staging", root, Path(folder), lambda holder: "")
print("ready", flush=True)
input()
try:
    with lock.held("deploy", "somebody", datetime.now(UTC)):
        print("held", flush=True)
        input()
except RefusedError as error:
    print("refused", flush=True)
"""


class Machine:
    """A process that tries to take the lock."""

    def __init__(self, project: Project, folder: Path) -> None:
        account, secret = project.accounts["staging"], project.engine.secret
        arguments = [project.engine.url, account, secret, "/shipping/staging/", str(folder)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", MACHINE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def machines(project: Project, tmp_path: Path) -> Iterator[list[Machine]]:
    started = [Machine(project, tmp_path / f"machine{number}") for number in range(3)]
    yield started
    for machine in started:
        machine.kill()


def test_one_of_several_processes_gets_the_lock_and_its_death_unlocks_nothing(
    project: Project, machines: list[Machine], tmp_path: Path
) -> None:
    assert [machine.says() for machine in machines] == ["ready", "ready", "ready"]
    for machine in machines:
        machine.go()
    outcomes = [machine.says() for machine in machines]
    assert sorted(outcomes) == ["held", "refused", "refused"]
    winner = outcomes.index("held")

    machines[winner].kill()
    parameter = project.clients("staging").ssm.get_parameter(Name=lock_parameter("/shipping/staging/"))
    holder = json.loads(parameter["Parameter"]["Value"])["id"]
    for verb in ("deploy --layer keys", "destroy", "adopt"):
        refused = project.type(f"{verb} --env staging --local --yes")
        if verb != "adopt":
            assert (refused.exit_code, f"locked by {holder} (make deploy by somebody" in refused.output) == (3, True)
    # Only the machine on which it was killed goes on without a word.
    resumed = Machine(project, tmp_path / f"machine{winner}")
    machines.append(resumed)
    assert resumed.says() == "ready"
    resumed.go()
    assert resumed.says() == "held"
    resumed.kill()

    silent = project.type("unlock --env staging --local")
    assert (silent.exit_code, f"HOLDER={holder} LOCAL=1" in silent.output) == (3, True)
    assert project.type("unlock --env staging --local --holder other").exit_code == 3
    assert f"staging: removed the lock of {holder}" in project.ok(f"unlock --env staging --local --holder {holder}")
    assert "staging: is not locked" in project.ok("unlock --env staging --local")
    project.ok("deploy --layer keys --env staging --local --yes")
    destroyed = project.ok("destroy --env staging --local --yes")
    assert "UNEXPLAINED" not in destroyed
    assert not re.search(r"deployment-lock", destroyed)


def test_reading_and_planning_need_no_lock(project: Project) -> None:
    name = lock_parameter("/shipping/staging/")
    project.clients("staging").ssm.put_parameter(Name=name, Value="somebody's", Type="String")

    for command in ("plan --layer keys", "status", "outputs", "plan-discard"):
        project.ok(f"{command} --env staging --local")
    assert "UNEXPLAINED" not in project.ok("status --left --env staging --local")
    assert project.type("deploy --env staging --local --yes").exit_code == 3
