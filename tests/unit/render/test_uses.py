"""The lines of `[services.<name>.uses]`: matched with the offers of layers, and the resources that they render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.user_layers import with_user_layers
from cicd_templates.render.render import render
from templates import LAYERS
from tests.conftest import RAW, configured, own_package, rendered_stacks

SERVICE = "parcel-dispatcher"
USES = f"services/{SERVICE}/uses"
# A user's own layer: a database in the VPC, to which tasks connect on port 5432.
DATABASE = '''"""Layer `ledgers`: the database of ledgers."""

from awacs import rds
from troposphere import GetAtt, ec2

from cicd_templates.layer.definition import Layer
from cicd_templates.layer.iam import allow
from cicd_templates.layer.offers import Offer, Port
from cicd_templates.layer.outputs import HostName, Output, SecurityGroupId
from cicd_templates.layer.template import LayerTemplate
from templates import network

HOST = Output(HostName, "ledgers", "LedgersHost", "Host of the database")
GROUP = Output(SecurityGroupId, "ledgers", "LedgersGroupId", "Security group of the database")


def connect(layer):
    return [allow("ConnectToLedgers", [rds.Action("Connect")], on="arn:aws:rds-db:us-east-1:222222222222:dbuser:x/y")]


OFFER = Offer("ledgers", {"LEDGERS_HOST": HOST}, {"connect": connect}, Port(GROUP, 5432))


def build(env):
    layer = LayerTemplate(env)
    group = layer.add(ec2.SecurityGroup("Group", GroupDescription="Ledgers", VpcId=layer.read(network.VPC_ID)))
    layer.publish(HOST, HostName("ledgers.internal"))
    layer.publish(GROUP, SecurityGroupId(GetAtt(group, "GroupId")))
    return layer


LAYER = Layer("ledgers", build, kinds=frozenset({"runtime"}), offers=lambda env: [OFFER])
'''


INNOCENT = '''"""Layer `innocent`: a topic."""

from troposphere import sns

from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate


def build(env):
    layer = LayerTemplate(env)
    layer.add(sns.Topic("Topic"))
    return layer


LAYER = Layer("innocent", build)
'''


def problems_of(*edits: tuple[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        render(configured(*edits), LAYERS, "yaml")
    heading, *problems = str(caught.value).split("\n  ")
    assert heading.startswith("templates/environments.toml: ")
    return problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            [(USES, {"labels": "read"})],
            f"services.{SERVICE}.uses.labels: no layer of this environment offers anything to"
            " services; see docs/own-layers.md",
        ),
        (
            [("queues/labels", {}), (USES, {"lables": "send"})],
            f"services.{SERVICE}.uses.lables: no layer of this environment offers it; did you mean labels?",
        ),
        (
            [("queues/labels", {}), ("queues/bills", {}), (USES, {"x": "send"})],
            f"services.{SERVICE}.uses.x: no layer of this environment offers it; known names: bills, labels",
        ),
        (
            [("queues/labels", {}), (USES, {"labels": "readwrite"})],
            f"services.{SERVICE}.uses.labels: 'readwrite' is not possible here; use 'send' or"
            " 'receive' or 'send-and-receive'",
        ),
        (
            [
                ("queues/labels", {}),
                (USES, {"labels": "send"}),
                (f"services/{SERVICE}/environment", {"LABELS_QUEUE_URL": "x"}),
            ],
            f"services.{SERVICE}.uses.labels: sets the variable LABELS_QUEUE_URL, which"
            " environment.LABELS_QUEUE_URL sets too; rename one of them",
        ),
    ],
    ids=["nothing offered", "typing error", "unknown", "kind of access", "variable"],
)
def test_a_use_that_no_layer_can_serve_is_refused_with_what_would_be_right(edits: list[Any], expected: str) -> None:
    assert problems_of(*edits) == [expected]


OWN_LEVELS = [
    (f"environments/{name}/services/{SERVICE}", {"environment": {"LEVEL": "debug"}})
    for name in ("staging", "production")
]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([(USES, {"inbox": "send"}), *OWN_LEVELS], [f"services.{SERVICE}.uses.inbox"], id="shared table"),
        pytest.param(
            [(USES, {"inbox": "send"}), ("environments/production", ...), ("pipeline/path", ["staging"])],
            [f"services.{SERVICE}.uses.inbox"],
            id="shared table of a project with one runtime environment",
        ),
        pytest.param(
            [(f"environments/{name}/services/{SERVICE}", {"uses": {"inbox": "send"}}) for name in ("production",)],
            [f"environments.production.services.{SERVICE}.uses.inbox"],
            id="own table of the last environment",
        ),
        pytest.param(
            [
                (f"environments/{name}/services/{SERVICE}", {"uses": {"inbox": "send"}})
                for name in ("staging", "production")
            ],
            [f"environments.{name}.services.{SERVICE}.uses.inbox" for name in ("staging", "production")],
            id="own tables of two environments",
        ),
    ],
)
def test_a_wrong_use_is_reported_in_the_table_that_has_it(edits: list[Any], expected: list[str]) -> None:
    assert [problem.partition(":")[0] for problem in problems_of(*edits)] == expected


@pytest.mark.no_cover
def test_a_queue_gives_its_address_and_exactly_the_rights_of_the_kind_of_access() -> None:
    edits = [
        ("queues/labels", {}),
        (USES, {"labels": "receive"}),
        ("services/printer", RAW["services"][SERVICE] | {"path_pattern": "/print/*", "uses": {"labels": "send"}}),
    ]
    stacks = {stack.path: stack.template.content for stack in rendered_stacks(*edits)}

    rights = {}
    for service in (SERVICE, "printer"):
        content = stacks[f"staging/service-{service}.yaml"]
        (policy,) = content["Resources"]["TaskRole"]["Properties"]["Policies"]
        rights[service] = {
            statement["Sid"]: (statement["Action"], statement["Resource"])
            for statement in policy["PolicyDocument"]["Statement"]
        }
        (container,) = content["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
        assert {"Name": "LABELS_QUEUE_URL", "Value": {"Ref": "LabelsQueueUrl"}} in container["Environment"]
        assert content["Parameters"]["LabelsQueueUrl"]["Default"] == "/shipping/staging/queues/LabelsQueueUrl"
    queue, key = [{"Ref": "LabelsQueueArn"}], [{"Ref": "KeyArn"}]
    assert rights["printer"] == {
        "SendToLabels": (["sqs:SendMessage"], queue),
        "EncryptForLabels": (["kms:Decrypt", "kms:GenerateDataKey"], key),
    }
    assert rights[SERVICE] == {
        "ReceiveFromLabels": (
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            queue,
        ),
        "DecryptFromLabels": (["kms:Decrypt"], key),
    }


def test_a_service_that_sends_and_receives_has_the_rights_of_both() -> None:
    edits = [("queues/labels", {}), (USES, {"labels": "send-and-receive"})]
    stacks = {stack.path: stack.template.content for stack in rendered_stacks(*edits)}
    role = stacks[f"production/service-{SERVICE}.yaml"]["Resources"]["TaskRole"]["Properties"]
    (policy,) = role["Policies"]

    assert [statement["Sid"] for statement in policy["PolicyDocument"]["Statement"]] == [
        "SendToLabels",
        "EncryptForLabels",
        "ReceiveFromLabels",
        "DecryptFromLabels",
    ]


@pytest.mark.no_cover
def test_a_resource_in_the_vpc_is_reached_on_its_port_by_the_tasks_that_use_it_and_by_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = with_user_layers(own_package(tmp_path, monkeypatch, ledgers=DATABASE))
    edits = [
        (USES, {"ledgers": "connect"}),
        ("services/printer", RAW["services"][SERVICE] | {"path_pattern": "/print/*"}),
    ]
    stacks = {stack.path: stack.template.content for stack in render(configured(*edits), layers, "yaml")}
    names = [path for path in stacks if path.startswith("staging/")]

    resources = stacks[f"staging/ingress-{SERVICE}.yaml"]["Resources"]
    assert resources["ToLedgers"]["Properties"] == {
        "GroupId": {"Fn::GetAtt": ["TasksGroup", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 5432,
        "ToPort": 5432,
        "DestinationSecurityGroupId": {"Ref": "LedgersGroupId"},
        "Description": "Connections to ledgers",
    }
    assert resources["LedgersFromTasks"]["Properties"]["SourceSecurityGroupId"] == {
        "Fn::GetAtt": ["TasksGroup", "GroupId"]
    }
    assert resources["LedgersFromTasks"]["Properties"]["GroupId"] == {"Ref": "LedgersGroupId"}
    assert "ToLedgers" not in stacks["staging/ingress-printer.yaml"]["Resources"]
    assert "Policies" not in stacks["staging/service-printer.yaml"]["Resources"]["TaskRole"]["Properties"]
    assert names.index("staging/ledgers.yaml") < names.index(f"staging/ingress-{SERVICE}.yaml")


@pytest.mark.parametrize(
    ("good", "wrong", "expected"),
    [
        ("[OFFER])", "[OFFER, env.no_such_thing])", "AttributeError: 'Environment' object has no attribute"),
        ('[rds.Action("Connect")]', '[rds.Action("*")]', "ValueError: ConnectToLedgers: "),
        ("on=", "in_=", "TypeError: allow() got an unexpected keyword argument"),
    ],
    ids=["offers", "a pattern of actions", "an argument"],
)
def test_a_mistake_in_an_offer_is_a_line_of_the_users_own_layer(
    good: str, wrong: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = DATABASE[: DATABASE.index(good)].count("\n") + 1
    layers = with_user_layers(
        own_package(tmp_path, monkeypatch, innocent=INNOCENT, ledgers=DATABASE.replace(good, wrong))
    )

    with pytest.raises(ConfigurationError) as caught:
        render(configured((USES, {"ledgers": "connect"})), layers, "yaml")
    assert f"extra/ledgers.py:{line}: {expected}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_layers_that_offer_one_name_are_refused_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = with_user_layers(own_package(tmp_path, monkeypatch, ledgers=DATABASE))

    with pytest.raises(ConfigurationError) as caught:
        render(configured(("queues/ledgers", {})), layers, "yaml")
    assert str(caught.value).endswith(
        "extra/ledgers.py: the layer queues already offers 'ledgers' to services; choose another name"
    )


def test_two_uses_that_set_one_variable_are_refused_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = DATABASE.replace("LEDGERS_HOST", "LABELS_QUEUE_URL")
    layers = with_user_layers(own_package(tmp_path, monkeypatch, ledgers=own))

    with pytest.raises(ConfigurationError) as caught:
        render(configured(("queues/labels", {}), (USES, {"labels": "send", "ledgers": "connect"})), layers, "yaml")
    assert f"services.{SERVICE}.uses.ledgers: sets the variable LABELS_QUEUE_URL, which uses.labels sets too" in str(
        caught.value
    )


@pytest.mark.no_cover
def test_the_pipelines_environment_runs_no_services_so_its_services_use_nothing() -> None:
    edits = [("queues/labels", {}), (USES, {"labels": "send"})]
    stacks = rendered_stacks(*edits)

    assert not [stack.path for stack in stacks if "LabelsQueueUrl" in stack.text and stack.path.startswith("tools/")]
