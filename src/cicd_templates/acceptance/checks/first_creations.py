"""Proves that stacks can still be deployed after the plan that creates them was discarded, or after it failed."""

from __future__ import annotations

from cicd_templates.acceptance.check import Check, CheckContext, require
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
# The local AWS creates a log group with any key. There, the creation of a different resource of the stack is made to
# fail.
FAILING_TYPE = "AWS::EC2::NatGateway"


def decline(context: CheckContext) -> str:
    """Plan the first creation of stacks and discard the plan. Require that no stack of the plan is left."""
    context.commands.on("plan", STAGING)
    planned = stacks_of(context, STAGING)
    require(planned, "the plan should have created stacks in REVIEW_IN_PROGRESS, but created none")
    context.commands.on("plan-discard", STAGING)
    left = stacks_of(context, STAGING)
    require(not left, f"the plan was discarded, but {len(left)} of its stacks still exist")
    return "a plan to create new stacks was discarded, and none of these stacks is left"


def fail_then_deploy(context: CheckContext) -> str:
    """Make the first creation of a stack fail. Then remove the cause, and deploy the same environment."""
    try:
        if not context.facts.get("failed first creation"):
            _fail(context)
            context.facts["failed first creation"] = True
            context.save()
    finally:
        if context.local:
            _record(context).fail_no_more()
        render_with(context, patch={})
    context.commands.on("deploy", STAGING, "--yes")
    wrong = {name: status for name, status in stacks_of(context, STAGING).items() if status != "CREATE_COMPLETE"}
    require(not wrong, f"after the repair: {', '.join(sorted(set(wrong.values())))}")
    return "the first creation of a stack failed, and the next deployment created the whole environment"


def _fail(context: CheckContext) -> None:
    access, failing = context.access[STAGING], FAILING_TYPE if context.local else LOG_GROUP_TYPE
    if context.local:
        _record(context).fail(FAILING_TYPE, "create", "told to fail by the acceptance run")
    else:
        key = f"arn:{access.partition}:kms:{access.region}:{access.account}:key/{UNKNOWN_ID}"
        render_with(context, patch={STACK: {LOG_GROUP: key}})
    answer = context.commands.on("deploy", STAGING, "--yes", expected=(0, 1))
    require(answer.code, "a creation that should fail succeeded")
    stack_id, status = newest_stack(context, STAGING, STACK)
    require(
        status in FAILED_CREATIONS, f"{STACK} is {status or 'missing'}, so something else failed: {answer.last_lines}"
    )
    failed = first_failed_type(context, STAGING, stack_id)
    require(
        failed == failing,
        f"expected {failing} to fail in {STACK}, but {failed or 'nothing'} failed: {answer.last_lines}",
    )


def _record(context: CheckContext) -> Record:
    return engine_state_file.required(context.project.engine_file).record


DECLINED = Check(
    "declined-plan",
    "A plan that was discarded leaves nothing in the account.",
    decline,
    needs=("permissions",),
)
FAILED = Check(
    "failed-first-creation",
    "A first creation that failed does not block the next deployment.",
    fail_then_deploy,
    needs=("permissions",),
)
