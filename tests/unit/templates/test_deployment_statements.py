"""Each deployment ends with a signed statement, and the signer may read exactly what the statement says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.functions.deployed_release import DEPLOYED, REVIEWED
from cicd_templates.render.render import render
from templates import LAYERS
from tests.conftest import RAW, configured

# All on one worker, because they share what is rendered.
pytestmark = pytest.mark.xdist_group("deployment statements")
CHECKS = RAW["services"]["parcel-dispatcher"]["checks"]
JOB = {"command": ["python3", "-m", "depot.count"]}
# A service of each shape. No alarm can watch a schedule with a month between two runs.
EDITS: list[tuple[str, Any]] = [
    ("queues/labels", {}),
    ("services/packer", {"shape": "worker", "checks": CHECKS, "uses": {"labels": "receive"}}),
    ("services/counter", {"shape": "job", "checks": CHECKS, "job": {**JOB, "schedule": "cron(0 3 * * ? *)"}}),
    ("services/ledger", {"shape": "job", "checks": CHECKS, "job": {**JOB, "schedule": "cron(0 3 1 * ? *)"}}),
]
SERVICES = ("parcel-dispatcher", "packer", "counter", "ledger")


@pytest.fixture(scope="module")
def stacks() -> dict[str, dict[str, Any]]:
    return {
        stack.path.removesuffix(".yaml"): dict(stack.template.content)
        for stack in render(configured(*EDITS), LAYERS, "yaml")
    }


def reviewer(stacks: dict[str, dict[str, Any]], environment: str, service: str) -> dict[str, dict[str, Any]]:
    """Return the statements of the role with which the signer reads what was deployed, by their Sids."""
    role = stacks[f"{environment}/delivery-{service}"]["Resources"]["ReviewRole"]["Properties"]
    return {each["Sid"]: each for each in role["Policies"][0]["PolicyDocument"]["Statement"]}


def stages(stacks: dict[str, dict[str, Any]], service: str) -> dict[str, dict[str, Any]]:
    pipeline = stacks[f"tools/pipeline-{service}"]["Resources"]["Pipeline"]["Properties"]
    return {stage["Name"]: stage for stage in pipeline["Stages"]}


def parameters(action: dict[str, Any]) -> dict[str, str]:
    text = action["Configuration"]["UserParameters"]
    found: dict[str, str] = json.loads(text["Fn::Sub"] if isinstance(text, dict) else text)
    return found


@pytest.mark.no_cover
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_states_of_exactly_the_services_own_alarms_may_be_read(
    stacks: dict[str, dict[str, Any]], environment: str, service: str
) -> None:
    resources = stacks[f"{environment}/health-{service}"]["Resources"].values()
    alarms = {each["Properties"]["AlarmName"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"}
    statement = reviewer(stacks, environment, service)["ReadTheStatesOfItsAlarms"]

    assert alarms
    assert {arn["Fn::Sub"].rpartition(":alarm:")[2] for arn in statement["Resource"]} == alarms
    assert statement["Action"] == ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"]


@pytest.mark.parametrize("service", SERVICES)
def test_only_a_service_that_runs_all_the_time_is_looked_at_in_ecs(
    stacks: dict[str, dict[str, Any]], service: str
) -> None:
    statements = reviewer(stacks, "production", service)

    assert ("LookAtTheRunningService" in statements) == (service in ("parcel-dispatcher", "packer"))
    looked_at = [arn["Fn::Sub"].split(":stack/")[1] for arn in statements["LookAtDeployedResources"]["Resource"]]
    assert looked_at == [f"shipping-production-{layer}-{service}/*" for layer in ("service", "health")]


@pytest.mark.parametrize("service", SERVICES)
def test_a_deployment_ends_with_a_statement_that_undoes_nothing(
    stacks: dict[str, dict[str, Any]], service: str
) -> None:
    for name in ("Staging", "Production"):
        stage = stages(stacks, service)[name]
        *others, last = sorted(stage["Actions"], key=lambda action: action["RunOrder"])
        asked = parameters(last)

        assert last["Name"] == f"Attest{name}"
        assert last["Configuration"]["FunctionName"] == {"Ref": "SignerFunctionName"}
        assert last["RunOrder"] > max(action["RunOrder"] for action in others)
        assert DEPLOYED <= asked.keys() <= DEPLOYED | REVIEWED
        # A stage that rolls back must not do so because of a statement. The function fails only after an approval.
        assert ("reviewed" in asked) == (name == "Production") == ("OnFailure" not in stage)
        execute = next(action for action in others if action["Name"] == "Execute")
        assert asked["stacks"] == execute["Configuration"]["StackName"]
        variables = stacks[f"tools/signer-{service}"]["Resources"]["Signer"]["Properties"]["Environment"]["Variables"]
        number = variables["ENVIRONMENTS"].split(",").index(asked["environment"])
        assert variables["STAGES"].split(",")[number] == name
        assert variables["CHANGE_SETS"].split(",")[number] == execute["Configuration"]["ChangeSetName"]
        assert variables["HEALTH_STACKS"].split(",")[number] == f"shipping-{name.lower()}-health-{service}"
        assert asked["statements"] == "#{Sign.Statements}"


def test_only_the_signer_puts_statements_about_deployments(stacks: dict[str, dict[str, Any]]) -> None:
    writers = {
        (path, name)
        for path, stack in stacks.items()
        for name, resource in stack["Resources"].items()
        for policy in resource["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "_deployments" in json.dumps(statement["Resource"]) and "s3:PutObject" in statement["Action"]
    }

    assert writers == {(f"tools/signer-{service}", "SignerRole") for service in SERVICES}
