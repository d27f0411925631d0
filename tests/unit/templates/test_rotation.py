"""A new deployment at rotation: which services get it, which events match, and what its function may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from cicd_templates.render.render import RenderedStack, render
from templates import LAYERS
from tests.conftest import RAW, configured, rendered_stacks

ACCOUNT, CHINA = "222222222222", "cn-north-1"
SECRETS = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:"
OWN = f"{SECRETS}shipping-staging-parcel-dispatcher-carrier-key-Zz9Yy8"
DATABASE, KEYED = f"{SECRETS}database-Ab12Cd", f"{SECRETS}pay/card@1-Ef34Gh"
SIDECAR = f"{SECRETS}sidecar-Ij56Kl"
MANAGED = f"{SECRETS}rds!cluster-5f1c2a7e-0b3d-4c55-9a10-7d6a651d2464-St90Uv"
PARAMETERS = f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter"
WEB = "services/parcel-dispatcher"
STAGING = f"environments/staging/{WEB}"
CHECKS = RAW["services"]["parcel-dispatcher"]["checks"]
EDITS = [
    (f"{WEB}/secrets", {"CARRIER_KEY": "carrier-key", "FEATURES": "/pay/{environment}/features"}),
    (f"{STAGING}/secrets/DATABASE", DATABASE),
    (f"{STAGING}/secrets/MASTER", f"{MANAGED}:password::"),
    (f"{STAGING}/secrets/USER", f"{KEYED}:user::"),
    (f"{STAGING}/secrets/PASSWORD", f"{KEYED}:password::"),
    (
        f"{WEB}/containers",
        {"proxy": {"image": f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/proxy@sha256:{'a' * 64}"}},
    ),
    (f"{STAGING}/containers/proxy/secrets", {"TOKEN": SIDECAR}),
    ("services/mailer", {"shape": "worker", "checks": CHECKS, "secrets": {"RELAY": "relay"}}),
    ("services/plain", {"checks": CHECKS, "path_pattern": "/plain/*", "priority": 77}),
    (
        "services/counter",
        {
            "shape": "job",
            "checks": CHECKS,
            "job": {"schedule": "cron(0 3 * * ? *)", "command": ["count"]},
            "secrets": {"LEDGER": "ledger"},
        },
    ),
]


def resources(path: str, stacks: list[RenderedStack] | None = None) -> dict[str, Any]:
    """Return the resources of the stack whose file in `out/` is `path`."""
    found = {stack.path: stack for stack in stacks or rendered_stacks(*EDITS)}
    return dict(found[path].template.content["Resources"])


def of_type(kind: str, path: str = "staging/rotation-parcel-dispatcher.yaml") -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources(path).items() if each["Type"] == f"AWS::{kind}"}


def resolved(value: Any, values: Mapping[str, str]) -> Any:
    """Return a part of a pattern as CloudFormation deploys it. `values` maps parameters to their values."""
    if isinstance(value, list):
        return [resolved(each, values) for each in value]
    if isinstance(value, dict):
        if "Ref" in value:
            return values[value["Ref"]]
        if "Fn::Sub" in value:
            return value["Fn::Sub"].replace("${AWS::Partition}", "aws")
        return {key: resolved(each, values) for key, each in value.items()}
    return value


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether an event matches a pattern that has only exact values, by the rules of EventBridge.

    A field matches if one of its values is in the pattern. All fields of the pattern must be in the event.
    """
    for key, expected in pattern.items():
        actual = event.get(key)
        if isinstance(expected, dict):
            if not isinstance(actual, dict) or not matches(expected, actual):
                return False
        elif not {*expected} & {*(actual if isinstance(actual, list) else [actual])}:
            return False
    return True


