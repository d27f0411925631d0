"""Published reports: what they say of each check, and what they contradict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import Check, LocalCoverage
from cicd_templates.acceptance.checks import CHECKS
from cicd_templates.acceptance.published import contradictions, question_table, read_reports, table
from cicd_templates.errors import ConfigurationError

ROWS = [
    Check("doctor", "It finds nothing.", lambda context: ""),
    Check(
        "alarms",
        "They | act.",
        lambda context: "",
        local_coverage=LocalCoverage.STEPS_ONLY,
        local_limit="nothing is sent",
    ),
]


def write(folder: Path, name: str, ended: str, *, aws: str = "real", answer: str = "a reason", **states: str) -> None:
    checks = [{"name": check, "state": state, "answer": answer} for check, state in states.items()]
    document: dict[str, Any] = {"format": 1, "aws": aws, "regions": ["eu-central-1"], "ended": ended, "checks": checks}
    (folder / name).write_text(json.dumps(document))


def test_without_a_report_nothing_is_measured(tmp_path: Path) -> None:
    assert table(ROWS, read_reports(tmp_path))[2:] == [
        "| `doctor` | It finds nothing. | shown | not measured |",
        "| `alarms` | They \\| act. | walked through: nothing is sent | not measured |",
    ]


def test_markdown_of_the_checks_stays_and_text_of_a_report_is_escaped(tmp_path: Path) -> None:
    check = Check(
        "doctor",
        "What `make doctor` finds.",
        lambda context: "",
        local_coverage=LocalCoverage.STEPS_ONLY,
        local_limit="no `alarms`",
        question="Does `make doctor` find it?",
    )
    write(tmp_path, "a.json", "2026-02-01T00:00:00", answer="a `reason`", doctor="failed")
    known = read_reports(tmp_path)

    assert table([check], known)[2:] == [
        "| `doctor` | What `make doctor` finds. | walked through: no `alarms`"
        " | failed: a \\`reason\\` (2026-02-01, eu-central-1) |"
    ]
    assert question_table([check], known)[2:] == ["| Does `make doctor` find it? | `doctor` | a \\`reason\\` |"]


def test_a_question_has_its_check_and_the_answer_of_aws(tmp_path: Path) -> None:
    asked = [*ROWS, Check("window", "It waits.", lambda context: "", question="Does it | wait?")]
    assert question_table(asked, {})[2:] == ["| Does it \\| wait? | `window` | not measured |"]
    write(tmp_path, "a.json", "2026-02-01T00:00:00", window="failed")
    assert question_table(asked, read_reports(tmp_path))[2:] == ["| Does it \\| wait? | `window` | a reason |"]


def test_the_newest_report_on_aws_that_ran_a_check_says_how_it_ended(tmp_path: Path) -> None:
    write(tmp_path, "b.json", "2026-01-01T00:00:00", doctor="failed", alarms="passed")
    write(tmp_path, "a.json", "2026-02-01T00:00:00", doctor="passed", alarms="skipped")
    write(tmp_path, "c.json", "2026-03-01T00:00:00", aws="local", doctor="failed", alarms="failed")
    known = read_reports(tmp_path)

    assert [line.split(" | ")[3] for line in table(ROWS, known)[2:]] == [
        "passed (2026-02-01, eu-central-1) |",
        "passed (2026-01-01, eu-central-1) |",
    ]
    assert list(contradictions(ROWS, known)) == []


def test_a_check_that_failed_on_aws_contradicts_the_documents(tmp_path: Path) -> None:
    write(tmp_path, "a.json", "2026-02-01T00:00:00", doctor="failed")
    known = read_reports(tmp_path)

    assert "failed: a reason (2026-02-01, eu-central-1)" in table(ROWS, known)[2]
    assert list(contradictions(ROWS, known)) == [
        f"{tmp_path / 'a.json'} contradicts doctor: It finds nothing. On AWS: a reason"
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "checks": [{"state": "odd"}]}'])
def test_another_file_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"other\.json: this is not a report that `make acceptance`"):
        read_reports(tmp_path)


def test_every_check_has_a_name_of_its_own_and_needs_only_what_comes_before() -> None:
    known: set[str] = set()
    for check in CHECKS:
        assert check.name not in known
        assert set(check.needs) <= known, check.name
        assert check.proves.endswith(".")
        assert bool(check.local_limit) or check.local_coverage is LocalCoverage.PROVEN, check.name
        known.add(check.name)
