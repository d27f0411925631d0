"""Layer `cluster`: the ECS cluster of the environment and the load balancer that its services share."""

from __future__ import annotations

from troposphere import GetAtt, Select, ecs, logs

from cicd_templates.blocks import load_balancers
from cicd_templates.blocks.log_groups import log_group
from cicd_templates.blocks.release_hooks import SMOKE
from cicd_templates.blocks.task_parts import exec_log_group
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import cluster_name
from cicd_templates.layer.outputs import (
    ClusterName,
    HostName,
    KeyArn,
    ListenerArn,
    MetricName,
    Output,
    SecurityGroupId,
    Url,
    joined_text,
)
from cicd_templates.layer.template import LayerTemplate
from templates import keys, network, storage

CLUSTER_NAME = Output(ClusterName, "cluster", "ClusterName", "Cluster that runs the services of the environment")
LISTENER_ARN = Output(
    ListenerArn, "cluster", "ListenerArn", "Listener that all web services share, each with rules of its own"
)
BALANCER_GROUP_ID = Output(SecurityGroupId, "cluster", "LoadBalancerGroupId", "Security group of the load balancer")
TEST_LISTENER_ARN = Output(
    ListenerArn, "cluster", "TestListenerArn", "Listener on which a new release is tested before clients reach it"
)
BALANCER_METRICS = Output(MetricName, "cluster", "LoadBalancerName", "Name of the load balancer in metrics")
BALANCER_HOST = Output(
    HostName, "cluster", "LoadBalancerHost", "Host name of the load balancer, for the domain's DNS record"
)
BASE_URL = Output(Url, "cluster", "BaseUrl", "Address of the load balancer for clients")


def build(env: Environment) -> LayerTemplate:
    """Return an ECS cluster and one load balancer with two listeners.

    The ephemeral storage of the cluster's tasks is encrypted with the environment's KMS key.
    """
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    vpc = layer.read(network.VPC_ID)
    subnets = layer.read(network.PUBLIC_SUBNET_IDS)
    access_logs = layer.read(storage.LOG_DELIVERY_BUCKET)

    name = cluster_name(env)
    # If this log group did not exist, Container Insights would create an unencrypted one without a retention period.
    insights = layer.add(log_group("InsightsLogGroup", env, f"/aws/ecs/containerinsights/{name}/performance", key))
    configuration = ecs.ClusterConfiguration(
        ManagedStorageConfiguration=ecs.ManagedStorageConfiguration(FargateEphemeralStorageKmsKeyId=key)
    )
    if any(service.settings.audited_exec for service in env.services):
        record = layer.add(log_group("ExecLogGroup", env, exec_log_group(env), key))
        configuration.ExecuteCommandConfiguration = _exec_configuration(key, record)
    cluster = layer.add(
        ecs.Cluster(
            "Cluster",
            ClusterName=name,
            ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enabled")],
            Configuration=configuration,
            DependsOn=insights.title,
        )
    )

    group = layer.add(load_balancers.load_balancer_group("LoadBalancerGroup", env, vpc))
    balancer = layer.add(load_balancers.load_balancer("LoadBalancer", env, group, subnets, access_logs))
    port = load_balancers.public_port(env)
    listener = layer.add(load_balancers.listener("Listener", env, balancer, port))
    test = layer.add(load_balancers.listener("TestListener", env, balancer, load_balancers.TEST_PORT))
    if any(SMOKE in service.settings.hooks for service in env.services):
        ranges = layer.read(network.NAT_RANGES)
        for number in range(network.count_nat_ranges(env)):
            admission = load_balancers.test_listener_ingress(number + 1, group, Select(number, ranges))
            layer.add(admission)

    # If the environment has a domain, clients use this domain, because the certificate is for the domain. A copy
    # without a domain uses the load balancer's own name, although clients cannot verify the certificate for this name.
    # With the original's domain, a test of the copy would test the original.
    scheme = "http" if env.settings.allow_http else "https"
    own_address = joined_text(f"{scheme}://", GetAtt(balancer, "DNSName"))
    layer.publish(BASE_URL, Url(f"https://{env.domain}" if env.domain else own_address))
    layer.publish(BALANCER_HOST, HostName(GetAtt(balancer, "DNSName")))
    layer.publish(CLUSTER_NAME, ClusterName(cluster.ref()))
    layer.publish(LISTENER_ARN, ListenerArn(listener.ref()))
    layer.publish(TEST_LISTENER_ARN, ListenerArn(test.ref()))
    layer.publish(BALANCER_METRICS, MetricName(GetAtt(balancer, "LoadBalancerFullName")))
    layer.publish(BALANCER_GROUP_ID, SecurityGroupId(GetAtt(group, "GroupId")))
    return layer


def _exec_configuration(key: KeyArn, record: logs.LogGroup) -> ecs.ExecuteCommandConfiguration:
    """Return the configuration of ECS Exec. The sessions are encrypted with `key`, and recorded in `record`.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    return ecs.ExecuteCommandConfiguration(
        KmsKeyId=key,
        Logging="OVERRIDE",
        LogConfiguration=ecs.ExecuteCommandLogConfiguration(
            CloudWatchLogGroupName=record.ref(), CloudWatchEncryptionEnabled=True
        ),
    )
