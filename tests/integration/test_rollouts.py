"""Changes between rollout strategies, in both directions, on the local AWS, and the rendered hooks."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.conftest import free_port, listening
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]
STAGING_SERVICE = "[environments.staging.services.parcel-dispatcher]"
# Each step adds one line of configuration to those of the steps before. A later line replaces an earlier one.
STEPS = [
    "rollback_on_alarm = true",
    "desired_count = 2",
    "autoscaling = { minimum = 2, maximum = 6, cpu_percent = 60 }",
    'rollout = "blue-green"',
    'hooks = ["verify-image", "smoke"]',
    'rollout = "canary"',
    'rollout = "linear"',
]
# Resources that may serve clients; a step must not replace them.
CARRIERS = ("Listener", "LoadBalancer", "TargetGroup", "Rule", "Cluster", "ECS::Service")


def configure(project: Project, lines: list[str]) -> None:
    """Give the service in staging exactly these settings."""
    path = project.folder / "templates/environments.toml"
    text = path.read_text().partition(f"\n{STAGING_SERVICE}")[0].rstrip()
    settings = {line.partition(" = ")[0]: line for line in lines}
    path.write_text("\n".join([text, "", STAGING_SERVICE, *settings.values(), ""]))
    project.ok("render")


def carriers(project: Project) -> dict[str, str]:
    """Return the physical ids of the resources that serve clients, by logical id."""
    client = project.clients("staging").cloudformation
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for stack in client.describe_stacks()["Stacks"]
        for resource in client.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
        if resource["ResourceType"].rpartition("::")[2].endswith(CARRIERS) or "ECS::Service" in resource["ResourceType"]
    }


UP = [STEPS[:number] for number in range(1, len(STEPS) + 1)]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([UP[-1], UP[2], []], id="up at once, and down in two steps"),
        pytest.param([*UP, *reversed(UP[:-1]), []], id="step by step, up and down"),
    ],
)
def test_every_rollout_step_in_both_directions_keeps_the_resources_that_serve_requests(
    project: Project, steps: list[list[str]]
) -> None:
    project.ok("deploy --env staging --local --yes")
    first = carriers(project)
    assert {"PrimaryTargetGroup", "AlternateTargetGroup", "ProductionRule", "TestRule", "Service"} <= first.keys()
    for lines in steps:
        configure(project, lines)
        deployed = project.ok("deploy --env staging --local --yes")

        assert ": updated, " in deployed, lines
        assert carriers(project) == first, lines
        stacks = project.clients("staging").cloudformation.describe_stacks()["Stacks"]
        assert {stack["StackStatus"] for stack in stacks} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, lines


HOOKS = [
    'hooks = ["verify-image", "smoke"]',
    'rollout = "blue-green"',
    "rollback_on_alarm = true",
    'probes = { "/health" = 200 }',
]
RELEASE = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
status, pause = int(sys.argv[2]), float(sys.argv[3])
class Release(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(pause)
        self.send_response(status)
        self.end_headers()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Release).serve_forever()
"""


def asked(project: Project, name: str, event: dict[str, Any], **variables: str) -> dict[str, Any]:
    """Return the answer of the deployed hook after some of its variables were replaced."""
    functions = project.clients("staging").lambda_
    full_name = f"shipping-staging-parcel-dispatcher-{name}"
    given = functions.get_function_configuration(FunctionName=full_name)["Environment"]["Variables"]
    # The time is only enough for one round of requests; as rendered, the hook repeats them for three minutes.
    functions.update_function_configuration(
        FunctionName=full_name, Environment={"Variables": {**given, **variables}}, Timeout=15
    )
    answer = functions.invoke(FunctionName=full_name, Payload=json.dumps(event).encode())
    return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read() or "null")}


def test_the_deployed_hooks_agree_only_to_a_healthy_release(project: Project) -> None:
    configure(project, HOOKS)
    project.ok("deploy --env staging --local --yes")
    for status, pause, expected in ((200, 0.0, "SUCCEEDED"), (503, 0.0, "FAILED"), (200, 6.0, "FAILED")):
        port = free_port()
        with listening(port, sys.executable, "-c", RELEASE, str(port), str(status), str(pause)):
            answer = asked(project, "smoke", {}, BALANCER="127.0.0.1", PORT=str(port), TLS="")
        assert answer == {"error": None, "payload": {"hookStatus": expected}}, (status, pause)
    nobody = asked(project, "smoke", {}, BALANCER="127.0.0.1", PORT=str(free_port()), TLS="")
    assert nobody["payload"] == {"hookStatus": "FAILED"}

    # Without a required variable, the hook raises. ECS treats that as a failure and rolls the release back.
    silent = asked(project, "verify-image", {})
    assert silent["error"] == "Unhandled"
    assert "hookStatus" not in silent["payload"]
