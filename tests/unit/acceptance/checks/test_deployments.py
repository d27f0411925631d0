"""The checks that deploy: what they type, and which outcome they do not accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks import deployments, doctor, first_creations
from cicd_templates.acceptance.commands import Answer, CommandFailed
from cicd_templates.local.engine_process import Engine
from tests.unit.acceptance.check_context import check_context, stack, stacks

LISTED = "cloudformation.list_stacks"


def rendered(folder: Path, **counts: int) -> None:
    for environment, count in counts.items():
        place = folder / f"build/abcde/{environment}-abcde"
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"layer{number}.yaml").write_text("")


def existing(environment: str, *statuses: str) -> list[dict[str, Any]]:
    return [stack(f"acceptance-{environment}-abcde-layer{number}", status) for number, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("fix", "expected"),
    [("", "nothing to fix; 1 subjects were examined in 3 environments"), ("request one", "staging: certificate: none")],
)
def test_the_doctor_finds_nothing_to_fix(tmp_path: Path, fix: str, expected: str) -> None:
    rows = {"x": [{"subject": "certificate", "finding": "none", "fix": fix}]}
    made = check_context(tmp_path, {"doctor": Answer(1 if fix else 0, json.dumps(rows))})
    if fix:
        with pytest.raises(CheckFailed, match=expected):
            doctor.examine(made)
    else:
        assert doctor.examine(made) == expected


def test_a_doctor_that_prints_no_json_has_failed_with_its_last_lines(tmp_path: Path) -> None:
    made = check_context(tmp_path, {"doctor": Answer(1, "", "error: the credentials have expired")})

    with pytest.raises(CheckFailed, match="staging: `doctor` printed no JSON: error: the credentials have expired"):
        doctor.examine(made)


@pytest.mark.parametrize(
    ("planned", "left", "problem"),
    [
        pytest.param(["REVIEW_IN_PROGRESS"], [], "", id="nothing is left"),
        pytest.param(
            [], [], "should have created stacks in REVIEW_IN_PROGRESS, but created none", id="nothing was planned"
        ),
        pytest.param(
            ["REVIEW_IN_PROGRESS"], ["REVIEW_IN_PROGRESS"], "1 of its stacks still exist", id="a shell is left"
        ),
    ],
)
def test_a_discarded_plan_leaves_nothing(tmp_path: Path, planned: list[str], left: list[str], problem: str) -> None:
    others = [stack("parcels-staging-keys", "CREATE_COMPLETE"), *existing("staging", "DELETE_COMPLETE")]
    answers = [stacks(*others, *existing("staging", *statuses)) for statuses in (planned, left)]
    made = check_context(tmp_path, aws={LISTED: lambda **request: answers.pop(0)})
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            first_creations.decline(made)
    else:
        assert "none of these stacks is left" in first_creations.decline(made)
        assert made.commands.typed == ["plan staging", "plan-discard staging"]


NETWORK = "acceptance-staging-abcde-network"
EVENTS = "cloudformation.describe_stack_events"
LOG_GROUP, GATEWAY = "AWS::Logs::LogGroup", "AWS::EC2::NatGateway"
WRONG_KEY = "arn:aws:kms:eu-central-1:222222222222:key/00000000-0000-4000-8000-000000000000"


def failing(status: str, *types: str, repaired: str = "CREATE_COMPLETE") -> dict[str, Any]:
    """Return an AWS whose network stack has `status` and failed in `types`, the newest first, until it is repaired."""
    listed = [stacks(*[stack(NETWORK, status)] * bool(status)), stacks(stack(NETWORK, repaired))]
    event = {"StackId": "1", "EventId": "1", "StackName": NETWORK, "Timestamp": "2026-01-01"}
    events = [{**event, "ResourceType": each, "ResourceStatus": "CREATE_FAILED"} for each in types]
    first = {**event, "ResourceType": LOG_GROUP, "ResourceStatus": "CREATE_IN_PROGRESS"}
    return {LISTED: lambda **request: listed.pop(0), EVENTS: {"StackEvents": [*events, first]}}


@pytest.mark.parametrize(
    ("codes", "aws", "problem"),
    [
        pytest.param([1, 0], failing("ROLLBACK_COMPLETE", LOG_GROUP), "", id="repaired"),
        pytest.param([1, 0], failing("DELETE_COMPLETE", GATEWAY, LOG_GROUP), "", id="deleted; another was cancelled"),
        pytest.param([0], failing("CREATE_COMPLETE"), "a creation that should fail succeeded", id="it did not fail"),
        pytest.param([1], failing("CREATE_COMPLETE"), "is CREATE_COMPLETE, so something else", id="another stack"),
        pytest.param([1], failing(""), "network is missing, so something else failed: no lock", id="it did not begin"),
        pytest.param([1], failing("DELETE_COMPLETE", LOG_GROUP, GATEWAY), "NatGateway failed:", id="other"),
        pytest.param([1], failing("DELETE_COMPLETE"), "but nothing failed:", id="only deleted"),
        pytest.param(
            [1, 0],
            failing("ROLLBACK_COMPLETE", LOG_GROUP, repaired="ROLLBACK_COMPLETE"),
            "after the repair: ROLLBACK_COMPLETE",
            id="not repaired",
        ),
    ],
)
def test_a_failed_first_creation_on_aws_has_a_key_that_does_not_exist(
    tmp_path: Path, codes: list[int], aws: dict[str, Any], problem: str
) -> None:
    configurations: list[str] = []
    left = list(codes)

    def deploy(*words: str) -> Answer:
        configurations.append((tmp_path / "templates/environments.toml").read_text())
        return Answer(left.pop(0), "", "no lock")

    made = check_context(tmp_path, {"deploy": deploy}, aws)
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            first_creations.fail_then_deploy(made)
    else:
        assert "created the whole environment" in first_creations.fail_then_deploy(made)
    assert [WRONG_KEY in text for text in configurations] == [True, False][: len(codes)]
    assert WRONG_KEY not in (tmp_path / "templates/environments.toml").read_text()


def test_a_refusal_is_no_failed_first_creation_and_the_fault_is_taken_back(tmp_path: Path) -> None:
    made = check_context(tmp_path, {"deploy": Answer(3, "", "refused")})

    with pytest.raises(CommandFailed, match="`deploy` ended with 3: refused"):
        first_creations.fail_then_deploy(made)
    assert WRONG_KEY not in (tmp_path / "templates/environments.toml").read_text()


def test_a_failed_first_creation_is_not_repeated_after_an_interruption(tmp_path: Path) -> None:
    facts = {"failed first creation": True}
    made = check_context(tmp_path, aws={LISTED: stacks(*existing("staging", "CREATE_COMPLETE"))}, facts=facts)
    first_creations.fail_then_deploy(made)

    assert made.commands.typed == ["render --suffix abcde", "deploy staging --yes"]


def test_on_the_local_aws_a_resource_is_told_to_fail_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(1, 1, tmp_path)
    monkeypatch.setattr("cicd_templates.local.engine_state_file.required", lambda path: engine)
    told: list[str] = []

    def deploy(*words: str) -> Answer:
        told.append((tmp_path / "failures.json").read_text())
        return Answer(len(told) % 2, "")

    made = check_context(tmp_path, {"deploy": deploy}, failing("DELETE_COMPLETE", GATEWAY), local=True)
    first_creations.fail_then_deploy(made)

    assert ["NatGateway" in text for text in told] == [True, False]


def test_everything_is_deployed_and_production_by_its_plans_alone(tmp_path: Path) -> None:
    rendered(tmp_path, staging=2, production=1, tools=1)
    plans = [Answer(4, ""), Answer(4, ""), Answer(0, "")]
    every = stacks(
        *existing("staging", "CREATE_COMPLETE", "UPDATE_COMPLETE"),
        *existing("production", "CREATE_COMPLETE"),
        *existing("tools", "CREATE_COMPLETE"),
    )
    made = check_context(tmp_path, {"plan": plans, "deploy production": Answer(4, "")}, {LISTED: every})

    assert deployments.deploy_all(made).startswith("4 stacks exist in 3 environments")
    assert [typed.split(" --")[0] for typed in made.commands.typed] == [
        "deploy staging", "plan production", "deploy production", "plan production", "deploy production",
        "plan production", "deploy tools",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "problem"),
    [
        (["CREATE_COMPLETE", "ROLLBACK_COMPLETE"], "stacks of staging have the status ROLLBACK_COMPLETE"),
        (["CREATE_COMPLETE"], "staging has 1 of 2 stacks"),
    ],
)
def test_a_stack_that_is_missing_or_broken_is_a_failure(tmp_path: Path, statuses: list[str], problem: str) -> None:
    rendered(tmp_path, staging=2)
    made = check_context(tmp_path, aws={LISTED: stacks(*existing("staging", *statuses))})

    with pytest.raises(CheckFailed, match=problem):
        deployments.deploy_all(made)


def test_plans_that_never_end_are_a_failure(tmp_path: Path) -> None:
    made = check_context(tmp_path, {"plan": Answer(4, "")})

    with pytest.raises(CheckFailed, match="production still has changes after 15 plans"):
        deployments.deploy_by_plans(made, "production")


@pytest.mark.parametrize(
    ("code", "problem"),
    [(0, ""), (4, "tools would change again, although no template changed")],
)
def test_a_second_plan_is_empty(tmp_path: Path, code: int, problem: str) -> None:
    made = check_context(tmp_path, {"plan tools": Answer(code, "")})
    if problem:
        with pytest.raises(CheckFailed, match=problem):
            deployments.plan_again(made)
    else:
        assert deployments.plan_again(made) == "the plans of all environments are empty"
