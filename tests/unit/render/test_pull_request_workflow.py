"""The workflow for pull requests: which job holds which token, what it runs, and that values stay texts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from cicd_templates.errors import ConfigurationError
from cicd_templates.render.pull_request_workflow import workflow
from tests.conftest import configured

STAGING = ("environments/staging/pull_requests", True)
REPOSITORY = ("project/repository", "acme/delivery")
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
MARK = "<!-- cicd-templates: preview of shipping -->"


def rendered(*edits: tuple[str, Any]) -> str:
    return workflow(configured(REPOSITORY, STAGING, *edits).deploy_order)


def jobs(*edits: tuple[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(rendered(*edits))["jobs"]
    return found


def test_without_an_environment_that_allows_it_there_is_no_workflow() -> None:
    assert workflow(configured(REPOSITORY).deploy_order) == ""


def test_code_of_a_pull_request_gets_no_token_that_writes_and_runs_in_no_other_job() -> None:
    content = yaml.safe_load(rendered())
    preview, comment = content["jobs"]["preview"], content["jobs"]["comment"]

    assert list(content[True]) == ["pull_request"]  # YAML 1.1 takes the key `on` for a truth
    assert content["permissions"] == {}
    assert preview["permissions"] == {"contents": "read", "id-token": "write"}
    assert comment["permissions"] == {"pull-requests": "write"}
    assert [step["uses"].partition("@")[0] for step in comment["steps"] if "uses" in step] == [
        "actions/download-artifact"
    ]
    assert "make" not in comment["steps"][-1]["run"]
    assert "secrets." not in rendered()
    assert not any("GH_TOKEN" in step.get("env", {}) for step in preview["steps"])


def test_a_fork_gets_neither_credentials_nor_a_comment() -> None:
    found = jobs()
    previews = [step for step in found["preview"]["steps"] if "PREVIEW=1" in step.get("run", "")]

    assert [step["if"] for step in previews] == [f"${{{{ !cancelled() && {SAME_REPOSITORY} }}}}"]
    assert found["comment"]["if"] == previews[0]["if"]
    (notice,) = (step for step in found["preview"]["steps"] if "fork" in step.get("name", ""))
    assert notice["if"] == previews[0]["if"].replace("==", "!=")


def test_each_environment_is_previewed_with_its_own_role_and_profile() -> None:
    found = jobs(
        ("environments/tools/pull_requests", True),
        ("environments/tools/profile", "tools: admin"),
        ("environments/tools/role_path", "/delivery/"),
    )
    steps = [step for step in found["preview"]["steps"] if "PREVIEW=1" in step.get("run", "")]

    assert [step["env"] for step in steps] == [
        {
            "ENVIRONMENT": "staging",
            "PROFILE": "default",
            "ROLE": "arn:aws:iam::222222222222:role/shipping-staging-pull-request",
            "AWS_REGION": "eu-central-1",
        },
        {
            "ENVIRONMENT": "tools",
            "PROFILE": "profile 'tools: admin'",
            "ROLE": "arn:aws:iam::111111111111:role/delivery/shipping-tools-pull-request",
            "AWS_REGION": "eu-central-1",
        },
    ]
    assert len({step["run"] for step in steps}) == 1


def test_boto3_finds_the_role_under_the_profile_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (step,) = (
        step
        for step in jobs(("environments/staging/profile", "tools: admin"))["preview"]["steps"]
        if "PROFILE" in step.get("env", {})
    )
    written = step["run"].partition("printf")[2].partition("export")[0]
    environment = step["env"] | {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "GITHUB_RUN_ID": "1"}
    subprocess.run(["bash", "-c", f"printf{written}"], env=environment, check=True)
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    credentials = botocore.session.Session(profile="tools: admin").get_credentials()

    assert credentials is not None
    assert credentials.method == "assume-role-with-web-identity"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed here; runners of GitHub have it")
def test_the_file_of_the_token_has_the_token_alone(tmp_path: Path) -> None:
    (step,) = (step for step in jobs()["preview"]["steps"] if "PROFILE" in step.get("env", {}))
    (tmp_path / "curl").write_text('#!/bin/sh\necho \'{"value": "a-token"}\'\n')
    (tmp_path / "curl").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x?y=1",
    }
    subprocess.run(["bash", "-c", step["run"].partition("printf")[0]], env=environment, check=True)

    assert (tmp_path / "token").read_text() == "a-token"


def test_every_action_is_pinned_by_its_commit() -> None:
    uses = re.findall(r"uses: (.*)$", rendered(), re.MULTILINE)

    assert len(uses) == 4
    assert [used for used in uses if not PINNED.fullmatch(used)] == []


def test_no_shell_command_contains_an_expression() -> None:
    runs = [step["run"] for job in jobs().values() for step in job["steps"] if "run" in step]

    assert [run for run in runs if "${{" in run] == []
    for run in runs:
        subprocess.run(["bash", "-n", "-c", run], check=True)


def test_an_expression_in_a_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is an expression of GitHub Actions"):
        rendered(("environments/staging/profile", "${{ secrets.TOKEN }}"))


def test_a_value_that_looks_like_a_place_to_fill_stays_a_text() -> None:
    found = jobs(("environments/staging/profile", "@REGION@ @MARK@"))

    assert {step["env"]["PROFILE"] for step in found["preview"]["steps"] if "PROFILE" in step.get("env", {})} == {
        "profile '@REGION@ @MARK@'"
    }


GH = """#!/bin/bash
echo "$@" >> calls
case "$*" in *--paginate*) cat comments.json;; esac
"""


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed here; runners of GitHub have it")
@pytest.mark.parametrize(
    ("comments", "call"),
    [
        pytest.param("[]", "--method POST repos/acme/delivery/issues/7/comments --field body=@body.md", id="first"),
        pytest.param(
            f'[{{"id": 1, "user": {{"login": "ada"}}, "body": "{MARK} a copy"}}]'
            f'[{{"id": 2, "user": {{"login": "github-actions[bot]"}}, "body": "{MARK} older"}}]',
            "--method PATCH repos/acme/delivery/issues/comments/2 --field body=@body.md",
            id="again",
        ),
    ],
)
def test_one_comment_is_written_and_then_updated_in_place(tmp_path: Path, comments: str, call: str) -> None:
    step = jobs()["comment"]["steps"][-1]
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview/comment.md").write_text("## Plan of staging\n")
    (tmp_path / "comments.json").write_text(comments)
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "acme/delivery",
        "NUMBER": "7",
        "MARK": step["env"]["MARK"],
        "RUN": "https://github.com/acme/delivery/actions/runs/1",
    }
    subprocess.run(["bash", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)

    assert (tmp_path / "calls").read_text().splitlines()[-1] == f"api {call} --silent"
    assert (tmp_path / "body.md").read_text() == (
        f"{MARK}\n\n## Plan of staging\n\nThe page `plan.html` is in the artifact of"
        " [this run](https://github.com/acme/delivery/actions/runs/1).\n"
    )
