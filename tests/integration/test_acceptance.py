"""The acceptance run on the local AWS: whole, killed and continued, and with faults that one check must find."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance import local_aws
from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, State
from cicd_templates.acceptance.checks import CHECKS, certificates, destruction, permissions, releases, running
from cicd_templates.acceptance.commands import Answer, Commands
from cicd_templates.acceptance.journal import new_journal
from cicd_templates.acceptance.project import EnvironmentAccess, Project
from cicd_templates.acceptance.run import run_checks
from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.local import engine_process
from cicd_templates.template import cloudformation_yaml
from tests.conftest import PROJECT, ROOT
from tests.integration.conftest import ENGINE_PYTHON
from tests.integration.rehearsed_example import TOOLS

pytestmark = [pytest.mark.integration, pytest.mark.long]

# Its rehearsals use the tools beside it, which write equal bills of materials only once.
PYTHON = str(TOOLS.prefix / "bin/python")
KILLS, SEED = 10, 24
REGION = "eu-central-1"
SUFFIX = "abcde"
ACCESS = {
    "staging": EnvironmentAccess("422222222222", REGION),
    "production": EnvironmentAccess("433333333333", REGION),
    "tools": EnvironmentAccess("411111111111", REGION),
}


def make_folder(folder: Path) -> Path:
    (folder / "templates").mkdir(parents=True)
    shutil.copy(PROJECT / "templates/environments.toml", folder / "templates")
    (folder / ".venv-local").symlink_to(ROOT / ".venv-local")
    return folder


def begin(folder: Path) -> subprocess.Popen[str]:
    """Start the command in a process group of its own, as a shell does."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CICD_"))}
    return subprocess.Popen(
        [PYTHON, "-m", "cicd_templates", "acceptance", "--local", "--yes"],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def begin_check(folder: Path, check: str) -> subprocess.Popen[str]:
    """Start the command, and return it when the run has begun `check`. Wait for the command of a killed run before."""
    while True:
        process = begin(folder)
        while process.poll() is None:
            if has_begun(folder, check):
                return process
            time.sleep(0.1)
        output, _ = process.communicate()
        assert "is still running" in output, output
        time.sleep(0.5)


def has_begun(folder: Path, check: str) -> bool:
    path = folder / ".state/acceptance/journal.json"
    journal = json.loads(path.read_text()) if path.is_file() else {"running": "", "entries": {}}
    return check == journal["running"] or check in journal["entries"]


def processes_of(session: int) -> list[int]:
    """Return the processes of a session. The run gives each command a process group of its own in its session."""
    # If the session has ended, ps exits with 1 and prints nothing.
    found = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False).stdout
    return [int(number) for number in found.split()]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the checks of the report without their times."""
    document = json.loads((folder / ".state/acceptance/acceptance-report.json").read_text())
    return [{name: row[name] for name in ("name", "state", "counts_as", "answer")} for row in document["checks"]]


def working_engines(folder: Path) -> list[int]:
    """Return the engines that run with an environment in `folder`, whoever started them."""
    # Without -ww, ps cuts each line after 80 characters, before the name of the engine's program.
    found = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if str(folder) in line and "engine_entry" in line]


def test_a_run_that_is_killed_ten_times_ends_in_the_same_report_and_leaves_nothing(tmp_path: Path) -> None:
    whole, killed = make_folder(tmp_path / "whole"), make_folder(tmp_path / "killed")
    output, _ = begin(whole).communicate()
    assert "nothing of the run is left" in output, output
    expected = rows(whole)
    assert {row["name"]: row["state"] for row in expected} == {
        check.name: "not possible here" if check.local_coverage is LocalCoverage.NOT_POSSIBLE else "passed"
        for check in CHECKS
    }

    moments = random.Random(SEED)  # noqa: S311 - moments, no secrets
    possible = [check.name for check in CHECKS if check.local_coverage is not LocalCoverage.NOT_POSSIBLE]
    engines_at_kills = []
    # The kills fall into checks from the first to the last, however fast the machine is.
    for kill in range(KILLS):
        check = possible[kill * (len(possible) - 1) // (KILLS - 1)]
        process = begin_check(killed, check)
        time.sleep(moments.uniform(0, 2))
        engines_at_kills.append(len(working_engines(killed)))
        # A kill of the whole session is a machine that stops; otherwise, only the run ends, and its command goes on.
        for number in processes_of(process.pid) if moments.random() < 0.7 else [process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.communicate()
    output = ""
    while "nothing of the run is left" not in output:
        output, _ = begin(killed).communicate()
        assert "is still running" in output or "nothing of the run is left" in output, output
        time.sleep(1)

    assert rows(killed) == expected
    left = sorted(path.name for path in (killed / ".state/acceptance").iterdir())
    assert left == ["acceptance-report.json", "acceptance-report.md", "lock"]
    assert max(engines_at_kills) > 0, "an engine that runs is not found"
    assert working_engines(tmp_path) == []


class Sabotaged(Commands):
    """Commands after whose `render` a file of the templates is changed."""

    def run(self, verb: str, *arguments: str, **options: Any) -> Answer:
        answer = super().run(verb, *arguments, **options)
        if verb == "render":
            sabotage: Callable[[Path], None] = SABOTAGE[0]
            sabotage(self.folder / "build" / self.suffix)
        return answer


SABOTAGE: list[Callable[[Path], None]] = []


def change(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text()
    changed = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    assert changed != text
    path.write_text(changed)


def nothing(folder: Path) -> None:
    """Change nothing."""


def without_a_permission(folder: Path) -> None:
    change(folder / f"production-{SUFFIX}/delivery-shop.yaml", r"^ +- cloudformation:ExecuteChangeSet\n", "")


def with_a_gate_that_passes_all(folder: Path) -> None:
    change(folder / f"tools-{SUFFIX}/scan-gate-shop.yaml", "blocks = stops and waiver is None", "blocks = False")


def with_a_silent_alarm(folder: Path) -> None:
    path = folder / f"staging-{SUFFIX}/health-shop.yaml"
    template = cloudformation_yaml.load(path.read_text())
    alarms = [each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    del alarms[0]["Properties"]["AlarmActions"]
    path.write_text(cloudformation_yaml.dump(template))


def with_a_key_for_nobody(folder: Path) -> None:
    path = folder / f"staging-{SUFFIX}/keys.yaml"
    template = cloudformation_yaml.load(path.read_text())
    policy = template["Resources"]["Key"]["Properties"]["KeyPolicy"]
    policy["Statement"] = [each for each in policy["Statement"] if "kms:Decrypt" not in each["Action"]]
    path.write_text(cloudformation_yaml.dump(template))


def forget_a_bucket(context: CheckContext) -> str:
    tags = {"Project": "acceptance", "Environment": "staging", "Suffix": SUFFIX, "ManagedBy": "cicd-templates"}
    s3, name = context.clients("staging").s3, f"{context.project.name('staging')}-forgotten"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(
        Bucket=name, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
    )
    return "a bucket is forgotten"


def deploy_at_once(context: CheckContext) -> str:
    context.commands.on("deploy", "all", "--yes")
    return "everything is deployed"


DEPLOYED = Check("deployed", "Everything is there.", deploy_at_once)
FORGOTTEN = Check("forgotten", "A bucket is left.", forget_a_bucket, last=True)
FIRST = (certificates.CERTIFICATES, permissions.PERMISSIONS)
RELEASES = (*FIRST, releases.RELEASED, releases.STOPPED)
WATCHED = (*FIRST, DEPLOYED, running.KEYS, running.ALARMS)
ENDING = (*FIRST, destruction.DESTROYED, FORGOTTEN, destruction.REMOVED, destruction.STILL_GONE)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project", ROOT, SUFFIX, ACCESS, local=True)
    engine = local_aws.start(made, ENGINE_PYTHON)
    yield made
    engine_process.stop(engine)


@pytest.mark.parametrize(
    ("checks", "sabotage", "red"),
    [
        pytest.param(RELEASES, without_a_permission, "released", id="permission"),
        pytest.param(
            (*FIRST, releases.RELEASED, releases.STOPPED),
            with_a_gate_that_passes_all,
            "vulnerability-stopped",
            id="gate",
        ),
        pytest.param(WATCHED, with_a_silent_alarm, "alarms", id="alarm"),
        pytest.param(WATCHED, with_a_key_for_nobody, "keys", id="key"),
        pytest.param(ENDING, nothing, "still-gone", id="bucket"),
    ],
)
def test_a_fault_turns_exactly_its_check_red(
    project: Project,
    checks: tuple[Check, ...],
    sabotage: Callable[[Path], None],
    red: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)
    SABOTAGE[:] = [sabotage]
    engine = local_aws.find(project)
    assert engine is not None
    made: dict[str, Clients] = {
        name: local_clients(engine.url, place.account, place.region, engine.secret) for name, place in ACCESS.items()
    }
    journal = new_journal(project.folder / "journal.json", {}, "now", local=True)
    commands = Sabotaged(project.folder, ROOT, SUFFIX, local=True)
    context = CheckContext(
        project,
        commands,
        made.__getitem__,
        # These serve only checks that are not possible on the local AWS.
        lambda environment, credentials: None,
        lambda url, body, trusted: 0,
        time.time,
        time.sleep,
        journal.save,
        journal.facts,
    )
    run_checks(checks, context, journal, lambda check, entry: None)

    failed = {name: entry.answer for name, entry in journal.entries.items() if entry.state is not State.PASSED}
    assert list(failed) == [red], failed
