"""The parts of a VPC: subnets in every zone, routes, NAT gateways, endpoints and the flow log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from awacs import logs as logs_actions
from awacs.aws import ArnLike
from troposphere import AWSObject, GetAtt, Sub, Tags, ec2, iam, logs

from cicd_templates.blocks.log_groups import may_write
from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, title
from cicd_templates.layer.iam import allow
from cicd_templates.template.partitions import endpoint_service

# Subnet prefixes are four bits longer than the VPC's, which gives 16 blocks. Each tier uses up to four, one per zone.
SUBNET_BITS = 4
PUBLIC_FROM = 0
PRIVATE_FROM = 4

# The AWS services that a task without internet access needs for its image, log and secrets, and for the secrets' KMS
# key.
INTERFACE_SERVICES = ("ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "ssm")
# The service through which ECS Exec sessions run.
EXEC_SERVICE = "ssmmessages"
# The service with which tasks reach the environment's queues.
QUEUE_SERVICE = "sqs"

# If a security group has no egress rule, AWS adds a rule that allows all egress. The rule below prevents this and
# allows nothing:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
NO_EGRESS = ec2.SecurityGroupRule(IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing")


class Zone(NamedTuple):
    """The public and the private subnet of one availability zone.

    `number` is 1 for the first zone, and is part of the logical ids.
    """

    number: int
    public: ec2.Subnet
    private: ec2.Subnet


def name_tag(env: Environment, what: str) -> Tags:
    """Return the tag `Name`, which the console shows as the resource's name."""
    return Tags(Name=f"{name_prefix(env)}-{what}")


def vpc(logical_id: str, env: Environment) -> ec2.VPC:
    """Return the VPC, with the DNS settings that private endpoints need."""
    return ec2.VPC(
        logical_id,
        CidrBlock=str(env.network),
        EnableDnsHostnames=True,
        EnableDnsSupport=True,
        Tags=name_tag(env, "vpc"),
    )


def zone(env: Environment, network: ec2.VPC, number: int) -> Zone:
    """Return the two subnets of an availability zone. By default, instances in the subnets get no public addresses.

    `number` is the position of the zone in the configuration, counted from 1.
    """
    blocks = list(env.network.subnets(prefixlen_diff=SUBNET_BITS))
    availability_zone = env.settings.zones[number - 1]

    def subnet(tier: str, first: int) -> ec2.Subnet:
        return ec2.Subnet(
            f"{tier}Subnet{number}",
            VpcId=network.ref(),
            AvailabilityZone=availability_zone,
            CidrBlock=str(blocks[first + number - 1]),
            MapPublicIpOnLaunch=False,
            Tags=name_tag(env, f"{tier.lower()}-{availability_zone}"),
        )

    return Zone(number, subnet("Public", PUBLIC_FROM), subnet("Private", PRIVATE_FROM))


def nat_gateway(env: Environment, zone: Zone, *, after: AWSObject) -> tuple[ec2.EIP, ec2.NatGateway]:
    """Return a NAT gateway in the zone's public subnet, with its Elastic IP address.

    `after` is the public subnets' route to the internet. A NAT gateway cannot be created before this route exists.
    """
    address = ec2.EIP(f"NatAddress{zone.number}", Domain="vpc", Tags=name_tag(env, f"nat-{zone.number}"))
    gateway = ec2.NatGateway(
        f"NatGateway{zone.number}",
        AllocationId=GetAtt(address, "AllocationId"),
        SubnetId=zone.public.ref(),
        Tags=name_tag(env, f"nat-{zone.number}"),
        DependsOn=after.title,
    )
    return address, gateway


def route_table(
    env: Environment, network: ec2.VPC, name: str, *subnets: ec2.Subnet
) -> tuple[ec2.RouteTable, list[ec2.SubnetRouteTableAssociation]]:
    """Return a route table of `network`, and its association with each of `subnets`."""
    table = ec2.RouteTable(f"{name}Routes", VpcId=network.ref(), Tags=name_tag(env, f"{name.lower()}-routes"))
    associations = [
        ec2.SubnetRouteTableAssociation(f"{subnet.title}Routes", SubnetId=subnet.ref(), RouteTableId=table.ref())
        for subnet in subnets
    ]
    return table, associations


