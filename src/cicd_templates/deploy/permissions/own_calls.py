"""Lists the IAM actions that the deployer needs for its own calls.

The list leaves out the actions that CloudFormation's resource handlers need. An action usually has the name of its API
operation. For many S3 operations, the names differ:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

# For change sets and stacks, their events, templates and drift, and the tags that CloudFormation sets for the caller.
CLOUDFORMATION_ACTIONS = (
    # Drift detection needs this action and DetectStackResourceDrift, because it reads resources with the caller's
    # permissions:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    "cloudformation:BatchDescribeTypeConfigurations",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackDriftDetectionStatus",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStacks",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    # Calling DescribeStacks without a name needs this action, too.
    "cloudformation:ListStacks",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "cloudformation:UpdateTerminationProtection",
)
# For uploading templates that are too long for a request, releasing, and emptying disposable buckets and repositories.
# CloudFormation reads an uploaded template with the caller's permissions. So the caller needs GetObject, and Decrypt
# for the bucket's key.
DATA = (
    "ecr:BatchDeleteImage",
    "ecr:ListImages",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutObject",
    "secretsmanager:PutSecretValue",
)
# For reading values that stacks publish, the public key of signed evidence, names that are already taken, causes of
# failures, and the resources that `make status LEFT=1` lists because no stack owns them.
READING = (
    "acm:DescribeCertificate",
    "codebuild:BatchGetBuilds",
    "codebuild:BatchGetProjects",
    "codebuild:ListReportGroups",
    "codeconnections:GetConnection",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineExecution",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "ec2:DescribeAddresses",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ecr:DescribeRepositories",
    "ecr:ListTagsForResource",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "events:ListArchives",
    "iam:GetAccountSummary",
    "iam:GetRole",
    "iam:ListPolicies",
    "kms:DescribeKey",
    "kms:GetPublicKey",
    "kms:ListAliases",
    "lambda:GetAccountSettings",
    "lambda:GetFunctionConfiguration",
    "logs:DescribeLogGroups",
    "logs:GetLogEvents",
    "logs:ListTagsForResource",
    "rds:DescribeDBClusterParameterGroups",
    "rds:DescribeDBClusterSnapshots",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSubnetGroups",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketTagging",
    "scheduler:GetScheduleGroup",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecrets",
    "servicequotas:GetServiceQuota",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sqs:GetQueueUrl",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "sts:GetCallerIdentity",
    "tag:GetResources",
)
# For the lock that a command sets before it changes anything, and removes at its end.
LOCKING = (
    "ssm:DeleteParameter",
    "ssm:PutParameter",
)
# Only for destroy, sweep and adopt: for resources outside the stacks, and to import resources that a stack retained.
DESTROY_ACTIONS = (
    "application-autoscaling:RegisterScalableTarget",
    "cloudformation:UpdateStack",
    "codebuild:DeleteReport",
    "codebuild:DeleteReportGroup",
    "codebuild:ListReportsForReportGroup",
    "codepipeline:StopPipelineExecution",
    "dynamodb:DeleteTable",
    "dynamodb:UpdateTable",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteVpcEndpoints",
    "ecr:DeleteRepository",
    "ecs:DeleteTaskDefinitions",
    "ecs:DeregisterTaskDefinition",
    "ecs:StopTask",
    "ecs:UpdateService",
    "events:DeleteArchive",
    "kms:DeleteAlias",
    "kms:ScheduleKeyDeletion",
    "logs:DeleteLogGroup",
    "rds:DeleteDBClusterSnapshot",
    "rds:ModifyDBCluster",
    "s3:DeleteBucket",
    "scheduler:DeleteScheduleGroup",
    "secretsmanager:DeleteSecret",
    "sqs:DeleteQueue",
)
# Only for destroy, and only where a bucket that destroy deletes is locked in governance mode.
UNLOCKING_ACTIONS = (
    "s3:BypassGovernanceRetention",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
)
DEPLOY_ACTIONS = (*CLOUDFORMATION_ACTIONS, *DATA, *READING, *LOCKING)
