"""The task definition and the ECS service of one application on Fargate."""

from __future__ import annotations

from collections.abc import Sequence

from awacs.aws import ArnLike
from troposphere import AWSHelperFn, AWSObject, Equals, GetAtt, If, NoValue, Ref, Sub, ec2, ecs, iam, logs
from troposphere import elasticloadbalancingv2 as elb

from cicd_templates.blocks import bootstrap
from cicd_templates.blocks.roles import service_role
from cicd_templates.config_values import BOOTSTRAP_IMAGE
from cicd_templates.environment import Environment, Service
from cicd_templates.iam import Grant
from cicd_templates.naming import physical_name
from cicd_templates.outputs import ClusterName, SubnetIds

IMAGE_PARAMETER = "ImageUri"
BOOTSTRAP_CONDITION = "RunsTheBootstrapImage"
# Neither root nor a user of the host.
CONTAINER_USER = "10001:10001"
STREAM_PREFIX = "task"
# What the application is at run time, beside the role that starts it.
TASK_ROLE = "task"


def runs_the_bootstrap_image() -> Equals:
    """Whether no release has been deployed yet; a release brings its own command."""
    return Equals(Ref(IMAGE_PARAMETER), BOOTSTRAP_IMAGE)


def task_role(logical_id: str, env: Environment, service: Service, purpose: str, *grants: Grant) -> iam.Role:
    """A role that tasks of this account assume, for one purpose: to start the task, or to be it."""
    tasks = Sub(f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:*")
    return service_role(
        logical_id,
        env,
        "ecs-tasks",
        *grants,
        name=[service.name, purpose],
        when=[ArnLike({"aws:SourceArn": tasks})],
    )


def task_definition(
    logical_id: str,
    env: Environment,
    service: Service,
    execution: iam.Role,
    task: iam.Role,
    group: logs.LogGroup,
) -> ecs.TaskDefinition:
    """One container: not root, nothing writable but its memory, no capabilities, its log in `group`."""
    settings = service.settings
    container = ecs.ContainerDefinition(
        Name=service.name,
        Image=Ref(IMAGE_PARAMETER),
        Essential=True,
        User=CONTAINER_USER,
        ReadonlyRootFilesystem=True,
        LinuxParameters=ecs.LinuxParameters(Capabilities=ecs.KernelCapabilities(Drop=["ALL"]), InitProcessEnabled=True),
        PortMappings=[ecs.PortMapping(ContainerPort=settings.port, Protocol="tcp")],
        Environment=_variables(settings.environment | {"PORT": str(settings.port)}),
        LogConfiguration=ecs.LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": group.ref(),
                "awslogs-region": env.region,
                "awslogs-stream-prefix": STREAM_PREFIX,
            },
        ),
        Command=If(BOOTSTRAP_CONDITION, bootstrap.command(service), NoValue),
    )
    return ecs.TaskDefinition(
        logical_id,
        Family=physical_name(env, "AWS::ECS::TaskDefinition", service.name),
        RequiresCompatibilities=["FARGATE"],
        NetworkMode="awsvpc",
        Cpu=str(settings.cpu),
        Memory=str(settings.memory),
        RuntimePlatform=ecs.RuntimePlatform(CpuArchitecture="X86_64", OperatingSystemFamily="LINUX"),
        ExecutionRoleArn=GetAtt(execution, "Arn"),
        TaskRoleArn=GetAtt(task, "Arn"),
        ContainerDefinitions=[container],
    )


def _variables(values: dict[str, str]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=name, Value=value) for name, value in sorted(values.items())]


def fargate_service(
    logical_id: str,
    env: Environment,
    service: Service,
    *,
    cluster: ClusterName,
    definition: ecs.TaskDefinition,
    subnets: SubnetIds,
    group: ec2.SecurityGroup,
    targets: elb.TargetGroup,
    after: Sequence[AWSObject],
) -> ecs.Service:
    """A rolling service that gives up on a bad release and goes back by itself, instead of trying for hours.

    `after` names what must exist although the service does not refer to it: ECS refuses a target group that no
    listener forwards to.
    """
    settings = service.settings
    breaker = ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True)
    vpc = ecs.AwsvpcConfiguration(AssignPublicIp="DISABLED", Subnets=subnets, SecurityGroups=[GetAtt(group, "GroupId")])
    return ecs.Service(
        logical_id,
        ServiceName=physical_name(env, "AWS::ECS::Service", service.name),
        Cluster=cluster,
        TaskDefinition=definition.ref(),
        LaunchType="FARGATE",
        PlatformVersion="1.4.0",
        DesiredCount=settings.desired_count,
        DeploymentConfiguration=ecs.DeploymentConfiguration(
            DeploymentCircuitBreaker=breaker, MinimumHealthyPercent=100, MaximumPercent=200
        ),
        HealthCheckGracePeriodSeconds=settings.health_check.grace_seconds,
        NetworkConfiguration=ecs.NetworkConfiguration(AwsvpcConfiguration=vpc),
        LoadBalancers=[
            ecs.LoadBalancer(ContainerName=service.name, ContainerPort=settings.port, TargetGroupArn=targets.ref())
        ],
        EnableECSManagedTags=True,
        EnableExecuteCommand=False,
        PropagateTags="SERVICE",
        DependsOn=[resource.title for resource in after],
    )


def tasks_group(logical_id: str, env: Environment, service: Service, vpc: AWSHelperFn) -> ec2.SecurityGroup:
    """Lets tasks reach AWS services and others over TLS; who may reach them is said beside the load balancer."""
    return ec2.SecurityGroup(
        logical_id,
        GroupName=physical_name(env, "AWS::EC2::SecurityGroup", service.name),
        GroupDescription=f"Tasks of {service.name}",
        VpcId=vpc,
        SecurityGroupEgress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="0.0.0.0/0", Description="TLS to anywhere"
            )
        ],
    )
