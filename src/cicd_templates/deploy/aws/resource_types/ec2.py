"""Check whether network interfaces exist, and delete them."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import EXISTS, Leftover, ResourceOperations, unless_not_found


def _interface_state(clients: Clients, interface_id: str) -> str:
    clients.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
    return EXISTS


OPERATIONS = {
    "AWS::EC2::NetworkInterface": ResourceOperations(
        leftover=Leftover(
            why="A service may release a network interface late; until then its subnet and security group cannot be"
            " deleted.",
            removal="`aws ec2 delete-network-interface --region {region} --network-interface-id {name}`",
            state=unless_not_found(_interface_state),
            delete=lambda clients, name: clients.ec2.delete_network_interface(NetworkInterfaceId=name),
        )
    ),
}
