"""Finds resources that no stack owns: by their tags, by the resources that create them, and by their names.

Every listing is read to its last page. This module does not decide what happens to a resource. The field `ours` is true
only if there is proof: the tags of the resource, or its relation to a resource of our stacks. A matching name proves
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.rds import CLUSTER_SNAPSHOT
from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.deploy.destruction.scope import Scope, as_tags
from cicd_templates.deploy.locking.holder import lock_parameter
from cicd_templates.template.arn import Arn

# The tag with the id of the stack that created a resource; CloudFormation sets it on every resource that can have tags.
STACK_ID_TAG = "aws:cloudformation:stack-id"
# The log groups that services create if the configured one is missing, by the type of resource that writes to them:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-view-metrics.html
IMPLICIT_LOG_GROUPS = {
    "AWS::Lambda::Function": "/aws/lambda/{}",
    "AWS::CodeBuild::Project": "/aws/codebuild/{}",
    "AWS::ECS::Cluster": "/aws/ecs/containerinsights/{}/performance",
    "AWS::RDS::DBCluster": "/aws/rds/cluster/{}/postgresql",
}
# The prefix of log group names. EventBridge writes only to log groups whose names have it.
EVENT_LOG_GROUPS = "/aws/events/"
# Resource types by the service in their ARN. In these ARNs, the part after the account is the physical name alone.
NAMED_BY_THE_RESOURCE = {"s3": "AWS::S3::Bucket", "sqs": "AWS::SQS::Queue"}
# Resource types by the service and the kind of resource in their ARN. The kind precedes the physical name.
NAMED_AFTER_THE_KIND = {
    ("dynamodb", "table"): "AWS::DynamoDB::Table",
    ("ecr", "repository"): "AWS::ECR::Repository",
    ("kms", "key"): "AWS::KMS::Key",
    ("rds", "cluster"): "AWS::RDS::DBCluster",
    ("rds", "cluster-snapshot"): CLUSTER_SNAPSHOT,
    ("scheduler", "schedule-group"): "AWS::Scheduler::ScheduleGroup",
}
# The prefix of the names of automated snapshots. RDS deletes these snapshots together with their cluster.
AUTOMATED_SNAPSHOT = "rds:"
GUARDDUTY_TAG = "GuardDutyManaged"
REVISION_STATES = ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS")


@dataclass(frozen=True)
class UnmanagedResource:
    """A resource that no stack owns. `stack_id` is the id of the stack that created it, if a tag contains this id."""

    resource_type: str
    name: str
    ours: bool
    stack_id: str = ""


def unmanaged_resources(
    clients: Clients, scope: Scope, had: Iterable[Owned], *, whole: bool
) -> list[UnmanagedResource]:
    """Return resources that may exist outside stacks, such as log groups. The list has no duplicates.

    - `had` has the resources of existing and deleted stacks. The result has the resources that AWS services created for
      them, such as the log group of a Lambda function.
    - If `whole` is true, the result also has everything else that belongs to the environment `scope`.
    - The result can include resources that a stack owns. The caller must remove these.
    """
    had = list(had)
    merged: dict[tuple[str, str], UnmanagedResource] = {}
    for find in (*CREATED_BY_RESOURCES, *(OF_WHOLE_SCOPE if whole else ())):
        try:
            for resource in find(clients, scope, had):
                key = (resource.resource_type, resource.name)
                if key not in merged or (resource.ours and not merged[key].ours):
                    merged[key] = resource
        except ClientError as error:
            if not _unsupported_locally(clients, error):
                raise
    return list(merged.values())


def _unsupported_locally(clients: Clients, error: ClientError) -> bool:
    """Return whether `error` means that the local AWS does not support this kind of resource."""
    return clients.local and error.response["Error"]["Code"] in ("400", "InvalidAction", "UnknownOperationException")


def _tagged(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    filters = [{"Key": key, "Values": [value]} for key, value in scope.tags.items()]
    for page in clients.tagging.get_paginator("get_resources").paginate(TagFilters=filters):
        for mapping in page["ResourceTagMappingList"]:
            tags = as_tags(mapping["Tags"])
            named = _from_arn(mapping["ResourceARN"])
            if named and scope.owns(tags):
                yield _tagged_resource(*named, scope, tags)


def _tagged_resource(resource_type: str, name: str, scope: Scope, tags: Mapping[str, str]) -> UnmanagedResource:
    return UnmanagedResource(resource_type, name, scope.owns(tags), tags.get(STACK_ID_TAG, ""))


def _from_arn(text: str) -> tuple[str, str] | None:
    """Return the resource type and the physical name in `text`, an ARN.

    Return None for resource types that other functions list, and for resources that AWS itself removes.
    """
    arn = Arn.parse(text)
    name = arn.resource_name
    if name.startswith(AUTOMATED_SNAPSHOT):
        return None
    if arn.service in NAMED_BY_THE_RESOURCE:
        return NAMED_BY_THE_RESOURCE[arn.service], arn.resource
    if (arn.service, arn.resource_kind) in NAMED_AFTER_THE_KIND:
        return NAMED_AFTER_THE_KIND[arn.service, arn.resource_kind], name
    match arn.service, arn.resource_kind:
        case "logs", "log-group":
            return "AWS::Logs::LogGroup", name.removesuffix(":*")
        case "ssm", "parameter":
            return "AWS::SSM::Parameter", f"/{name}"
        case "ecs", "task-definition":
            return "AWS::ECS::TaskDefinition", text
        case "ecs", "service":
            return "AWS::ECS::Service", text
        case ("ecs", "task") | ("secretsmanager", _) | ("cloudformation", _):
            # Stopped tasks disappear after an hour. For secrets and stacks, other listings are more complete.
            return None
        case _:
            return f"{arn.service} {arn.resource_kind}", text


def _buckets(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    for page in clients.s3.get_paginator("list_buckets").paginate():
        for bucket in page["Buckets"]:
            if bucket["Name"].startswith(scope.prefix):
                tags = _bucket_tags(clients, bucket["Name"])
                # The bucket names of another environment or of a copy can begin with the same prefix.
                if (tags.get("Environment"), tags.get("Suffix")) == (scope.environment, scope.suffix):
                    yield _tagged_resource("AWS::S3::Bucket", bucket["Name"], scope, tags)


def _bucket_tags(clients: Clients, bucket: str) -> dict[str, str]:
    try:
        return as_tags(clients.s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError:
        return {}


def _log_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    physical_ids = {owned.physical_id for owned in had}
    for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=scope.root):
        for group in page["logGroups"]:
            if group["logGroupName"] not in physical_ids:
                tags = clients.logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
                yield _tagged_resource("AWS::Logs::LogGroup", group["logGroupName"], scope, tags)


def _event_log_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield each log group of an EventBridge rule whose tags show that the log group belongs to `scope`.

    The name proves nothing, because it can also belong to a parallel copy of the environment. If the caller may not
    read the tags of a log group, the log group is left out. The function `_tagged` finds this log group.
    """
    prefix = f"{EVENT_LOG_GROUPS}{scope.prefix}"
    for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            try:
                tags = clients.logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDeniedException":
                    raise
                continue
            if scope.owns(tags):
                yield _tagged_resource("AWS::Logs::LogGroup", group["logGroupName"], scope, tags)


