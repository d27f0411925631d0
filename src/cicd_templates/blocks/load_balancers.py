"""The load balancer that the services of an environment share, and each service's part of it."""

from __future__ import annotations

from troposphere import AWSHelperFn, GetAtt, ec2
from troposphere import elasticloadbalancingv2 as elb

from cicd_templates.blocks.networks import NO_EGRESS, named
from cicd_templates.environment import Environment, Service
from cicd_templates.naming import physical_name
from cicd_templates.outputs import BucketName, ListenerArn, SubnetIds, VpcId

# TLS 1.3 and 1.2 with forward secrecy:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
HTTPS_PORT = 443
HTTP_PORT = 80
DRAIN_SECONDS = 30


def public_port(env: Environment) -> int:
    """The port that clients use: TLS, or plain HTTP where the environment says so aloud."""
    return HTTP_PORT if env.settings.allow_http else HTTPS_PORT


def load_balancer_group(logical_id: str, env: Environment, vpc: VpcId) -> ec2.SecurityGroup:
    """Admits clients on the public port and nothing further; each service adds its own way out to its tasks."""
    port = public_port(env)
    return ec2.SecurityGroup(
        logical_id,
        GroupName=physical_name(env, "AWS::EC2::SecurityGroup", "load-balancer"),
        GroupDescription="Clients to the shared load balancer",
        VpcId=vpc,
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                CidrIp="0.0.0.0/0",
                Description="Clients anywhere",
            )
        ],
        SecurityGroupEgress=[NO_EGRESS],
        Tags=named(env, "load-balancer"),
    )


def load_balancer(
    logical_id: str, env: Environment, group: ec2.SecurityGroup, subnets: SubnetIds, logs: BucketName
) -> elb.LoadBalancer:
    """An internet-facing application load balancer that logs every request and drops malformed headers."""
    attributes = {
        "access_logs.s3.bucket": logs,
        "access_logs.s3.enabled": "true",
        "access_logs.s3.prefix": "alb",
        "deletion_protection.enabled": "true" if env.protected else "false",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    return elb.LoadBalancer(
        logical_id,
        Name=physical_name(env, "AWS::ElasticLoadBalancingV2::LoadBalancer", "alb"),
        Type="application",
        Scheme="internet-facing",
        Subnets=subnets,
        SecurityGroups=[GetAtt(group, "GroupId")],
        LoadBalancerAttributes=[elb.LoadBalancerAttributes(Key=key, Value=value) for key, value in attributes.items()],
    )


def listener(logical_id: str, env: Environment, balancer: elb.LoadBalancer) -> elb.Listener:
    """The shared listener. What no service's rule claims gets a 404 that says nothing."""
    nothing_here = elb.Action(
        Type="fixed-response",
        FixedResponseConfig=elb.FixedResponseConfig(
            StatusCode="404", ContentType="text/plain", MessageBody="Not found"
        ),
    )
    certificate = env.settings.certificate_arn
    shared = elb.Listener(
        logical_id,
        LoadBalancerArn=balancer.ref(),
        Port=public_port(env),
        Protocol="HTTPS" if certificate else "HTTP",
        DefaultActions=[nothing_here],
    )
    if certificate:
        shared.Certificates = [elb.Certificate(CertificateArn=certificate)]
        shared.SslPolicy = TLS_POLICY
    return shared


def target_group(logical_id: str, env: Environment, service: Service, vpc: VpcId) -> elb.TargetGroup:
    """The tasks of a service, as the load balancer sees them.

    A changed `Port` would replace the group, whose name is taken, so it stays: ECS registers each task with its own.
    """
    check = service.settings.health_check
    return elb.TargetGroup(
        logical_id,
        Name=physical_name(env, "AWS::ElasticLoadBalancingV2::TargetGroup", service.name),
        VpcId=vpc,
        TargetType="ip",
        Protocol="HTTP",
        Port=HTTP_PORT,
        HealthCheckPath=check.path,
        HealthCheckIntervalSeconds=check.interval_seconds,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=check.healthy_threshold,
        UnhealthyThresholdCount=check.unhealthy_threshold,
        Matcher=elb.Matcher(HttpCode="200"),
        TargetGroupAttributes=[
            elb.TargetGroupAttribute(Key="deregistration_delay.timeout_seconds", Value=str(DRAIN_SECONDS))
        ],
    )


def listener_rule(logical_id: str, service: Service, shared: ListenerArn, group: elb.TargetGroup) -> elb.ListenerRule:
    """The requests that the shared listener sends to a service."""
    return elb.ListenerRule(
        logical_id,
        ListenerArn=shared,
        Priority=service.settings.priority,
        Conditions=[
            elb.Condition(
                Field="path-pattern",
                PathPatternConfig=elb.PathPatternConfig(Values=[service.settings.path_pattern]),
            )
        ],
        Actions=[elb.ListenerRuleAction(Type="forward", TargetGroupArn=group.ref())],
    )


def admitted(
    service: Service, tasks: ec2.SecurityGroup, balancer_group: AWSHelperFn
) -> tuple[ec2.SecurityGroupIngress, ec2.SecurityGroupEgress]:
    """Both ends of the one way from the load balancer to the tasks of a service."""
    port = service.settings.port
    return (
        ec2.SecurityGroupIngress(
            "FromLoadBalancer",
            GroupId=GetAtt(tasks, "GroupId"),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            SourceSecurityGroupId=balancer_group,
            Description="Requests and health checks",
        ),
        ec2.SecurityGroupEgress(
            "LoadBalancerToTasks",
            GroupId=balancer_group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            DestinationSecurityGroupId=GetAtt(tasks, "GroupId"),
            Description=f"Requests and health checks of {service.name}",
        ),
    )
