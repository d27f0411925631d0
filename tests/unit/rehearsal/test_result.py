"""The result of a rehearsal, for a person and for a program."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import pytest

from cicd_templates.rehearsal import report
from cicd_templates.rehearsal.grants import GrantedAction, GrantUse
from cicd_templates.rehearsal.result import (
    ActionProgress,
    ActionState,
    RehearsalResult,
    as_json,
    as_junit,
    critical_path,
    partition_differences,
)


def step(
    path: str, began: float, seconds: float, state: ActionState = ActionState.SUCCEEDED, **more: object
) -> ActionProgress:
    return ActionProgress(path, "CodeBuild", state, began, seconds, **more)  # type: ignore[arg-type]


STEPS = (
    step("Source/App", 0, 1),
    step("Verify/Fast", 1, 2, notes=["a stand-in"], phases={"build": 1.5, "install": 0.0}),
    step("Verify/Slow", 1.1, 4, notes=["a stand-in"]),
    step(
        "Gate/Gate", 5.2, 1, ActionState.FAILED, error="IAM denied: x may not y on z\nwhy", log="\x1b[31mline\x1b[0m",
        roles={"b", "a"},
    ),
    step("Build/Image", 0, 0, ActionState.NOT_REACHED),
)  # fmt: skip
GRANTS = (
    GrantedAction("tools", "r", "S", "a:B", 2, GrantUse.USED),
    GrantedAction("tools", "r", "S", "a:C", 0, GrantUse.UNUSED),
    GrantedAction("tools", "q", "S", "a:D", 0, GrantUse.NOT_PART),
)


def result(*steps: ActionProgress, problem: str = "") -> RehearsalResult:
    return RehearsalResult(
        "p", "e-1", "v1", 6.2, {"run": 6.2}, steps, problem, ("S: OnFailure",), ("AWS::A::B",), GRANTS
    )


def test_the_longest_of_those_that_ran_at_once_is_on_the_critical_path() -> None:
    assert [each.path for each in critical_path(STEPS)] == ["Source/App", "Verify/Slow", "Gate/Gate"]
    shorter = (step("A/Long", 0, 5), step("A/Short", 1, 1))
    assert [each.path for each in critical_path(shorter)] == ["A/Long"]


def test_a_note_is_made_once() -> None:
    found = step("A/B", 0, 1)
    found.note("a stand-in")
    found.note("a stand-in")

    assert found.notes == ["a stand-in"]


def test_a_machine_reads_the_same() -> None:
    found = json.loads(as_json(result(*STEPS)))

    assert (found["succeeded"], found["steps"][3]["roles"], found["grants"][0]["calls"]) == (False, ["a", "b"], 2)
    suite = ElementTree.fromstring(as_junit(result(*STEPS)))  # noqa: S314 - written just now
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("5", "1", "1")
    (failure,) = suite.findall("testcase/failure")
    assert (failure.attrib["message"], failure.text) == (
        "IAM denied: x may not y on z",
        "IAM denied: x may not y on z\nwhy",
    )
    assert "[31mline" in str(suite.findtext("testcase[@name='Gate']/system-out"))


def test_a_line_tells_an_action_and_a_failure_its_reason_and_log() -> None:
    assert report.progress(STEPS[0]) == "  Source/App                               ok        1.0 s"
    lines = report.progress(STEPS[3]).splitlines()
    assert lines[0].split() == ["Gate/Gate", "FAILED", "1.0", "s"]
    colored = "    | \\x1b[31mline\\x1b[0m"
    assert lines[1:] == ["    IAM denied: x may not y on z", "    why", "    end of its log:", colored]
    talkative = step("A/B", 0, 1, printed=["first", *(f"pay: {word}" for word in ("a\x1b", "b " * 60, "c"))])
    shown = report.progress(talkative).splitlines()[1:]
    assert shown[::2] == ["    | pay: a\\x1b", "    | pay: c"]
    assert (shown[1].startswith("    | pay: b b b"), len(shown[1]) <= 80, len(shown)) == (True, True, 3)
    assert "pay: c" in as_junit(result(talkative))
    silent = step("A/B", 0, 1, ActionState.FAILED, error="why")
    assert report.progress(silent).splitlines()[1:] == ["    why"]


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ('{"_aws": {"Timestamp": 1}, "ReleaseStopped": 1}\n', []),
        (
            'START\n{"_aws": {"Timestamp": 1}}\nEND {"_aws"}',
            ["    end of its log:", "    | START", '    | END {"_aws"}'],
        ),
    ],
    ids=["metrics alone", "metrics and text"],
)
def test_the_metrics_in_the_log_of_a_failure_are_not_shown(log: str, shown: list[str]) -> None:
    failed = step("Gate/Gate", 0, 1, ActionState.FAILED, error="why", log=log)

    assert report.progress(failed).splitlines()[2:] == shown


def test_the_summary_fits_a_terminal_and_says_what_was_not_so() -> None:
    text = report.closing_lines(result(*STEPS))

    assert max(map(len, text.splitlines())) <= 80
    for line in (
        "  Verify/Fast, Verify/Slow: a stand-in",
        "  S: OnFailure",
        "IAM: 1 of 2 granted actions used by 1 roles",
        "  not part of a run  1 of 1 roles",
        "  the unused grants are listed only after a complete run",
        "p failed at Gate/Gate",
    ):
        assert line in text.splitlines()
    assert "no reason known" not in text


@pytest.mark.parametrize(
    ("regions", "beginnings"),
    [
        (["eu-central-1", "us-east-1"], []),
        (
            ["us-gov-west-1", "us-east-1", "us-gov-west-1"],
            ["us-gov-west-1 is in the partition aws-us-gov"],
        ),
        (
            ["cn-northwest-1", "cn-north-1"],
            [
                "cn-north-1 is in the partition aws-cn",
                "cn-northwest-1 is in the partition aws-cn",
            ],
        ),
    ],
)
def test_the_summary_says_which_region_is_in_another_partition(regions: list[str], beginnings: list[str]) -> None:
    lines = [f"{line}, but the local AWS uses ARNs and host names of the partition aws" for line in beginnings]
    differences = partition_differences(regions)
    text = report.closing_lines(dataclasses.replace(result(STEPS[0]), differences=differences))

    assert list(differences) == lines
    assert text.count("  all actions: ") == len(lines)
    assert all(f"all actions: {line}" in " ".join(text.split()) for line in lines)


def test_a_run_that_came_to_its_end_names_the_grants_that_nothing_used() -> None:
    assert "  unused without a known reason: r S a:C" in report.closing_lines(result(STEPS[0])).splitlines()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (result(STEPS[0]), "p: no problem found in definition, permissions and reports, in 6.2 s"),
        (
            result(step("V/Audit", 0, 1, notes=["not shown: x"])),
            "p: no problem found in definition, permissions and reports, in 6.2 s; but not shown: V/Audit (see above);",
        ),
        (result(STEPS[0], problem="Build is not entered"), "p: Build is not entered"),
    ],
)
def test_the_last_line_says_what_stopped_it(found: RehearsalResult, expected: str) -> None:
    assert report.outcome_line(found).startswith(expected)


def test_a_table_has_every_grant() -> None:
    assert report.matrix(GRANTS).splitlines()[2] == "| r | S | a:B | used |  |"