def s3_endpoint(env: Environment, network: ec2.VPC, tables: Sequence[ec2.RouteTable]) -> ec2.VPCEndpoint:
    """Return the gateway endpoint for S3, which is free. Image pulls use it, because ECR stores image layers in S3."""
    return _gateway_endpoint("S3Endpoint", "s3", env, network, tables)


def dynamodb_endpoint(env: Environment, network: ec2.VPC, tables: Sequence[ec2.RouteTable]) -> ec2.VPCEndpoint:
    """Return the gateway endpoint for DynamoDB, which is free."""
    return _gateway_endpoint("DynamoDbEndpoint", "dynamodb", env, network, tables)


def _gateway_endpoint(
    logical_id: str, service: str, env: Environment, network: ec2.VPC, tables: Sequence[ec2.RouteTable]
) -> ec2.VPCEndpoint:
    return ec2.VPCEndpoint(
        logical_id,
        VpcId=network.ref(),
        VpcEndpointType="Gateway",
        ServiceName=endpoint_service(service, env.region),
        RouteTableIds=[table.ref() for table in tables],
    )


def interface_endpoints(env: Environment, network: ec2.VPC, zones: Sequence[Zone]) -> list[AWSObject]:
    """Return the interface endpoints for the AWS services that tasks need, and their security group.

    The group admits traffic from the VPC.
    """
    group = ec2.SecurityGroup(
        "EndpointGroup",
        GroupDescription="TLS from the VPC to the endpoints of AWS services",
        VpcId=network.ref(),
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=443,
                ToPort=443,
                CidrIp=str(env.network),
                Description="TLS from the VPC",
            )
        ],
        SecurityGroupEgress=[NO_EGRESS],
        Tags=name_tag(env, "endpoints"),
    )
    services = [*INTERFACE_SERVICES]
    if any(service.settings.audited_exec for service in env.services):
        services.append(EXEC_SERVICE)
    if env.queues:
        services.append(QUEUE_SERVICE)
    return [
        group,
        *(
            ec2.VPCEndpoint(
                f"{title(service.replace('.', '-'))}Endpoint",
                VpcId=network.ref(),
                VpcEndpointType="Interface",
                ServiceName=endpoint_service(service, env.region),
                PrivateDnsEnabled=True,
                SubnetIds=[zone.private.ref() for zone in zones],
                SecurityGroupIds=[group.ref()],
            )
            for service in services
        ),
    ]


def flow_log(env: Environment, network: ec2.VPC, group: logs.LogGroup) -> tuple[iam.Role, ec2.FlowLog]:
    """Return the VPC flow log of accepted and refused connections, and the role that AWS uses to write it.

    The role has the permissions from https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html except
    `logs:CreateLogGroup`, because our own stack creates the log group.
    """
    source = Sub(f"arn:${{AWS::Partition}}:ec2:{env.region}:{env.account}:vpc-flow-log/*")
    role = service_role(
        "FlowLogRole",
        env,
        "vpc-flow-logs",
        may_write("WriteTheFlowLog", group),
        allow(
            "FindTheFlowLog",
            [logs_actions.DescribeLogGroups, logs_actions.DescribeLogStreams],
            on=Sub(f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:*"),
        ),
        name=[reserved_words.FLOW_LOG],
        when=[ArnLike({"aws:SourceArn": source})],
    )
    log = ec2.FlowLog(
        "FlowLog",
        ResourceId=network.ref(),
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=group.ref(),
        DeliverLogsPermissionArn=GetAtt(role, "Arn"),
        MaxAggregationInterval=60,
        Tags=name_tag(env, "flow-log"),
    )
    return role, log
