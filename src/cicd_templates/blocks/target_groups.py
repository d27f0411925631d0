"""Creates a service's part of the shared load balancer: target groups, listener rules, and network access to its tasks.

A service has two target groups and two listener rules from its first deployment on. So a rollout never replaces a
resource that serves requests.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from awacs import elasticloadbalancing as actions
from troposphere import AWSHelperFn, GetAtt, ec2, iam
from troposphere import elasticloadbalancingv2 as elb

from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, title
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import ListenerArn, SecurityGroupId, VpcId

DEREGISTRATION_SECONDS = 30
HTTP_PORT = 80
HTTPS_PORT = 443
# Weights may go up to 999. ECS changes the weights during a deployment. At the end of a deployment, all requests go to
# the newest release.
EVERYTHING, NOTHING = 100, 0
# Name of the role with which ECS shifts traffic; CloudFormation passes this role to ECS.
INFRASTRUCTURE = reserved_words.INFRASTRUCTURE


def target_group(logical_id: str, env: Environment, service: Service, vpc: VpcId, side: str) -> elb.TargetGroup:
    """Return one of a service's two target groups. `side` says whether it is the primary or the alternate group.

    The property `Port` is not the service's port, because a change of this property would replace the group. The value
    of `Port` does not matter: ECS registers each task with the task's own port.

    A change of the protocol always replaces the group. The old and the new group then exist at the same time, so their
    names must differ: the name of a group with TLS ends with `tls`.
    """
    check, tls = service.settings.health_check, service.settings.backend_tls
    words = [service.name, side, *(["tls"] if tls else [])]
    return elb.TargetGroup(
        logical_id,
        Name=physical_name(env, "AWS::ElasticLoadBalancingV2::TargetGroup", *words),
        VpcId=vpc,
        TargetType="ip",
        Protocol="HTTPS" if tls else "HTTP",
        Port=HTTPS_PORT if tls else HTTP_PORT,
        HealthCheckProtocol="HTTPS" if tls else "HTTP",
        HealthCheckPath=check.path,
        HealthCheckIntervalSeconds=check.interval_seconds,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=check.healthy_threshold,
        UnhealthyThresholdCount=check.unhealthy_threshold,
        Matcher=elb.Matcher(HttpCode="200"),
        TargetGroupAttributes=[
            elb.TargetGroupAttribute(Key="deregistration_delay.timeout_seconds", Value=str(DEREGISTRATION_SECONDS))
        ],
    )


def listener_rule(
    logical_id: str, service: Service, shared: ListenerArn, primary: elb.TargetGroup, alternate: elb.TargetGroup
) -> elb.ListenerRule:
    """Return the rule that makes a shared listener forward requests to a service.

    The weights in the rule are only initial values, which ECS changes in a rollout. CloudFormation keeps ECS's weights
    as long as the rule does not change in the template. A new path or priority resets the weights.
    """
    weights = [(primary, EVERYTHING), (alternate, NOTHING)]
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
        Actions=[
            elb.ListenerRuleAction(
                Type="forward",
                ForwardConfig=elb.ForwardConfig(
                    TargetGroups=[
                        elb.TargetGroupTuple(TargetGroupArn=group.ref(), Weight=weight) for group, weight in weights
                    ]
                ),
            )
        ],
    )


def infrastructure_role(
    logical_id: str,
    env: Environment,
    service: Service,
    groups: list[elb.TargetGroup],
    rules: list[elb.ListenerRule],
) -> iam.Role:
    """Return the role that ECS uses to move the requests of one service between its target groups.

    The role may change only the service's own target groups and listener rules. AWS's managed policy for this purpose
    allows more. For example, it allows changes of listeners, which ECS does not need:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    """
    return service_role(
        logical_id,
        env,
        "ecs",
        allow(
            "RegisterItsTasks",
            [actions.DeregisterTargets, actions.RegisterTargets],
            on=[group.ref() for group in groups],
        ),
        allow("MoveItsRequests", [actions.ModifyRule], on=[rule.ref() for rule in rules]),
        allow(
            "LookAtLoadBalancing",
            [
                actions.DescribeListeners,
                actions.DescribeRules,
                actions.DescribeTargetGroups,
                actions.DescribeTargetHealth,
            ],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
            because="the Describe actions of elasticloadbalancing support no resource-level permissions.",
        ),
        name=[service.name, INFRASTRUCTURE],
    )


def tasks_group(logical_id: str, env: Environment, service: Service, vpc: VpcId, *purpose: str) -> ec2.SecurityGroup:
    """Return a security group for tasks of a service. It allows the configured egress and no ingress.

    For the service's own tasks, `purpose` is empty. Other tasks, such as the migration, have a separate group, whose
    name ends with `purpose`.

    If the VPC has interface endpoints, the group also allows egress to them, because tasks need them for images, logs
    and secrets. `load_balancer_access` adds the ingress from the load balancer.
    """
    rules = {(cidr, port) for cidr, ports in service.settings.egress.items() for port in ports}
    if env.settings.endpoints == "all":
        open_ranges = [IPv4Network(cidr) for cidr, port in rules if port == HTTPS_PORT]
        if not any(env.network.subnet_of(open_range) for open_range in open_ranges):
            rules.add((str(env.network), HTTPS_PORT))
    return ec2.SecurityGroup(
        logical_id,
        GroupName=physical_name(env, "AWS::EC2::SecurityGroup", service.name, *purpose),
        GroupDescription=" ".join(["Tasks of", service.name, *purpose]),
        VpcId=vpc,
        SecurityGroupEgress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                CidrIp=cidr,
                Description="TLS to anywhere"
                if (cidr, port) == ("0.0.0.0/0", HTTPS_PORT)
                else f"Port {port} of {cidr}",
            )
            for cidr, port in sorted(rules)
        ],
    )


def load_balancer_access(
    service: Service, tasks: ec2.SecurityGroup, balancer_group: AWSHelperFn
) -> tuple[ec2.SecurityGroupIngress, ec2.SecurityGroupEgress]:
    """Return the two rules that let the load balancer reach a service's tasks.

    The first is an ingress rule of the tasks' security group. The second is an egress rule of the load balancer's
    group.
    """
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


def access_to(
    name: str, service: Service, tasks: ec2.SecurityGroup, group: SecurityGroupId, port: int, whose: str
) -> tuple[ec2.SecurityGroupEgress, ec2.SecurityGroupIngress]:
    """Return the two rules that let a service's tasks connect to the resource named `name` in the VPC, on a TCP port.

    The first rule is an egress rule of `tasks`, the security group of the tasks. The second rule is an ingress rule of
    `group`, the security group of the resource. `whose` is a word for the tasks in the logical ids of the rules. It is
    `Tasks` for the service's own tasks.
    """
    own = GetAtt(tasks, "GroupId")
    return (
        ec2.SecurityGroupEgress(
            f"To{title(name)}" if whose == "Tasks" else f"{whose}To{title(name)}",
            GroupId=own,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            DestinationSecurityGroupId=group,
            Description=f"Connections to {name}",
        ),
        ec2.SecurityGroupIngress(
            f"{title(name)}From{whose}",
            GroupId=group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            SourceSecurityGroupId=own,
            Description=f"Connections of {service.name}",
        ),
    )
