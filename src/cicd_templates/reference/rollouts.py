"""Generates the page about rollouts. For each rollout step, the page shows how the step changes the templates.

The templates are rendered from an example configuration, so the page does not depend on the user's configuration.
"""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cicd_templates.config.load import parse_configuration
from cicd_templates.layer.definition import Layer
from cicd_templates.render import render
from cicd_templates.template.stack_template import StackTemplate

EXAMPLE = """
[project]
name = "payments"
owner = "team"
cost_center = "cc"

[pipeline]
path = ["staging"]

[services.web]
checks = { bandit = { preset = "bandit" } }

[environments.tools]
kind = "tools"
account = "111111111111"
region = "eu-central-1"
protection = "disposable"
log_retention_days = 30

[environments.staging]
kind = "runtime"
account = "222222222222"
region = "eu-central-1"
protection = "disposable"
log_retention_days = 30
cidr = "10.0.0.0/16"
zones = ["eu-central-1a", "eu-central-1b"]
allow_http = true

[environments.staging.services.web]
"""
SERVICE_PATH = "staging/service-web.yaml"
PAGE_WIDTH = 118
TAGS = re.compile(r"^      Tags:\n(      - \{Key: .*\}\n)+", re.MULTILINE)


@dataclass(frozen=True)
class RolloutStep:
    """One step of a rollout: the line of configuration that it adds, its purpose, its risk, and signs of failure."""

    line: str
    purpose: str
    risk: str
    shows: str


ROLLOUT_STEPS = (
    RolloutStep(
        "rollback_on_alarm = true",
        "A release is rolled back if it returns errors, responds slowly or refuses connections, or if its tasks keep"
        " stopping.",
        "ECS ignores an alarm that is in ALARM when a deployment begins. An alarm that is too strict rolls"
        " good releases back. With `rolling`, ECS computes the bake time from the alarms, so each deployment takes"
        " longer.",
        "`...-errors`, `...-latency`, `...-unhealthy-hosts`, `...-not-starting` or `...-start-impaired` is in ALARM,"
        " and the stack is in UPDATE_ROLLBACK_COMPLETE.",
    ),
    RolloutStep(
        "desired_count = 2",
        "The service survives the loss of one task or one Availability Zone.",
        "The account's quota of Fargate capacity is too small for twice as many tasks during a deployment.",
        "The event `SERVICE_TASK_PLACEMENT_FAILURE` is sent by email; `...-too-few-tasks` is in ALARM.",
    ),
    RolloutStep(
        "autoscaling = { minimum = 2, maximum = 6, cpu_percent = 60 }",
        "The number of tasks follows the load. The template no longer sets this number, so an update of the stack"
        " does not reset it.",
        "The load may rise faster than tasks start; use schedules or a lower target.",
        "`...-cpu` is in ALARM while the number of tasks is at its maximum.",
    ),
    RolloutStep(
        'rollout = "blue-green"',
        "The new release runs beside the old release, is tested, and then gets all requests at once. The old release"
        " keeps running for `bake_minutes`, so a rollback only moves the requests back.",
        "Twice as many tasks run during the bake time. ECS has no circuit breaker for this strategy, so alarms are"
        " required.",
        "During the bake time, the service's deployment stays IN_PROGRESS, and the stack stays UPDATE_IN_PROGRESS.",
    ),
    RolloutStep(
        'hooks = ["verify-image", "smoke"]',
        "ECS starts a task only if three things are true: its image is pinned by digest and comes from the service's"
        " repository, signed statements about exactly this digest exist, and the scan of the image is acceptable."
        " Clients reach the release only after it has responded on the test listener.",
        "A hook that cannot complete its check stops every release, on purpose. So take these four steps in order."
        " First, if an older version of this tool released the current image, release the image again: the hook cannot"
        " find signed statements from the older version. Second, if the image of the service's first deployment is not"
        " signed, which is usual, add an exception for this image to `unsigned_images`. Third, add the hooks. Fourth,"
        " before the next release, deploy the tools environment and this environment. This deployment permits the hook"
        " to read the signed statements in the tools environment.",
        "The log of the hook's function says why it refused a release. If the function raised an exception,"
        " `...-verify-image-errors` or `...-smoke-errors` is in ALARM. To undo this step, remove the line from the"
        " configuration and deploy the service. The stack of the hooks remains, and `make status` lists it. Delete this"
        " stack with `aws cloudformation delete-stack`.",
    ),
    RolloutStep(
        'rollout = "canary"',
        "The new release gets ten percent of the requests for five minutes, then all of them.",
        "The alarm needs three errors in a minute. With few requests, a faulty release may cause fewer errors.",
        "The deployment and the stack have the same states as in a `blue-green` rollout. The weights in the listener"
        " rules show the progress.",
    ),
    RolloutStep(
        'rollout = "linear"',
        "The new release gets another fifth of the requests every five minutes.",
        "Both releases serve requests at the same time for longer than in other rollouts, so each must be able to read"
        " the data of the other.",
        "The deployment and the stack have the same states as in a `blue-green` rollout. The weights in the listener"
        " rules show the progress.",
    ),
)

