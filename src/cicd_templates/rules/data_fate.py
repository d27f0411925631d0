"""E9141: data of a protected environment outlives its stack, and all data says what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, spelled
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# Types that hold what cannot be made again; for those in `STATED_ELSEWHERE` cfn-lint's I3011 asks that it is said.
STATED_ELSEWHERE = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::Cognito::UserPool",
        "AWS::DocDB::DBCluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::FSx::FileSystem",
        "AWS::KMS::Key",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
        "AWS::Neptune::DBCluster",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::SecretsManager::Secret",
    }
)
STATED_HERE = frozenset({"AWS::CodeArtifact::Repository", "AWS::ECR::Repository", "AWS::S3::Bucket"})
KEEPING = {
    "DeletionPolicy": frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"}),
    "UpdateReplacePolicy": frozenset({"Retain", "Snapshot"}),
}


class DataFate(ResourceRule):
    """DeletionPolicy and UpdateReplacePolicy that fit the environment."""

    id = "E9141"
    shortdesc = "Data says what becomes of it, and outlives a protected stack"
    description = (
        "Without both policies a deleted stack or a replaced resource takes its data along. In a protected "
        "environment they keep it: Retain, RetainExceptOnCreate (for deletion) or Snapshot. A disposable one says "
        "Delete. Of databases, keys, log groups and secrets cfn-lint itself (I3011, W3011) asks that both are "
        "there; of buckets and repositories this rule does."
    )
    source_url = "docs/rules.md#e9141"
    tags = ["lifecycle"]
    types = STATED_HERE | STATED_ELSEWHERE

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each policy that is missing or gives data away."""
        for policy, keeping in KEEPING.items():
            for found in resource.values(policy):
                if found.value is None:
                    if resource.type in STATED_HERE:
                        yield Finding(f"{policy} is missing: say what becomes of the data", ())
                elif resource.facts and resource.protected and spelled(found.value) not in keeping:
                    yield Finding(f"{policy} gives data of a protected environment away; use Retain", found.path)
