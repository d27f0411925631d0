"""How a release replaces the previous one: the resources of each step, the changes between steps, and refusals."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation import autoscaling, rollouts
from cicd_templates.lint.run import find_in_templates
from cicd_templates.template import cloudformation_yaml
from tests.conftest import rendered_stacks
from tests.memory import garbage_kept

SERVICE = "environments/staging/services/parcel-dispatcher"
ALARMS = {"rollback_on_alarm": True}
HOOKS = {"hooks": ["verify-image", "smoke"]}
SCALING = {"minimum": 2, "maximum": 6, "cpu_percent": 60, "memory_percent": 70, "requests_per_target": 500}
NIGHT = {"night": {"cron": "0 20 ? * MON-FRI *", "minimum": 1, "maximum": 2}}

STEPS: dict[str, dict[str, Any]] = {
    "rolling": {},
    "alarms": ALARMS,
    "scaled": ALARMS | {"autoscaling": SCALING | {"schedules": NIGHT}},
    "blue-green": ALARMS | {"autoscaling": SCALING, "rollout": "blue-green"},
    "hooks": ALARMS | HOOKS | {"autoscaling": SCALING, "rollout": "blue-green"},
    "canary": ALARMS | HOOKS | {"autoscaling": SCALING, "rollout": "canary"},
    "linear": ALARMS | HOOKS | {"autoscaling": SCALING, "rollout": "linear"},
}
MORE: dict[str, dict[str, Any]] = {
    "backend TLS": {
        "backend_tls": True,
        "image": f"222222222222.dkr.ecr.eu-central-1.amazonaws.com/x@sha256:{'0' * 64}",
    },
    "exec": {"audited_exec": True},
    "arm64": {"architecture": "arm64"},
    "secrets": {
        "secrets": {
            "API_KEY": "acquirer-key",
            "DATABASE": "/shipping/database",
            "OTHER": "arn:aws:secretsmanager:eu-central-1:444444444444:secret:other-AbCdEf",
        }
    },
    "egress": {"egress": {"10.0.0.0/8": [5432, 6379], "0.0.0.0/0": [443]}},
    "no breaker": {"circuit_breaker": False, "rollback_on_alarm": True},
    "probes": ALARMS | HOOKS | {"rollout": "canary", "probes": {"/health": 200, "/shipping": 405}},
}


@cache
def rendered(step: str) -> dict[str, str]:
    """Return the text of every stack of staging and tools, by its label, with the settings of a step."""
    settings = {**STEPS, **MORE}[step]
    everywhere = {"architecture"} & settings.keys()
    edits = [(f"services/parcel-dispatcher/{key}", settings[key]) for key in everywhere]
    edits += [(f"{SERVICE}/{key}", value) for key, value in settings.items() if key not in everywhere]
    return {stack.path: stack.text for stack in rendered_stacks(*edits)}


def resources(step: str, layer: str, environment: str = "staging") -> dict[str, Any]:
    text = rendered(step)[f"{environment}/{layer}.yaml"]
    found: dict[str, Any] = cloudformation_yaml.load(text)["Resources"]
    return found


def service(step: str) -> dict[str, Any]:
    found: dict[str, Any] = resources(step, "service-parcel-dispatcher")["Service"]["Properties"]
    return found


def deployment(step: str) -> dict[str, Any]:
    found: dict[str, Any] = service(step)["DeploymentConfiguration"]
    return found


@pytest.mark.long
def test_cfn_lint_finds_nothing_on_any_step(tmp_path: Path) -> None:
    texts = {(path, text) for step in (*STEPS, *MORE) for path, text in rendered(step).items()}
    committed = set(rendered("rolling").items())
    paths = []
    for number, (path, text) in enumerate(sorted(texts - committed)):
        target = tmp_path / f"{number}-{path.replace('/', '-')}"
        target.write_text(text)
        paths.append(target)

    assert len(paths) > 20
    with garbage_kept():
        assert find_in_templates(paths) == []


def test_a_new_service_is_the_simple_one() -> None:
    assert deployment("rolling") == {
        "Strategy": "ROLLING",
        "MinimumHealthyPercent": 100,
        "MaximumPercent": 200,
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
    }
    assert (service("rolling")["DesiredCount"], service("rolling")["HealthCheckGracePeriodSeconds"]) == (1, 120)
    types = {each["Type"] for each in resources("rolling", "service-parcel-dispatcher").values()}
    assert not any("AutoScaling" in each for each in types)
    assert not any(
        each["Type"].startswith("AWS::Lambda") for each in resources("rolling", "health-parcel-dispatcher").values()
    )


def test_a_rolling_deployment_has_no_bake_time_to_set() -> None:
    # ECS computes it from the alarms.
    assert deployment("alarms")["Alarms"]["Enable"] is True
    assert "BakeTimeInMinutes" not in deployment("alarms")
    assert ServiceTable.model_validate(STEPS["alarms"]).total_bake_minutes == 0


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("blue-green", {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5}),
        (
            "canary",
            {
                "Strategy": "CANARY",
                "BakeTimeInMinutes": 5,
                "CanaryConfiguration": {"CanaryPercent": 10.0, "CanaryBakeTimeInMinutes": 5},
            },
        ),
        (
            "linear",
            {
                "Strategy": "LINEAR",
                "BakeTimeInMinutes": 5,
                "LinearConfiguration": {"StepPercent": 20.0, "StepBakeTimeInMinutes": 5},
            },
        ),
    ],
)
def test_a_progressive_rollout_bakes_and_has_no_circuit_breaker(step: str, expected: dict[str, Any]) -> None:
    found = deployment(step)

    assert {key: found[key] for key in expected} == expected
    # ECS has it for rolling deployments only.
    assert "DeploymentCircuitBreaker" not in found
    assert found["Alarms"] == {"AlarmNames": {"Ref": "RollbackAlarmNames"}, "Enable": True, "Rollback": True}


def test_hooks_are_asked_before_the_first_task_and_before_the_first_request() -> None:
    hooks = deployment("hooks")["LifecycleHooks"]

    assert hooks == [
        {
            "HookTargetArn": {"Ref": "VerifyImageFunctionArn"},
            "RoleArn": {"Ref": "HooksRoleArn"},
            "LifecycleStages": ["PRE_SCALE_UP"],
        },
        {
            "HookTargetArn": {"Ref": "SmokeFunctionArn"},
            "RoleArn": {"Ref": "HooksRoleArn"},
            "LifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        },
    ]


CARRIERS = (
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ECS::Cluster",
)


@pytest.mark.parametrize(("before", "after"), list(pairwise(STEPS)), ids=[f"{a} to {b}" for a, b in pairwise(STEPS)])
def test_a_rollout_step_in_either_direction_changes_nothing_that_serves_requests(before: str, after: str) -> None:
    def carriers(step: str) -> dict[tuple[str, str], Any]:
        return {
            (path, name): resource
            for path, text in rendered(step).items()
            if path.startswith("staging/")
            for name, resource in cloudformation_yaml.load(text)["Resources"].items()
            if resource["Type"] in CARRIERS
        }

    assert carriers(before) == carriers(after)
    assert service(before)["LoadBalancers"] == service(after)["LoadBalancers"]
    changed = {path for path in rendered(after) if rendered(before).get(path) != rendered(after)[path]}
    # Hooks need the way to the test listener and, in tools, the consent of the registry, the evidence and both keys.
    assert changed <= {
        "staging/service-parcel-dispatcher.yaml",
        "staging/hooks-parcel-dispatcher.yaml",
        "staging/cluster.yaml",
        "tools/registry-parcel-dispatcher.yaml",
        "tools/keys.yaml",
        "tools/signer-parcel-dispatcher.yaml",
        "tools/storage.yaml",
    }


def test_both_rules_send_everything_to_the_first_group_and_ecs_may_move_just_these() -> None:
    ingress = resources("rolling", "ingress-parcel-dispatcher")
    forward = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": {"Ref": "PrimaryTargetGroup"}, "Weight": 100},
                {"TargetGroupArn": {"Ref": "AlternateTargetGroup"}, "Weight": 0},
            ]
        },
    }
    assert [ingress[rule]["Properties"]["Actions"] for rule in ("ProductionRule", "TestRule")] == [[forward], [forward]]
    statements = {
        each["Sid"]: each
        for each in ingress["InfrastructureRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    }
    assert statements["MoveItsRequests"]["Resource"] == [{"Ref": "ProductionRule"}, {"Ref": "TestRule"}]
    assert statements["RegisterItsTasks"]["Resource"] == [
        {"Ref": "PrimaryTargetGroup"},
        {"Ref": "AlternateTargetGroup"},
    ]
    advanced = service("rolling")["LoadBalancers"][0]["AdvancedConfiguration"]
    assert advanced["RoleArn"] == {"Ref": "InfrastructureRoleArn"}


def test_once_scaling_decides_the_template_names_no_number_of_tasks() -> None:
    assert "DesiredCount" not in service("scaled")
    found = resources("scaled", "service-parcel-dispatcher")
    target = found["ScalableTarget"]["Properties"]
    assert target["ResourceId"] == "service/shipping-staging-cluster/shipping-staging-parcel-dispatcher"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)
    assert target["ScheduledActions"] == [
        {
            "ScheduledActionName": "night",
            "Schedule": "cron(0 20 ? * MON-FRI *)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
        }
    ]
    policies = {
        name: each["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for name, each in found.items()
        if each["Type"].endswith("ScalingPolicy")
    }
    assert {name: policy["TargetValue"] for name, policy in policies.items()} == {
        "CpuPolicy": 60,
        "MemoryPolicy": 70,
        "RequestsPolicy": 500,
    }
    measures = policies["RequestsPolicy"]["CustomizedMetricSpecification"]["Metrics"]
    groups = [each["MetricStat"]["Metric"]["Dimensions"][1]["Value"] for each in measures[:2]]
    assert groups == [{"Ref": "PrimaryTargetGroupName"}, {"Ref": "AlternateTargetGroupName"}]
    assert measures[-1]["Expression"] == "FILL(r0 + r1, FILL(r0, r1)) / tasks"


class Points:
    """The values of a metric, or None, in each minute, with the arithmetic of metric math."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def __add__(self, other: Points) -> Points:
        return Points(None if self.value is None or other.value is None else self.value + other.value)

    def __truediv__(self, other: Points) -> Points:
        return Points(None if self.value is None or other.value is None else self.value / other.value)


