"""Changes that CloudFormation offers in a change set but cannot complete are refused before anything is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.plans.impossible_changes import impossible_changes
from cicd_templates.errors import RefusedError
from cicd_templates.template.changes.impact import Change, Detail
from tests.fakes.rendered_stacks import rendered
from tests.fakes.scripted_aws import aws, refusal
from tests.unit.deploy.runs.test_deployment import DeployHarness

CLUSTER = "AWS::RDS::DBCluster"
TABLE = "AWS::DynamoDB::Table"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"


def replaced(resource_type: str, *names: str, replacement: str = "True") -> Change:
    details = tuple(Detail("Properties", name, recreation="Always") for name in names)
    return Change("Modify", "R", resource_type, replacement, details=details)


def found(
    change: Change,
    client: Clients,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> tuple[str, ...]:
    stack = rendered("databases", resources={"R": after} if after else {})
    return impossible_changes(client, stack, [change], {"R": before} if before else {})


@pytest.mark.parametrize(
    ("change", "properties", "expected"),
    [
        (replaced(CLUSTER, "DatabaseName"), {"DBClusterIdentifier": "rates"}, "same DBClusterIdentifier rates"),
        (replaced(TARGETS, "Port", "Protocol"), {"Name": "web"}, "Port, Protocol cannot change without"),
        (replaced("AWS::IAM::Role", "Path"), {"RoleName": {"Ref": "X"}}, "same RoleName {'Ref': 'X'}"),
        (replaced("AWS::SQS::Queue", "FifoQueue"), {"QueueName": "q"}, "same QueueName q"),
        (replaced("AWS::Athena::WorkGroup", "Name"), {"Name": "w"}, ""),
        (
            replaced("AWS::Athena::WorkGroup", "Anything"),
            {"Name": "w"},
            "R (AWS::Athena::WorkGroup): Anything cannot change without a replacement; CloudFormation cannot"
            " create the new resource while the old resource has the same Name w; undo this change, or make it in"
            " three steps: add a resource with another name, use only the added resource, remove the old one",
        ),
        (replaced("AWS::IAM::Role"), {"RoleName": "x"}, "this change needs a replacement; CloudFormation cannot"),
        (replaced(CLUSTER, "DBClusterIdentifier", "DatabaseName"), {"DBClusterIdentifier": "new"}, ""),
        (replaced(CLUSTER, "DatabaseName"), {}, ""),
        (replaced(CLUSTER, "DatabaseName", replacement="Conditional"), {"DBClusterIdentifier": "rates"}, ""),
        (replaced("AWS::ECS::TaskDefinition", "Cpu"), {"Family": "web"}, ""),
        (replaced("AWS::ECS::Service", "Cluster"), {"ServiceName": "web"}, ""),
        (replaced("AWS::EC2::SecurityGroup", "VpcId"), {"GroupName": "tasks"}, ""),
        (replaced("AWS::EC2::SecurityGroup", "GroupDescription"), {"GroupName": "tasks"}, "same GroupName tasks"),
        (replaced("Custom::Thing", "Name"), {"Name": "x"}, ""),
    ],
    ids=[
        "a database",
        "target group",
        "a name that is computed",
        "queue",
        "the schema's name changes",
        "a type that only the schema knows",
        "without a reason",
        "another name",
        "a name of AWS's choice",
        "perhaps",
        "a family of revisions",
        "another cluster",
        "another network",
        "in one network",
        "a type without a schema",
    ],
)
def test_a_replacement_with_the_same_name_is_found(change: Change, properties: dict[str, Any], expected: str) -> None:
    lines = found(change, clusters(OFF), after={"Type": change.resource_type, "Properties": properties})

    assert bool(lines) is bool(expected)
    assert all(expected in line for line in lines)


def protected(resource_type: str, name: str, value: Any = True, **more: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": {name: value}, **more}


def live(**services: Any) -> Any:
    listed = {"LogicalResourceId": "R", "PhysicalResourceId": "r-1", "ResourceStatus": "CREATE_COMPLETE"}
    return aws(cloudformation={"list_stack_resources": {"StackResourceSummaries": [listed]}}, **services)


def clusters(answer: Any) -> Any:
    return live(rds={"describe_db_clusters": answer})


@pytest.mark.parametrize("name", ["rates", "order-book"])
def test_nobody_is_told_to_switch_off_a_protection_for_a_replacement_that_would_fail_anyway(name: str) -> None:
    before = protected(CLUSTER, "DeletionProtection")
    after = {"Type": CLUSTER, "Properties": {"DBClusterIdentifier": name, "DatabaseName": "new"}}

    (line,) = found(replaced(CLUSTER, "DatabaseName"), clusters(ON), before, after)
    assert f"the old resource has the same DBClusterIdentifier {name}" in line


ON = {"DBClusters": [{"DeletionProtection": True}]}
OFF = {"DBClusters": [{"DeletionProtection": False}]}
ATTRIBUTES = "LoadBalancerAttributes"
SWITCH = "deletion_protection.enabled"


@pytest.mark.parametrize(
    ("change", "before", "client", "expected"),
    [
        (
            Change("Remove", "R", CLUSTER, policy_action="Snapshot"),
            protected(CLUSTER, "DeletionProtection"),
            clusters(ON),
            "R (AWS::RDS::DBCluster) r-1: cannot be deleted, because its deletion protection is on; switch it off"
            " first: aws rds modify-db-cluster --region eu-central-1 --db-cluster-identifier r-1"
            " --no-deletion-protection --apply-immediately",
        ),
        (Change("Remove", "R", CLUSTER), protected(CLUSTER, "DeletionProtection"), clusters(OFF), ""),
        (Change("Remove", "R", CLUSTER), protected(CLUSTER, "DeletionProtection", False), clusters(ON), "is on"),
        (
            Change("Remove", "R", CLUSTER),
            protected(CLUSTER, "DeletionProtection"),
            clusters(refusal("DBClusterNotFoundFault")),
            "",
        ),
        (
            Change("Remove", "R", CLUSTER, policy_action="Retain"),
            protected(CLUSTER, "DeletionProtection"),
            clusters(ON),
            "",
        ),
        (
            Change("Remove", "R", TABLE),
            protected(TABLE, "DeletionProtectionEnabled", DeletionPolicy="Delete"),
            live(dynamodb={"describe_table": {"Table": {"DeletionProtectionEnabled": True}}}),
            "--no-deletion-protection-enabled",
        ),
        (
            Change("Remove", "R", TABLE),
            protected(TABLE, "DeletionProtectionEnabled", DeletionPolicy="RetainExceptOnCreate"),
            live(),
            "",
        ),
        (
            Change("Remove", "R", LOAD_BALANCER),
            protected(LOAD_BALANCER, ATTRIBUTES, [{"Key": SWITCH, "Value": "true"}]),
            live(elbv2={"describe_load_balancer_attributes": {"Attributes": [{"Key": SWITCH, "Value": "true"}]}}),
            "aws elbv2 modify-load-balancer-attributes",
        ),
        (
            Change("Remove", "R", "AWS::Cognito::UserPool"),
            protected("AWS::Cognito::UserPool", "DeletionProtection", "ACTIVE"),
            live(),
            "is on; first deploy a template with DeletionProtection off",
        ),
        (
            Change("Remove", "R", "AWS::Cognito::UserPool"),
            protected("AWS::Cognito::UserPool", "DeletionProtection", "INACTIVE"),
            live(),
            "",
        ),
        (
            replaced("AWS::RDS::DBInstance", "DBName"),
            protected("AWS::RDS::DBInstance", "DeletionProtection"),
            live(),
            "is on; first deploy a template with DeletionProtection off",
        ),
        (Change("Remove", "R", "AWS::SNS::Topic"), protected("AWS::SNS::Topic", "DeletionProtection"), aws(), ""),
        (Change("Modify", "R", CLUSTER, "False"), protected(CLUSTER, "DeletionProtection"), aws(), ""),
    ],
    ids=[
        "a database",
        "switched off by hand",
        "switched on by hand",
        "gone already",
        "kept",
        "table",
        "a table that is kept",
        "load balancer",
        "a type that cannot be read",
        "off in its template",
        "replaced",
        "no such setting",
        "only changed",
    ],
)
def test_a_deletion_that_a_protection_prevents_is_found(
    change: Change, before: dict[str, Any], client: Any, expected: str
) -> None:
    lines = found(change, client, before)

    assert bool(lines) is bool(expected)
    assert all(expected in line for line in lines)


DATABASE = {"DBClusterIdentifier": "rates", "Fixed": 1, "DeletionProtection": True}


def database(**properties: Any) -> dict[str, Any]:
    policies = {"DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"}
    return {"Type": CLUSTER, "Properties": {**DATABASE, **properties}, **policies}


def events(harness: DeployHarness, status: str) -> list[str]:
    stack = harness.aws.named("shipping-staging-network")
    assert stack is not None
    return [event["LogicalResourceId"] for event in stack.events if event["ResourceStatus"] == status]


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"Data": database(Fixed=2)}, "has the same DBClusterIdentifier rates"),
        ({"Policy": {"Type": "AWS::SNS::TopicPolicy", "Properties": {}}}, "its deletion protection is on"),
    ],
    ids=["replaced", "removed"],
)
def test_an_impossible_change_is_refused_although_its_loss_is_allowed_and_nothing_is_deleted(
    tmp_path: Path, resources: dict[str, Any], why: str
) -> None:
    harness = DeployHarness(tmp_path)
    instance = {"Type": "AWS::RDS::DBInstance", "Properties": {"DBClusterIdentifier": "rates"}}
    harness.stacks[1] = harness.network(Data=database(), Instance=instance)
    harness.deploy()
    harness.stacks[1] = harness.network(**resources)

    with pytest.raises(RefusedError, match=why):
        harness.deploy(allowed=["network/Data"])
    assert harness.nothing_in_review()
    assert events(harness, "DELETE_IN_PROGRESS") == events(harness, "UPDATE_FAILED") == []


def test_a_protection_that_comes_back_after_the_plan_is_noticed_before_it_is_executed(tmp_path: Path) -> None:
    harness = DeployHarness(tmp_path)
    harness.stacks[1] = harness.network(Data=database())
    harness.deploy()
    harness.stacks[1] = harness.network()
    harness.aws.unprotected.add("rates")
    harness.plan()
    harness.aws.unprotected.clear()
    with pytest.raises(RefusedError, match="its deletion protection is on"):
        harness.execute(allowed=["network/Data"])

    harness.aws.unprotected.add("rates")
    harness.execute(allowed=["network/Data"])
    assert events(harness, "DELETE_COMPLETE") == ["Data"]
