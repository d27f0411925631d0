"""What appears beside the stacks: found by tags, by what a stack's resources are known to make, and by names.

Every list is read to its end. Nothing is judged here: `found.ours` says whether tags or a resource of our stacks prove
it, and what only has a name like ours is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.destruction.deployed import Owned
from cicd_templates.deploy.destruction.scope import Scope, as_tags

# By which stack a resource was made; CloudFormation puts it on everything that takes tags.
STACK_ID_TAG = "aws:cloudformation:stack-id"
# Groups that services make where the configured one is missing, by what a stack owns:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-view-metrics.html
IMPLICIT_LOG_GROUPS = {
    "AWS::Lambda::Function": "/aws/lambda/{}",
    "AWS::CodeBuild::Project": "/aws/codebuild/{}",
    "AWS::ECS::Cluster": "/aws/ecs/containerinsights/{}/performance",
}
REVISION_STATES = ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS")


@dataclass(frozen=True)
class Found:
    """Something beside the stacks. `stack_id` is the stack that made it, where a tag says so."""

    resource_type: str
    name: str
    ours: bool
    stack_id: str = ""


def beside(clients: Clients, scope: Scope, had: Iterable[Owned], *, whole: bool) -> list[Found]:
    """What is beside the resources in `had`, which stacks have or had, and with `whole` all that is of the scope.

    It may also find what stacks own. Each is found once.
    """
    had = list(had)
    merged: dict[tuple[str, str], Found] = {}
    for find in (*MADE_BY_RESOURCES, *(OF_THE_SCOPE if whole else ())):
        try:
            for found in find(clients, scope, had):
                before = merged.get((found.resource_type, found.name))
                if before is None or (found.ours and not before.ours):
                    merged[found.resource_type, found.name] = found
        except ClientError as error:
            if not _lacking(clients, error):
                raise
    return list(merged.values())


def _lacking(clients: Clients, error: ClientError) -> bool:
    """Whether the local AWS has no such call at all; what it has not, it cannot have left."""
    return clients.local and error.response["Error"]["Code"] in ("400", "InvalidAction", "UnknownOperationException")


def _tagged(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    filters = [{"Key": key, "Values": [value]} for key, value in scope.tags.items()]
    for page in clients.tagging.get_paginator("get_resources").paginate(TagFilters=filters):
        for mapping in page["ResourceTagMappingList"]:
            tags = as_tags(mapping["Tags"])
            named = _from_arn(mapping["ResourceARN"])
            if named and scope.owns(tags):
                yield Found(*named, ours=True, stack_id=tags.get(STACK_ID_TAG, ""))


def _from_arn(arn: str) -> tuple[str, str] | None:
    """Type and name, spelled as stacks spell them; None for what is looked for in another way or ends by itself."""
    service, resource = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind = resource.replace(":", "/").partition("/")[0]
    rest = resource[len(kind) + 1 :]
    match service, kind:
        case "s3", _:
            return "AWS::S3::Bucket", resource
        case "logs", "log-group":
            return "AWS::Logs::LogGroup", rest.removesuffix(":*")
        case "kms", "key":
            return "AWS::KMS::Key", rest
        case "ecr", "repository":
            return "AWS::ECR::Repository", rest
        case "ssm", "parameter":
            return "AWS::SSM::Parameter", f"/{rest}"
        case "ecs", "task-definition":
            return "AWS::ECS::TaskDefinition", arn
        case "ecs", "service":
            return "AWS::ECS::Service", arn
        case ("ecs", "task") | ("secretsmanager", _) | ("cloudformation", _):
            # Stopped tasks are listed for an hour; secrets and stacks have finders that see more.
            return None
        case _:
            return f"{service} {kind}", arn


def _buckets(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    for page in clients.s3.get_paginator("list_buckets").paginate():
        for bucket in page["Buckets"]:
            if bucket["Name"].startswith(scope.prefix):
                tags = _bucket_tags(clients, bucket["Name"])
                # The name of one environment, or of a copy, can begin like another's.
                if (tags.get("Environment"), tags.get("Suffix")) == (scope.environment, scope.suffix):
                    yield Found("AWS::S3::Bucket", bucket["Name"], scope.owns(tags), tags.get(STACK_ID_TAG, ""))


def _bucket_tags(clients: Clients, bucket: str) -> dict[str, str]:
    try:
        return as_tags(clients.s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError:
        return {}


def _log_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    owned = {each.physical_id for each in had}
    for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=scope.root):
        for group in page["logGroups"]:
            if group["logGroupName"] not in owned:
                tags = clients.logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
                yield Found("AWS::Logs::LogGroup", group["logGroupName"], scope.owns(tags), tags.get(STACK_ID_TAG, ""))


def _implicit_log_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    names = {
        IMPLICIT_LOG_GROUPS[owned.resource_type].format(owned.physical_id)
        for owned in had
        if owned.resource_type in IMPLICIT_LOG_GROUPS
    }
    for name in sorted(names):
        for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
            if any(group["logGroupName"] == name for group in page["logGroups"]):
                yield Found("AWS::Logs::LogGroup", name, ours=True)


def _parameters(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    for page in clients.ssm.get_paginator("get_parameters_by_path").paginate(Path=scope.root, Recursive=True):
        for parameter in page["Parameters"]:
            yield Found("AWS::SSM::Parameter", parameter["Name"], ours=False)


def _revisions(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    """Revisions of the families that our stacks have had, in each state in which ECS still knows them."""
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
                yield Found("AWS::ECS::TaskDefinition", arn, scope.owns(tags), tags.get(STACK_ID_TAG, ""))


def _secrets(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    """Also those that wait for their deletion: the tagging API does not list them, but their names are taken."""
    for page in clients.secretsmanager.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for secret in page["SecretList"]:
            tags = as_tags(secret.get("Tags", ()))
            if scope.owns(tags):
                yield Found("AWS::SecretsManager::Secret", secret["Name"], True, tags.get(STACK_ID_TAG, ""))


def _interfaces(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    """Network interfaces that nothing uses any more but which would keep a subnet of ours."""
    networks = [owned.physical_id for owned in had if owned.resource_type == "AWS::EC2::VPC"]
    if networks:
        for interface in unused_interfaces(clients, "vpc-id", networks):
            yield Found("AWS::EC2::NetworkInterface", interface, ours=True)


def unused_interfaces(clients: Clients, by: str, values: list[str]) -> list[str]:
    """Ids of the network interfaces of networks, subnets or security groups that are attached to nothing."""
    filters = [{"Name": by, "Values": values}, {"Name": "status", "Values": ["available"]}]
    pages = clients.ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters)
    return [interface["NetworkInterfaceId"] for page in pages for interface in page["NetworkInterfaces"]]


def _report_groups(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    """CodeBuild names a group that it makes `<project>-<name in the build specification>`."""
    projects = tuple(f"{owned.physical_id}-" for owned in had if owned.resource_type == "AWS::CodeBuild::Project")
    if not projects:
        return
    for page in clients.codebuild.get_paginator("list_report_groups").paginate():
        for arn in page["reportGroups"]:
            if arn.rpartition("/")[2].startswith(projects):
                yield Found("AWS::CodeBuild::ReportGroup", arn, ours=True)


def _aliases(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    ours = {owned.physical_id for owned in had if owned.resource_type == "AWS::KMS::Key"}
    for page in clients.kms.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"].startswith(f"alias/{scope.prefix}") and alias.get("TargetKeyId") in ours:
                yield Found("AWS::KMS::Alias", alias["AliasName"], ours=True)


def _archives(clients: Clients, scope: Scope, had: list[Owned]) -> Iterator[Found]:
    """Archives take no tags, so only a stack proves whose one is."""
    ours = {owned.physical_id for owned in had}
    answer: dict[str, Any] = {"NextToken": None}
    while "NextToken" in answer:
        page = {"NextToken": answer["NextToken"]} if answer["NextToken"] else {}
        answer = clients.events.list_archives(NamePrefix=scope.prefix, **page)
        for archive in answer["Archives"]:
            if archive["ArchiveName"] in ours:
                yield Found("AWS::Events::Archive", archive["ArchiveName"], ours=True)


Finder = Callable[[Clients, Scope, list[Owned]], Iterator[Found]]
MADE_BY_RESOURCES: tuple[Finder, ...] = (_implicit_log_groups, _revisions, _interfaces, _report_groups, _archives)
# Those that prove something come first; one that only knows a name adds what nobody has proved.
OF_THE_SCOPE: tuple[Finder, ...] = (_tagged, _secrets, _aliases, _buckets, _log_groups, _parameters)
