"""What can be left beside the stacks or by their policies, by type: why, how it is looked for, deleted, and by hand.

The one table of it: destroy, the proof and docs/destroying.md go by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.destruction.emptying import empty_bucket

Delete = Callable[[Clients, str], object]

KEY_DAYS = 7


@dataclass(frozen=True)
class Kind:
    """One type. `why` is what can leave it behind; `by_hand` removes one of it, with `{name}` and `{region}`.

    `state` is how one stands: empty where it is gone, `there`, or since when or until when it is on its way out.
    `holds_data` types are kept in a protected environment. What has no `delete` is only listed.
    """

    why: str
    by_hand: str
    state: Callable[[Clients, str], str]
    delete: Delete | None = None
    holds_data: bool = False


THERE = "there"
# What services answer for something that is gone, each in its own words.
GONE = frozenset(
    {
        "404",
        "ClusterNotFoundException",
        "NoSuchBucket",
        "NotFoundException",
        "ParameterNotFound",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "InvalidNetworkInterfaceID.NotFound",
    }
)


def _unless_gone(look: Callable[[Clients, str], str]) -> Callable[[Clients, str], str]:
    def state(clients: Clients, name: str) -> str:
        try:
            return look(clients, name)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return ""
            raise

    return state


def _bucket(clients: Clients, name: str) -> str:
    clients.s3.head_bucket(Bucket=name)
    return THERE


def _delete_bucket(clients: Clients, name: str) -> None:
    empty_bucket(clients, name)
    clients.s3.delete_bucket(Bucket=name)


def _log_group(clients: Clients, name: str) -> str:
    pages = clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return THERE if any(group["logGroupName"] == name for page in pages for group in page["logGroups"]) else ""


def _key(clients: Clients, name: str) -> str:
    key = clients.kms.describe_key(KeyId=name)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return f"KMS deletes it on {key['DeletionDate']:%Y-%m-%d}; until then it can be kept"
    return THERE


def _secret(clients: Clients, name: str) -> str:
    ends = clients.secretsmanager.describe_secret(SecretId=name).get("DeletedDate")
    # The stubs take it for always there.
    return f"Secrets Manager deletes it after {ends:%Y-%m-%d}; until then it can be restored" if ends else THERE


def _repository(clients: Clients, name: str) -> str:
    clients.ecr.describe_repositories(repositoryNames=[name])
    return THERE


def _parameter(clients: Clients, name: str) -> str:
    clients.ssm.get_parameter(Name=name)
    return THERE


def _interface(clients: Clients, name: str) -> str:
    clients.ec2.describe_network_interfaces(NetworkInterfaceIds=[name])
    return THERE


def _service(clients: Clients, name: str) -> str:
    # The ARN ends in service/<cluster>/<name>.
    found = clients.ecs.describe_services(cluster=name.split("/")[-2], services=[name])["services"]
    status = found[0]["status"] if found else "INACTIVE"
    return {"ACTIVE": THERE, "DRAINING": "ECS drains its last tasks"}.get(status, "")


def _task_definition(clients: Clients, name: str) -> str:
    try:
        status = clients.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["status"]
    except ClientError as error:
        # ECS has no code of its own for a revision that does not exist.
        if error.response["Error"]["Code"] == "ClientException":
            return ""
        raise
    return "ECS deletes it once nothing refers to it" if status == "DELETE_IN_PROGRESS" else THERE


def _delete_task_definition(clients: Clients, name: str) -> None:
    """Only a revision that is inactive can be deleted, and only one that is active made so."""
    if clients.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["status"] == "ACTIVE":
        clients.ecs.deregister_task_definition(taskDefinition=name)
    clients.ecs.delete_task_definitions(taskDefinitions=[name])


def _force_delete_secret(clients: Clients, name: str) -> None:
    """Also one that waits for its deletion: until then its name is taken."""
    clients.secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


KINDS: dict[str, Kind] = {
    "AWS::S3::Bucket": Kind(
        "A protected environment keeps its buckets; an update may leave one that it replaced.",
        "empty it with all versions in the console (Empty), then"
        " `aws s3api delete-bucket --region {region} --bucket {name}`",
        _unless_gone(_bucket),
        _delete_bucket,
        holds_data=True,
    ),
    "AWS::ECR::Repository": Kind(
        "A protected environment keeps the images of its releases.",
        "`aws ecr delete-repository --region {region} --force --repository-name {name}`",
        _unless_gone(_repository),
        lambda clients, name: clients.ecr.delete_repository(repositoryName=name, force=True),
        holds_data=True,
    ),
    "AWS::Logs::LogGroup": Kind(
        "A protected environment keeps its logs; Lambda, CodeBuild and Container Insights make a group of their own"
        " where the stack's is missing when they write.",
        "`aws logs delete-log-group --region {region} --log-group-name {name}`",
        _log_group,
        lambda clients, name: clients.logs.delete_log_group(logGroupName=name),
        holds_data=True,
    ),
    "AWS::KMS::Key": Kind(
        "KMS deletes no key at once: 7 days pass for a disposable environment. A protected one keeps its key, without"
        " which its data cannot be read.",
        "`aws kms schedule-key-deletion --region {region} --pending-window-in-days 7 --key-id {name}`",
        _unless_gone(_key),
        lambda clients, name: clients.kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=KEY_DAYS),
        holds_data=True,
    ),
    "AWS::SecretsManager::Secret": Kind(
        "A protected environment keeps its secrets; one that somebody deleted by hand waits for its day and keeps its"
        " name taken.",
        "`aws secretsmanager delete-secret --region {region} --force-delete-without-recovery --secret-id {name}`",
        _unless_gone(_secret),
        _force_delete_secret,
        holds_data=True,
    ),
    "AWS::SSM::Parameter": Kind(
        "Somebody put it under the environment's path by hand.",
        "`aws ssm delete-parameter --region {region} --name {name}`",
        _unless_gone(_parameter),
        lambda clients, name: clients.ssm.delete_parameter(Name=name),
    ),
    "AWS::ECS::TaskDefinition": Kind(
        "Every deployment registers a revision; CloudFormation only deregisters those that it replaces, and ECS keeps"
        " them for ever, or for some minutes while it deletes them.",
        "`aws ecs deregister-task-definition --region {region} --task-definition {name}`, then"
        " `aws ecs delete-task-definitions --region {region} --task-definitions {name}`",
        _task_definition,
        _delete_task_definition,
    ),
    "AWS::ECS::Service": Kind(
        "ECS goes on describing a service for some time after its deletion, while its last tasks drain.",
        "`aws ecs delete-service --region {region} --force --service {name}`, with `--cluster` as in its name",
        _unless_gone(_service),
    ),
    "AWS::EC2::NetworkInterface": Kind(
        "A service may give a network interface back late; until then its subnet and security group cannot go.",
        "`aws ec2 delete-network-interface --region {region} --network-interface-id {name}`",
        _unless_gone(_interface),
        lambda clients, name: clients.ec2.delete_network_interface(NetworkInterfaceId=name),
    ),
    "AWS::CodeBuild::ReportGroup": Kind(
        "CodeBuild makes a group, named after the project, for reports that a build names differently.",
        "`aws codebuild delete-report-group --region {region} --delete-reports --arn {name}`",
        lambda clients, name: THERE,
        lambda clients, name: clients.codebuild.delete_report_group(arn=name, deleteReports=True),
    ),
    "AWS::KMS::Alias": Kind(
        "An alias that was moved by hand to a key of ours keeps its name taken.",
        "`aws kms delete-alias --region {region} --alias-name {name}`",
        lambda clients, name: THERE,
        lambda clients, name: clients.kms.delete_alias(AliasName=name),
    ),
    "AWS::Events::Archive": Kind(
        "An archive of a stack that could not delete it.",
        "`aws events delete-archive --region {region} --archive-name {name}`",
        lambda clients, name: THERE,
        lambda clients, name: clients.events.delete_archive(ArchiveName=name),
        holds_data=True,
    ),
    "AWS::CloudFormation::Stack": Kind(
        "A change set was made for a stack that does not exist and never executed: an empty shell.",
        "`aws cloudformation delete-stack --region {region} --stack-name {name}`",
        lambda clients, name: THERE,
    ),
}


def state(clients: Clients, resource_type: str, name: str) -> str:
    """How something stands: empty where it is gone. Of a type without a row nobody can tell, so it is `there`."""
    return KINDS[resource_type].state(clients, name) if resource_type in KINDS else THERE


def by_hand(resource_type: str, name: str, region: str) -> str:
    """How to remove something, in words and commands; the console for a type without a row."""
    if resource_type in KINDS:
        return KINDS[resource_type].by_hand.format(name=name, region=region).replace("`", "")
    return "look it up in the console of its service"
