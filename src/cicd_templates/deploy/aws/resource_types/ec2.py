"""Reads the state of network interfaces, endpoints and security groups in a VPC, and deletes them.

GuardDuty adds endpoints and security groups of its own to a VPC.
"""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import EXISTS, Leftover, ResourceOperations, unless_not_found
from cicd_templates.errors import CicdError


def _interface_state(clients: Clients, interface_id: str) -> str:
    clients.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
    return EXISTS


def _endpoint_state(clients: Clients, endpoint_id: str) -> str:
    (endpoint,) = clients.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    # EC2 lists an endpoint for a while after its deletion.
    return "" if endpoint["State"].lower() == "deleted" else EXISTS


def _delete_endpoint(clients: Clients, endpoint_id: str) -> None:
    answer = clients.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
    for failed in answer.get("Unsuccessful", ()):
        raise CicdError(failed["Error"]["Message"])


def _group_state(clients: Clients, group_id: str) -> str:
    clients.ec2.describe_security_groups(GroupIds=[group_id])
    return EXISTS


OPERATIONS = {
    "AWS::EC2::SecurityGroup": ResourceOperations(
        leftover=Leftover(
            why="In each VPC that GuardDuty monitors, GuardDuty creates an endpoint with a security group. The group"
            " must be deleted before the VPC.",
            removal="`aws ec2 delete-security-group --region {region} --group-id {name}`",
            state=unless_not_found(_group_state, ""),
            delete=lambda clients, name: clients.ec2.delete_security_group(GroupId=name),
        )
    ),
    "AWS::EC2::VPCEndpoint": ResourceOperations(
        leftover=Leftover(
            why="GuardDuty Runtime Monitoring adds an endpoint to each VPC in which it monitors tasks. The endpoint"
            " must be deleted before the subnets.",
            removal="`aws ec2 delete-vpc-endpoints --region {region} --vpc-endpoint-ids {name}`",
            state=unless_not_found(_endpoint_state, ""),
            delete=_delete_endpoint,
        )
    ),
    "AWS::EC2::NetworkInterface": ResourceOperations(
        leftover=Leftover(
            why="A service may release a network interface late; until then its subnet and security group cannot be"
            " deleted.",
            removal="`aws ec2 delete-network-interface --region {region} --network-interface-id {name}`",
            state=unless_not_found(_interface_state, ""),
            delete=lambda clients, name: clients.ec2.delete_network_interface(NetworkInterfaceId=name),
        )
    ),
}
