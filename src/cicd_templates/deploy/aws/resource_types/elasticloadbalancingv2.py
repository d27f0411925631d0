"""Finds load balancers and target groups by name."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource, ResourceOperations, first_of


def _find_load_balancer(clients: Clients, name: str) -> ExistingResource | None:
    return first_of(clients.elbv2.describe_load_balancers(Names=[name])["LoadBalancers"], "LoadBalancerArn")


def _find_target_group(clients: Clients, name: str) -> ExistingResource | None:
    return first_of(clients.elbv2.describe_target_groups(Names=[name])["TargetGroups"], "TargetGroupArn")


OPERATIONS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ResourceOperations(
        find=_find_load_balancer, delete_command="elbv2 delete-load-balancer --load-balancer-arn {arn}"
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ResourceOperations(
        find=_find_target_group, delete_command="elbv2 delete-target-group --target-group-arn {arn}"
    ),
}
