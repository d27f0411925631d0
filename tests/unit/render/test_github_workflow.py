"""The GitHub workflows: their actions are pinned, and values of the configuration stay texts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd_templates.render.github_workflow import workflow
from tests.conftest import ROOT, environment

USES = re.compile(r"^\s*(?:- )?uses:(.*)$", re.MULTILINE)
PINNED = re.compile(r" [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def rendered(branch: str = "main", path: str | None = None) -> str:
    tools = environment("tools")
    service = tools.services[0]
    github = service.settings.github.model_copy(update={"branch": branch})
    settings = service.settings.model_copy(update={"github": github, "path": path})
    return workflow(tools, service._replace(settings=settings))


def test_every_action_is_pinned_by_its_commit_and_names_its_version() -> None:
    workflows = {str(file): file.read_text() for file in (ROOT / ".github/workflows").glob("*.y*ml")}
    workflows["rendered"] = rendered()

    for name, text in workflows.items():
        uses = USES.findall(text)
        assert uses, name
        assert len(re.findall(r"\buses:", text)) == len(uses), name
        assert [found for found in uses if not PINNED.fullmatch(found)] == [], name


@pytest.mark.parametrize("branch", ["1.0", "on", "null", "1e3", "0x10", "2026-01-01", ".inf", "release/2", "-"])
def test_a_branch_is_a_text_whatever_it_looks_like(branch: str) -> None:
    content: dict[Any, Any] = yaml.safe_load(rendered(branch))

    assert content[True] == {"push": {"branches": [branch]}}  # YAML 1.1 takes the key `on` for a truth


def test_what_configuration_says_reaches_the_shell_through_variables_alone() -> None:
    content: dict[Any, Any] = yaml.safe_load(rendered(path="1.0"))
    step = content["jobs"]["release"]["steps"][-1]

    assert step["env"]["TREE"] == "HEAD:1.0"
    assert {type(value) for value in step["env"].values()} == {str}
    assert step["run"] == yaml.safe_load(rendered())["jobs"]["release"]["steps"][-1]["run"]


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(rendered())["jobs"]
    return found


def test_each_job_has_only_the_token_that_it_needs() -> None:
    content: dict[Any, Any] = yaml.safe_load(rendered())

    assert content["permissions"] == {}
    assert jobs()["release"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert jobs()["report"]["permissions"] == {"id-token": "write", "statuses": "write"}
    # The job that can write to GitHub has no file of the repository.
    assert not any("uses" in step for step in jobs()["report"]["steps"])
    # The next release does not wait until the run of this one has ended.
    assert "concurrency" not in content
    assert "concurrency" not in jobs()["report"]


def test_no_shell_command_of_a_release_contains_an_expression() -> None:
    runs = [step["run"] for job in jobs().values() for step in job["steps"] if "run" in step]

    assert len(runs) == 2
    assert [run for run in runs if "${{" in run] == []


PROGRAMS = {
    "aws": """#!/bin/bash
echo "$@" >> calls
answer="$(ls -v answers | head -1)"
[ -n "$answer" ] || exit 254
cat "answers/$answer"
[ "$(ls answers | wc -l)" = 1 ] || rm "answers/$answer"
""",
    "gh": """#!/bin/bash
printf '%s|' "$@" >> statuses; echo >> statuses
""",
    "curl": """#!/bin/bash
echo '{"value": "token"}'
""",
    "sleep": "#!/bin/bash\n",
}


def runs(*statuses: str) -> str:
    """Return CodePipeline's answer: the run of another source, and the run of this source if it has a status."""
    summaries = [{"status": "Succeeded", "sourceRevisions": [{"revisionId": "v0"}]}, {"status": "InProgress"}]
    mine = [{"status": status, "sourceRevisions": [{"revisionId": "t1"}, {"revisionId": "v1"}]} for status in statuses]
    return json.dumps({"pipelineExecutionSummaries": [*summaries, *mine]})


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed here; runners of GitHub have it")
@pytest.mark.parametrize(
    ("answers", "state", "description", "calls"),
    [
        pytest.param(
            [runs(), runs("InProgress"), runs("Succeeded")], "success", "The release is deployed", 3, id="deployed"
        ),
        pytest.param([runs("Failed")], "failure", "The run of the pipeline failed", 1, id="failed"),
        pytest.param([runs("Superseded")], "error", "The run of the pipeline ended: Superseded", 1, id="superseded"),
        pytest.param([runs("Stopped")], "error", "The run of the pipeline ended: Stopped", 1, id="stopped"),
        pytest.param([runs()], "error", "No run of the pipeline began for this source", 20, id="no run"),
        pytest.param(
            [runs("InProgress")],
            "pending",
            "The run continues; after it has ended, run the job report again",
            100,
            marks=pytest.mark.long,
            id="an approval",
        ),
        pytest.param(
            [],
            "pending",
            "The run continues; after it has ended, run the job report again",
            100,
            id="nothing can be listed",
        ),
    ],
)
def test_the_result_of_the_run_becomes_a_status_of_the_commit(
    answers: list[str], state: str, description: str, calls: int, tmp_path: Path
) -> None:
    (step,) = jobs()["report"]["steps"]
    (tmp_path / "answers").mkdir()
    for number, answer in enumerate(answers):
        (tmp_path / f"answers/{number}").write_text(answer)
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = step["env"] | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_REPOSITORY": "acme/till",
        "GITHUB_SHA": "4f1c2d9",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "token",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://example.com/?",
        "VERSION": "v1",
    }
    subprocess.run(["bash", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)

    page = "https://eu-central-1.console.aws.amazon.com/codesuite/codepipeline/pipelines"
    first, *_, last = (tmp_path / "statuses").read_text().splitlines()
    begin = "api|--method|POST|repos/acme/till/statuses/4f1c2d9|--raw-field|context=release of parcel-dispatcher|"
    end = f"target_url={page}/parcel-dispatcher-shipping-tools/view?region=eu-central-1|--silent|"
    assert (
        first
        == f"{begin}--raw-field|state=pending|--raw-field|description=The pipeline has the source|--raw-field|{end}"
    )
    assert last == f"{begin}--raw-field|state={state}|--raw-field|description={description}|--raw-field|{end}"
    asked = (tmp_path / "calls").read_text().splitlines()
    assert len(asked) == calls
    assert asked[0] == (
        "codepipeline list-pipeline-executions --pipeline-name parcel-dispatcher-shipping-tools --max-items 50"
        " --output json"
    )
