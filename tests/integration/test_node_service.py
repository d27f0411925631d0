"""A rehearsal of the JavaScript example with the presets for Node. Its unit tests run if this machine has Node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd_templates.rehearsal import report
from cicd_templates.rehearsal.result import ActionState
from tests.conftest import ROOT
from tests.integration.rehearsed_example import Rehearsed, rehearsed
from tests.projects.rendering import rendered_project
from tests.unit.functions.sample_reports import NPM_ADVISORY, npm_audit

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.xdist_group("node-service"),
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node on this machine"),
]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    folder: Path = tmp_path_factory.mktemp("node")
    shutil.copytree(ROOT / "examples/receipt-printer", folder / "app")
    with rehearsed(folder, folder / "app", rendered_project("node") / "out") as example:
        yield example


def test_the_node_service_passes_to_production(printed: Rehearsed) -> None:
    result = printed.rehearsal.result

    assert [(step.path, step.error) for step in result.steps if step.state is not ActionState.SUCCEEDED] == []
    assert result.succeeded
    tests = printed.file("NodeTestsReport", "report.xml")
    assert (tests.count("<testcase "), tests.count("<failure")) == (6, 0)


def test_what_was_recorded_is_named_with_what_to_do_instead(printed: Rehearsed) -> None:
    text = " ".join(report.closing_lines(printed.rehearsal.result).split())

    for check, name in (("NpmAudit", "npm-audit"), ("Semgrep", "semgrep")):
        assert (
            f"Verify/{check}: {name} is not installed; instead, the recorded report rehearsal/{name}.json is used"
            in text
        )


def test_a_vulnerable_package_stops_the_release(printed: Rehearsed) -> None:
    found = {"report.json": json.dumps(npm_audit(minimist=[NPM_ADVISORY]))}
    step = printed.again("Gate/Gate", reports={"NpmAuditReport": found})

    assert step.state is ActionState.FAILED
    assert "**critical** GHSA-xvch-5gv4-984h" in step.error