def matching(event: Mapping[str, Any]) -> list[str]:
    """Return the logical ids of the rules of the web service and of the worker that match an event in staging."""
    values = {"CarrierKeySecretArn": OWN, "RelaySecretArn": f"{SECRETS}relay-Mn78Op"}
    found = []
    for service in ("parcel-dispatcher", "mailer"):
        rules = of_type("Events::Rule", f"staging/rotation-{service}.yaml")
        found += [
            f"{service} {name}"
            for name, rule in rules.items()
            if matches(resolved(rule["EventPattern"], values), event)
        ]
    return found


def secret_event(arn: str, label: str = "AWSCURRENT", **changed: Any) -> dict[str, Any]:
    """Return the documented event of a secret. Its name is the ARN's last part, without the six random characters."""
    detail = {"name": arn.split(":")[-1][:-7], "labelUpdated": label, "versionId": "1"}
    event = {"source": "aws.secretsmanager", "detail-type": "Secret Label Updated", "resources": [arn]}
    return {**event, "account": ACCOUNT, "region": "eu-central-1", "detail": detail, **changed}


def parameter_event(name: str, operation: str = "Update", **changed: Any) -> dict[str, Any]:
    event = {"source": "aws.ssm", "detail-type": "Parameter Store Change", "resources": [f"{PARAMETERS}{name}"]}
    return {**event, "detail": {"operation": operation, "name": name, "type": "SecureString"}, **changed}


WEB_SECRETS, WEB_PARAMETERS = "parcel-dispatcher RotatedSecretsRule", "parcel-dispatcher ChangedParametersRule"
TRAIL: dict[str, Any] = {
    "detail-type": "AWS Service Event via CloudTrail",
    "detail": {"eventName": "RotationSucceeded", "additionalEventData": {"SecretId": DATABASE}},
}


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        pytest.param(secret_event(OWN), [WEB_SECRETS], id="a secret of the project"),
        pytest.param(secret_event(DATABASE), [WEB_SECRETS], id="an existing secret"),
        pytest.param(secret_event(KEYED), [WEB_SECRETS], id="a secret of which two keys are read"),
        pytest.param(secret_event(MANAGED), [WEB_SECRETS], id="a secret that RDS manages"),
        pytest.param(secret_event(SIDECAR), [WEB_SECRETS], id="a secret of a further container"),
        pytest.param(secret_event(f"{SECRETS}relay-Mn78Op"), ["mailer RotatedSecretsRule"], id="the worker's secret"),
        pytest.param(secret_event(f"{SECRETS}ledger-Qr90St"), [], id="a job's secret"),
        pytest.param(secret_event(f"{SECRETS}other-Ab12Cd"), [], id="a foreign secret"),
        pytest.param(
            secret_event(OWN.replace("staging", "production")), [], id="production's secret in the same account"
        ),
        pytest.param(secret_event(f"{SECRETS}database-replica-Ab12Cd"), [], id="a longer name"),
        pytest.param(secret_event(f"{SECRETS}data-Ab12Cd"), [], id="a shorter name"),
        pytest.param(secret_event(f"{SECRETS}database"), [], id="an ARN without its random characters"),
        pytest.param(secret_event(f"{SECRETS}database-Xx00Yy"), [], id="a secret that was created again"),
        pytest.param(secret_event(DATABASE.replace(ACCOUNT, "9" * 12)), [], id="another account's secret"),
        pytest.param(secret_event(DATABASE, "AWSPENDING"), [], id="a rotation that has not ended"),
        pytest.param(secret_event(DATABASE, "BLUE"), [], id="a label of one's own"),
        pytest.param(secret_event(DATABASE, source="x.secretsmanager"), [], id="an event of an application"),
        pytest.param({**secret_event(DATABASE, resources=[]), **TRAIL}, [], id="the same from CloudTrail"),
        pytest.param(parameter_event("/pay/staging/features"), [WEB_PARAMETERS], id="a parameter"),
        pytest.param(parameter_event("/pay/staging/features", "Create"), [WEB_PARAMETERS], id="a new parameter"),
        pytest.param(parameter_event("/pay/staging/features", "Delete"), [], id="a deleted parameter"),
        pytest.param(parameter_event("/pay/staging/features", "LabelParameterVersion"), [], id="a parameter's label"),
        pytest.param(parameter_event("/pay/production/features"), [], id="another environment's parameter"),
        pytest.param(parameter_event("/pay/staging/features/1"), [], id="a parameter below it"),
    ],
)
@pytest.mark.no_cover
def test_rules_match_the_new_values_of_exactly_the_secrets_of_the_service(
    event: dict[str, Any], rules: list[str]
) -> None:
    assert matching(event) == rules


