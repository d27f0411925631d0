"""The steps of the rendered workflow for pull requests run here, in order, against the local AWS.

Each `run:` is executed by bash in a git repository with the base and the change of a pull request. These parts of
GitHub are replaced:

- Actions cannot run here. The repository already has the checked-out commit, and the environments of this repository
  are linked instead of being installed anew. The upload and the download of the artifact are copies of files.
- Tokens come from a loopback server, and have no signature. The local AWS decides about them with the trust policy of
  the deployed role, and about each call with the role's policy.
- The workflow names no address, so AWS_ENDPOINT_URL has that of the local AWS, which `allow_endpoint_urls` permits.
- `gh` records its arguments and the comment.
- Only staging is previewed. The environment of the tools has templates of more than 51,200 bytes, which CloudFormation
  reads from a bucket by an address of AWS. The local AWS does not know such an address.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd_templates.local.engine_process import running
from cicd_templates.local.iam_decisions import ALLOWED, Calls
from tests.conftest import ROOT
from tests.integration.conftest import ENGINE_PYTHON, EXAMPLE_ACCOUNTS, Project, git, use_project
from tests.integration.workflow_services import REQUEST_TOKEN, WorkflowServices, serving

AUDIT = ROOT / ".venv-audit"
MISSING = [name for name in ("jq", "curl", "make", "git") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"runners of GitHub have {MISSING}, this machine does not"),
    pytest.mark.skipif(not AUDIT.exists(), reason="the auditor is not installed; run `make setup-audit`"),
]

ACCOUNTS = {"tools": "500000000071", "staging": "500000000072", "production": "500000000073"}
SAME = "github.event.pull_request.head.repo.full_name == github.repository"
# What GitHub decides for a pull request from a branch of the same repository whose earlier steps have succeeded.
CONDITIONS = {
    "": True,
    "${{ !cancelled() }}": True,
    f"${{{{ !cancelled() && {SAME} }}}}": True,
    f"${{{{ !cancelled() && {SAME.replace('==', '!=')} }}}}": False,
}
GH = """#!/bin/bash
echo "$@" >> "$RECORD/calls"
case "$*" in
  *--paginate*) echo '[]';;
  *body=@body.md*) cp body.md "$RECORD/body.md";;
esac
"""
NEW_SERVICE = """
[services.ledger]
path_pattern = "/ledger/*"
source = "github"
github = { repository = "acme/ledger", branch = "main", connection_arn = "CONNECTION" }

