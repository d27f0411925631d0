"""Resource types of Elastic Load Balancing."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ElasticLoadBalancingV2::Listener",
        interruptions=(Interruption("new connections use the changed settings at once"),),
        ends_with_it="the load balancer accepts no connections on this port any more",
        arns={"listener/app": "elasticloadbalancing:{region}:{account}:listener/app/{name}"},
        arn_names_of="AWS::ElasticLoadBalancingV2::LoadBalancer",
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        # ECS shifts the weights in the rules of a blue/green service. An update of such a rule would reset them.
        interruptions=(
            Interruption(
                "the routing of requests changes immediately, and weights that ECS shifts in a blue/green deployment"
                " are reset"
            ),
        ),
        ends_with_it="another rule, or the listener's default action, handles the requests for its service",
        arns={"listener-rule/app": "elasticloadbalancing:{region}:{account}:listener-rule/app/{name}"},
        arn_names_of="AWS::ElasticLoadBalancingV2::LoadBalancer",
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        name_property="Name",
        name_limit=32,
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
        reserved_beginnings=("internal-",),
        loss="an address to which DNS records point",
        interruptions=(
            Interruption(
                "if addresses, subnets or security groups are removed, clients lose the connections that use them",
                frozenset({"IpAddressType", "SecurityGroups", "SubnetMappings", "Subnets"}),
            ),
        ),
        billed="load balancer, per hour and LCU",
        arns={"loadbalancer/app/": "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}"},
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        name_property="Name",
        name_limit=32,
        ends_with_it=(
            "no requests reach the tasks of the target group; a service that still uses the target group cannot start"
            " new tasks"
        ),
        arns={"targetgroup": "elasticloadbalancing:{region}:{account}:targetgroup/{name}"},
    ),
)
