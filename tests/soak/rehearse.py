"""Takes every permission away that a rehearsal of the example uses, one by one: `make soak`.

Each time the rendered template with one action less is deployed, and the action of the pipeline that used it is
repeated. It has to fail, and to name what is missing; what does not is printed, and the exit code is 1. The figure is
in docs/rehearsal.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from cicd_templates.rehearsal.cloudformation import REPLACE
from cicd_templates.rehearsal.deployed_pipeline import deploy_stacks
from cicd_templates.rehearsal.grants import ALLOWED, role_name
from cicd_templates.rehearsal.result import ActionState
from cicd_templates.template.stack_template import StackTemplate
from tests.integration.rehearsed_example import Rehearsed, rehearsed, without

Key = tuple[str, str, str]


def users(found: Rehearsed) -> dict[Key, str]:
    """The quickest action of the pipeline that uses each permission, by role, Sid and action."""
    quickest: dict[Key, tuple[float, str]] = {}
    for action in found.run.pipeline.actions:
        before = len(found.run.setup.calls.rows())
        step = found.again(action.path)
        assert step.state is ActionState.SUCCEEDED, step.error
        for principal, call, _, decision, statement in found.run.setup.calls.rows()[before:]:
            if decision == ALLOWED and statement:
                key = (role_name(principal), statement, call)
                quickest[key] = min(quickest.get(key, (step.seconds, action.path)), (step.seconds, action.path))
    return {key: path for key, (_, path) in quickest.items()}


def main() -> int:
    """Sweep; 0 where every missing permission was noticed."""
    began = time.monotonic()
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder, rehearsed(Path(folder)) as found:
        asked = sys.argv[1] if sys.argv[1:] else ""
        used = {key: path for key, path in users(found).items() if asked in " ".join(key)}
        prepared = {
            action.stage: action.path
            for action in found.run.pipeline.actions
            if action.configuration.get("ActionMode") == REPLACE
        }
        deployed_less: StackTemplate | None = None
        for (role, statement, action), path in sorted(used.items()):
            stack, lesser = without(found.stacks, role, statement, action)
            if first := prepared.get(path.partition("/")[0]):
                # What looks at a change set needs one that was not executed yet.
                if deployed_less is not None:
                    deploy_stacks(found.engine, [deployed_less])
                found.again(first)
            # The next change of the same stack takes the last one back by itself.
            if deployed_less is not None and deployed_less is not stack:
                deploy_stacks(found.engine, [deployed_less])
            deploy_stacks(found.engine, [lesser])
            deployed_less = stack
            step = found.again(path)
            if step.state is ActionState.FAILED and f"may not {action}" in step.error:
                continue
            unnoticed += 1
            reason = step.error.partition("\n")[0]
            print(f"not missed: {role} {statement} {action}: {path} {step.state} {reason}", flush=True)
    missed = len(used) - unnoticed
    print(f"{missed} of {len(used)} permissions are missed when they are taken away, {time.monotonic() - began:.0f} s")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
