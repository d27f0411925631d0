"""The plans and runs on this machine that still need a stack which was never created."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.recovery.claims import Claim, claims
from cicd_templates.deploy.runs.journal import Journal
from cicd_templates.errors import CicdError
from cicd_templates.template.changes.planned_stack import PlannedStack
from tests.fakes.simulated_aws import EPOCH
from tests.projects.stacks import stacks_of

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")
CHANGED = PlannedStack(KEYS.name, "keys", "0", creates=True, change_set="arn", stack_id="id")
SAME = PlannedStack("shipping-staging-network", "network", "0")
PLAN = Plan(
    id="1",
    environment="staging",
    suffix="",
    account="222222222222",
    region="eu-central-1",
    caller="me",
    revision="",
    local=True,
    protected=False,
    created=EPOCH,
    expires=EPOCH + timedelta(hours=24),
    stacks=(CHANGED, SAME),
)


def test_a_machine_without_plans_and_runs_claims_nothing(tmp_path: Path) -> None:
    assert claims(tmp_path, KEYS, local=True) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_plan_claims_what_it_would_create_and_says_how_both_ways_go(tmp_path: Path) -> None:
    path = tmp_path / "plans/staging.json"
    plans.write(PLAN, path, "")
    (tmp_path / "plans/staging.touched.json").write_text("{}")
    with Journal(tmp_path / "runs", "staging").open(EPOCH) as journal:
        journal.plan(PLAN, path, [CHANGED])

        # Another run may be at work meanwhile.
        assert claims(tmp_path, KEYS, local=True) == {
            KEYS.name: Claim(
                f"the plan {path} still needs the stack, until {PLAN.expires:%Y-%m-%d %H:%M} UTC",
                (f"make deploy PLAN={path} LOCAL=1", f"make plan-discard PLAN={path} LOCAL=1"),
            )
        }


def test_an_interrupted_run_claims_what_it_has_written_down(tmp_path: Path) -> None:
    with Journal(tmp_path / "runs", "staging").open(EPOCH) as journal:
        journal.plan(PLAN, Path("elsewhere/p.json"), [CHANGED])
        journal.record_proposal("2", [SAME.name])

    found = claims(tmp_path, KEYS, local=False)
    assert found[KEYS.name] == Claim(
        "an interrupted run of elsewhere/p.json still needs the stack", ("make deploy PLAN=elsewhere/p.json",)
    )
    assert found[SAME.name].commands == ("make plan ENV=staging",)


def test_a_broken_journal_is_reported(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/staging.json").write_text("{")

    with pytest.raises(CicdError, match="not a valid journal"):
        claims(tmp_path, KEYS, local=True)
