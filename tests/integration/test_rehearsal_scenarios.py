"""Releases that must not pass, rehearsed from end to end with the command that a user types."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.errors import CicdError
from tests.conftest import PROJECT
from tests.integration.rehearsed_example import TOOLS, example, rehearsed
from tests.unit.functions.sample_reports import snyk

pytestmark = [pytest.mark.integration, pytest.mark.long]
BuildOutcome = tuple[int, str, dict[str, Any]]
PLANTED = "import subprocess\n\n\ndef run(command):\n    return subprocess.call(command, shell=True)\n"
CRITICAL = snyk({"id": "S1", "severity": "critical", "packageName": "p", "version": "1"})
WAIVER = """[[waivers]]
id = "B602"
path = "src/"
reason = "old code"
owner = "ada"
expires = 2020-01-01
"""


@pytest.fixture
def rehearse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., BuildOutcome]:
    """Run the command `rehearse` for the example with some files changed; return its exit code, output and result."""
    monkeypatch.chdir(PROJECT)

    def run(files: dict[str, str | None], *options: str) -> BuildOutcome:
        app = example(tmp_path)
        for name, text in files.items():
            if text is None:
                (app / name).unlink()
            else:
                (app / name).write_text(text)
        output = tmp_path / "result"
        places = ("--app", str(app), "--output", str(output), "--tools", str(TOOLS.prefix))
        answer = CliRunner().invoke(main, ["rehearse", *places, *(options or ("--yes",))])
        return answer.exit_code, answer.output, json.loads((output / "rehearsal.json").read_text())

    return run


def states(result: dict[str, Any]) -> dict[str, str]:
    return {step["path"]: step["state"] for step in result["steps"]}


def test_a_planted_vulnerability_stops_at_the_gate_and_nothing_is_built(rehearse: Callable[..., BuildOutcome]) -> None:
    code, output, result = rehearse({"src/payment_processor/planted.py": PLANTED}, "--yes", "--json")

    assert code == 1
    assert "error: parcel-dispatcher-shipping-tools failed at Gate/Gate" in output
    assert "**high** B602" in output
    reached = [path for path, state in states(result).items() if state == "succeeded"]
    assert {path.partition("/")[0] for path in reached} == {"Source", "Verify"}
    at_work = {grant["role"] for grant in result["grants"] if grant["calls"]}
    assert "shipping-tools-parcel-dispatcher-bandit" in at_work
    assert not {"shipping-tools-parcel-dispatcher-image", "shipping-staging-delivery-parcel-dispatcher"} & at_work


INJECTION = """def find(cursor, name):
    query = "SELECT * FROM parcels WHERE owner = '" + name + "'"
    return cursor.execute(query)
