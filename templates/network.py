"""Layer `network`: a VPC with public and private subnets in every zone, the ways out, endpoints and the flow log."""

from __future__ import annotations

from troposphere import Template, ec2

from cicd_templates.blocks import networks
from cicd_templates.blocks.log_groups import log_group
from cicd_templates.blocks.networks import Zone
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import log_group_name
from cicd_templates.layer.outputs import IpRanges, Output, SubnetIds, VpcId, text
from templates import keys

VPC_ID = Output(VpcId, "network", "VpcId", "The environment's VPC")
PUBLIC_SUBNET_IDS = Output(SubnetIds, "network", "PublicSubnetIds", "Subnets of load balancers, one a zone")
PRIVATE_SUBNET_IDS = Output(SubnetIds, "network", "PrivateSubnetIds", "Subnets of tasks, one a zone")
NAT_RANGES = Output(IpRanges, "network", "NatRanges", "From where private subnets reach the internet")

EVERYWHERE = "0.0.0.0/0"


def gateways(env: Environment) -> int:
    """How many NAT gateways the environment has."""
    return {"none": 0, "single": 1, "per-zone": len(env.settings.zones)}[env.settings.nat]


def build(env: Environment) -> Template:
    """Tasks live in private subnets and reach out through NAT or endpoints; only load balancers are public."""
    template = Template()
    key = keys.KEY_ARN.read(template, env)
    vpc = template.add_resource(networks.vpc("Vpc", env))
    zones = [networks.zone(env, vpc, number) for number, _ in enumerate(env.settings.zones, start=1)]
    for zone in zones:
        template.add_resource(zone.public)
        template.add_resource(zone.private)
    _add_public_routes(template, env, vpc, zones)
    addresses = _add_gateways(template, env, zones[: gateways(env)])
    private_tables = _add_private_routes(template, env, vpc, zones)
    template.add_resource(networks.s3_endpoint(env, vpc, private_tables))
    if env.settings.endpoints == "all":
        for resource in networks.interface_endpoints(env, vpc, zones):
            template.add_resource(resource)
    flow_log_group = template.add_resource(log_group("FlowLogGroup", env, log_group_name(env, "flow-log"), key))
    role, flow_log = networks.flow_log(env, vpc, flow_log_group)
    template.add_resource(role)
    template.add_resource(flow_log)

    VPC_ID.publish(template, env, VpcId(vpc.ref()))
    PUBLIC_SUBNET_IDS.publish(template, env, SubnetIds([zone.public.ref() for zone in zones]))
    PRIVATE_SUBNET_IDS.publish(template, env, SubnetIds([zone.private.ref() for zone in zones]))
    if addresses:
        ranges = [text(address.get_att("PublicIp"), "/32") for address in addresses]
        NAT_RANGES.publish(template, env, IpRanges(ranges))
    return template


def _add_public_routes(template: Template, env: Environment, vpc: ec2.VPC, zones: list[Zone]) -> None:
    gateway = template.add_resource(ec2.InternetGateway("InternetGateway", Tags=networks.named(env, "internet")))
    attachment = template.add_resource(
        ec2.VPCGatewayAttachment("InternetGatewayAttachment", VpcId=vpc.ref(), InternetGatewayId=gateway.ref())
    )
    table = _add_route_table(template, env, vpc, "Public", [zone.public for zone in zones])
    template.add_resource(
        ec2.Route(
            "PublicRouteOut",
            RouteTableId=table.ref(),
            DestinationCidrBlock=EVERYWHERE,
            GatewayId=gateway.ref(),
            # The route names the gateway, but AWS refuses it before the gateway is attached.
            DependsOn=attachment.title,
        )
    )


def _add_gateways(template: Template, env: Environment, zones: list[Zone]) -> list[ec2.EIP]:
    """A NAT gateway in each of `zones`; returns their addresses."""
    addresses = []
    for zone in zones:
        address, gateway = networks.nat_gateway(env, zone)
        # Without its way to the internet a NAT gateway fails on creation.
        gateway.DependsOn = "PublicRouteOut"
        addresses.append(template.add_resource(address))
        template.add_resource(gateway)
    return addresses


def _add_private_routes(template: Template, env: Environment, vpc: ec2.VPC, zones: list[Zone]) -> list[ec2.RouteTable]:
    """One route table a zone, so that a zone's traffic can stay in it; returns the tables."""
    tables = []
    for zone in zones:
        table = _add_route_table(template, env, vpc, f"Private{zone.number}", [zone.private])
        tables.append(table)
        if gateways(env):
            own_or_only = template.resources[f"NatGateway{min(zone.number, gateways(env))}"]
            template.add_resource(
                ec2.Route(
                    f"Private{zone.number}RouteOut",
                    RouteTableId=table.ref(),
                    DestinationCidrBlock=EVERYWHERE,
                    NatGatewayId=own_or_only.ref(),
                )
            )
    return tables


def _add_route_table(
    template: Template, env: Environment, vpc: ec2.VPC, name: str, subnets: list[ec2.Subnet]
) -> ec2.RouteTable:
    table, associations = networks.route_table(env, vpc, name, *subnets)
    template.add_resource(table)
    for association in associations:
        template.add_resource(association)
    return table
