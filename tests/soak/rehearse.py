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

from cicd_templates.rehearsal.grants import ALLOWED, role_name
from cicd_templates.rehearsal.result import State
from tests.integration.rehearsed import Rehearsed, rehearsed

Key = tuple[str, str, str]


def users(found: Rehearsed) -> dict[Key, str]:
    """The quickest action of the pipeline that uses each permission, by role, Sid and action."""
    quickest: dict[Key, tuple[float, str]] = {}
    for action in found.run.pipeline.actions:
        before = len(found.run.place.calls.rows())
        step = found.again(action.path)
        assert step.state is State.SUCCEEDED, step.error
        for principal, call, _, decision, statement in found.run.place.calls.rows()[before:]:
            if decision == ALLOWED and statement:
                key = (role_name(principal), statement, call)
                quickest[key] = min(quickest.get(key, (step.seconds, action.path)), (step.seconds, action.path))
    return {key: path for key, (_, path) in quickest.items()}


def main() -> int:
    """Sweep; 0 where every missing permission was noticed."""
    began = time.monotonic()
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder, rehearsed(Path(folder)) as found:
        used = users(found)
        for (role, statement, action), path in sorted(used.items(), key=lambda each: each[1]):
            with found.without(role, statement, action):
                step = found.again(path)
            noticed = step.state is State.FAILED and f"may not {action}" in step.error
            if not noticed:
                unnoticed.append(
                    f"{role} {statement} {action}: {path} {step.state}: {step.error.partition(chr(10))[0]}"
                )
            print("." if noticed else "!", end="", flush=True)
    print(f"\n{len(used) - len(unnoticed)} of {len(used)} permissions are missed when they are taken away")
    print("\n".join(unnoticed), f"{time.monotonic() - began:.0f} s", sep="\n" if unnoticed else "")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
