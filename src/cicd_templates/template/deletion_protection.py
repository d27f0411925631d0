"""Finds the setting that makes AWS refuse to delete a resource, such as `DeletionProtection`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# For each resource type: the path of the setting, and the values that protect the resource. A path leads through every
# item of a list. Settings that only delay a deletion, or that protect only resources in use, such as
# `DeletionProtectionCheck`, are left out.
SETTINGS: Mapping[str, tuple[str, frozenset[str]]] = {
    "AWS::AutoScaling::AutoScalingGroup": ("DeletionProtection", frozenset({"prevent-all-deletion"})),
    "AWS::Cognito::UserPool": ("DeletionProtection", frozenset({"active"})),
    "AWS::DynamoDB::GlobalTable": ("Replicas/DeletionProtectionEnabled", frozenset({"true"})),
    "AWS::EMR::Cluster": ("Instances/TerminationProtected", frozenset({"true"})),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "LoadBalancerAttributes/deletion_protection.enabled",
        frozenset({"true"}),
    ),
    "AWS::NetworkFirewall::Firewall": ("DeleteProtection", frozenset({"true"})),
    "AWS::OpenSearchServerless::Collection": ("DeletionProtection", frozenset({"enabled"})),
    "AWS::SSMIncidents::ReplicationSet": ("DeletionProtected", frozenset({"true"})),
    "AWS::VerifiedPermissions::PolicyStore": ("DeletionProtection/Mode", frozenset({"enabled"})),
    **dict.fromkeys(
        (
            "AWS::DocDB::DBCluster",
            "AWS::DocDB::GlobalCluster",
            "AWS::ECS::Gateway",
            "AWS::EKS::Cluster",
            "AWS::Neptune::DBCluster",
            "AWS::Neptune::GlobalCluster",
            "AWS::NeptuneGraph::Graph",
            "AWS::QLDB::Ledger",
            "AWS::RDS::DBCluster",
            "AWS::RDS::DBInstance",
            "AWS::RDS::GlobalCluster",
            "AWS::WellArchitected::AgentProfile",
        ),
        ("DeletionProtection", frozenset({"true"})),
    ),
    **dict.fromkeys(
        (
            "AWS::DSQL::Cluster",
            "AWS::DynamoDB::Table",
            "AWS::Logs::LogGroup",
            "AWS::SMSVOICE::NotifyConfiguration",
            "AWS::SMSVOICE::PhoneNumber",
            "AWS::SMSVOICE::Pool",
            "AWS::SMSVOICE::ProtectConfiguration",
            "AWS::SMSVOICE::RcsAgent",
            "AWS::SMSVOICE::SenderId",
        ),
        ("DeletionProtectionEnabled", frozenset({"true"})),
    ),
    **dict.fromkeys(
        ("AWS::CloudTrail::Dashboard", "AWS::CloudTrail::EventDataStore"),
        ("TerminationProtectionEnabled", frozenset({"true"})),
    ),
    "AWS::EC2::Instance": ("DisableApiTermination", frozenset({"true"})),
}


def protecting_setting(resource: Mapping[str, Any]) -> str:
    """Return the setting with which a template protects `resource` from deletion, such as `DeletionProtection`.

    The result is empty if the setting is missing or off, or if only CloudFormation knows its value.
    """
    path, protecting = SETTINGS.get(resource.get("Type", ""), ("", frozenset()))
    values = _values(resource.get("Properties", {}), path.split("/"))
    return path if any(str(value).lower() in protecting for value in values) else ""


def _values(properties: Any, path: list[str]) -> Iterator[Any]:
    """Yield the values at `path`.

    A list of objects with `Key` and `Value` is read as one object with these keys and values.
    """
    if not path:
        yield properties
    elif isinstance(properties, list):
        for element in properties:
            named = isinstance(element, dict) and element.keys() == {"Key", "Value"}
            yield from _values({str(element["Key"]): element["Value"]} if named else element, path)
    elif isinstance(properties, dict) and path[0] in properties:
        yield from _values(properties[path[0]], path[1:])