[services.ledger.checks]
unit-tests = { preset = "unit-tests" }
bandit = { preset = "bandit" }
secrets = { preset = "secrets" }
"""


def write_repository(folder: Path) -> None:
    """Copy what a user's repository has, with the project `github`, and link the environments of this repository."""
    ignored = shutil.ignore_patterns("__pycache__", "extra", "environments.toml", "*.egg-info")
    for name in ("src", "templates", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path in (
        "Makefile",
        "generate.py",
        "pyproject.toml",
        "setup.cfg",
        ".cfnlintrc",
        ".gitignore",
        ".gitattributes",
    ):
        shutil.copy(ROOT / path, folder)
    for lock in sorted(ROOT.glob("requirements*")):
        shutil.copy(lock, folder)
    # `make lint` also reads these folders. Without the tests of this tool, it reads faster.
    for name in ("tests", "examples"):
        (folder / name).mkdir()
    (folder / "tests/__init__.py").touch()
    text = (ROOT / "tests/projects/github/environments.toml").read_text()
    for name, account in ACCOUNTS.items():
        text = text.replace(EXAMPLE_ACCOUNTS[name], account)
    text = text.replace("\nkind = ", "\nallow_endpoint_urls = true\nkind = ")
    assert text.count("pull_requests = true\n") == 2
    text = text.replace("pull_requests = true\n", "", 1)
    (folder / "templates/environments.toml").write_text(text)
    for name, source in (
        (".venv", Path(sys.prefix)),
        (".venv-local", ENGINE_PYTHON.parents[1]),
        (".venv-audit", AUDIT),
    ):
        # The stamps are the repository's own, so that make never installs anything in the linked environment.
        (folder / name).mkdir()
        for entry in ("bin", "lib", "pyvenv.cfg"):
            (folder / name / entry).symlink_to(source / entry)
        for stamp in (".locked", ".done"):
            (folder / name / stamp).touch()


def change(project: Project) -> None:
    """Change the retention of logs in staging, and add a service."""
    project.edit("log_retention_days = 30", "log_retention_days = 60")
    connection = re.findall(r'connection_arn = "(.*?)"', (project.folder / "templates/environments.toml").read_text())[
        0
    ]
    new = NEW_SERVICE.replace("CONNECTION", connection)
    project.edit("\n[environments.tools]", f"{new}\n[environments.tools]")


def deployed(project: Project) -> dict[str, Any]:
    """Return each stack in AWS with its state, its last update and its change sets."""
    found = {}
    for name in project.accounts:
        client = project.clients(name).cloudformation
        for page in client.get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                sets = client.list_change_sets(StackName=stack["StackName"])["Summaries"]
                names = sorted(each["ChangeSetName"] for each in sets)
                found[stack["StackId"]] = (stack["StackStatus"], stack.get("LastUpdatedTime"), names)
    return found


class Runner:
    """Runs the steps of a job as a runner of GitHub does."""

    def __init__(self, jobs: Mapping[str, Any], values: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._jobs, self._values, self._variables = jobs, values, variables
        self.outputs: dict[str, str] = {}

    def fill(self, text: str) -> str:
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda expression: self._values[expression[1]], text)

    def run(self, job: str, folder: Path) -> list[str]:
        """Run the steps of a job with `folder` as its workspace. Return the names of the steps that ran."""
        assert CONDITIONS[self._jobs[job].get("if", "")]
        ran = []
        for step in self._jobs[job]["steps"]:
            if "run" not in step or not CONDITIONS[step.get("if", "")]:
                continue
            environment = {name: self.fill(str(value)) for name, value in step.get("env", {}).items()}
            # GitHub runs bash with these options: a step fails with its first command that fails.
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-c", step["run"]],
                cwd=folder,
                env={**self._variables, **environment},
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
            self.outputs[step["name"]] = done.stdout + done.stderr
            ran.append(step["name"])
        return ran

    def uses(self, job: str, action: str) -> dict[str, str]:
        """Return the filled inputs of the one step of `job` that uses `action`."""
        (step,) = (step for step in self._jobs[job]["steps"] if step.get("uses", "").startswith(f"{action}@"))
        return {name: self.fill(str(value)) for name, value in step["with"].items()}


def test_every_step_runs_against_the_local_aws_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, runner_temp, record, workspace, tools = (
        tmp_path / name for name in ("repository", "temp", "record", "workspace", "bin")
    )
    for path in (folder, runner_temp, record, workspace, tools):
        path.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    write_repository(folder)
    with running(python=ENGINE_PYTHON, auth=True, tls=True) as engine:
        project = use_project(engine, folder, monkeypatch, ACCOUNTS)
        base = commit(project, "Base")
        project.ok("deploy --env all --local --yes")
        change(project)
        commit(project, "Change")
        before = deployed(project)
        with serving(WorkflowServices(engine, "repo:acme/delivery:pull_request")) as services:
            jobs = yaml.safe_load((folder / "out/github/pull-request.yml").read_text())["jobs"]
            runner = Runner(
                jobs,
                {
                    "github.event.pull_request.base.sha": base,
                    "github.event.pull_request.number": "7",
                    "github.token": "token",
                    "github.server_url": "https://github.com",
                    "github.repository": "acme/delivery",
                    "github.run_id": "99",
                    "runner.temp": str(runner_temp),
                },
                {
                    "PATH": f"{tools}:{os.environ['PATH']}",
                    "HOME": str(tmp_path),
                    "RECORD": str(record),
                    "RUNNER_TEMP": str(runner_temp),
                    "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
                    "GITHUB_REPOSITORY": "acme/delivery",
                    "GITHUB_RUN_ID": "99",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
                    "ACTIONS_ID_TOKEN_REQUEST_URL": f"{services.url}/token?api-version=2.0",
                    "AWS_ENDPOINT_URL": engine.url,
                    "AWS_ENDPOINT_URL_STS": services.url,
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "NO_PROXY": "127.0.0.1",
                },
            )
            previewed = runner.run("preview", folder)
            artifact = Path(runner.uses("preview", "actions/upload-artifact")["path"])
            shutil.copytree(artifact, workspace / runner.uses("comment", "actions/download-artifact")["path"])
            commented = runner.run("comment", workspace)
        after = deployed(project)
        decisions = Calls(engine.folder).rows()

    assert previewed == ["Verify", "Preview staging", "Write the comment"]
    assert commented == ["Write or update the comment"]
    assert after == before
    assert not [name for _, _, names in after.values() for name in names if name.startswith("cicd-preview-")]

    calls = [row for row in decisions if "-pull-request/" in row[0]]
    assert [row for row in calls if row[3] != ALLOWED] == []
    assert {row[0].rpartition("/")[2] for row in calls} == {"pull-request-99"}
    actions = {row[1] for row in calls}
    assert {"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "ssm:GetParameters"} <= actions
    assert {action for action in actions if action.startswith("cloudformation:")} <= {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
    }

    comment = (artifact / "comment.md").read_text()
    assert "<title>" in (artifact / "plan.html").read_text()
    assert (tmp_path / "summary.md").read_text() == comment
    posted = (record / "body.md").read_text()
    mark, _, written = posted.partition("\n\n")
    assert mark == "<!-- cicd-templates: preview of pay -->"
    run = "https://github.com/acme/delivery/actions/runs/99"
    assert written == f"{comment}\nThe page `plan.html` is in the artifact of [this run]({run}).\n"
    assert len(posted) <= 65_536
    shown = comment.partition("<details>")[0]
    assert re.findall(r"^- \*\*(.*?)\*\*: \S", shown, re.MULTILINE)[:3] == [
        "What changes",
        "What is lost",
        "Who can do more",
    ]
    assert "ledger" in comment
    assert "RetentionInDays" in comment
    assert (record / "calls").read_text().splitlines() == [
        "api --paginate repos/acme/delivery/issues/7/comments",
        "api --method POST repos/acme/delivery/issues/7/comments --field body=@body.md --silent",
    ]


def commit(project: Project, message: str) -> str:
    """Render, commit the whole repository, and return the id of the commit."""
    project.ok("render")
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-qm", message)
    return project.head
