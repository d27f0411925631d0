"""Measures deployments on a simulated AWS: their duration compared with the critical path, and their calls a minute.

The simulated CloudFormation takes the given time for each stack, and answers every call at once. So the benchmark
measures in which order the deployer starts stacks, and how soon it notices that they have ended. Exits with 1 if a
bound is exceeded.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.template import stack_graph
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import CHANGE_SET_SECONDS, SimulatedAws

STACKS = 30
LONGEST_RATIO = 1.10
SIZES = (3, 10, 30, 100)
# AWS limits the size of an answer of DescribeStacks (1 MB), not the number of stacks in it; a hundred of ours fit.
AT_ONE_GO = 100
WATCHING = ("DescribeStacks", "DescribeStackEvents")


class Silent:
    """A reporter that ignores every event."""

    def report(self, event: Event) -> None:
        """Ignore the event."""


def graph(count: int, seed: int, reads: int = 3) -> list[StackTemplate]:
    """Return `count` stacks. Each stack reads values from at most `reads` of the ten stacks before it."""
    chance = random.Random(seed)  # noqa: S311 - a shape, no secret
    stacks = []
    for number in range(count):
        before = range(max(0, number - 10), number)
        chosen = chance.sample(before, min(len(before), chance.randint(0, reads)))
        stacks.append(
            rendered(
                f"s{number:03}",
                reads={f"V{earlier}": f"/shipping/staging/s{earlier:03}/V" for earlier in chosen},
                publishes={f"/shipping/staging/s{number:03}/V": "1"},
            )
        )
    return stacks


def critical_path(stacks: Sequence[StackTemplate], latency: dict[str, float]) -> float:
    """Return the seconds of the longest chain of stacks: a change set cannot be created before its inputs exist."""
    needed = stack_graph.producers(stack.links for stack in stacks)
    ends: dict[str, float] = {}
    for stack in stacks:
        begin = max((ends[name] for name in needed[stack.name]), default=0.0)
        ends[stack.name] = begin + CHANGE_SET_SECONDS + latency[stack.name]
    return max(ends.values())


def deploy(aws: SimulatedAws, stacks: Sequence[StackTemplate], folder: Path) -> float:
    """Deploy all stacks and return how many seconds of simulated time that takes."""
    context = DeployContext(aws, aws.clock.polling(), folder, today=aws.clock.today)  # type: ignore[arg-type] # the simulation
    began = aws.clock.seconds
    deployment.deploy(context, stacks, Silent(), lambda question: True)
    return aws.clock.seconds - began


def measure_time(folder: Path) -> bool:
    """Print the duration and the critical path of five graphs. Return whether every ratio is within the bound."""
    print(f"{STACKS} stacks, first deployment, 20 s to 10 min each")
    print(f"  {'graph':<8}{'critical path':>14}{'total':>10}{'ratio':>8}{'real time':>11}")
    good = True
    for seed in range(5):
        aws, stacks, chance = SimulatedAws(), graph(STACKS, seed), random.Random(seed)  # noqa: S311 - no secret
        aws.latency = {stack.name: chance.uniform(20, 600) for stack in stacks}
        real = time.perf_counter()
        total = deploy(aws, stacks, folder / str(seed))
        real = time.perf_counter() - real
        path = critical_path(stacks, aws.latency)
        good &= total <= LONGEST_RATIO * path
        print(f"  {seed:<8}{path:>12.0f} s{total:>8.0f} s{total / path:>8.3f}{real:>9.2f} s")
    return good


def measure_calls(folder: Path) -> bool:
    """Print the calls a minute while stacks are polled. Return whether the rate stays flat."""
    print("\nindependent stacks of 20 minutes each, calls a minute while they are watched")
    print(f"  {'stacks':<8}{'DescribeStacks':>16}{'DescribeStackEvents':>21}")
    rates = {}
    for size in SIZES:
        aws = SimulatedAws()
        aws.page = AT_ONE_GO
        stacks = [rendered(f"s{number:03}") for number in range(size)]
        aws.latency = {stack.name: 1200.0 for stack in stacks}
        before: dict[str, int] = {}

        def note(operation: str, aws: SimulatedAws = aws, before: dict[str, int] = before, size: int = size) -> None:
            # Count the calls from 90 seconds after the start until 100 seconds before the end.
            if aws.executed and not before and aws.clock.seconds > 90:
                before.update(aws.calls)
                before["at"] = int(aws.clock.seconds)
            if before and "until" not in before and aws.clock.seconds > 1100:
                before["until"] = int(aws.clock.seconds)
                before.update({f"{name} until": aws.calls[name] for name in WATCHING})

        aws.faults.before = note
        deploy(aws, stacks, folder / f"calls-{size}")
        minutes = (before["until"] - before["at"]) / 60
        counts = [(before[f"{name} until"] - before[name]) / minutes for name in WATCHING]
        rates[size] = sum(counts)
        print(f"  {size:<8}{counts[0]:>16.1f}{counts[1]:>21.1f}")
    return rates[SIZES[-1]] <= 1.5 * rates[SIZES[0]]


def main() -> None:
    """Run both measurements; exit with 1 if a bound is exceeded."""
    with tempfile.TemporaryDirectory() as folder:
        fast, flat = measure_time(Path(folder)), measure_calls(Path(folder))
    print(f"\ntotal <= {LONGEST_RATIO} x critical path: {fast}; calls a minute flat from 3 to 100 stacks: {flat}")
    sys.exit(0 if fast and flat else 1)


if __name__ == "__main__":
    main()
