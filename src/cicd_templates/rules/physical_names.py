"""E9122: physical names carry the environment and the suffix of a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cicd_templates.rules.reading import Resource, spelled
from cicd_templates.rules.resource_rule import Finding, ResourceRule

NAMED_BY: Mapping[str, str] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": "PolicyName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodeBuild::ReportGroup": "Name",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::Synthetics::Canary": "Name",
}
# Of a name that is too long for its type the beginning and a hash of all of it are left.
SHORTENED = re.compile(r"(?P<beginning>.+)-[0-9a-f]{8}")


class PhysicalNames(ResourceRule):
    """Environment and suffix in every physical name."""

    id = "E9122"
    shortdesc = "Physical names carry environment and suffix"
    description = (
        "Two environments, or a copy beside the original, collide in one account where a name does not say which "
        "it is. Each name that a template spells has the environment, with the suffix of a copy, as words of its "
        "own. Templates that do not say their environment (metadata CicdTemplates) are not asked."
    )
    source_url = "docs/rules.md#e9122"
    tags = ["names"]
    types = NAMED_BY

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding for a name without them."""
        environment, suffix = resource.facts.get("Environment"), resource.facts.get("Suffix")
        if not isinstance(environment, str):
            return
        words = f"{environment}-{suffix}" if suffix else environment
        for found in resource.properties(NAMED_BY[resource.type]):
            name = spelled(found.value)
            if name is None or _cut(name, f"{resource.facts.get('Project')}-{words}"):
                continue
            if not re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", name):
                yield Finding(f"{name} does not say that it is of {words}; put it into the name", found.path)


def _cut(name: str, whole: str) -> bool:
    """Whether `name` was shortened before it came to the end of `whole`, so that only its hash has the rest."""
    shortened = SHORTENED.fullmatch(name)
    return shortened is not None and whole.startswith(shortened["beginning"])
