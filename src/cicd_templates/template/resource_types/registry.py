"""Collects the resource types of all modules, by name. A test fails until the module of a new service is added here."""

from __future__ import annotations

from collections.abc import Mapping

from cicd_templates.template.resource_types import (
    applicationautoscaling,
    backup,
    certificatemanager,
    cloudformation,
    cloudwatch,
    codeartifact,
    codebuild,
    codeconnections,
    codedeploy,
    codepipeline,
    codestarconnections,
    cognito,
    docdb,
    dynamodb,
    ec2,
    ecr,
    ecs,
    efs,
    elasticache,
    elasticloadbalancingv2,
    events,
    fsx,
    iam,
    kinesis,
    kms,
    lambda_,
    logs,
    neptune,
    opensearchservice,
    rds,
    redshift,
    route53,
    s3,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
    stepfunctions,
    synthetics,
)
from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    row.type_name: row
    for row in (
        *applicationautoscaling.RESOURCE_TYPES,
        *backup.RESOURCE_TYPES,
        *certificatemanager.RESOURCE_TYPES,
        *cloudformation.RESOURCE_TYPES,
        *cloudwatch.RESOURCE_TYPES,
        *codeartifact.RESOURCE_TYPES,
        *codebuild.RESOURCE_TYPES,
        *codeconnections.RESOURCE_TYPES,
        *codedeploy.RESOURCE_TYPES,
        *codepipeline.RESOURCE_TYPES,
        *codestarconnections.RESOURCE_TYPES,
        *cognito.RESOURCE_TYPES,
        *docdb.RESOURCE_TYPES,
        *dynamodb.RESOURCE_TYPES,
        *ec2.RESOURCE_TYPES,
        *ecr.RESOURCE_TYPES,
        *ecs.RESOURCE_TYPES,
        *efs.RESOURCE_TYPES,
        *elasticache.RESOURCE_TYPES,
        *elasticloadbalancingv2.RESOURCE_TYPES,
        *events.RESOURCE_TYPES,
        *fsx.RESOURCE_TYPES,
        *iam.RESOURCE_TYPES,
        *kinesis.RESOURCE_TYPES,
        *kms.RESOURCE_TYPES,
        *lambda_.RESOURCE_TYPES,
        *logs.RESOURCE_TYPES,
        *neptune.RESOURCE_TYPES,
        *opensearchservice.RESOURCE_TYPES,
        *rds.RESOURCE_TYPES,
        *redshift.RESOURCE_TYPES,
        *route53.RESOURCE_TYPES,
        *s3.RESOURCE_TYPES,
        *scheduler.RESOURCE_TYPES,
        *secretsmanager.RESOURCE_TYPES,
        *sns.RESOURCE_TYPES,
        *sqs.RESOURCE_TYPES,
        *ssm.RESOURCE_TYPES,
        *stepfunctions.RESOURCE_TYPES,
        *synthetics.RESOURCE_TYPES,
    )
}


def facts_of(type_name: str) -> ResourceType:
    """Return the facts about a resource type.

    For a type that `RESOURCE_TYPES` does not contain, such as a custom resource, all facts are empty.
    """
    return RESOURCE_TYPES.get(type_name) or ResourceType(type_name)
