"""Decides on requests with identity policies, as IAM does, and finds the actions that a call of boto3 needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name

from cicd_templates.deploy.permissions.action_resources import TYPE_OF_KIND
from cicd_templates.deploy.permissions.handler_actions import resource_kinds

SESSION = botocore.session.Session()
KNOWN = set(SESSION.get_available_services())
# Attributes of `Clients` that are not called as their service is, with the service and the prefix of its actions.
SERVICES = {
    "elbv2": ("elbv2", "elasticloadbalancing"),
    "lambda_": ("lambda", "lambda"),
    "quotas": ("service-quotas", "servicequotas"),
    "scaling": ("application-autoscaling", "application-autoscaling"),
    "tagging": ("resourcegroupstaggingapi", "tag"),
    "client": ("cloudformation", "cloudformation"),
}
# Where the action is not called as the operation is:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:DeleteObjects": "s3:DeleteObject",
}
# The beginning of the resource in an ARN, by client and the parameter that names the resource.
NAMED = {
    ("ssm", "Name"): "parameter",
    ("ssm", "Names"): "parameter",
    ("ssm", "Path"): "parameter",
    ("codepipeline", "pipelineName"): "",
    ("codepipeline", "name"): "",
    ("codebuild", "names"): "project/",
    ("ecs", "clusters"): "cluster/",
    ("ecr", "repositoryNames"): "repository/",
    ("ecr", "repositoryName"): "repository/",
    ("kms", "KeyId"): "key/",
    ("secretsmanager", "SecretId"): "secret:",
    ("lambda_", "FunctionName"): "function:",
    ("logs", "logGroupNamePrefix"): "log-group:",
    ("logs", "logGroupName"): "log-group:",
    ("sqs", "QueueName"): "",
    ("codebuild", "arn"): "",
    ("codebuild", "reportGroupArn"): "",
    ("ecr", "resourceArn"): "",
    ("ecs", "service"): "",
    ("ecs", "services"): "",
    ("ecs", "taskDefinition"): "task-definition/",
    ("ecs", "taskDefinitions"): "task-definition/",
    ("elbv2", "LoadBalancerArn"): "",
    ("events", "ArchiveName"): "archive/",
    ("events", "NamePrefix"): "archive/",
    ("kms", "AliasName"): "",
    ("logs", "resourceArn"): "",
    ("sns", "TopicArn"): "",
    ("rds", "DBClusterSnapshotIdentifier"): "cluster-snapshot:",
    ("rds", "DBClusterIdentifier"): "cluster:",
    ("rds", "DBInstanceIdentifier"): "db:",
    ("rds", "DBClusterParameterGroupName"): "cluster-pg:",
    ("rds", "DBSubnetGroupName"): "subgrp:",
}
Call = tuple[str, str, dict[str, Any]]
Authorized = tuple[str, str, dict[str, str]]


def allows(
    documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether a statement allows the action on the resource and no statement denies it.

    Conditions compare keys of `context`.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in document["Statement"]
        if action in statement["Action"]
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and _holds(statement.get("Condition", {}), context or {})
    }
    return effects == {"Allow"}


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    assert condition.keys() <= {"Bool", "StringEquals", "StringEqualsIfExists", "StringLike", "StringNotLike"}
    for operator, wanted in (("StringLike", True), ("StringNotLike", False)):
        for key, patterns in condition.get(operator, {}).items():
            if any(fnmatchcase(context.get(key, ""), pattern) for pattern in patterns) is not wanted:
                return False
    if any(context.get(key) != value for key, value in condition.get("Bool", {}).items()):
        return False
    if_exists = condition.get("StringEqualsIfExists", {})
    return all(context.get(key) in values for key, values in condition.get("StringEquals", {}).items()) and all(
        context[key] in values for key, values in if_exists.items() if key in context
    )


@cache
def model_of(client: str) -> dict[str, str] | None:
    """Return the operations of a client in AWS's spelling, by boto3's names, or None if there is no such client."""
    name = SERVICES.get(client, (client, client))[0]
    if name not in KNOWN:
        return None
    return {xform_name(each): each for each in SESSION.get_service_model(name).operation_names}


def action_of(client: str, operation: str) -> str:
    model = model_of(client)
    assert model is not None, client
    service = SERVICES.get(client, (client, client))[1]
    return ACTIONS.get(f"{service}:{model[operation]}", f"{service}:{model[operation]}")


def authorized(call: Call, region: str, account: str, stack: str = "shipping-staging-keys") -> Iterator[Authorized]:
    """Return the actions that AWS authorizes for a call, each with its resource and the keys of conditions.

    `stack` is the stack of change sets that a call names only by their ARN.
    """
    client, operation, request = call
    action = action_of(client, operation)
    service = action.partition(":")[0]
    begin = f"arn:aws:{service}:{region}:{account}:"
    if service == "cloudformation":
        yield from _of_cloudformation(action, request, f"{begin}stack/", stack)
    elif client == "scaling":
        # AWS makes up the id of a scalable target.
        keys = {f"{service}:service-namespace": request["ServiceNamespace"]}
        yield action, f"{begin}scalable-target/0ec51a9ce7a18f5b4c9ba4d2cc1a3d43fe9e", keys
    elif any((service, kind) in TYPE_OF_KIND for kind in resource_kinds(action)):
        for name in _named(call, account):
            yield action, name if name.startswith("arn:") else f"{begin}{name}", {}
        if action == "rds:DescribeDBClusterSnapshots" and "DBClusterSnapshotIdentifier" not in request:
            # RDS authorizes a list for every resource of its type, as it does for DescribeDBClusters without a name.
            yield action, f"{begin}cluster-snapshot:*", {}
    else:
        yield action, "*", {}


def _of_cloudformation(action: str, request: Mapping[str, Any], begin: str, of_change_set: str) -> Iterator[Authorized]:
    stack = request.get("StackName", "")
    if not stack and "ChangeSetName" in request:
        # AWS authorizes the call for the stack of the change set.
        stack = of_change_set
    if not stack:
        # Without a name, DescribeStacks needs ListStacks too.
        yield from ((each, "*", {}) for each in sorted({action, "cloudformation:ListStacks"}))
        return
    arn = stack if stack.startswith("arn:") else f"{begin}{stack}/*"
    named = {"cloudformation:ChangeSetName": request["ChangeSetName"]} if "ChangeSetName" in request else {}
    yield action, arn, named
    if request.get("Tags"):
        yield "cloudformation:TagResource", arn, {}
    if role := request.get("RoleARN"):
        yield "iam:PassRole", role, {"iam:PassedToService": "cloudformation.amazonaws.com"}


def _named(call: Call, account: str) -> Iterator[str]:
    """Return the resources of a call, each as a whole ARN or as the end of an ARN."""
    client, operation, request = call
    if client == "s3":
        yield f"arn:aws:s3:::{request['Bucket']}{'/' if 'Key' in request else ''}{request.get('Key', '')}"
        return
    if client == "iam":
        linked = request["RoleName"].removeprefix("AWSServiceRoleFor")
        path = "" if linked == request["RoleName"] else f"aws-service-role/{linked.lower()}.amazonaws.com/"
        yield f"arn:aws:iam::{account}:role/{path}{request['RoleName']}"
        if path:
            # Of a role that does not exist, IAM does not know the path.
            yield f"arn:aws:iam::{account}:role/{request['RoleName']}"
        return
    for parameter, value in request.items():
        if (client, parameter) in NAMED:
            for name in [value] if isinstance(value, str) else value:
                yield name if name.startswith("arn:") else f"{NAMED[client, parameter]}{name}"
            return
    raise AssertionError(f"say for which resource AWS authorizes {client}.{operation}({request})")
