"""Finds load balancers and target groups by name, reads listener rules, and switches off deletion protection."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    DeletionProtection,
    ExistingResource,
    ResourceOperations,
    first_of,
    unless_not_found,
)

PROTECTION = "deletion_protection.enabled"


def _find_load_balancer(clients: Clients, name: str) -> ExistingResource | None:
    return first_of(clients.elbv2.describe_load_balancers(Names=[name])["LoadBalancers"], "LoadBalancerArn")


def _find_target_group(clients: Clients, name: str) -> ExistingResource | None:
    return first_of(clients.elbv2.describe_target_groups(Names=[name])["TargetGroups"], "TargetGroupArn")


def rules_by_priority(clients: Clients, listener: str) -> dict[int, str]:
    """Return the ARNs of a listener's rules, keyed by priority. The default rule, without a priority, is left out."""
    pages = clients.elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener)
    rules = [rule for page in pages for rule in page["Rules"]]
    return {int(rule["Priority"]): rule["RuleArn"] for rule in rules if rule["Priority"].isdecimal()}


def _is_protected(clients: Clients, arn: str) -> bool:
    attributes = clients.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return any(attribute["Key"] == PROTECTION and attribute["Value"] == "true" for attribute in attributes)


def _lift_protection(clients: Clients, arn: str) -> str:
    clients.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": PROTECTION, "Value": "false"}]
    )
    return "switched off the deletion protection"


OPERATIONS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ResourceOperations(
        find=_find_load_balancer,
        delete_command="elbv2 delete-load-balancer --load-balancer-arn {arn}",
        protection=DeletionProtection(
            unless_not_found(_is_protected, missing=False),
            _lift_protection,
            "aws elbv2 modify-load-balancer-attributes --region {region} --load-balancer-arn {name}"
            f" --attributes Key={PROTECTION},Value=false",
        ),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ResourceOperations(
        find=_find_target_group, delete_command="elbv2 delete-target-group --target-group-arn {arn}"
    ),
}
