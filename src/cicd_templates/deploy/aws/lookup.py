"""Whether something of a given type and name exists in an account: one question a type. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients

# What services say of something that is not there. HEAD has no body, so S3's error has the status for a code.
ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "LoadBalancerNotFound",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "PipelineNotFoundException",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "TargetGroupNotFound",
    }
)
FORBIDDEN = "403"


@dataclass(frozen=True)
class Found:
    """Something that exists. `tags` are None where its service was not asked for them; `foreign` is out of reach."""

    arn: str
    tags: Mapping[str, str] | None = None
    foreign: bool = False


@dataclass(frozen=True)
class Kind:
    """A type that a name can collide in: the property of its name, how to look, and the command that deletes it.

    `delete` are the words after `aws`, with `{name}` and `{arn}`; none of them deletes what is in a bucket or an image.
    """

    property: str
    look: Callable[[Clients, str], Found | None]
    delete: str


def _where(clients: Clients) -> tuple[str, str, str]:
    """Partition, region and account of the caller, for the ARNs that some services are asked by."""
    caller = clients.sts.get_caller_identity()
    return caller["Arn"].split(":")[1], clients.region, caller["Account"]


def _bucket(clients: Clients, name: str) -> Found | None:
    try:
        clients.s3.head_bucket(Bucket=name)
    except ClientError as error:
        # Bucket names are one for all accounts, and S3 forbids to look at those of others.
        if error.response["Error"]["Code"] != FORBIDDEN:
            raise
        return Found("", foreign=True)
    tags = _asked(lambda: clients.s3.get_bucket_tagging(Bucket=name)["TagSet"])
    return Found(f"arn:{_where(clients)[0]}:s3:::{name}", tags)


def _log_group(clients: Clients, name: str) -> Found | None:
    pages = clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    groups = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == name]
    if not groups:
        return None
    arn = groups[0]["arn"].removesuffix(":*")
    return Found(arn, _asked(lambda: clients.logs.list_tags_for_resource(resourceArn=arn)["tags"]))


def _repository(clients: Clients, name: str) -> Found | None:
    arn = clients.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
    return Found(arn, _asked(lambda: clients.ecr.list_tags_for_resource(resourceArn=arn)["tags"]))


def _secret(clients: Clients, name: str) -> Found | None:
    answer = clients.secretsmanager.describe_secret(SecretId=name)
    return Found(answer["ARN"], _tags(answer.get("Tags", ())))


def _role(clients: Clients, name: str) -> Found | None:
    role = clients.iam.get_role(RoleName=name)["Role"]
    return Found(role["Arn"], _tags(role.get("Tags", ())))


def _managed_policy(clients: Clients, name: str) -> Found | None:
    pages = clients.iam.get_paginator("list_policies").paginate(Scope="Local")
    return _first([policy for page in pages for policy in page["Policies"] if policy["PolicyName"] == name], "Arn")


def _alias(clients: Clients, name: str) -> Found | None:
    return Found(clients.kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"])


def _parameter(clients: Clients, name: str) -> Found | None:
    return Found(clients.ssm.get_parameter(Name=name)["Parameter"]["ARN"])


def _cluster(clients: Clients, name: str) -> Found | None:
    clusters = clients.ecs.describe_clusters(clusters=[name])["clusters"]
    # A deleted cluster is known for a while, and its name is free.
    return _first([each for each in clusters if each["status"] == "ACTIVE"], "clusterArn")


def _load_balancer(clients: Clients, name: str) -> Found | None:
    return _first(clients.elbv2.describe_load_balancers(Names=[name])["LoadBalancers"], "LoadBalancerArn")


def _target_group(clients: Clients, name: str) -> Found | None:
    return _first(clients.elbv2.describe_target_groups(Names=[name])["TargetGroups"], "TargetGroupArn")


def _function(clients: Clients, name: str) -> Found | None:
    return Found(clients.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"])


def _topic(clients: Clients, name: str) -> Found | None:
    partition, region, account = _where(clients)
    arn = f"arn:{partition}:sns:{region}:{account}:{name}"
    clients.sns.get_topic_attributes(TopicArn=arn)
    return Found(arn)


def _queue(clients: Clients, name: str) -> Found | None:
    clients.sqs.get_queue_url(QueueName=name)
    partition, region, account = _where(clients)
    return Found(f"arn:{partition}:sqs:{region}:{account}:{name}")


def _project(clients: Clients, name: str) -> Found | None:
    return _first(clients.codebuild.batch_get_projects(names=[name])["projects"], "arn")


def _pipeline(clients: Clients, name: str) -> Found | None:
    return Found(clients.codepipeline.get_pipeline(name=name)["metadata"]["pipelineArn"])


def _first(found: Any, arn: str) -> Found | None:
    return Found(found[0][arn]) if found else None


def _tags(listed: Any) -> dict[str, str]:
    return dict(listed) if isinstance(listed, dict) else {tag["Key"]: tag["Value"] for tag in listed}


def _asked(tags: Callable[[], Any]) -> dict[str, str] | None:
    """The tags that a service has of what holds data, which outlives its stack; None where it tells none."""
    try:
        return _tags(tags())
    except ClientError:
        return None


KINDS: dict[str, Kind] = {
    "AWS::CodeBuild::Project": Kind("Name", _project, "codebuild delete-project --name {name}"),
    "AWS::CodePipeline::Pipeline": Kind("Name", _pipeline, "codepipeline delete-pipeline --name {name}"),
    "AWS::ECR::Repository": Kind("RepositoryName", _repository, "ecr delete-repository --repository-name {name}"),
    "AWS::ECS::Cluster": Kind("ClusterName", _cluster, "ecs delete-cluster --cluster {name}"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Kind(
        "Name", _load_balancer, "elbv2 delete-load-balancer --load-balancer-arn {arn}"
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Kind(
        "Name", _target_group, "elbv2 delete-target-group --target-group-arn {arn}"
    ),
    "AWS::IAM::ManagedPolicy": Kind("ManagedPolicyName", _managed_policy, "iam delete-policy --policy-arn {arn}"),
    "AWS::IAM::Role": Kind("RoleName", _role, "iam delete-role --role-name {name}"),
    "AWS::KMS::Alias": Kind("AliasName", _alias, "kms delete-alias --alias-name {name}"),
    "AWS::Lambda::Function": Kind("FunctionName", _function, "lambda delete-function --function-name {name}"),
    "AWS::Logs::LogGroup": Kind("LogGroupName", _log_group, "logs delete-log-group --log-group-name {name}"),
    "AWS::S3::Bucket": Kind("BucketName", _bucket, "s3api delete-bucket --bucket {name}"),
    "AWS::SNS::Topic": Kind("TopicName", _topic, "sns delete-topic --topic-arn {arn}"),
    "AWS::SQS::Queue": Kind(
        "QueueName", _queue, "sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name {name} --output text)"
    ),
    "AWS::SSM::Parameter": Kind("Name", _parameter, "ssm delete-parameter --name {name}"),
    "AWS::SecretsManager::Secret": Kind("Name", _secret, "secretsmanager delete-secret --secret-id {name}"),
}


def existing(clients: Clients, resource_type: str, name: str) -> Found | None:
    """What bears that name, or None where the name is free. Raises `ClientError` where that cannot be read."""
    try:
        return KINDS[resource_type].look(clients, name)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
