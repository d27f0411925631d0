"""Lists the operations of all resource types, keyed by type name. A test fails if an AWS service is missing."""

from __future__ import annotations

from collections.abc import Mapping

from cicd_templates.deploy.aws.resource_types import (
    cloudformation,
    codebuild,
    codepipeline,
    dynamodb,
    ec2,
    ecr,
    ecs,
    elasticloadbalancingv2,
    events,
    iam,
    kms,
    lambda_,
    logs,
    rds,
    s3,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
)
from cicd_templates.deploy.aws.resource_types.operations import ResourceOperations

OPERATIONS: Mapping[str, ResourceOperations] = {
    **cloudformation.OPERATIONS,
    **codebuild.OPERATIONS,
    **codepipeline.OPERATIONS,
    **dynamodb.OPERATIONS,
    **ec2.OPERATIONS,
    **ecr.OPERATIONS,
    **ecs.OPERATIONS,
    **elasticloadbalancingv2.OPERATIONS,
    **events.OPERATIONS,
    **iam.OPERATIONS,
    **kms.OPERATIONS,
    **lambda_.OPERATIONS,
    **logs.OPERATIONS,
    **rds.OPERATIONS,
    **s3.OPERATIONS,
    **scheduler.OPERATIONS,
    **secretsmanager.OPERATIONS,
    **sns.OPERATIONS,
    **sqs.OPERATIONS,
    **ssm.OPERATIONS,
}
NO_OPERATIONS = ResourceOperations()


def operations_of(resource_type: str) -> ResourceOperations:
    """Return the operations of a resource type, or `NO_OPERATIONS` if none are defined for it."""
    return OPERATIONS.get(resource_type, NO_OPERATIONS)
