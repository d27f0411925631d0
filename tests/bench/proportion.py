"""Shows that ten times the input takes about ten times as long: a part of `make bench-gate`.

Exits with 1 if the time is more than twenty times as long, because then the work grows with the square of the input.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from cicd_templates.functions.scan_gate.decide import decide
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.policy import Policy
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.waivers import Waiver
from cicd_templates.render.equal_names import refuse_equal_names
from cicd_templates.template.stack_facts import StackFacts
from cicd_templates.template.stack_template import StackTemplate

SMALL, LARGE, RUNS, LIMIT = 2_000, 20_000, 3, 20
DAY = date(2026, 11, 24)
FACTS = StackFacts(
    project="shipping",
    environment="staging",
    kind="runtime",
    layer="own",
    stack="shipping-staging-own",
    account="222222222222",
    region="eu-central-1",
    protection="disposable",
    sources=(),
    stack_tags={},
    deployed_as=None,
)


def sarif(count: int) -> Callable[[], object]:
    """Return a function that reads a SARIF report with `count` rules and as many results."""
    rules = [{"id": f"R{number}", "properties": {"security-severity": "5"}} for number in range(count)]
    results = [{"ruleId": f"R{number}", "message": {"text": "m"}} for number in range(count)]
    run = {"tool": {"driver": {"name": "x", "rules": rules}}, "results": results}
    data = json.dumps({"version": "2.1.0", "runs": [run]}).encode()
    return lambda: read_report("sarif", data)


def waivers(count: int) -> Callable[[], object]:
    """Return a function that judges `count` findings with as many waivers."""
    findings = [Finding("t", f"R{number}", None, "high", file=f"src/{number}.py") for number in range(count)]
    policy = Policy(waivers=[Waiver(f"R{number}", "r", "o", DAY, path="src") for number in range(count)])
    return lambda: decide(["c"], {"c": Report(findings)}, policy, DAY)


def names(count: int) -> Callable[[], object]:
    """Return a function that searches for equal names in a template with `count` queues."""
    queues = {
        f"Q{number}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"q-{number}"}} for number in range(count)
    }
    many = StackTemplate(Path("own.yaml"), "", {"Resources": queues}, FACTS)
    return lambda: refuse_equal_names([many])


def seconds(work: Callable[[], object]) -> float:
    """Return the median of the processor time that `work` takes."""
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def main() -> None:
    """Print one line for each kind of work, and exit 1 if one does not grow in proportion."""
    failed = False
    for title, work in (("SARIF rules and results", sarif), ("findings and waivers", waivers), ("named queues", names)):
        small, large = seconds(work(SMALL)), seconds(work(LARGE))
        print(f"{title}: {LARGE:,} take {large:.2f} s, {large / small:.1f} times as long as {SMALL:,}")
        failed = failed or large > LIMIT * small
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