ROLLOUTS_INTRODUCTION = """\
# Rollouts

This page shows how a release of a service replaces the previous one. Generated by `make fmt` from the templates that
each step renders; do not edit.

A new service starts with the simplest settings: a bootstrap image that passes the health check, one task, the rolling
strategy, a health check grace period of two minutes, and a circuit breaker that rolls back. The service is healthy
before its first release, so its stack does not wait for one. Each further step is one line of configuration under
`[environments.<name>.services.<service>]`; the steps may be taken in any valid order. `make render` refuses settings
that cannot work: a bake time that is longer than CloudFormation waits, a progressive rollout without alarms, hooks for
a strategy without hooks, a circuit breaker for a strategy without one, and limits that contradict each other.

With every rollout, the pipeline deploys an image only if it is signed. It verifies the signatures directly before it
executes the change set ([pipeline.md](pipeline.md#only-what-is-signed-is-deployed)). The hook `verify-image` runs
later, when ECS starts the release. It verifies the signatures again, for exactly the digest that ECS is about to start,
and compares repository and scan. So what is started without the pipeline, such as an update of the stack, must be
signed as well.

## What no step replaces

The layer `ingress` has both target groups, both listener rules, and the role with which ECS shifts traffic, from the
first deployment on. No step replaces any of them (`tests/unit/templates/test_rollouts.py` checks it, and
`tests/integration/test_rollouts.py` applies and reverts the steps on the local AWS). They are in a separate stack that
no release changes; the pipeline updates only the layer `service`.

ECS changes the weights of the two rules and leaves them pointing to the newest release, so they then differ from the
template. CloudFormation does not reset them, because the rules in the template stay the same. **Changing
`path_pattern` or `priority` resets the weights** to the primary target group: make such a change only while that group
receives the requests, and check first.

```sh
aws elbv2 describe-rules --rule-arns ARN --query 'Rules[].Actions[].ForwardConfig.TargetGroups'
```

## The steps
"""

