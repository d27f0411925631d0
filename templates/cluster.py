"""Layer `cluster`: the ECS cluster of the environment and the load balancer that its services share."""

from __future__ import annotations

from troposphere import GetAtt, Template, ecs

from cicd_templates.blocks import load_balancers
from cicd_templates.blocks.logs import log_group
from cicd_templates.environment import Environment
from cicd_templates.naming import physical_name
from cicd_templates.outputs import ClusterName, HostName, ListenerArn, Output, SecurityGroupId, Url, text
from templates import keys, network, storage

CLUSTER_NAME = Output(ClusterName, "cluster", "ClusterName", "Runs the services of the environment")
LISTENER_ARN = Output(ListenerArn, "cluster", "ListenerArn", "Shared by the services through their rules")
BALANCER_GROUP_ID = Output(SecurityGroupId, "cluster", "LoadBalancerGroupId", "Lets the load balancer reach tasks")
BALANCER_HOST = Output(HostName, "cluster", "LoadBalancerHost", "Where the domain's DNS record points")
BASE_URL = Output(Url, "cluster", "BaseUrl", "Where the load balancer answers")


def build(env: Environment) -> Template:
    """A cluster whose storage is under the environment's key, and one load balancer."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    vpc = network.VPC_ID.read(template, env)
    subnets = network.PUBLIC_SUBNET_IDS.read(template, env)
    logs = storage.LOG_DELIVERY_BUCKET.read(template, env)

    name = physical_name(env, "AWS::ECS::Cluster", "cluster")
    # Container Insights would make this group itself, without key or end.
    insights = template.add_resource(
        log_group("InsightsLogGroup", env, f"/aws/ecs/containerinsights/{name}/performance", key)
    )
    storage_key = ecs.ManagedStorageConfiguration(FargateEphemeralStorageKmsKeyId=key)
    cluster = template.add_resource(
        ecs.Cluster(
            "Cluster",
            ClusterName=name,
            ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enabled")],
            Configuration=ecs.ClusterConfiguration(ManagedStorageConfiguration=storage_key),
            DependsOn=insights.title,
        )
    )

    group = template.add_resource(load_balancers.load_balancer_group("LoadBalancerGroup", env, vpc))
    balancer = template.add_resource(load_balancers.load_balancer("LoadBalancer", env, group, subnets, logs))
    listener = template.add_resource(load_balancers.listener("Listener", env, balancer))

    # The certificate is for the domain; the load balancer's own name would fail its check.
    plain = text("http://", GetAtt(balancer, "DNSName"))
    BASE_URL.publish(template, env, Url(plain if env.settings.allow_http else f"https://{env.settings.domain}"))
    BALANCER_HOST.publish(template, env, HostName(GetAtt(balancer, "DNSName")))
    CLUSTER_NAME.publish(template, env, ClusterName(cluster.ref()))
    LISTENER_ARN.publish(template, env, ListenerArn(listener.ref()))
    BALANCER_GROUP_ID.publish(template, env, SecurityGroupId(GetAtt(group, "GroupId")))
    return template
