"""The check with Bandit, run once on the example and on what is planted there."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.projects.rendering import EXAMPLE
from tests.unit.builds.build_runner import checked, digest_of
from tests.unit.builds.test_failing_tools import CONCATENATED, DEEP, status

# All on one worker, because they share a run of the tool.
pytestmark = pytest.mark.xdist_group("the check with Bandit")
CALL = "import subprocess\nsubprocess.call('ls ' + input(), shell=True)"
PLANTED = {
    "src/bad.py": f"{CALL}\n",
    "src/silent.py": f"{CALL}  # nosec\n",
    ".bandit": "[bandit]\nskips: B602,B404\nexclude: ./src\n",
    # Two of them would end the tool with an error.
    "src/.bandit": "[bandit]\n",
    "plain.py": CONCATENATED.format(' + "" ' * 60),
    "old.txt": DEEP,
}


@dataclass(frozen=True)
class Judged:
    """What the check leaves: the record of its run, and its report."""

    source: Path
    record: dict[str, Any]
    report: bytes

    def results(self) -> dict[str, list[str]]:
        """Return the files with findings of a high severity, and the tests of Bandit that found something there."""
        results: dict[str, list[str]] = {}
        for result in json.loads(self.report)["results"]:
            if result["issue_severity"] == "HIGH":
                results.setdefault(result["filename"], []).append(result["test_id"])
        return results


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    source = tmp_path_factory.mktemp("bandit") / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in PLANTED.items():
        (source / name).write_text(text)
    record, report = checked("bandit", source)
    return Judged(source, record, report.read_bytes())


def test_bandit_finds_nothing_in_the_example_and_what_is_put_there(judged: Judged) -> None:
    assert judged.results()["./src/bad.py"] == ["B602"]
    assert set(judged.results()) == {"./src/bad.py", "./src/silent.py"}
    assert json.loads(judged.report)["errors"] == []
    assert judged.record["exit_code"] == 1
    assert judged.record["tool_version"].endswith("1.9.4")


def test_no_file_and_no_comment_of_the_source_switches_bandit_off(judged: Judged) -> None:
    assert judged.results()["./src/silent.py"] == ["B602"]


def test_plain_code_is_judged_completely(judged: Judged) -> None:
    assert judged.record["not_read"] == []
    assert status(judged.record, judged.report, "bandit") == "ok"


def test_the_digest_of_the_source_is_recorded(judged: Judged, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(judged.source, source, ignore=shutil.ignore_patterns(".report"))

    assert judged.record["source_digest"] == digest_of(source)