def fill(points: Points, filler: Points) -> Points:
    return filler if points.value is None else points


@pytest.mark.parametrize(
    ("r0", "r1", "tasks", "expected"),
    [
        (400, 200, 2, 300),
        (600, None, 2, 300),
        (None, 600, 2, 300),
        (0, 0, 2, 0),
        (None, None, 2, None),
        (6, 6, None, None),
    ],
    ids=["a shift", "all at the first", "all at the other", "zeros", "values that are late", "tasks that are late"],
)
def test_requests_of_either_target_group_count_and_late_ones_are_no_zeros(
    r0: float | None, r1: float | None, tasks: float | None, expected: float | None
) -> None:
    policy = resources("scaled", "service-parcel-dispatcher")["RequestsPolicy"]["Properties"][
        "TargetTrackingScalingPolicyConfiguration"
    ]
    expression = policy["CustomizedMetricSpecification"]["Metrics"][-1]["Expression"]
    names = {"FILL": fill, "r0": Points(r0), "r1": Points(r1), "tasks": Points(tasks)}

    assert eval(expression, names).value == expected  # noqa: S307 - an expression of ours


def test_the_execution_role_may_change_the_rollout_in_both_directions() -> None:
    def allowed(step: str) -> dict[str, Any]:
        role = resources(step, "delivery-parcel-dispatcher")["CloudFormationRole"]["Properties"]
        return {each["Sid"]: each for each in role["Policies"][0]["PolicyDocument"]["Statement"]}

    # Who takes a step back has to be allowed to delete what it made, so the role is the same on every step.
    assert all(allowed(step) == allowed("rolling") for step in STEPS)
    scale = allowed("rolling")["ScaleTheService"]["Action"]
    assert {"application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeleteScalingPolicy"} <= {*scale}
    (alarms,) = allowed("rolling")["LetScalingHaveItsAlarms"]["Resource"]
    assert alarms["Fn::Sub"].endswith(":alarm:TargetTracking-*")
    passed = [role["Fn::Sub"].rpartition("/")[2] for role in allowed("rolling")["GiveEcsItsRoles"]["Resource"]]
    assert passed == [
        "shipping-staging-parcel-dispatcher-infrastructure",
        "shipping-staging-parcel-dispatcher-hooks",
    ]


