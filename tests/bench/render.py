"""Compares the renderer with its floor, as whole processes: `make bench`. A measurement, not a test.

The floor is the time that Python needs for every third-party import of the renderer and for `json.dumps` of the
rendered dicts: the cost of rendering if building, checking and writing YAML took no time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNS = 7
SERVICES = (1, 10, 100, 1000)
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

# Prints the seconds of rendering without start-up, the peak memory in MiB, and the number of stacks.
SCALE = """
import gc; gc.disable()
import pathlib, resource, sys, tempfile, time, tomllib
from cicd_templates.render import out_folder, render
from cicd_templates.config.load import parse_configuration
from cicd_templates.cli.project_layers import project_layers
raw = tomllib.loads(pathlib.Path("templates/environments.toml").read_text())
checks = raw["services"]["parcel-dispatcher"]["checks"]
numbers = range(1, int(sys.argv[1]) + 1)
raw["services"] = {f"service-{n}": {"path_pattern": f"/{n}/*", "checks": checks} for n in numbers}
raw["environments"]["production"].pop("services", None)
began = time.perf_counter()
rendered = render.render(parse_configuration(raw, source="bench"), project_layers(), "yaml")
with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    out_folder.write_files(out_folder.files_of(rendered, root), root)
scale = 1024 * 1024 if sys.platform == "darwin" else 1024
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, len(rendered))
"""


def process(*arguments: str) -> tuple[float, float]:
    """Run a process; return its wall-clock seconds and its peak memory in MiB. Raises `SystemExit` if it fails."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=CACHING, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments[0]} failed")
    wall = time.perf_counter() - began
    return wall, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def line(label: str, samples: list[tuple[float, float]]) -> float:
    walls = sorted(wall for wall, _ in samples)
    peak = max(memory for _, memory in samples)
    middle = statistics.median(walls)
    print(f"{label:<44} {walls[0]:6.2f} {middle:6.2f} {walls[-1]:6.2f} s {peak:6.0f} MiB")
    return middle


def main() -> None:
    """Print the two tables."""
    from cicd_templates.template.cloudformation_yaml import load

    with tempfile.TemporaryDirectory() as folder:
        dicts = Path(folder, "dicts.json")
        dicts.write_text(json.dumps([load(path.read_text()) for path in sorted(ROOT.glob("out/*/*.yaml"))]))
        print(f"whole process, {RUNS} runs in turn{'':<15} min    median max      peak")
        floors, renders = [], []
        # The first run compiles the modules, so that no measured run does.
        process("-c", FLOOR, str(dicts))
        process("generate.py", "--out", folder)
        for _ in range(RUNS):
            floors.append(process("-c", FLOOR, str(dicts)))
            renders.append(process("generate.py", "--out", folder))
    floor = line("floor: imports and json.dumps", floors)
    render = line("generate.py, all environments", renders)
    print(f"{'render / floor':<44} {render / floor:13.2f}   (aim: under 2)")
    print(f"\n{'services':>8} {'stacks':>7} {'seconds':>8} {'ms a stack':>11} {'peak MiB':>9} {'KiB a stack':>12}")
    for services in SERVICES:
        answer = subprocess.run(
            [sys.executable, "-c", SCALE, str(services)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        seconds, peak, stacks = map(float, answer.stdout.split())
        print(
            f"{services:>8} {stacks:>7.0f} {seconds:>8.2f} {1000 * seconds / stacks:>11.2f} {peak:>9.0f}"
            f" {1024 * peak / stacks:>12.0f}"
        )


if __name__ == "__main__":
    main()
