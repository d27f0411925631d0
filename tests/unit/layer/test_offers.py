"""The offers of a layer to services: which offers are possible, and what a service that uses one reads and may do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from awacs import s3
from troposphere import encode_to_dict

from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.offers import Offer, Use
from cicd_templates.layer.outputs import BucketName, Output, RoleArn, ServiceOutput, SubnetIds, joined_text
from cicd_templates.layer.template import LayerTemplate
from tests.conftest import environment

LABELS = Output(BucketName, "labels", "BucketName", "The bucket of labels")
SUBNETS = Output(SubnetIds, "network", "SubnetIds", "The subnets")
ROLE = ServiceOutput(RoleArn, "delivery", "RoleArn", "The role of a service")


def read_labels(layer: LayerTemplate) -> list[Grant]:
    return [allow("ReadLabels", [s3.GetObject], on=joined_text("arn:aws:s3:::", layer.read(LABELS), "/*"))]


@pytest.mark.parametrize(
    ("variables", "access", "expected"),
    [
        ({}, {}, "offer labels: `access` is empty; name a kind of access, such as read"),
        (
            {"SUBNETS": SUBNETS},
            {"read": read_labels},
            "offer labels: SUBNETS cannot have the value of network.SubnetIds, because this output is a list or"
            " differs between services",
        ),
        (
            {"LABELS": LABELS, "ROLE": ROLE},
            {"read": read_labels},
            "offer labels: ROLE cannot have the value of delivery.RoleArn, because this output is a list or differs"
            " between services",
        ),
    ],
    ids=["no access", "a list", "a value per service"],
)
def test_an_offer_that_no_container_could_use_is_refused(
    variables: Mapping[str, Output[Any]], access: Mapping[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        Offer("labels", variables, access)


def test_a_use_reads_the_addresses_and_grants_only_its_kind_of_access() -> None:
    def write_labels(layer: LayerTemplate) -> list[Grant]:
        return [allow("WriteLabels", [s3.PutObject], on=joined_text("arn:aws:s3:::", layer.read(LABELS), "/*"))]

    env = environment()
    layer = LayerTemplate(env, env.services[0])
    use = Use(Offer("labels", {"LABELS_BUCKET": LABELS}, {"read": read_labels, "write": write_labels}), "write")

    assert [grant.statement.Sid for grant in use.grants(layer)] == ["WriteLabels"]
    assert {name: encode_to_dict(value) for name, value in use.variables(layer).items()} == {
        "LABELS_BUCKET": {"Ref": "BucketName"}
    }
    assert layer.template.to_dict()["Parameters"]["BucketName"]["Default"] == "/shipping/staging/labels/BucketName"