def _implicit_log_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    names = {
        IMPLICIT_LOG_GROUPS[owned.resource_type].format(owned.physical_id)
        for owned in had
        if owned.resource_type in IMPLICIT_LOG_GROUPS
    }
    for name in sorted(names):
        for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
            if any(group["logGroupName"] == name for group in page["logGroups"]):
                yield UnmanagedResource("AWS::Logs::LogGroup", name, ours=True)


def _parameters(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    for page in clients.ssm.get_paginator("get_parameters_by_path").paginate(Path=scope.root, Recursive=True):
        for parameter in page["Parameters"]:
            # The destruction itself holds this lock, and removes it at its end.
            if parameter["Name"] != lock_parameter(scope.root):
                yield UnmanagedResource("AWS::SSM::Parameter", parameter["Name"], ours=False)


def _revisions(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield all revisions, in every status, of the task definition families of our stacks.

    The families of deleted stacks are included.
    """
    families = {
        owned.physical_id.rpartition("/")[2].partition(":")[0]
        for owned in had
        if owned.resource_type == "AWS::ECS::TaskDefinition"
    }
    for family in sorted(families):
        for status in REVISION_STATES:
            pages = clients.ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
            for arn in (arn for page in pages for arn in page["taskDefinitionArns"]):
                described = clients.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
                tags = as_tags(described.get("tags", ()))
                yield _tagged_resource("AWS::ECS::TaskDefinition", arn, scope, tags)


def _secrets(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the environment's secrets. The tagging API does not return secrets that are scheduled for deletion."""
    for page in clients.secretsmanager.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for secret in page["SecretList"]:
            tags = as_tags(secret.get("Tags", ()))
            if scope.owns(tags):
                yield _tagged_resource("AWS::SecretsManager::Secret", secret["Name"], scope, tags)


def _interfaces(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the network interfaces in our VPCs that are not attached and would block the deletion of a subnet."""
    networks = [owned.physical_id for owned in had if owned.resource_type == "AWS::EC2::VPC"]
    if networks:
        for interface in unused_interfaces(clients, "vpc-id", networks):
            yield UnmanagedResource("AWS::EC2::NetworkInterface", interface, ours=True)


def unused_interfaces(clients: Clients, by: str, values: list[str]) -> list[str]:
    """Return the ids of the unattached network interfaces that match an EC2 filter.

    `by` is the name of the filter, such as `subnet-id`. `values` are the values that match.
    """
    filters = [{"Name": by, "Values": values}, {"Name": "status", "Values": ["available"]}]
    pages = clients.ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters)
    return [interface["NetworkInterfaceId"] for page in pages for interface in page["NetworkInterfaces"]]


def _guardduty(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the endpoints and security groups that GuardDuty Runtime Monitoring has added to our VPCs.

    https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-ecs-fargate-manually-manage-vpc.html
    """
    networks = [owned.physical_id for owned in had if owned.resource_type == "AWS::EC2::VPC"]
    if not networks:
        return
    filters = [{"Name": "vpc-id", "Values": networks}, {"Name": f"tag:{GUARDDUTY_TAG}", "Values": ["true"]}]
    listings = (
        ("AWS::EC2::VPCEndpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        ("AWS::EC2::SecurityGroup", "describe_security_groups", "SecurityGroups", "GroupId"),
    )
    for resource_type, operation, key, identifier in listings:
        for page in clients.ec2.get_paginator(operation).paginate(Filters=filters):
            for resource in page[key]:
                # The local AWS does not filter by tags.
                if as_tags(resource.get("Tags", ())).get(GUARDDUTY_TAG) == "true":
                    yield UnmanagedResource(resource_type, resource[identifier], ours=True)


def _report_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the report groups that CodeBuild created for the CodeBuild projects in the list `had`."""
    projects = tuple(f"{owned.physical_id}-" for owned in had if owned.resource_type == "AWS::CodeBuild::Project")
    if not projects:
        return
    for page in clients.codebuild.get_paginator("list_report_groups").paginate():
        for arn in page["reportGroups"]:
            if arn.rpartition("/")[2].startswith(projects):
                yield UnmanagedResource("AWS::CodeBuild::ReportGroup", arn, ours=True)


def _aliases(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    ours = {owned.physical_id for owned in had if owned.resource_type == "AWS::KMS::Key"}
    for page in clients.kms.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"].startswith(f"alias/{scope.prefix}") and alias.get("TargetKeyId") in ours:
                yield UnmanagedResource("AWS::KMS::Alias", alias["AliasName"], ours=True)


def _archives(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the event archives of our existing and deleted stacks.

    An archive has no tags. The only proof that it is ours is the stack that created it.
    """
    ours = {owned.physical_id for owned in had}
    answer: dict[str, Any] = {"NextToken": None}
    while "NextToken" in answer:
        page = {"NextToken": answer["NextToken"]} if answer["NextToken"] else {}
        answer = clients.events.list_archives(NamePrefix=scope.prefix, **page)
        for archive in answer["Archives"]:
            if archive["ArchiveName"] in ours:
                yield UnmanagedResource("AWS::Events::Archive", archive["ArchiveName"], ours=True)


def _snapshots(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[UnmanagedResource]:
    """Yield the snapshots of the database clusters of our existing and deleted stacks.

    The automated snapshots of RDS are left out.
    """
    for cluster in sorted({owned.physical_id for owned in had if owned.resource_type == "AWS::RDS::DBCluster"}):
        pages = clients.rds.get_paginator("describe_db_cluster_snapshots").paginate(
            DBClusterIdentifier=cluster, SnapshotType="manual"
        )
        for snapshot in (snapshot for page in pages for snapshot in page["DBClusterSnapshots"]):
            yield UnmanagedResource(CLUSTER_SNAPSHOT, snapshot["DBClusterSnapshotIdentifier"], ours=True)


Finder = Callable[[Clients, Scope, list[Owned]], Iterator[UnmanagedResource]]
CREATED_BY_RESOURCES: tuple[Finder, ...] = (
    _implicit_log_groups,
    _revisions,
    _interfaces,
    _guardduty,
    _report_groups,
    _archives,
    _snapshots,
)
# The first finders prove that a resource is ours; the last ones only compare names.
OF_WHOLE_SCOPE: tuple[Finder, ...] = (
    _tagged,
    _secrets,
    _aliases,
    _event_log_groups,
    _buckets,
    _log_groups,
    _parameters,
)
