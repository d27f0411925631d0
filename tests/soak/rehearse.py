"""Removes every permission that a rehearsal of the example uses, one at a time: `make soak`.

For each permission, deploys the rendered template without it and repeats the pipeline action that used it. The action
must fail, and its error must name the missing permission. If the action succeeds, an alarm must notify people, and must
not when the permission is back. Permissions that are not missed are printed, and the exit code is then 1.
docs/rehearsal.md has the figures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cicd_templates.rehearsal.cloudformation import REPLACE
from cicd_templates.rehearsal.deployed_pipeline import deploy_stacks
from cicd_templates.rehearsal.grants import ALLOWED, role_name
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from cicd_templates.template.stack_template import StackTemplate
from tests.integration.rehearsed_example import Rehearsed, rehearsed, without
from tests.soak.notices import FAILED_ACTION, deployed_alarms, how_noticed

Key = tuple[str, str, str]


def users(example: Rehearsed) -> dict[Key, str]:
    """Return the fastest pipeline action that uses each permission, by role, Sid and action."""
    quickest: dict[Key, tuple[float, str]] = {}
    for action in example.run.pipeline.actions:
        before = len(example.run.setup.calls.rows())
        step = _repeat(example, action)
        assert step.state is ActionState.SUCCEEDED, step.error
        for principal, call, _, decision, statement in example.run.setup.calls.rows()[before:]:
            if decision == ALLOWED and statement:
                key = (role_name(principal), statement, call)
                quickest[key] = min(quickest.get(key, (step.seconds, action.path)), (step.seconds, action.path))
    return {key: path for key, (_, path) in quickest.items()}


def _repeat(example: Rehearsed, action: Action) -> ActionProgress:
    """Repeat an action. After a change set was prepared again, later actions need the variables of its new review."""
    if action.stage in _preparing(example):
        return example.rehearsal.replay(action)
    return example.again(action.path)


def _preparing(example: Rehearsed) -> dict[str, str]:
    """Return the first action of each stage that prepares a change set, by stage."""
    found: dict[str, str] = {}
    for action in example.run.pipeline.actions:
        if action.configuration.get("ActionMode") == REPLACE:
            found.setdefault(action.stage, action.path)
    return found


def _prepare_again(example: Rehearsed, path: str) -> None:
    """Repeat the actions of a stage from the first change set to the action before `path`, such as its review."""
    action = example.action(path)
    actions = [each for each in example.run.pipeline.actions if each.stage == action.stage]
    first = actions.index(example.action(_preparing(example)[action.stage]))
    for earlier in actions[first : max(first + 1, actions.index(action))]:
        _repeat(example, earlier)


def main() -> int:
    """Remove each permission in turn; return 0 if every missing permission was noticed, otherwise 1."""
    began = time.monotonic()
    notices: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, rehearsed(Path(folder)) as example:
        asked = sys.argv[1] if sys.argv[1:] else ""
        used = {key: path for key, path in users(example).items() if asked in " ".join(key)}
        prepared = _preparing(example)
        alarms = deployed_alarms(example.run.setup.root_session(example.run.pipeline.role))
        order = {stage: number for number, stage in enumerate(each.stage for each in example.run.pipeline.actions)}
        failed: set[str] = set()
        deployed_less: StackTemplate | None = None
        for (role, statement, action), path in sorted(used.items()):
            stack, lesser = without(example.stacks, role, statement, action)
            if path.partition("/")[0] in prepared:
                # An action that reads a change set needs one that has not been executed yet.
                if deployed_less is not None:
                    deploy_stacks(example.engine, [deployed_less])
                _prepare_again(example, path)
            # Another deployment of the same stack also restores the permission that was removed before.
            if deployed_less is not None and deployed_less is not stack:
                deploy_stacks(example.engine, [deployed_less])
            deploy_stacks(example.engine, [lesser])
            deployed_less = stack
            # The gate reads the last result of each check, so a check whose permission is back has to succeed again.
            for earlier in [each for each in failed if order[each.partition("/")[0]] < order[path.partition("/")[0]]]:
                example.again(earlier)
                failed.discard(earlier)
            calls = example.run.setup.calls
            before = len(calls.rows())
            step = _repeat(example, example.action(path))
            if step.state is ActionState.FAILED:
                failed.add(path)
            notice = how_noticed(step, role, action, calls.rows()[before:], alarms)
            if step.state is ActionState.SUCCEEDED:
                print(f"{role} {statement} {action}: {path} succeeded, and people notice it by {notice or 'nothing'}")
                # With the permission, nothing may be noticed.
                deploy_stacks(example.engine, [stack])
                deployed_less = None
                control = _repeat(example, example.action(path))
                if control.state is ActionState.FAILED or alarms.raised_by(control.log):
                    print(f"{path} does the same with the permission: {control.error or control.log}")
                    notice = ""
            notices[notice] += 1
            if not notice:
                reason = step.error.partition("\n")[0]
                print(f"not missed: {role} {statement} {action}: {path} {step.state} {reason}", flush=True)
    missed, failing = len(used) - notices[""], notices[FAILED_ACTION]
    print(
        f"{missed} of {len(used)} permissions are missed when they are taken away: {failing} by a failed action,"
        f" {missed - failing} by an alarm; {time.monotonic() - began:.0f} s"
    )
    return 0 if used and missed == len(used) else 1


if __name__ == "__main__":
    sys.exit(main())
