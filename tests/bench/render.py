"""Compares the CPU seconds of the renderer with its floors: `make bench`. A measurement, not a test.

The floor of a whole process is every third-party import of the renderer and `json.dumps` of the rendered dicts: the
cost of rendering if building, checking and writing YAML took no time. The floor of a stack is `raw_troposphere`. CPU
seconds are compared, because other programs on the machine change them less than the time on the wall. They include
those of the renderer's own processes. Beside them, the table shows the time on the wall, which is what a user waits: of
the renderer with its processes, and of raw troposphere in one process. `make bench` fails if a ratio is more than a
quarter above `ratios.toml`.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNS = 7
# How often each size is measured, in turn with raw troposphere; the medians are compared.
RUNS_BY_SERVICES = {1: 7, 100: 3, 1000: 1}
# Raw troposphere takes the same time for each stack, so larger projects are compared with this one.
MOST_RAW_SERVICES = 100
RATIOS = Path(__file__).with_name("ratios.toml")
TOLERANCE = 1.25
# Python usually caches compiled modules. With PYTHONDONTWRITEBYTECODE it would compile our modules in every run.
CACHING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

FLOOR = """
import gc; gc.disable()
import json, sys, tomllib
import click, yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
import awacs.application_autoscaling, awacs.aws, awacs.awslambda, awacs.cloudformation, awacs.cloudwatch
import awacs.codebuild, awacs.codeconnections, awacs.codepipeline
import awacs.ec2, awacs.ecr, awacs.ecs, awacs.elasticloadbalancing, awacs.iam, awacs.kms, awacs.logs, awacs.s3
import awacs.secretsmanager, awacs.sns, awacs.sqs, awacs.ssm, awacs.ssmmessages, awacs.sts
import troposphere.applicationautoscaling
import troposphere, troposphere.awslambda, troposphere.cloudwatch, troposphere.codebuild, troposphere.codepipeline
import troposphere.ec2, troposphere.ecr, troposphere.ecs, troposphere.elasticloadbalancingv2, troposphere.events
import troposphere.iam, troposphere.kms, troposphere.logs, troposphere.s3, troposphere.secretsmanager
import troposphere.sns, troposphere.sqs, troposphere.ssm
for template in json.load(open(sys.argv[1])):
    json.dumps(template, indent=2)
"""

# Prints the CPU seconds and the seconds on the wall of rendering without start-up, the peak memory in MiB, and the
# number of stacks. The memory is the sum of the peaks of all processes; memory that forked processes share is counted
# for each of them.
SCALE = """
import gc; gc.disable()
import pathlib, sys, tempfile, time
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from cicd_templates.render import out_folder, processes, render
from cicd_templates.cli.project_layers import tool_layers
from tests.bench.many_services import configuration
def cpu():
    return sum(usage.ru_utime + usage.ru_stime for usage in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))