def test_only_the_environments_own_gateways_reach_the_test_listener() -> None:
    admitted = {
        name: each["Properties"]
        for name, each in resources("hooks", "cluster").items()
        if each["Type"] == "AWS::EC2::SecurityGroupIngress"
    }
    assert admitted == {
        "TestFromNat1": {
            "GroupId": {"Fn::GetAtt": ["LoadBalancerGroup", "GroupId"]},
            "IpProtocol": "tcp",
            "FromPort": 8443,
            "ToPort": 8443,
            "CidrIp": {"Fn::Select": [0, {"Ref": "NatRanges"}]},
            "Description": "Hooks that test a new release",
        }
    }
    group = resources("hooks", "hooks-parcel-dispatcher")["SmokeGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [rule["FromPort"] for rule in group["SecurityGroupEgress"]] == [8443]


@pytest.mark.no_cover
@pytest.mark.parametrize("nat", ["single", "per-zone"])
@pytest.mark.parametrize("ranges", [["203.0.113.7/32"], ["203.0.113.7/32", "203.0.113.8/32", "198.51.100.0/24"]])
def test_each_provided_range_and_no_other_reaches_the_test_listener(nat: str, ranges: list[str]) -> None:
    provided = {
        "network.VpcId": "vpc-0123456789abcdef0",
        "network.PublicSubnetIds": "subnet-0123456789abcde00,subnet-0123456789abcde01",
        "network.PrivateSubnetIds": "subnet-0123456789abcde10,subnet-0123456789abcde11",
        "network.NatRanges": ",".join(ranges),
    }
    edits = [(f"{SERVICE}/{key}", value) for key, value in STEPS["hooks"].items()]
    stacks = rendered_stacks(*edits, ("environments/staging/nat", nat), ("environments/staging/provided", provided))
    (cluster,) = [stack.text for stack in stacks if stack.path == "staging/cluster.yaml"]

    admitted = [
        each["Properties"]["CidrIp"]["Fn::Select"][0]
        for each in cloudformation_yaml.load(cluster)["Resources"].values()
        if each["Type"] == "AWS::EC2::SecurityGroupIngress"
    ]
    assert admitted == [*range(len(ranges))]


def test_the_registry_consents_to_the_hook_that_reads_its_scans() -> None:
    policy = resources("hooks", "registry-parcel-dispatcher", "tools")["Images"]["Properties"]["RepositoryPolicyText"]

    (statement,) = [each for each in policy["Statement"] if each["Sid"] == "LetTheHooksReadScans"]
    assert statement["Action"] == ["ecr:DescribeImageScanFindings"]
    (role,) = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert role["Fn::Sub"].endswith("role/shipping-staging-parcel-dispatcher-verify-image-function")
    verify = resources("hooks", "hooks-parcel-dispatcher")["VerifyImageRole"]["Properties"]["RoleName"]
    assert verify == "shipping-staging-parcel-dispatcher-verify-image-function"


def test_a_probe_is_asked_as_configured_and_the_health_check_by_default() -> None:
    def probes(step: str) -> Any:
        function = resources(step, "hooks-parcel-dispatcher")["Smoke"]["Properties"]
        return json.loads(function["Environment"]["Variables"]["PROBES"])

    assert probes("hooks") == {"/health": 200}
    assert probes("probes") == {"/health": 200, "/shipping": 405}


DECISIVE = ("ErrorsAlarm", "LatencyAlarm", "UnhealthyAlarm", "NotStartingAlarm", "StartImpairedAlarm")


def test_what_takes_a_release_back_looks_at_the_worse_side_and_is_silent_without_data() -> None:
    health = resources("rolling", "health-parcel-dispatcher")

    published = health["RollbackAlarmNamesParameter"]["Properties"]["Value"]
    assert published == {"Fn::Join": [",", [{"Ref": name} for name in DECISIVE]]}
    assert {health[name]["Properties"]["TreatMissingData"] for name in DECISIVE} == {"notBreaching"}
    for name in DECISIVE[:3]:
        *metrics, result = health[name]["Properties"]["Metrics"]
        sides = {each["MetricStat"]["Metric"]["Dimensions"][1]["Value"]["Ref"] for each in metrics}
        assert sides == {"PrimaryTargetGroupName", "AlternateTargetGroupName"}
        # The larger of the two: a canary's errors may not be lost in the answers of the other side.
        assert result["Expression"].startswith("MAX([")
    # What does not start gets no request and is no target.
    ended = health["NotStartingAlarm"]["Properties"]
    assert (ended["DatapointsToAlarm"], ended["EvaluationPeriods"], ended["Period"]) == (3, 10, 60)
    impaired = health["StartImpairedAlarm"]["Properties"]
    assert (impaired["DatapointsToAlarm"], impaired["EvaluationPeriods"], impaired["Period"]) == (1, 5, 60)
    # ECS asks CloudWatch for metric alarms, so the one that stands for all of them is for people.
    assert health["UnwellAlarm"]["Type"] == "AWS::CloudWatch::CompositeAlarm"


FILL = re.compile(r"FILL\(\w+, 0\)")


@pytest.mark.parametrize("step", STEPS)
def test_no_alarm_that_fills_missing_values_depends_on_the_newest_one(step: str) -> None:
    filling = {
        name: each["Properties"]
        for path, text in rendered(step).items()
        for name, each in cloudformation_yaml.load(text)["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Alarm" and FILL.search(json.dumps(each["Properties"].get("Metrics", "")))
    }

    # Values arrive late: the newest period is 0 until then.
    assert filling.keys() >= {"ErrorsAlarm", "LatencyAlarm", "UnhealthyAlarm", "DeploymentFailedAlarm"}
    for name, alarm in filling.items():
        assert alarm["DatapointsToAlarm"] < alarm["EvaluationPeriods"], name
    assert [(filling[name]["DatapointsToAlarm"], filling[name]["EvaluationPeriods"]) for name in DECISIVE[:2]] == [
        (2, 4),
        (3, 5),
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("check", "window"),
    [
        pytest.param({}, (12, 3), id="default"),
        pytest.param({"grace_seconds": 0}, (9, 2), id="no grace"),
        pytest.param({"grace_seconds": 0, "interval_seconds": 6, "unhealthy_threshold": 2}, (6, 2), id="quick"),
        pytest.param({"grace_seconds": 600}, (36, 11), id="slow starter"),
        pytest.param({"grace_seconds": 3600}, (186, 61), id="slowest"),
        pytest.param({"grace_seconds": 60, "interval_seconds": 300, "unhealthy_threshold": 10}, (156, 2), id="lenient"),
    ],
)
def test_a_slow_start_within_its_grace_is_no_unhealthy_release(check: dict[str, int], window: tuple[int, int]) -> None:
    texts = rendered_stacks((f"{SERVICE}/health_check", check))
    (text,) = [stack.text for stack in texts if stack.path == "staging/health-parcel-dispatcher.yaml"]
    alarm = cloudformation_yaml.load(text)["Resources"]["UnhealthyAlarm"]["Properties"]
    settings = ServiceTable.model_validate({"health_check": check}).health_check
    detected = settings.interval_seconds * settings.unhealthy_threshold

    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == window
    # A start that ends with the grace period takes this many seconds, which can touch one minute more.
    assert max(0, settings.grace_seconds - detected) <= (alarm["DatapointsToAlarm"] - 2) * 60
    # CloudWatch evaluates at most one day.
    assert alarm["EvaluationPeriods"] * 60 <= 24 * 3600


def test_the_rates_of_the_sides_are_apart() -> None:
    alarm = resources("rolling", "health-parcel-dispatcher")["ErrorsAlarm"]["Properties"]

    assert alarm["Metrics"][-1]["Expression"] == (
        "MAX([IF(FILL(e1, 0) + FILL(c1, 0) > 2, 100 * (FILL(e1, 0) + FILL(c1, 0)) / (FILL(r1, 0) + FILL(c1, 0)), 0),"
        " IF(FILL(e2, 0) + FILL(c2, 0) > 2, 100 * (FILL(e2, 0) + FILL(c2, 0)) / (FILL(r2, 0) + FILL(c2, 0)), 0)])"
    )


def test_alarms_count_the_events_of_the_rules_beside_them() -> None:
    health = resources("rolling", "health-parcel-dispatcher")

    for alarm, rule in (
        ("RestartsAlarm", "TaskEndedRule"),
        ("NotStartingAlarm", "TaskEndedRule"),
        ("StartImpairedAlarm", "StartImpairedRule"),
    ):
        (dimension,) = health[alarm]["Properties"]["Dimensions"]
        assert dimension == {"Name": "RuleName", "Value": health[rule]["Properties"]["Name"]}
    counted = [
        each["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
        for each in health["DeploymentFailedAlarm"]["Properties"]["Metrics"][:-1]
    ]
    # ECS tells of it where there is a circuit breaker, the stack in any case.
    assert counted == [health[rule]["Properties"]["Name"] for rule in ("DeploymentFailedRule", "RolledBackRule")]


def test_card_numbers_in_the_log_are_masked_and_counted() -> None:
    policy = resources("rolling", "service-parcel-dispatcher")["LogGroup"]["Properties"]["DataProtectionPolicy"]

    audit, mask = policy["Statement"]
    assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
    assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
    assert audit["DataIdentifier"] == mask["DataIdentifier"]
    assert mask["DataIdentifier"][0].endswith("/CreditCardNumber")


def test_secrets_are_arns_and_only_the_role_that_starts_tasks_reads_them() -> None:
    found = resources("secrets", "service-parcel-dispatcher")
    (container,) = found["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert container["Secrets"] == [
        {"Name": "API_KEY", "ValueFrom": {"Ref": "AcquirerKeySecretArn"}},
        {
            "Name": "DATABASE",
            "ValueFrom": {"Fn::Sub": "arn:${AWS::Partition}:ssm:eu-central-1:222222222222:parameter/shipping/database"},
        },
        {"Name": "OTHER", "ValueFrom": "arn:aws:secretsmanager:eu-central-1:444444444444:secret:other-AbCdEf"},
    ]
    statements = {
        each["Sid"]: each for each in found["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    }
    assert len(statements["ReadItsSecrets"]["Resource"]) == 2
    assert len(statements["ReadItsParameters"]["Resource"]) == 1
    assert statements["DecryptThem"]["Resource"] == [{"Ref": "KeyArn"}]
    assert "Policies" not in found["TaskRole"]["Properties"]
    # ECS starts no task whose secret has no value.
    secret = resources("secrets", "secrets-parcel-dispatcher")["AcquirerKeySecret"]["Properties"]
    assert secret["GenerateSecretString"] == {"PasswordLength": 32}
    assert secret["KmsKeyId"] == {"Ref": "KeyArn"}
    assert "staging/secrets-parcel-dispatcher.yaml" not in rendered("rolling")


@pytest.mark.no_cover
@pytest.mark.parametrize(("environment", "account"), [("staging", "222222222222"), ("production", "999999999999")])
def test_secrets_under_keys_of_their_owners_can_be_decrypted_through_the_services_alone(
    environment: str, account: str
) -> None:
    keys = [
        f"arn:aws:kms:eu-central-1:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        f"arn:aws:kms:eu-central-1:{account}:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ]
    secret = f"arn:aws:secretsmanager:eu-central-1:{account}:secret:other-AbCdEf"
    edits = {"secrets": {"OTHER": secret, "DATABASE": "/shipping/database"}, "secret_keys": keys}
    path = f"environments/{environment}/services/parcel-dispatcher"
    texts = rendered_stacks(*((f"{path}/{key}", value) for key, value in edits.items()))
    (text,) = [stack.text for stack in texts if stack.path == f"{environment}/service-parcel-dispatcher.yaml"]
    role = cloudformation_yaml.load(text)["Resources"]["ExecutionRole"]["Properties"]

    (decrypt,) = [each for each in role["Policies"][0]["PolicyDocument"]["Statement"] if each["Sid"] == "DecryptThem"]
    assert decrypt["Resource"] == [{"Ref": "KeyArn"}, *keys]
    assert decrypt["Action"] == ["kms:Decrypt"]
    assert decrypt["Condition"] == {
        "StringEquals": {
            "kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com"]
        }
    }


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("source", "sids"),
    [
        ("/shipping/database", ["ReadItsParameters", "DecryptThem"]),
        ("acquirer-key", ["ReadItsSecrets", "DecryptThem"]),
    ],
)
def test_a_role_reads_only_the_kind_of_secret_that_there_is(source: str, sids: list[str]) -> None:
    texts = rendered_stacks((f"{SERVICE}/secrets", {"VALUE": source}))
    (text,) = [stack.text for stack in texts if stack.path == "staging/service-parcel-dispatcher.yaml"]
    role = cloudformation_yaml.load(text)["Resources"]["ExecutionRole"]["Properties"]

    found = [each["Sid"] for each in role["Policies"][0]["PolicyDocument"]["Statement"]]
    assert found[-2:] == sids


def test_exec_is_off_and_the_audited_kind_is_encrypted_and_recorded() -> None:
    assert service("rolling")["EnableExecuteCommand"] is False
    assert (
        "ExecuteCommandConfiguration" not in resources("rolling", "cluster")["Cluster"]["Properties"]["Configuration"]
    )

    assert service("exec")["EnableExecuteCommand"] is True
    session = resources("exec", "cluster")["Cluster"]["Properties"]["Configuration"]["ExecuteCommandConfiguration"]
    assert session["KmsKeyId"] == {"Ref": "KeyArn"}
    assert session["LogConfiguration"] == {
        "CloudWatchLogGroupName": {"Ref": "ExecLogGroup"},
        "CloudWatchEncryptionEnabled": True,
    }
    (container,) = resources("exec", "service-parcel-dispatcher")["TaskDefinition"]["Properties"][
        "ContainerDefinitions"
    ]
    assert container["ReadonlyRootFilesystem"] is True
    assert [each["ContainerPath"] for each in container["MountPoints"]] == ["/var/lib/amazon", "/var/log/amazon"]


def test_tls_to_the_task_is_another_group_of_targets_by_another_name() -> None:
    def group(step: str) -> dict[str, Any]:
        found: dict[str, Any] = resources(step, "ingress-parcel-dispatcher")["PrimaryTargetGroup"]["Properties"]
        return found

    assert (group("rolling")["Protocol"], group("backend TLS")["Protocol"]) == ("HTTP", "HTTPS")
    assert group("backend TLS")["HealthCheckProtocol"] == "HTTPS"
    # A changed protocol replaces the group, whose name would be taken.
    assert group("rolling")["Name"] != group("backend TLS")["Name"]


def test_a_release_for_arm_is_built_on_arm() -> None:
    project = resources("arm64", "build-parcel-dispatcher", "tools")["Image"]["Properties"]["Environment"]
    definition = resources("arm64", "service-parcel-dispatcher")["TaskDefinition"]["Properties"]

    assert (project["Type"], "aarch64" in project["Image"]) == ("ARM_CONTAINER", True)
    assert definition["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


def test_tasks_connect_to_where_the_configuration_says() -> None:
    rules = resources("egress", "ingress-parcel-dispatcher")["TasksGroup"]["Properties"]["SecurityGroupEgress"]

    assert [(rule["CidrIp"], rule["FromPort"], rule["Description"]) for rule in rules] == [
        ("0.0.0.0/0", 443, "TLS to anywhere"),
        ("10.0.0.0/8", 5432, "Port 5432 of 10.0.0.0/8"),
        ("10.0.0.0/8", 6379, "Port 6379 of 10.0.0.0/8"),
    ]


@pytest.mark.parametrize("step", [*STEPS, *MORE])
def test_every_step_can_end(step: str) -> None:
    settings = ServiceTable.model_validate({**STEPS, **MORE}[step])

    assert list(rollouts.problems(settings)) == []
    assert settings.autoscaling is None or list(autoscaling.problems(settings.autoscaling)) == []
