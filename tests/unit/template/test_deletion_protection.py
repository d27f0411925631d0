"""The settings that forbid a deletion, by type: complete according to the schemas, and read from templates."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cicd_templates.local.create_only import schemas_folder
from cicd_templates.template.deletion_protection import SETTINGS, protecting_setting

SETTING = re.compile(r'"(\w*(Deletion|Delete|Termination)Protect\w*|DisableApiTermination)": ')
# Settings of a template for instances, of a scaling plan, and those that only delay a deletion or look at its use.
NO_PROTECTION_OF_THE_RESOURCE = {
    "AWS::AppConfig::ConfigurationProfile",
    "AWS::AppConfig::Environment",
    "AWS::Bedrock::DataSource",
    "AWS::EC2::LaunchTemplate",
    "AWS::ECS::CapacityProvider",
}
# The setting of a load balancer is an attribute, which the schema does not name.
NOT_IN_THE_SCHEMA = {"AWS::ElasticLoadBalancingV2::LoadBalancer"}


def test_every_type_whose_schema_has_such_a_setting_is_in_the_table_or_has_its_reason() -> None:
    folder = schemas_folder()
    index = json.loads((folder / "providers/us-east-1.json").read_text())
    having = {name for name, file in index.items() if SETTING.search((folder / f"resources/{file}.json").read_text())}

    assert having - NO_PROTECTION_OF_THE_RESOURCE - SETTINGS.keys() == set()
    assert SETTINGS.keys() - NOT_IN_THE_SCHEMA - having == set()


@pytest.mark.parametrize(
    ("resource_type", "properties", "expected"),
    [
        ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": "true"}, "DeletionProtectionEnabled"),
        ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": False}, ""),
        ("AWS::DynamoDB::Table", {}, ""),
        ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": {"Ref": "Protected"}}, ""),
        (
            "AWS::DynamoDB::GlobalTable",
            {"Replicas": [{"Region": "a"}, {"DeletionProtectionEnabled": True}]},
            "Replicas/DeletionProtectionEnabled",
        ),
        ("AWS::DynamoDB::GlobalTable", {"Replicas": [{"Region": "a"}]}, ""),
        (
            "AWS::VerifiedPermissions::PolicyStore",
            {"DeletionProtection": {"Mode": "ENABLED"}},
            "DeletionProtection/Mode",
        ),
        ("AWS::VerifiedPermissions::PolicyStore", {"DeletionProtection": "ENABLED"}, ""),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {
                "LoadBalancerAttributes": [
                    {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
                    {"Key": {"Ref": "Setting"}, "Value": True},
                    {"Key": "deletion_protection.enabled", "Value": True},
                ]
            },
            "LoadBalancerAttributes/deletion_protection.enabled",
        ),
        ("AWS::S3::Bucket", {"DeletionProtection": True}, ""),
    ],
)
def test_the_setting_is_read_from_a_template(resource_type: str, properties: dict[str, Any], expected: str) -> None:
    assert protecting_setting({"Type": resource_type, "Properties": properties}) == expected


def test_what_has_no_type_or_no_properties_is_not_protected() -> None:
    assert protecting_setting({}) == protecting_setting({"Type": "AWS::RDS::DBCluster"}) == ""