began, began_on_wall = cpu(), time.perf_counter()
rendered = render.render(configuration(int(sys.argv[1])), tool_layers(), "yaml")
with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    out_folder.write_files(out_folder.files_of(rendered, root), root)
scale = 1024 * 1024 if sys.platform == "darwin" else 1024
used = processes.process_count(len(rendered))
peak = getrusage(RUSAGE_SELF).ru_maxrss + (used if used > 1 else 0) * getrusage(RUSAGE_CHILDREN).ru_maxrss
print(cpu() - began, time.perf_counter() - began_on_wall, peak / scale, len(rendered))
"""


def process(*arguments: str) -> tuple[float, float]:
    """Run a process; return its CPU seconds and its peak memory in MiB. Raises `SystemExit` if it fails."""
    child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=CACHING, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments[0]} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def printed(*arguments: str) -> list[float]:
    """Run a process; return the numbers that it prints."""
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=CACHING, capture_output=True, text=True, check=True
    )
    return [float(word) for word in answer.stdout.split()]


def line(label: str, samples: list[tuple[float, float]]) -> float:
    """Print a line of the first table; return the median of the CPU seconds."""
    cpu = sorted(seconds for seconds, _ in samples)
    peak = max(memory for _, memory in samples)
    middle = statistics.median(cpu)
    print(f"{label:<44} {cpu[0]:6.2f} {middle:6.2f} {cpu[-1]:6.2f} s {peak:6.0f} MiB", flush=True)
    return middle


def compare_with_imports() -> float:
    """Print the table of whole processes. Return the CPU seconds of a render divided by those of the imports."""
    from cicd_templates.template.cloudformation_yaml import load

    with tempfile.TemporaryDirectory() as folder:
        dicts = Path(folder, "dicts.json")
        dicts.write_text(json.dumps([load(path.read_text()) for path in sorted(ROOT.glob("out/*/*.yaml"))]))
        print(f"whole process, CPU of {RUNS} runs in turn{'':<8} min    median max      peak")
        floors, renders = [], []
        # The first run compiles the modules, so that no measured run does.
        process("-c", FLOOR, str(dicts))
        process("generate.py", "--out", folder)
        for _ in range(RUNS):
            floors.append(process("-c", FLOOR, str(dicts)))
            renders.append(process("generate.py", "--out", folder))
    floor = line("floor: imports and json.dumps", floors)
    return line("generate.py, all environments", renders) / floor


def compare_with_raw_troposphere() -> Iterator[tuple[str, float]]:
    """Print the table of growing projects; yield the ratios of the milliseconds a stack, by name: CPU and wall."""
    print(
        f"\n{'services':>8} {'stacks':>7} {'CPU s':>8} {'ms a stack':>11} {'raw ms':>7} {'wall s':>8} {'wall ms':>8}"
        f" {'raw wall':>9} {'peak MiB':>9} {'KiB a stack':>12}"
    )
    raw_ms = raw_wall_ms = 0.0
    for services, runs in RUNS_BY_SERVICES.items():
        raw, ours = [], []
        for _ in range(runs):
            if services <= MOST_RAW_SERVICES:
                raw.append(printed("-m", "tests.bench.raw_troposphere", str(services)))
            ours.append(printed("-c", SCALE, str(services)))
        if raw:
            raw_ms = statistics.median(1000 * seconds / stacks for seconds, _, stacks in raw)
            raw_wall_ms = statistics.median(1000 * wall / stacks for _, wall, stacks in raw)
        seconds, wall = (statistics.median(run[column] for run in ours) for column in (0, 1))
        peak, stacks = max(peak for _, _, peak, _ in ours), ours[0][3]
        ms, wall_ms = 1000 * seconds / stacks, 1000 * wall / stacks
        print(
            f"{services:>8} {stacks:>7.0f} {seconds:>8.2f} {ms:>11.2f} {raw_ms:>7.2f} {wall:>8.2f} {wall_ms:>8.2f}"
            f" {raw_wall_ms:>9.2f} {peak:>9.0f} {1024 * peak / stacks:>12.0f}",
            flush=True,
        )
        yield f"{stacks:.0f} stacks / raw troposphere", ms / raw_ms
        yield f"{stacks:.0f} stacks / raw troposphere, wall", wall_ms / raw_wall_ms


def worse(ratios: Mapping[str, float], committed: Mapping[str, float]) -> list[str]:
    """Return the names of the ratios that are more than a quarter above the committed ones, if there are any."""
    return [name for name, ratio in ratios.items() if ratio > TOLERANCE * committed.get(name, ratio)]


def main() -> None:
    """Print the two tables and the ratios. Raises `SystemExit` if a ratio is worse by more than a quarter."""
    ratios = {"example / imports": compare_with_imports()} | dict(compare_with_raw_troposphere())
    committed: dict[str, float] = tomllib.loads(RATIOS.read_text(encoding="utf-8"))
    print(f"\n{'ratio':<44} {'now':>6} {'committed':>10}")
    for name, ratio in ratios.items():
        print(f"{name:<44} {ratio:>6.2f} {committed.get(name, math.nan):>10.2f}")
    if names := worse(ratios, committed):
        raise SystemExit(f"error: worse by more than a quarter than {RATIOS.relative_to(ROOT)}: {', '.join(names)}")


if __name__ == "__main__":
    main()
