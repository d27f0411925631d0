"""Resource types of Elastic Load Balancing."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ElasticLoadBalancingV2::Listener",
        interruption=Interruption("new connections are answered differently at once"),
        arns={"listener/app": "elasticloadbalancing:{region}:{account}:listener/app/{name}"},
        arn_names_of="AWS::ElasticLoadBalancingV2::LoadBalancer",
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        # ECS shifts the weights in the rules of a blue/green service. An update of such a rule would reset them.
        interruption=Interruption(
            "requests take another way at once, and weights that ECS shifts during a blue/green deployment are set back"
        ),
        arns={"listener-rule/app": "elasticloadbalancing:{region}:{account}:listener-rule/app/{name}"},
        arn_names_of="AWS::ElasticLoadBalancingV2::LoadBalancer",
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        name_property="Name",
        name_limit=32,
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
        reserved_beginnings=("internal-",),
        loss="an address that DNS records name",
        interruption=Interruption(
            "connections through what goes away end",
            frozenset({"IpAddressType", "SecurityGroups", "SubnetMappings", "Subnets"}),
        ),
        billed="load balancer, per hour and LCU",
        arns={"loadbalancer/app/": "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}"},
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        name_property="Name",
        name_limit=32,
        arns={"targetgroup": "elasticloadbalancing:{region}:{account}:targetgroup/{name}"},
    ),
)
