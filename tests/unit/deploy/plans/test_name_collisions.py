"""A name that is taken is reported before CloudFormation fails because of it, with its owner and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cicd_templates.deploy.aws.existing_resources import find_existing
from cicd_templates.deploy.aws.resource_types.registry import OPERATIONS
from cicd_templates.deploy.plans.name_collisions import NameReport, find_collisions
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import FakeAws, denied, missing
from tests.projects.stacks import stacks_of

STACKS = {stack.layer: stack for name in ("tools", "staging") for stack in stacks_of(name)}
TIME = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:x:eu-central-1:222222222222:thing/name"
CALLER = {"UserId": "u", "Account": "222222222222", "Arn": "arn:aws:iam::222222222222:user/me"}
ROLE = {"Path": "/", "RoleName": "name", "RoleId": "AROAAAAAAAAAAAAAAAAA", "Arn": ARN, "CreateDate": TIME}
GROUP = {"logGroupName": "name", "arn": f"{ARN}:*"}
PIPELINE = {"metadata": {"pipelineArn": "arn:aws:codepipeline:eu-central-1:222222222222:name"}}

# What each service says of something called `name` that is there, and of one that is not.
ANSWERS: dict[str, tuple[str, Any, Any]] = {
    "AWS::CodeBuild::Project": ("codebuild.batch_get_projects", {"projects": [{"arn": ARN}]}, {"projects": []}),
    "AWS::CodePipeline::Pipeline": ("codepipeline.get_pipeline", PIPELINE, missing("PipelineNotFoundException")),
    "AWS::ECR::Repository": (
        "ecr.describe_repositories",
        {"repositories": [{"repositoryArn": ARN}]},
        missing("RepositoryNotFoundException"),
    ),
    "AWS::ECS::Cluster": (
        "ecs.describe_clusters",
        {"clusters": [{"clusterArn": ARN, "status": "ACTIVE"}]},
        {"clusters": [{"clusterArn": ARN, "status": "INACTIVE"}]},
    ),
    "AWS::DynamoDB::Table": (
        "dynamodb.describe_table",
        {"Table": {"TableArn": ARN}},
        missing("ResourceNotFoundException"),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elbv2.describe_load_balancers",
        {"LoadBalancers": [{"LoadBalancerArn": ARN}]},
        missing("LoadBalancerNotFound"),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "elbv2.describe_target_groups",
        {"TargetGroups": [{"TargetGroupArn": ARN}]},
        missing("TargetGroupNotFound"),
    ),
    "AWS::IAM::ManagedPolicy": (
        "iam.list_policies",
        [{"Policies": [{"PolicyName": "other", "Arn": ARN}]}, {"Policies": [{"PolicyName": "name", "Arn": ARN}]}],
        [{"Policies": []}],
    ),
    "AWS::IAM::Role": ("iam.get_role", {"Role": ROLE}, missing("NoSuchEntity")),
    "AWS::KMS::Alias": ("kms.describe_key", {"KeyMetadata": {"KeyId": "1", "Arn": ARN}}, missing("NotFoundException")),
    "AWS::Lambda::Function": (
        "lambda_.get_function_configuration",
        {"FunctionArn": ARN},
        missing("ResourceNotFoundException"),
    ),
    "AWS::Logs::LogGroup": (
        "logs.describe_log_groups",
        [{"logGroups": [{"logGroupName": "name-of-another", "arn": "x:*"}]}, {"logGroups": [GROUP]}],
        [{"logGroups": []}],
    ),
    "AWS::RDS::DBCluster": (
        "rds.describe_db_clusters",
        {"DBClusters": [{"DBClusterArn": ARN, "TagList": [{"Key": "a", "Value": "b"}]}]},
        missing("DBClusterNotFoundFault"),
    ),
    "AWS::RDS::DBInstance": (
        "rds.describe_db_instances",
        {"DBInstances": [{"DBInstanceArn": ARN}]},
        missing("DBInstanceNotFound"),
    ),
    "AWS::RDS::DBClusterParameterGroup": (
        "rds.describe_db_cluster_parameter_groups",
        {"DBClusterParameterGroups": [{"DBClusterParameterGroupArn": ARN}]},
        missing("DBParameterGroupNotFound"),
    ),
    "AWS::RDS::DBSubnetGroup": (
        "rds.describe_db_subnet_groups",
        {"DBSubnetGroups": [{"DBSubnetGroupArn": ARN}]},
        missing("DBSubnetGroupNotFoundFault"),
    ),
    "AWS::S3::Bucket": ("s3.head_bucket", {}, missing("404")),
    "AWS::SNS::Topic": ("sns.get_topic_attributes", {}, missing("NotFound")),
    "AWS::SQS::Queue": ("sqs.get_queue_url", {}, missing("QueueDoesNotExist")),
    "AWS::SSM::Parameter": ("ssm.get_parameter", {"Parameter": {"ARN": ARN}}, missing("ParameterNotFound")),
    "AWS::Scheduler::ScheduleGroup": (
        "scheduler.get_schedule_group",
        {"Arn": ARN, "State": "ACTIVE"},
        missing("ResourceNotFoundException"),
    ),
    "AWS::SecretsManager::Secret": (
        "secretsmanager.describe_secret",
        {"ARN": ARN, "Tags": [{"Key": "a", "Value": "b"}]},
        missing("ResourceNotFoundException"),
    ),
}

# What services say of the tags of what holds data, each in its own form.
OWN_TAGS = {
    "s3.get_bucket_tagging": {"TagSet": [{"Key": "a", "Value": "b"}]},
    "ecr.list_tags_for_resource": {"tags": [{"Key": "a", "Value": "b"}]},
    "logs.list_tags_for_resource": {"tags": {"a": "b"}},
}


@pytest.mark.parametrize("resource_type", [name for name, operations in OPERATIONS.items() if operations.find])
def test_each_type_can_be_found_and_found_missing(resource_type: str) -> None:
    call, there, absent = ANSWERS[resource_type]
    fake: Any = FakeAws({**OWN_TAGS, call: there, "sts.get_caller_identity": CALLER})
    found = find_existing(fake, resource_type, "name")

    assert found is not None
    assert found.arn.startswith("arn:aws:")
    assert found.arn.endswith("name")
    assert found.tags in (None, {}, {"a": "b"})
    assert find_existing(FakeAws({call: absent, "sts.get_caller_identity": CALLER}), resource_type, "name") is None  # type: ignore[arg-type] # the fake
    with pytest.raises(type(denied()), match="AccessDenied"):
        find_existing(FakeAws({}), resource_type, "name")  # type: ignore[arg-type] # the fake stands in


@pytest.mark.parametrize("resource_type", ["AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup"])
def test_what_holds_data_is_asked_for_its_tags_and_need_not_answer(resource_type: str) -> None:
    call, there, _ = ANSWERS[resource_type]
    taken = find_existing(FakeAws({**OWN_TAGS, call: there, "sts.get_caller_identity": CALLER}), resource_type, "name")  # type: ignore[arg-type] # the fake
    untagged = find_existing(FakeAws({call: there, "sts.get_caller_identity": CALLER}), resource_type, "name")  # type: ignore[arg-type] # the fake

    assert taken is not None
    assert taken.tags == {"a": "b"}
    assert untagged is not None
    assert untagged.tags is None


def test_a_bucket_of_another_account_is_out_of_reach() -> None:
    fake: Any = FakeAws({"s3.head_bucket": missing("403")})
    found = find_existing(fake, "AWS::S3::Bucket", "name")

    assert found is not None
    assert (found.foreign, found.arn) == (True, "")


def account(answers: Mapping[str, Any] | None = None, *, deployed: bool = False) -> FakeAws:
    """Return an account that contains only the given resources."""
    free = {call: absent for call, _, absent in ANSWERS.values()}
    no_stack = missing("ValidationError")
    no_stack.response["Error"]["Message"] = "Stack does not exist"
    stack = {"StackName": "s", "CreationTime": TIME, "StackStatus": "CREATE_COMPLETE"}
    summary = {
        "LogicalResourceId": "Images",
        "ResourceType": "AWS::ECR::Repository",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": TIME,
    }
    return FakeAws(
        {
            **free,
            "sts.get_caller_identity": CALLER,
            "cloudformation.describe_stacks": {"Stacks": [stack]}
            if deployed
            else type(no_stack)(no_stack.response, "x"),
            "cloudformation.list_stack_resources": {"StackResourceSummaries": [summary]},
            "tagging.get_resources": {"ResourceTagMappingList": []},
            **(answers or {}),
        }
    )


def names(fake: FakeAws, *stacks: StackTemplate) -> NameReport:
    return find_collisions(fake, stacks or (STACKS["registry"],))  # type: ignore[arg-type] # the fake stands in


REPOSITORY = {"ecr.describe_repositories": {"repositories": [{"repositoryArn": ARN}]}}


def of_stack(region: str = "eu-central-1", account: str = "222222222222") -> dict[str, str]:
    """Return the tags with which CloudFormation names the stack that created a resource."""
    stack_id = f"arn:aws:cloudformation:{region}:{account}:stack/s/0000-1111"
    return {"aws:cloudformation:stack-name": "s", "aws:cloudformation:stack-id": stack_id}


def tagged(**tags: str) -> dict[str, Any]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"tagging.get_resources": {"ResourceTagMappingList": [{"ResourceARN": ARN, "Tags": listed}]}}


OURS = {"ManagedBy": "cicd-templates", "Project": "shipping", "Environment": "tools"}


def test_where_all_names_are_free_nothing_is_reported() -> None:
    assert names(account(), *STACKS.values()) == NameReport((), ())


def test_what_an_earlier_deployment_kept_can_be_imported() -> None:
    (only,) = names(
        account(
            {
                **REPOSITORY,
                **tagged(**OURS, **of_stack(account="111111111111"), **{"aws:cloudformation:logical-id": "Images"}),
            }
        )
    ).taken

    assert (only.stack, only.logical_id) == ("registry-parcel-dispatcher", "Images")
    assert only.owner == "created by the stack s, Environment=tools, ManagedBy=cicd-templates, Project=shipping"
    assert "--change-set-type CREATE --import-existing-resources" in only.remedy[0]
    assert only.remedy[-1] == (
        "# or, if you do not need its content: aws ecr delete-repository"
        " --repository-name shipping-tools-parcel-dispatcher --region eu-central-1"
    )


def test_a_disposable_resource_can_be_deleted() -> None:
    alias = {"kms.describe_key": ANSWERS["AWS::KMS::Alias"][1]}
    (only,) = names(
        account({**alias, **tagged(**{**OURS, "Environment": "staging"}, **of_stack())}), STACKS["keys"]
    ).taken

    assert only.remedy == ("aws kms delete-alias --alias-name alias/shipping-staging-key --region eu-central-1",)


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        (tagged(Owner="somebody"), "Owner=somebody"),
        (tagged(), "it has no tags"),
        ({"tagging.get_resources": denied()}, "the tags of the resource cannot be read"),
        (
            tagged(**{**OURS, "Environment": "staging"}),
            "Environment=staging, ManagedBy=cicd-templates, Project=shipping",
        ),
    ],
    ids=["somebody's", "nobody's", "unknown", "of another environment"],
)
def test_a_foreign_resource_is_left_to_its_owner(tags: dict[str, Any], owner: str) -> None:
    (only,) = names(account({**REPOSITORY, **tags})).taken

    assert only.owner == owner
    assert only.remedy == (
        "the resource does not belong to this environment; ask the owner of the resource, or change a name in the"
        " configuration, such as the suffix or the name of the queue, table or service",
    )


def test_a_bucket_of_another_account_has_no_tags_to_ask_for() -> None:
    taken = names(account({"s3.head_bucket": missing("403")}), STACKS["storage"]).taken

    assert {each.resource_type for each in taken} == {"AWS::S3::Bucket"}
    assert taken[0].owner == "the resource belongs to another account, or you are not allowed to read it"


def test_a_type_that_may_not_be_read_is_requested_once_and_reported() -> None:
    fake = account({"iam.get_role": denied()})
    found = names(fake, STACKS["build"])

    assert found == NameReport((), ("AWS::IAM::Role",))
    assert [call for call, _ in fake.calls].count("iam.get_role") == 1


def test_what_a_stack_has_is_its_own() -> None:
    assert names(account(REPOSITORY, deployed=True)) == NameReport((), ())


def test_what_a_stack_would_add_is_imported_by_an_update() -> None:
    parameter = {"ssm.get_parameter": {"Parameter": {"ARN": ARN}}}
    gone = {"StackName": "s", "CreationTime": TIME, "StackStatus": "DELETE_COMPLETE"}
    own = {**gone, "StackStatus": "CREATE_COMPLETE"}
    stacks = {
        "cloudformation.describe_stacks": lambda **request: {"Stacks": [gone if "/" in request["StackName"] else own]}
    }
    tags = tagged(**OURS, **of_stack(account="111111111111"))
    (only,) = names(account({**parameter, **tags, **stacks}, deployed=True)).taken

    assert only.resource_type == "AWS::SSM::Parameter"
    assert only.remedy == (f"aws ssm delete-parameter --name {only.name} --region eu-central-1",)


@pytest.mark.parametrize(
    ("tags", "deployed", "reason"),
    [
        (
            {},
            False,
            "no tag says which stack created the resource, so it may be in use; choose another project name or suffix",
        ),
        (
            of_stack("eu-west-1", "111111111111"),
            False,
            "the stack s (account 111111111111, eu-west-1) created the resource and may still use it; destroy that"
            " stack first",
        ),
        (
            of_stack(),
            False,
            "the stack s (account 222222222222, eu-central-1) created the resource and may still use it",
        ),
        (
            of_stack(account="111111111111"),
            True,
            "the stack s created the resource and still exists (status CREATE_COMPLETE); destroy",
        ),
    ],
    ids=["no stack", "another region", "another account", "a living stack"],
)
def test_a_resource_that_an_existing_stack_may_use_is_never_to_be_deleted(
    tags: dict[str, str], deployed: bool, reason: str
) -> None:
    role = {"iam.get_role": {"Role": {**ROLE, "Tags": [{"Key": k, "Value": v} for k, v in {**OURS, **tags}.items()]}}}
    found = names(account(role, deployed=deployed), STACKS["build"]).taken

    assert found
    assert all(each.remedy[0].startswith(reason) for each in found)
    assert not any("delete" in line for each in found for line in each.remedy)