ENDING = """\
## Reverting a step

To revert a step, remove its line. Without `autoscaling` the number of tasks becomes `desired_count` at once. A change
back to `rolling` waits until no deployment is in progress; ECS then keeps the target group that receives the requests
([AWS](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-bluegreen-to-rolling.html)). When a secret is
removed from the configuration, its stack deletes the secret some minutes before the service stops using it. A protected
environment retains the secret. In a disposable environment, a task that starts in these minutes fails and is started
again.

## Limits and decisions to know

- Clients connect to the load balancer with TLS 1.2 or 1.3. **The load balancer connects to the task with plain HTTP**
  inside the VPC, between two security groups that reference each other. `backend_tls = true` uses TLS there as well.
  The task must then serve TLS on `port`, so the first image must be your own. Decide this at the start, because a
  change replaces both target groups.
- Tasks may connect only to port 443, at any address, unless `egress` allows more.
- `audited_exec = true` allows `aws ecs execute-command`. Each session is encrypted with the environment's key and
  recorded in the log group `/<project>/<environment>/exec`. The root file system stays read-only: the agent writes to
  two volumes of its own. Other users report that this works, but AWS does not document it.
- Card numbers in the log of the service are counted, and masked for everybody without `logs:Unmask`.
- The smoke hook sends its request from inside the VPC. The request leaves through a NAT gateway and arrives at the
  public address of the load balancer, so the test listener admits only the addresses of these gateways.
- ECS gets a list of the metric alarms that roll a release back, because ECS does not read composite alarms: by default,
  `DescribeAlarms` omits them. The composite alarm `...-unwell` is for people.

## What has been tested

Every step renders and passes cfn-lint without a finding. On the local AWS every step is applied and reverted, and no
stack fails. The hooks from the templates run there against releases that are healthy, unhealthy, slow and silent. The
local AWS starts no tasks and shifts no requests. It records scaling and the composite alarm, but does not create them.
Nothing has been run on AWS.
"""


def rollouts_page(layers: Sequence[Layer]) -> str:
    """Return the text of `docs/rollouts.md`."""
    lines = [ROLLOUTS_INTRODUCTION]
    settings: dict[str, str] = {}
    before = _render_example(settings, layers)
    for number, step in enumerate(ROLLOUT_STEPS, start=1):
        key = step.line.partition(" = ")[0]
        settings[key] = step.line
        after = _render_example(settings, layers)
        lines += [f"### {number}. `{step.line}`", "", *_wrapped(step.purpose), ""]
        lines += ["```diff", *_difference(before[SERVICE_PATH].text, after[SERVICE_PATH].text), "```", ""]
        if elsewhere := list(_changes_in_other_stacks(before, after)):
            lines += [*elsewhere, ""]
        lines += [*_wrapped(f"*What can go wrong*: {step.risk} *How it shows*: {step.shows}"), ""]
        before = after
    return "\n".join([*lines, ENDING])


def _render_example(settings: Mapping[str, str], layers: Sequence[Layer]) -> dict[str, StackTemplate]:
    raw = tomllib.loads("\n".join([EXAMPLE, *settings.values()]))
    configuration = parse_configuration(raw, source="the example of the rollout steps")
    return {stack.path: stack.template for stack in render.render(configuration, layers, "yaml")}


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, PAGE_WIDTH, break_long_words=False, break_on_hyphens=False)


def _difference(before: str, after: str) -> Iterator[str]:
    """Yield the lines of a diff between the resources before and after a step. Tags are left out.

    The diff has one line of context.
    """
    old, new = (TAGS.sub("", text.partition("\nResources:\n")[2]).splitlines() for text in (before, after))
    for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]:
        yield "..." if line.startswith("@@") else line.rstrip()


def _changes_in_other_stacks(before: Mapping[str, StackTemplate], after: Mapping[str, StackTemplate]) -> Iterator[str]:
    """Yield a line for each changed stack except the service's own stack.

    The line lists the resources that the rollout step adds, removes or changes in the stack.
    """
    for path in sorted(after.keys() - {SERVICE_PATH}):
        old, new = (stacks[path].resources if path in stacks else {} for stacks in (before, after))
        changes = [
            f"{verb} {', '.join(f'`{name}`' for name in names)}"
            for verb, names in (
                ("adds", sorted(new.keys() - old.keys())),
                ("removes", sorted(old.keys() - new.keys())),
                ("changes", sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
            )
            if names
        ]
        if changes:
            line = f"- `{path}` {'; '.join(changes)}"
            yield from textwrap.wrap(line, PAGE_WIDTH, subsequent_indent="  ", break_on_hyphens=False)