def test_only_a_service_whose_tasks_keep_running_with_a_secret_gets_the_stack() -> None:
    stacks = {stack.path for stack in rendered_stacks(*EDITS) if "/rotation-" in stack.path}

    assert stacks == {
        f"{environment}/rotation-{service}.yaml"
        for environment in ("staging", "production")
        for service in ("parcel-dispatcher", "mailer")
    }


@pytest.mark.parametrize(
    ("secrets", "of_container", "rules"),
    [
        ({}, {}, None),
        ({"A": "alpha"}, {}, {"RotatedSecretsRule"}),
        ({"A": "/pay/a"}, {}, {"ChangedParametersRule"}),
        ({}, {"A": "alpha"}, {"RotatedSecretsRule"}),
        ({}, {"A": "/pay/a"}, {"ChangedParametersRule"}),
        ({"A": "alpha"}, {"A": "/pay/a"}, {"RotatedSecretsRule", "ChangedParametersRule"}),
    ],
    ids=["none", "secret", "parameter", "secret of a container", "parameter of a container", "one of each"],
)
@pytest.mark.no_cover
def test_a_service_has_the_rules_that_its_containers_need(
    secrets: dict[str, str], of_container: dict[str, str], rules: set[str] | None
) -> None:
    proxy = {"image": f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/proxy@sha256:{'a' * 64}"}
    edits = [(f"{WEB}/secrets", secrets), (f"{WEB}/containers", {"proxy": {**proxy, "secrets": of_container}})]
    found = {stack.path: stack.template.content["Resources"] for stack in rendered_stacks(*edits)}
    rotation = found.get("production/rotation-parcel-dispatcher.yaml")

    if rotation is None:
        assert rules is None
    else:
        assert {name for name, each in rotation.items() if each["Type"] == "AWS::Events::Rule"} == rules


@pytest.mark.no_cover
def test_the_function_may_update_exactly_one_service_and_knows_no_other() -> None:
    (role,) = of_type("IAM::Role").values()
    (function,) = of_type("Lambda::Function").values()
    statements = {each["Sid"]: each for each in role["Policies"][0]["PolicyDocument"]["Statement"]}
    (deploys,) = statements["DeployTheServiceAgain"]["Resource"]
    ecs = {action for each in statements.values() for action in each["Action"] if action.startswith("ecs:")}

    assert deploys["Fn::Sub"].endswith(
        f":{ACCOUNT}:service/shipping-staging-cluster/shipping-staging-parcel-dispatcher"
    )
    assert ecs == {"ecs:ListServiceDeployments", "ecs:UpdateService"}
    assert not any(
        action.startswith(("iam:", "secretsmanager:")) for each in statements.values() for action in each["Action"]
    )
    assert function["Environment"]["Variables"] == {
        "CLUSTER": "shipping-staging-cluster",
        "SERVICE": "shipping-staging-parcel-dispatcher",
    }


def test_only_the_rules_of_the_service_may_invoke_the_function() -> None:
    invoked_by = {each["SourceArn"]["Fn::GetAtt"][0] for each in of_type("Lambda::Permission").values()}

    assert invoked_by == {*of_type("Events::Rule")} == {"RotatedSecretsRule", "ChangedParametersRule"}
    assert {each["SourceAccount"] for each in of_type("Lambda::Permission").values()} == {ACCOUNT}


def test_an_event_that_cannot_be_handled_is_kept_and_operations_are_notified() -> None:
    dead_letters = {"Ref": "DeadLettersQueueArn"}
    (function,) = of_type("Lambda::Function").values()
    (alarm,) = of_type("CloudWatch::Alarm").values()

    assert function["DeadLetterConfig"] == {"TargetArn": dead_letters}
    for rule in of_type("Events::Rule").values():
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": dead_letters}
    assert (alarm["MetricName"], alarm["AlarmActions"]) == ("AsyncEventsDropped", [{"Ref": "OperationsTopicArn"}])
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Rotation"}}]


def test_two_changes_are_handled_one_after_the_other_if_concurrency_can_be_reserved() -> None:
    path = "staging/rotation-parcel-dispatcher.yaml"
    reserved = resources(path, rendered_stacks(*EDITS, ("pipeline/reserve_concurrency", True)))["Rotation"]

    assert reserved["Properties"]["ReservedConcurrentExecutions"] == 1
    assert "ReservedConcurrentExecutions" not in resources(path)["Rotation"]["Properties"]


def test_patterns_stay_within_the_limit_of_eventbridge_however_many_secrets_there_are() -> None:
    names = [f"{'n' * 500}{number:02}" for number in range(7)]
    secrets = {f"S{number}": f"{SECRETS}{name}-Ab12Cd" for number, name in enumerate(names)}
    own = {f"O{number}": f"own-{number}" for number in range(15)}
    paths = {f"P{number}": f"/{'p' * 200}/{number}" for number in range(12)}
    stacks = render(configured((f"{STAGING}/secrets", secrets | own | paths)), LAYERS, "yaml")
    rules = {
        name: each["Properties"]
        for name, each in resources("staging/rotation-parcel-dispatcher.yaml", stacks).items()
        if each["Type"] == "AWS::Events::Rule"
    }
    values = {f"Own{number}SecretArn": f"{SECRETS}{'x' * 100}-{number}-Ab12Cd" for number in range(15)}
    patterns = {name: resolved(rule["EventPattern"], values) for name, rule in rules.items()}
    matched = [arn for pattern in patterns.values() for arn in pattern["resources"]]

    assert max(len(json.dumps(pattern)) for pattern in patterns.values()) <= 2048
    assert sorted(matched) == sorted(
        [*secrets.values(), *values.values(), *(f"{PARAMETERS}{path}" for path in paths.values())]
    )
    assert len({rule["Name"] for rule in rules.values()}) == len(rules) > 2
    assert {"RotatedSecretsRule", "RotatedSecrets2Rule", "ChangedParameters2Rule"} <= rules.keys()


def test_in_china_the_rule_has_the_arns_of_that_partition() -> None:
    raw = json.loads(json.dumps(RAW).replace("eu-central-1", CHINA).replace("arn:aws:", "arn:aws-cn:"))
    raw["project"]["unchecked_partitions"] = ["aws-cn"]
    arn = DATABASE.replace("arn:aws:", "arn:aws-cn:").replace("eu-central-1", CHINA)
    raw["environments"]["staging"]["services"] = {"parcel-dispatcher": {"secrets": {"A": arn, "B": "/pay/a"}}}
    stacks = render(parse_configuration(raw, source="environments.toml"), LAYERS, "yaml")
    rules = resources("staging/rotation-parcel-dispatcher.yaml", stacks)

    assert rules["RotatedSecretsRule"]["Properties"]["EventPattern"]["resources"] == [arn]
    (parameter,) = rules["ChangedParametersRule"]["Properties"]["EventPattern"]["resources"]
    assert parameter == {"Fn::Sub": f"arn:${{AWS::Partition}}:ssm:{CHINA}:{ACCOUNT}:parameter/pay/a"}
