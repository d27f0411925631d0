"""Removes what prevented CloudFormation from deleting a resource, so that the next deletion can succeed."""

from __future__ import annotations

from collections.abc import Callable

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.ecr import empty_repository
from cicd_templates.deploy.aws.resource_types.registry import OPERATIONS
from cicd_templates.deploy.aws.resource_types.s3 import empty_bucket
from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.deploy.destruction.unmanaged import unused_interfaces
from cicd_templates.plurals import counted

Repair = Callable[[Clients, str], str]


def _empty_again(clients: Clients, bucket: str) -> str:
    # S3 delivers access logs hours after the requests that they record.
    return f"emptied the bucket again ({empty_bucket(clients, bucket):,} objects)"


def _remove_images(clients: Clients, repository: str) -> str:
    return f"deleted {counted(empty_repository(clients, repository), 'image')}"


def _stop_tasks(clients: Clients, cluster: str) -> str:
    pages = clients.ecs.get_paginator("list_tasks").paginate(cluster=cluster)
    tasks = [arn for page in pages for arn in page["taskArns"]]
    for task in tasks:
        clients.ecs.stop_task(cluster=cluster, task=task, reason="the environment is being destroyed")
    return f"stopped {counted(len(tasks), 'task')}"


def _delete_interfaces(filter_name: str) -> Repair:
    def delete_interfaces(clients: Clients, physical_id: str) -> str:
        unused = unused_interfaces(clients, filter_name, [physical_id])
        for interface in unused:
            clients.ec2.delete_network_interface(NetworkInterfaceId=interface)
        deleted = counted(len(unused), "unused network interface")
        return f"deleted {deleted}; network interfaces that are still in use will be released by AWS services"

    return delete_interfaces


def _delete_reports(clients: Clients, group: str) -> str:
    pages = clients.codebuild.get_paginator("list_reports_for_report_group").paginate(reportGroupArn=group)
    reports = [arn for page in pages for arn in page["reports"]]
    for report in reports:
        clients.codebuild.delete_report(arn=report)
    return f"deleted {counted(len(reports), 'report')}"


REPAIRS: dict[str, Repair] = {
    **{name: operations.protection.lift for name, operations in OPERATIONS.items() if operations.protection},
    "AWS::S3::Bucket": _empty_again,
    "AWS::ECR::Repository": _remove_images,
    "AWS::ECS::Cluster": _stop_tasks,
    "AWS::EC2::Subnet": _delete_interfaces("subnet-id"),
    "AWS::EC2::SecurityGroup": _delete_interfaces("group-id"),
    "AWS::EC2::VPC": _delete_interfaces("vpc-id"),
    "AWS::CodeBuild::ReportGroup": _delete_reports,
}


def repair(clients: Clients, owned: Owned) -> str:
    """Remove what usually prevents CloudFormation from deleting a resource, such as the objects of a bucket.

    Returns a text that says what was done, or an empty string if the resource type has no repair.
    """
    repair_resource = REPAIRS.get(owned.resource_type)
    return repair_resource(clients, owned.physical_id) if repair_resource else ""
