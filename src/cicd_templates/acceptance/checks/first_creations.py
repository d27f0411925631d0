"""Proves that a first creation which is declined or fails does not block the next deployment."""

from __future__ import annotations

from cicd_templates.acceptance.check import Bench, Check, require
from cicd_templates.acceptance.checks.rendering import render_with
from cicd_templates.acceptance.checks.stacks import first_failed_type, newest_stack, stacks_of
from cicd_templates.acceptance.project import STAGING, UNKNOWN_ID
from cicd_templates.local import engine_state_file
from cicd_templates.local.recorded_types import Record

# A key that does not exist: CloudFormation accepts the template, and CloudWatch Logs refuses the log group.
LOG_GROUP = "Resources.FlowLogGroup.Properties.KmsKeyId"
LOG_GROUP_TYPE = "AWS::Logs::LogGroup"
STACK = "network"
# CloudFormation deletes a stack of a disposable environment if its creation fails; see `OnStackFailure`.
FAILED_CREATIONS = frozenset(
    {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE", "DELETE_FAILED"}
)
# The local AWS creates a log group with any key, so there another resource of the same stack is told to fail.
FAILING_TYPE = "AWS::EC2::NatGateway"


def decline(bench: Bench) -> str:
    """Plan the first creation and discard the plan, then require that nothing is left of it."""
    bench.commands.on("plan", STAGING)
    planned = stacks_of(bench, STAGING)
    require(planned, "the plan of a first creation made no stack in review, so there is nothing to discard")
    bench.commands.on("plan-discard", STAGING)
    left = stacks_of(bench, STAGING)
    require(not left, f"{len(left)} stacks are left of a plan that was discarded")
    return "a plan of a first creation was discarded, and nothing is left of it"


def fail_then_deploy(bench: Bench) -> str:
    """Let the first creation of a stack fail, then deploy the same environment without the fault."""
    try:
        if not bench.facts.get("failed first creation"):
            _fail(bench)
            bench.facts["failed first creation"] = True
            bench.save()
    finally:
        if bench.local:
            _record(bench).fail_no_more()
        render_with(bench, patch={})
    bench.commands.on("deploy", STAGING, "--yes")
    wrong = {name: status for name, status in stacks_of(bench, STAGING).items() if status != "CREATE_COMPLETE"}
    require(not wrong, f"after the repair: {', '.join(sorted(set(wrong.values())))}")
    return "the first creation of a stack failed, and the next deployment created the whole environment"


def _fail(bench: Bench) -> None:
    place, failing = bench.places[STAGING], FAILING_TYPE if bench.local else LOG_GROUP_TYPE
    if bench.local:
        _record(bench).fail(FAILING_TYPE, "create", "told to fail by the acceptance run")
    else:
        key = f"arn:{place.partition}:kms:{place.region}:{place.account}:key/{UNKNOWN_ID}"
        render_with(bench, patch={STACK: {LOG_GROUP: key}})
    answer = bench.commands.on("deploy", STAGING, "--yes", expected=(0, 1))
    require(answer.code, "a creation that should fail succeeded")
    stack_id, status = newest_stack(bench, STAGING, STACK)
    require(
        status in FAILED_CREATIONS, f"{STACK} is {status or 'missing'}, so something else failed: {answer.last_lines}"
    )
    failed = first_failed_type(bench, STAGING, stack_id)
    require(failed == failing, f"{failed or 'nothing'} failed in {STACK}, not {failing}: {answer.last_lines}")


def _record(bench: Bench) -> Record:
    return engine_state_file.required(bench.project.engine_file).record


DECLINED = Check(
    "declined-plan",
    "A plan that nobody accepts leaves nothing in the account.",
    decline,
    needs=("permissions",),
)
FAILED = Check(
    "failed-first-creation",
    "A first creation that fails is not in the way of the next deployment.",
    fail_then_deploy,
    needs=("permissions",),
)
