"""E9122: physical names contain the environment and the suffix of a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cicd_templates.rules.reading import Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

NAME_PROPERTIES: Mapping[str, str] = {
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
# A name that is too long for its type is cut, and ends in a hash of the whole name.
SHORTENED = re.compile(r"(?P<beginning>.+)-[0-9a-f]{8}")


class PhysicalNames(ResourceRule):
    """Require the environment and suffix in every physical name."""

    id = "E9122"
    shortdesc = "Physical names contain environment and suffix"
    description = (
        "Two environments in one account, or a copy and its original, collide on a name that does not identify the "
        "environment. Each physical name in a template must contain the environment, and the suffix of a copy, as "
        "separate words. Templates without an environment in their metadata (CicdTemplates) are not checked."
    )
    source_url = "docs/rules.md#e9122"
    tags = ["names"]
    types = NAME_PROPERTIES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each name without the environment or suffix."""
        environment, suffix = resource.facts.get("Environment"), resource.facts.get("Suffix")
        if not isinstance(environment, str):
            return
        words = f"{environment}-{suffix}" if suffix else environment
        for node in resource.properties(NAME_PROPERTIES[resource.type]):
            name = known_text(node.value)
            if name is None or _cut(name, f"{resource.facts.get('Project')}-{words}"):
                continue
            if not re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", name):
                yield RuleFinding(f"{name} does not contain {words}; add it to the name", node.path)


def _cut(name: str, whole: str) -> bool:
    """Return whether `name` was shortened within `whole`, so that only its hash covers the rest."""
    shortened = SHORTENED.fullmatch(name)
    return shortened is not None and whole.startswith(shortened["beginning"])