"""
NOTHING_SCANNED = {"ok": True, "dependencyCount": 0, "vulnerabilities": []}


@pytest.mark.parametrize(
    ("files", "failing", "expected"),
    [
        pytest.param(
            {"src/payment_processor/planted.py": INJECTION},
            "Gate/Gate",
            "the threshold for weaknesses of the kind injection stops the release",
            id="a SQL injection",
        ),
        pytest.param(
            {"rehearsal/snyk.json": json.dumps(NOTHING_SCANNED)},
            "Gate/Gate",
            "a project has no dependencies, so nothing was scanned",
            id="a scan that covers nothing",
        ),
        pytest.param(
            {"rehearsal/snyk.json": json.dumps(CRITICAL)}, "Gate/Gate", "**critical** S1", id="a critical finding"
        ),
        pytest.param({"rehearsal/safety.json": None}, "Gate/Gate", "the tool could not be run", id="no scanner"),
        pytest.param(
            {"tests/conftest.py": "import os\n\nos.kill(os.getpid(), 9)\n"},
            "Verify/UnitTests",
            "report results: no file matches report.xml",
            id="a check that crashes",
        ),
        pytest.param(
            {"src/payment_processor/planted.py": PLANTED, "scan-policy.toml": WAIVER},
            "Gate/Gate",
            "waiver",
            id="a waiver that has ended",
        ),
        pytest.param(
            {"rehearsal/serve": "exec python3 -m http.server --bind $HOST $PORT\n"},
            "Staging/StagingSmokeTest",
            "returned no valid response",
            id="a smoke test that fails",
        ),
        pytest.param(
            {"rehearsal/serve": None},
            "Staging/StagingSmokeTest",
            "add the script rehearsal/serve to the source",
            id="nothing to try out",
        ),
        pytest.param({"rehearsal/serve": "exit 3\n"}, "Staging/StagingSmokeTest", "does not listen", id="no server"),
        pytest.param({"Dockerfile": None}, "Build/Image", "Dockerfile: No such file or directory", id="no image"),
    ],
)
def test_a_release_that_must_not_pass_is_stopped_by_the_right_action(
    rehearse: Callable[..., BuildOutcome], files: dict[str, str | None], failing: str, expected: str
) -> None:
    code, output, result = rehearse(files)

    assert code == 1
    assert f"failed at {failing}" in " ".join(output.split())
    assert expected in " ".join(output.split())
    assert states(result)["Production/Approve"] == "not reached"


def test_a_refused_approval_executes_nothing(rehearse: Callable[..., BuildOutcome]) -> None:
    code, output, result = rehearse({}, "--refuse")

    assert (code, states(result)["Production/Approve"]) == (1, "failed")
    assert states(result)["Production/Execute"] == "not reached"
    assert "the approval was refused" in output


def mutated(folder: Path, name: str, before: str, after: str) -> Path:
    """Return the rendered templates with one text replaced in one of them."""
    out = folder / "out"
    shutil.copytree(PROJECT / "out", out)
    text = (out / name).read_text()
    assert before in text
    (out / name).write_text(text.replace(before, after))
    return out


@pytest.mark.parametrize(
    ("name", "before", "after", "failing", "expected"),
    [
        pytest.param(
            "tools/pipeline-parcel-dispatcher.yaml",
            "Templates::staging/service-parcel-dispatcher.yaml",
            "Templates::staging/service.yaml",
            "Staging/Prepare",
            "Templates::staging/service.yaml: the artifact has no such file",
            id="a template that is not there",
        ),
        pytest.param(
            "staging/service-parcel-dispatcher.yaml",
            "  ImageUri:\n    Type: String\n",
            "  ImageUri:\n    Type: String\n    AllowedValues: [none@sha256:0]\n",
            "",
            "staging cannot be deployed: service-parcel-dispatcher:",
            id="a stack that does not take its parameter",
        ),
        pytest.param(
            "tools/build-parcel-dispatcher.yaml",
            "files:\n              - report.xml",
            "files:\n              - results.xml",
            "Verify/UnitTests",
            "report results: no file matches results.xml",
            id="a report of another name",
        ),
    ],
)
def test_a_wrong_template_fails_the_action_that_uses_it(
    tmp_path: Path, name: str, before: str, after: str, failing: str, expected: str
) -> None:
    out = mutated(tmp_path, name, before, after)
    if not failing:
        with pytest.raises(CicdError, match=expected), rehearsed(tmp_path, out=out):
            pass
        return
    with rehearsed(tmp_path, out=out) as rehearsal:
        (step,) = rehearsal.rehearsal.result.failed
    assert step.path == failing
    assert expected in step.error


def test_a_definition_that_cannot_run_is_refused_before_the_run(tmp_path: Path) -> None:
    before = "OutputArtifacts:\n          - Name: Templates"
    out = mutated(tmp_path, "tools/pipeline-parcel-dispatcher.yaml", before, before.replace("Templates", "Template"))

    expected = "Prepare: no earlier action produces the artifact Templates; earlier actions produce App, BanditReport"
    with pytest.raises(CicdError, match=expected), rehearsed(tmp_path, out=out):
        pass
