"""A worker: what replaces the port, the load balancer and the smoke test, and the metric by which it scales."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from cicd_templates.builds import languages
from cicd_templates.errors import ConfigurationError
from tests.conftest import RAW, configured, rendered_stacks

CHECKS = RAW["services"]["parcel-dispatcher"]["checks"]
QUEUES: list[tuple[str, dict[str, Any]]] = [("queues/labels", {}), ("queues/bills", {})]
LOAD_BALANCING = {
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::EC2::SecurityGroupIngress",
}


def rendered(**settings: Any) -> dict[str, dict[str, Any]]:
    """Return the content of every template, keyed by path, of a project that also has the worker `packer`."""
    worker = {"shape": "worker", "checks": CHECKS, **settings}
    stacks = rendered_stacks(*QUEUES, ("services/packer", worker))
    return {stack.path: dict(stack.template.content) for stack in stacks}


def resources(layer: str, environment: str = "staging", **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = rendered(**settings)[f"{environment}/{layer}-packer.yaml"]["Resources"]
    return found


def policies(**settings: Any) -> dict[str, Any]:
    """Return the configuration of each scaling policy of the worker."""
    return {
        name: each["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for name, each in resources("service", **settings).items()
        if each["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    }


@pytest.mark.no_cover
def test_a_worker_has_no_port_and_no_load_balancing() -> None:
    stacks = rendered(environment={"LOG_LEVEL": "info"})
    of_worker = {path: content for path, content in stacks.items() if path.startswith("staging/") and "packer" in path}

    types = {each["Type"] for content in of_worker.values() for each in content["Resources"].values()}
    service = of_worker["staging/service-packer.yaml"]["Resources"]
    (container,) = service["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert not types & LOAD_BALANCING
    assert not {"LoadBalancers", "HealthCheckGracePeriodSeconds"} & set(service["Service"]["Properties"])
    assert "PortMappings" not in container
    assert container["Environment"] == [{"Name": "LOG_LEVEL", "Value": "info"}]
    assert not any("cluster/Listener" in str(content.get("Parameters")) for content in of_worker.values())
    assert "ServiceUrlParameter" not in service
    assert set(of_worker["staging/ingress-packer.yaml"]["Resources"]) == {"TasksGroup", "TasksGroupIdParameter"}


@pytest.mark.no_cover
def test_a_worker_without_variables_has_no_empty_list_of_them() -> None:
    (container,) = resources("service")["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    assert "Environment" not in container


@pytest.mark.no_cover
def test_before_its_first_release_a_worker_runs_until_it_is_stopped() -> None:
    (container,) = resources("service")["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    program, *arguments = container["Command"]["Fn::If"][1]

    assert program == "python3"
    process = subprocess.Popen([sys.executable, *arguments])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.terminate()
    assert process.wait(10) == -15


def test_alarms_roll_back_a_worker_whose_tasks_do_not_keep_running() -> None:
    deployment = resources("service")["Service"]["Properties"]["DeploymentConfiguration"]
    health = resources("health")

    assert deployment["Alarms"] == {"AlarmNames": {"Ref": "RollbackAlarmNames"}, "Enable": True, "Rollback": True}
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    (published,) = [each for each in health.values() if each["Type"] == "AWS::SSM::Parameter"]
    assert published["Properties"]["Value"] == {
        "Fn::Join": [",", [{"Ref": "NotStartingAlarm"}, {"Ref": "StartImpairedAlarm"}]]
    }


def test_a_worker_without_a_running_task_notifies_operations() -> None:
    health = resources("health")
    alarms = {name for name, each in health.items() if each["Type"] == "AWS::CloudWatch::Alarm"}

    assert alarms == {
        "NotStartingAlarm", "StartImpairedAlarm", "NoTasksAlarm", "TooFewTasksAlarm", "CpuAlarm", "MemoryAlarm",
        "RestartsAlarm", "DeploymentFailedAlarm",
    }  # fmt: skip
    unwell = health["UnwellAlarm"]["Properties"]
    assert 'ALARM("${NoTasksAlarm}")' in unwell["AlarmRule"]["Fn::Sub"]
    assert unwell["AlarmActions"] == [{"Ref": "OperationsTopicArn"}]
    no_tasks = health["NoTasksAlarm"]["Properties"]
    # A service without a running task sends no metrics.
    assert (no_tasks["TreatMissingData"], no_tasks["EvaluationPeriods"]) == ("breaching", 5)
    *_, result = no_tasks["Metrics"]
    assert result["Expression"] == "IF(wanted > 0 AND running < 1, 1, 0)"


@pytest.mark.no_cover
def test_the_dashboard_of_a_worker_shows_the_queues_from_which_it_receives() -> None:
    without = json.loads(resources("health", uses={"bills": "send"})["Dashboard"]["Properties"]["DashboardBody"])
    with_queue = resources("health", uses={"labels": "receive", "bills": "send"})["Dashboard"]["Properties"]
    body = json.loads(with_queue["DashboardBody"]["Fn::Sub"])

    tasks = ["Tasks", "CPU and memory of the tasks, %"]
    titles = [each["properties"]["title"] for each in body["widgets"]]
    assert [each["properties"]["title"] for each in without["widgets"]] == tasks
    assert titles == ["Messages of labels", "Oldest message of labels, seconds", *tasks]
    assert body["widgets"][0]["properties"]["metrics"][0][:4] == [
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${LabelsQueueName}",
    ]  # fmt: skip


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("uses", "scaling", "expected"),
    [
        ({}, {}, {"CpuPolicy": 60}),
        ({"labels": "send"}, {}, {"CpuPolicy": 60}),
        ({"labels": "receive"}, {}, {"LabelsBacklogPolicy": 100}),
        ({"labels": "send-and-receive"}, {"messages_per_task": 7}, {"LabelsBacklogPolicy": 7}),
        ({"labels": "receive"}, {"cpu_percent": 50}, {"CpuPolicy": 50}),
        ({"labels": "receive"}, {"memory_percent": 50}, {"MemoryPolicy": 50}),
        (
            {"labels": "receive", "bills": "receive"},
            {"cpu_percent": 50, "messages_per_task": 9},
            {"CpuPolicy": 50, "LabelsBacklogPolicy": 9, "BillsBacklogPolicy": 9},
        ),
    ],
    ids=["no queue", "sends", "receives", "sends and receives", "own CPU target", "own memory target", "two queues"],
)
def test_a_worker_scales_on_the_queues_from_which_it_receives(
    uses: dict[str, str], scaling: dict[str, Any], expected: dict[str, int]
) -> None:
    found = policies(uses=uses, autoscaling={"maximum": 4, **scaling})

    assert {name: policy["TargetValue"] for name, policy in found.items()} == expected


@pytest.mark.no_cover
def test_the_backlog_is_the_number_of_waiting_messages_for_each_running_task() -> None:
    (policy,) = policies(uses={"labels": "receive"}, autoscaling={"maximum": 4}).values()
    messages, tasks, backlog = policy["CustomizedMetricSpecification"]["Metrics"]

    assert messages["MetricStat"]["Metric"] == {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": {"Ref": "LabelsQueueName"}}],
    }
    assert tasks["MetricStat"]["Metric"]["MetricName"] == "RunningTaskCount"
    assert (backlog["Expression"], backlog["ReturnData"]) == ("messages / tasks", True)


def test_messages_per_task_without_a_queue_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        rendered(uses={"labels": "send"}, autoscaling={"maximum": 4, "messages_per_task": 7})

    assert (
        "services.packer.autoscaling.messages_per_task: the service receives from no queue; add a"
        ' queue to the table uses, such as orders = "receive", or use cpu_percent' in str(caught.value)
    )


@pytest.mark.no_cover
def test_the_pipeline_of_a_worker_has_no_smoke_test_and_no_project_for_it() -> None:
    stacks = rendered()
    pipeline = stacks["tools/pipeline-packer.yaml"]["Resources"]["Pipeline"]["Properties"]
    staging = next(each for each in pipeline["Stages"] if each["Name"] == "Staging")

    assert [each["Name"] for each in staging["Actions"]] == ["Prepare", "CheckStaging", "Execute", "AttestStaging"]
    assert staging["OnFailure"] == {"Result": "ROLLBACK"}
    assert "SmokeTest" not in stacks["tools/build-packer.yaml"]["Resources"]
    assert "smoke-test" not in str(stacks["tools/monitoring-packer.yaml"])


def test_cloudformation_may_pass_only_the_roles_that_a_worker_has() -> None:
    def passed(service: str) -> set[str]:
        role = stacks[f"staging/delivery-{service}.yaml"]["Resources"]["CloudFormationRole"]["Properties"]
        (policy,) = role["Policies"]
        return {each["Sid"] for each in policy["PolicyDocument"]["Statement"] if each["Action"] == ["iam:PassRole"]}

    stacks = rendered()
    assert passed("packer") == {"GiveTasksTheirRoles"}
    assert passed("parcel-dispatcher") == {"GiveTasksTheirRoles", "GiveEcsItsRoles"}


def test_a_worker_in_another_language_needs_no_smoke_test_of_its_own() -> None:
    node = {"node-tests": {"preset": "node-tests"}}
    (line,) = languages.warnings(configured(("services/packer", {"shape": "worker", "checks": node})))

    assert line.startswith("services.packer: build.sbom: the default")
