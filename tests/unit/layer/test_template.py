"""The template of a layer:

its resources, the values that it publishes, and the parameter of each value that it reads.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from troposphere import Equals, Parameter, Ref, sns, sqs

from cicd_templates.config.environment import Environment, Service
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.outputs import BucketName, KeyArn, Output, RoleArn, ServiceOutput, SubnetIds, VpcId
from cicd_templates.layer.template import LayerTemplate
from tests.conftest import environment

VPC_ID = Output(VpcId, "network", "VpcId", "The VPC")
SUBNETS = Output(SubnetIds, "network", "SubnetIds", "The subnets")
KEY = Output(KeyArn, "keys", "KeyArn", "The key")
ROLE = ServiceOutput(RoleArn, "delivery", "RoleArn", "The role of a service")

STAGING = environment()
(SHIPPING,) = STAGING.services
LEDGER = SHIPPING._replace(name="ledger")


def parameters(layer: LayerTemplate) -> dict[str, Any]:
    """Return the paths that the template reads, by the names of its parameters."""
    return {name: parameter["Default"] for name, parameter in layer.template.to_dict().get("Parameters", {}).items()}


def test_what_is_added_is_in_the_template_in_its_order_and_returned() -> None:
    layer = LayerTemplate(STAGING)
    first, second, third = (sns.Topic(name) for name in ("First", "Second", "Third"))

    assert layer.add(third) is third
    assert layer.add_all((first, second)) == (first, second)
    assert list(layer.template.to_dict()["Resources"]) == ["Third", "First", "Second"]


@pytest.mark.parametrize(
    ("service", "where"), [(None, "staging"), (SHIPPING, "staging for service parcel-dispatcher")], ids=["once", "per"]
)
def test_a_logical_id_that_is_taken_is_a_mistake_of_names_and_no_bug(service: Service | None, where: str) -> None:
    layer = LayerTemplate(STAGING, service)
    layer.add(sns.Topic("First"))

    with pytest.raises(ConfigurationError) as caught:
        layer.add_all([sqs.Queue("First")])
    assert str(caught.value) == (
        f"{where}: AWS::SNS::Topic and AWS::SQS::Queue have the same logical id First because of their"
        " names in the configuration; change one of these names, such as the name of a check or secret"
    )


def test_a_parameter_that_is_set_at_deploy_time_and_a_condition_stand_beside_what_is_read() -> None:
    layer = LayerTemplate(STAGING)
    layer.add_parameter(Parameter("ImageUri", Type="String"))
    layer.add_condition("Bootstrap", Equals(Ref("ImageUri"), "x"))

    rendered = layer.template.to_dict()
    assert rendered["Parameters"] == {"ImageUri": {"Type": "String"}}
    assert rendered["Conditions"] == {"Bootstrap": {"Fn::Equals": [{"Ref": "ImageUri"}, "x"]}}


def test_publishing_adds_a_parameter_store_parameter_and_an_output_that_is_not_exported() -> None:
    layer = LayerTemplate(STAGING)
    layer.publish(VPC_ID, VpcId(Ref("Vpc")))

    rendered = layer.template.to_dict()
    assert rendered["Resources"]["VpcIdParameter"]["Properties"] == {
        "Name": "/shipping/staging/network/VpcId",
        "Description": "The VPC",
        "Type": "String",
        "Value": {"Ref": "Vpc"},
    }
    assert rendered["Outputs"] == {"VpcId": {"Description": "The VPC", "Value": {"Ref": "Vpc"}}}


def test_a_list_is_published_as_a_string_list() -> None:
    layer = LayerTemplate(STAGING)
    layer.publish(SUBNETS, SubnetIds([Ref("A"), Ref("B")]))

    properties = layer.template.to_dict()["Resources"]["SubnetIdsParameter"]["Properties"]
    assert properties["Type"] == "StringList"
    assert properties["Value"] == {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}


def test_a_layer_that_is_per_service_publishes_under_the_name_of_its_service() -> None:
    layer = LayerTemplate(STAGING, SHIPPING)
    layer.publish(ROLE, RoleArn("arn"))

    properties = layer.template.to_dict()["Resources"]["RoleArnParameter"]["Properties"]
    assert properties["Name"] == "/shipping/staging/delivery-parcel-dispatcher/RoleArn"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (VPC_ID, "AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>"),
        (SUBNETS, "AWS::SSM::Parameter::Value<List<AWS::EC2::Subnet::Id>>"),
        (KEY, "AWS::SSM::Parameter::Value<String>"),
    ],
)
def test_reading_adds_a_parameter_of_the_kind_that_cloudformation_checks(output: Output[VpcId], expected: str) -> None:
    layer = LayerTemplate(STAGING, SHIPPING)
    value = layer.read(output)
    layer.read(output)

    ((name, parameter),) = layer.template.to_dict()["Parameters"].items()
    assert value.to_dict() == {"Ref": name}
    assert isinstance(value, output.kind)
    assert parameter["Type"] == expected
    assert parameter["Default"] == f"/shipping/staging/{output.layer}/{output.name}"


@pytest.mark.parametrize(
    ("output", "value", "problem"),
    [
        ("VpcId", "my-vpc", "'my-vpc' is not valid here; write an id such as vpc-0123456789abcdef0"),
        ("SubnetIds", "subnet-1", "has 1 values; write at least 2, separated by commas without spaces"),
        ("SubnetIds", "subnet-1, subnet-2", "' subnet-2' is not valid here; write an id such as subnet-0123"),
    ],
)
def test_a_provided_value_of_another_kind_is_refused_with_its_path(output: str, value: str, problem: str) -> None:
    provided = {f"network.{output}": value}
    layer = LayerTemplate(environment("staging", ("environments/staging/provided", provided)))

    outputs: dict[str, Output[Any]] = {"VpcId": VPC_ID, "SubnetIds": SUBNETS}

    with pytest.raises(ConfigurationError) as raised:
        layer.read(outputs[output])

    assert f'environments.staging.provided."network.{output}": {problem}' in str(raised.value)


def test_a_provided_value_stands_in_the_template_instead_of_a_parameter() -> None:
    provided = {"network.VpcId": "vpc-1", "network.SubnetIds": "subnet-1,subnet-2"}
    layer = LayerTemplate(environment("staging", ("environments/staging/provided", provided)))

    assert layer.read(VPC_ID).to_dict() == "vpc-1"
    assert layer.read(SUBNETS).to_dict() == ["subnet-1", "subnet-2"]
    assert parameters(layer) == {}


def test_two_services_in_one_template_get_two_parameters() -> None:
    layer = LayerTemplate(STAGING, SHIPPING)
    own, others = layer.read(ROLE), layer.read(ROLE, service=LEDGER)

    assert own.to_dict() == {"Ref": "RoleArn"}
    assert others.to_dict() == {"Ref": "LedgerRoleArn"}
    assert parameters(layer) == {
        "RoleArn": "/shipping/staging/delivery-parcel-dispatcher/RoleArn",
        "LedgerRoleArn": "/shipping/staging/delivery-ledger/RoleArn",
    }
    assert layer.read(ROLE, service=SHIPPING).to_dict() == own.to_dict()


def test_a_layer_that_exists_once_reads_for_each_service_by_name() -> None:
    layer = LayerTemplate(STAGING)
    values = [layer.read(ROLE, service=service).to_dict() for service in (SHIPPING, LEDGER)]

    assert values == [{"Ref": "ParcelDispatcherRoleArn"}, {"Ref": "LedgerRoleArn"}]


def test_two_values_of_one_name_never_share_a_parameter() -> None:
    layer = LayerTemplate(STAGING)
    layer.read(KEY)

    with pytest.raises(ConfigurationError) as caught:
        layer.read(Output(KeyArn, "other", "KeyArn", "Another key"))

    assert str(caught.value) == (
        "the template parameter KeyArn cannot read both /shipping/staging/other/KeyArn and"
        " /shipping/staging/keys/KeyArn; rename the Output of the layer keys or of the layer other. If the"
        " Output is named after a resource in the configuration, rename this resource instead"
    )


@pytest.mark.parametrize(("default", "shown"), [({"Default": "none"}, "none"), ({}, "another value")])
def test_a_value_with_the_name_of_a_parameter_of_the_layer_names_its_own_layer(
    default: dict[str, str], shown: str
) -> None:
    layer = LayerTemplate(STAGING)
    layer.add_parameter(Parameter("KeyArn", Type="String", **default))

    with pytest.raises(ConfigurationError, match=f"KeyArn and {shown}; rename the Output of the layer keys\\. If"):
        layer.read(KEY)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: LayerTemplate(STAGING).read(ROLE),
            "delivery.RoleArn exists once per service: pass `service` to `read`",
            id="read without a service",
        ),
        pytest.param(
            lambda: LayerTemplate(STAGING).read(KEY, service=LEDGER),
            "keys.KeyArn exists once per environment: call `read` without `service`",
            id="read with a service",
        ),
        pytest.param(
            lambda: LayerTemplate(STAGING).publish(ROLE, RoleArn("arn")),
            r"delivery.RoleArn exists once per service: publish it from LayerTemplate\(env, service\)",
            id="publish without a service",
        ),
        pytest.param(
            lambda: LayerTemplate(STAGING, SHIPPING).publish(KEY, KeyArn("arn")),
            "keys.KeyArn is published once per service: declare it as a ServiceOutput",
            id="publish with a service",
        ),
    ],
)
def test_a_service_is_given_exactly_where_the_output_belongs_to_one(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_a_layer_that_is_per_service_makes_its_template_for_the_service() -> None:
    def build(env: Environment, service: Service) -> LayerTemplate:
        return LayerTemplate(env)

    with pytest.raises(TypeError, match=r"layer own: build must return a LayerTemplate\(env, service\)"):
        list(Layer("own", build_per_service=build).instances(STAGING))


OUTPUTS: list[Output[Any]] = [
    *(Output(BucketName, layer, name, "x") for layer in ("storage", "other") for name in ("Name", "AName")),
    *(ServiceOutput(RoleArn, layer, name, "x") for layer in ("ingress", "health") for name in ("Name", "AName")),
]
SERVICES = [SHIPPING, *(SHIPPING._replace(name=name) for name in ("a", "a-1", "a1", "b"))]


@given(
    st.sampled_from([None, *SERVICES]),
    st.lists(st.tuples(st.sampled_from(OUTPUTS), st.sampled_from(SERVICES)), max_size=12),
)
def test_whatever_is_read_each_parameter_stands_for_one_value(
    own: Service | None, reads: list[tuple[Output[Any], Service]]
) -> None:
    layer = LayerTemplate(STAGING, own)
    for output, service in reads:
        stem = f"{output.layer}-{service.name}" if isinstance(output, ServiceOutput) else output.layer
        try:
            value = layer.read(output, service=service if isinstance(output, ServiceOutput) else None)
        except ConfigurationError:
            continue
        assert parameters(layer)[value.to_dict()["Ref"]] == f"/shipping/staging/{stem}/{output.name}"
