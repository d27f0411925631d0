"""Layer `network`: a VPC with public and private subnets in every zone, NAT gateways, endpoints and a flow log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from troposphere import AWSObject, ec2

from cicd_templates.blocks import networks
from cicd_templates.blocks.log_groups import log_group
from cicd_templates.blocks.networks import Zone
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import log_group_name
from cicd_templates.layer.outputs import IpRanges, Output, SubnetIds, VpcId, joined_text
from cicd_templates.layer.template import LayerTemplate
from templates import keys

VPC_ID = Output(VpcId, "network", "VpcId", "The environment's VPC")
PUBLIC_SUBNET_IDS = Output(SubnetIds, "network", "PublicSubnetIds", "Public subnets for load balancers, one per zone")
PRIVATE_SUBNET_IDS = Output(SubnetIds, "network", "PrivateSubnetIds", "Private subnets for tasks, one per zone")
NAT_RANGES = Output(IpRanges, "network", "NatRanges", "Public address ranges of requests from private subnets")

ANY_ADDRESS = "0.0.0.0/0"


def gateways(env: Environment) -> int:
    """Return the number of the environment's NAT gateways."""
    return {"none": 0, "single": 1, "per-zone": len(env.settings.zones)}[env.settings.nat]


def count_nat_ranges(env: Environment) -> int:
    """Return the number of address ranges in `NAT_RANGES`.

    The configuration can provide the ranges. Otherwise, there is one range for each NAT gateway.
    """
    provided = env.settings.provided.get(f"{NAT_RANGES.layer}.{NAT_RANGES.name}", "")
    return len(provided.split(",")) if provided else gateways(env)


def build(env: Environment) -> LayerTemplate:
    """Return a VPC whose public subnets are for load balancers and whose private subnets are for tasks.

    Tasks reach other services through NAT gateways or endpoints.
    """
    if env.network_is_provided:
        env = _with_placeholders(env)
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    vpc = layer.add(networks.vpc("Vpc", env))
    zones = [networks.zone(env, vpc, number) for number, _ in enumerate(env.settings.zones, start=1)]
    for zone in zones:
        layer.add_all((zone.public, zone.private))
    public_routes = layer.add_all(_public_routes(env, vpc, zones))
    nat = [layer.add_all(networks.nat_gateway(env, zone, after=public_routes[-1])) for zone in zones[: gateways(env)]]
    private_tables = []
    for zone in zones:
        table, others = _private_routes(env, vpc, zone, [gateway for _, gateway in nat])
        private_tables.append(layer.add(table))
        layer.add_all(others)
    layer.add(networks.s3_endpoint(env, vpc, private_tables))
    if env.tables:
        layer.add(networks.dynamodb_endpoint(env, vpc, private_tables))
    if env.settings.endpoints == "all":
        layer.add_all(networks.interface_endpoints(env, vpc, zones))
    flow_log_group = layer.add(log_group("FlowLogGroup", env, log_group_name(env, "flow-log"), key))
    layer.add_all(networks.flow_log(env, vpc, flow_log_group))

    layer.publish(VPC_ID, VpcId(vpc.ref()))
    layer.publish(PUBLIC_SUBNET_IDS, SubnetIds([zone.public.ref() for zone in zones]))
    layer.publish(PRIVATE_SUBNET_IDS, SubnetIds([zone.private.ref() for zone in zones]))
    if nat:
        ranges = [joined_text(address.get_att("PublicIp"), "/32") for address, _ in nat]
        layer.publish(NAT_RANGES, IpRanges(ranges))
    return layer


def _with_placeholders(env: Environment) -> Environment:
    """Return `env` with placeholders for its address range and zones, if they are not configured.

    The range and the zones can be missing only if the environment uses an existing VPC. The template of this layer is
    then not rendered. The layer is built only to find out which outputs it has.
    """
    settings = env.settings
    placeholders = {"cidr": settings.cidr or "10.0.0.0/16", "zones": settings.zones or (f"{env.region}a",)}
    return replace(env, settings=settings.model_copy(update=placeholders))


def _public_routes(env: Environment, vpc: ec2.VPC, zones: Sequence[Zone]) -> list[AWSObject]:
    """Return the internet gateway and the routes of the public subnets. The last item is the route to the internet."""
    gateway = ec2.InternetGateway("InternetGateway", Tags=networks.name_tag(env, "internet"))
    attachment = ec2.VPCGatewayAttachment("InternetGatewayAttachment", VpcId=vpc.ref(), InternetGatewayId=gateway.ref())
    table, associations = networks.route_table(env, vpc, "Public", *(zone.public for zone in zones))
    route = ec2.Route(
        "PublicRouteOut",
        RouteTableId=table.ref(),
        DestinationCidrBlock=ANY_ADDRESS,
        GatewayId=gateway.ref(),
        # The reference to the gateway is not enough, because AWS refuses the route until the gateway is attached.
        DependsOn=attachment.title,
    )
    return [gateway, attachment, table, *associations, route]


def _private_routes(
    env: Environment, vpc: ec2.VPC, zone: Zone, nat_gateways: Sequence[ec2.NatGateway]
) -> tuple[ec2.RouteTable, list[AWSObject]]:
    """Return a route table for the zone's private subnet, with its associations and routes.

    Each zone has its own table, so that traffic can stay in the zone. The route to the internet leads to the zone's own
    NAT gateway, or to the only NAT gateway of the environment. Without a NAT gateway, there is no such route.
    """
    table, associations = networks.route_table(env, vpc, f"Private{zone.number}", zone.private)
    others: list[AWSObject] = [*associations]
    if nat_gateways:
        gateway = nat_gateways[min(zone.number, len(nat_gateways)) - 1]
        others.append(
            ec2.Route(
                f"Private{zone.number}RouteOut",
                RouteTableId=table.ref(),
                DestinationCidrBlock=ANY_ADDRESS,
                NatGatewayId=gateway.ref(),
            )
        )
    return table, others
