"""Resource types of EC2 and its networks."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::EC2::EIP",
        loss="a public IP address that firewalls of other organisations may allow",
        billed="public IPv4 address, per hour",
    ),
    ResourceType(
        "AWS::EC2::NatGateway",
        billed="NAT gateway, per hour and per byte",
    ),
    ResourceType("AWS::EC2::NetworkInterface"),
    ResourceType(
        "AWS::EC2::Route",
        interruptions=(Interruption("traffic is routed differently at once"),),
    ),
    ResourceType(
        "AWS::EC2::SecurityGroup",
        name_property="GroupName",
        name_limit=255,
        name_within=("VpcId",),
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
        reserved_beginnings=("sg-",),
        interruptions=(
            Interruption(
                "connections that are no longer allowed are cut off",
                frozenset({"SecurityGroupEgress", "SecurityGroupIngress"}),
            ),
        ),
    ),
    ResourceType(
        "AWS::EC2::Subnet",
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnet.html
        unique_property="CidrBlock",
        name_within=("VpcId",),
    ),
    ResourceType(
        "AWS::EC2::VPC",
        loss="the network of all other resources",
    ),
    ResourceType(
        "AWS::EC2::VPCEndpoint",
        interruptions=(
            Interruption(
                "requests through the endpoint can fail while the endpoint changes",
                frozenset({"PolicyDocument", "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "SubnetIds"}),
            ),
        ),
        # Gateway endpoints cost nothing.
        billed="interface endpoint, per hour, Availability Zone and byte",
    ),
    ResourceType(
        "AWS::EC2::Volume",
        loss="a disk",
        billed="disk, per month and GiB",
        policies_checked_by=PolicyCheck.CFN_LINT,
    ),
)
