"""Measures the overhead of a rehearsal compared with a build's bare commands: `make bench-rehearse`.

Prints the table of docs/rehearsal.md. The example is rehearsed once, then every build is repeated RUNS times, one build
at a time. The overhead is the duration of the action minus the duration of its shell; the table shows medians in
seconds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from cicd_templates.rehearsal.result import ActionState
from tests.integration.rehearsed_example import rehearsed

RUNS = 3


def main() -> None:
    """Rehearse the example, repeat each build, and print the table."""
    began, used = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, rehearsed(Path(folder)) as example:
        result = example.rehearsal.result
        assert result.succeeded, [step.error for step in result.failed]
        print(
            f"the example to production: {result.seconds:.1f} s, of which {result.phases['deploy']:.1f} s deployment\n"
        )
        print("| action | bare commands | added |\n|---|---|---|")
        added = []
        for action in example.run.pipeline.actions:
            if action.provider == "CodeBuild":
                steps = [example.again(action.path) for _ in range(RUNS)]
                assert all(step.state is ActionState.SUCCEEDED for step in steps), steps[0].error
                bare = statistics.median(step.commands for step in steps)
                more = statistics.median(step.seconds - step.commands for step in steps)
                added.append(more)
                print(f"| {action.path} | {bare:.2f} | {more:.2f} |")
    print(f"\nadded to a build: {statistics.median(added):.2f} s, at most {max(added):.2f} s")
    print(f"in all {time.monotonic() - began:.0f} s, {time.process_time() - used:.0f} s of them this process's own")


if __name__ == "__main__":
    main()
