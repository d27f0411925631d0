"""Checks a release that passes all stages, with a migration and an approval, and a release that the scan gate stops."""

from __future__ import annotations

import shutil
from pathlib import Path

from cicd_templates.acceptance.check import Check, CheckContext, LocalCoverage, require
from cicd_templates.acceptance.pipeline_runs import (
    FAILED,
    NOT_REACHED,
    SUCCEEDED,
    is_of,
    pipeline_stages,
    rehearsal_folder,
    run_pipeline,
)
from cicd_templates.acceptance.project import APPLICATION, PLANTED, PRODUCTION, RUNTIME, SERVICE
from cicd_templates.acceptance.roles import AUDITORS, acting_as

GOOD, BAD = "good", "planted"
GATE, MIGRATE, APPROVE = "Gate/Gate", "/Migrate", "/Approve"
# A file of the evidence that the release statement lists by its digest.
TAMPERED = Path("evidence/verdict.json")
NOT_AWS = (
    "the local AWS runs no pipelines. Instead, a rehearsal ran each action of the rendered pipeline with the action's "
    "role. The rehearsal built no images and started no tasks of services"
)


def release(context: CheckContext) -> str:
    """Release the application, and require that every action has succeeded, up to production."""
    run = run_pipeline(context, APPLICATION, GOOD)
    # A failed release also answers some of the questions, so its actions are recorded before the checks below.
    context.facts["states"] = dict(run.states)
    context.save()
    require(run.succeeded, f"the release did not pass: {run.problem}")
    require(any(is_of(path, PRODUCTION) for path in run.states), "the release did not reach production")
    require(run.count(APPROVE), "nobody was asked to approve the release")
    return (
        f"{len(run.states)} actions succeeded, from the source to production, and a person approved the release "
        "to production"
    )


def see_migrations(context: CheckContext) -> str:
    """Require that the release ran its migration once for each runtime environment."""
    states = context.facts["states"]
    for environment in RUNTIME:
        migrations = [path for path in states if MIGRATE in path and is_of(path, environment)]
        done = [path for path in migrations if states[path] == SUCCEEDED]
        require(len(migrations) == len(done) == 1, f"{environment}: {len(done)} of {len(migrations)} migrations ran")
    return f"the migration of the release ran once in each of {', '.join(RUNTIME)}"


def stop_planted(context: CheckContext) -> str:
    """Release an application with a planted vulnerability. Require that the scan gate stops the release.

    Also require that no action failed before the gate, and that no action ran after it.
    """
    run = run_pipeline(context, PLANTED, BAD)
    state = run.states.get(GATE, "")
    require(state == FAILED, f"the gate did not stop the planted vulnerability: the gate {state or 'did not run'}")
    before = {path: text for path, text in run.errors.items() if path != GATE}
    require(not before, f"the release failed before the gate: {'; '.join(before)}")
    stages = pipeline_stages(context)
    gate = GATE.partition("/")[0]
    require(gate in stages, f"the rendered pipeline has no stage {gate}")
    after = stages[stages.index(gate) + 1 :]
    ran = [path for path, state in run.states.items() if path.partition("/")[0] in after and state != NOT_REACHED]
    require(not ran, f"the gate stopped the release, but then these ran: {', '.join(sorted(ran))}")
    return f"the gate stopped the release, and none of the actions in the {len(after)} later stages ran"


def verify_evidence(context: CheckContext) -> str:
    """Verify the evidence of the release offline. Then change one byte, and require that the verification fails."""
    folder = Path(rehearsal_folder(context, GOOD)) / "evidence"
    if not context.local:
        shutil.rmtree(folder, ignore_errors=True)
        suffix = context.project.suffix
        with acting_as(context, AUDITORS):
            context.commands.run("evidence", "--suffix", suffix, "--service", SERVICE, "--out", str(folder))
    context.commands.run("verify-evidence", str(folder))
    changed = folder.with_name("changed-evidence")
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(folder, changed)
    content = bytearray((changed / TAMPERED).read_bytes())
    content[0] ^= 1
    (changed / TAMPERED).write_bytes(content)
    answer = context.commands.run("verify-evidence", str(changed), expected=(0, 1))
    require(answer.code and TAMPERED.as_posix() in answer.output, "evidence with a changed byte was accepted")
    return "every file and signature was verified without AWS; the verification fails if one byte is changed"


RELEASED = Check(
    "released",
    "A release passes every check, is built, scanned and signed, reaches staging, and reaches production after an"
    " approval.",
    release,
    needs=("permissions",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit=NOT_AWS,
)
MIGRATED = Check(
    "migrated",
    "A release migrates its data once in every environment before the service is updated.",
    see_migrations,
    needs=("released",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit=NOT_AWS,
)
STOPPED = Check(
    "vulnerability-stopped",
    "A vulnerability in the application stops the release before anything is built.",
    stop_planted,
    needs=("permissions",),
)
VERIFIED = Check(
    "evidence-verified",
    "The signed evidence of a release can be verified without AWS, and the verification fails if a byte was changed.",
    verify_evidence,
    needs=("released",),
)
