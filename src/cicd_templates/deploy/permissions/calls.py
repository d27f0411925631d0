"""The IAM actions behind the calls that the deployer makes itself, beside those that CloudFormation makes for it.

Most APIs ask for an action of their own name; S3's often do not:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

# Change sets and stacks, their history and their text, and what CloudFormation does on the caller's behalf with them.
CLOUDFORMATION = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "cloudformation:UpdateTerminationProtection",
)
# Templates that are too long for a request, releases, and emptying what is disposable. GetObject is CloudFormation's,
# which reads a template as who named it; KMS answers for the key of the bucket.
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
# What is looked at: values that travel between stacks, what is in the way, what is left, why something failed.
LOOKING = (
    "acm:DescribeCertificate",
    "codebuild:BatchGetBuilds",
    "codebuild:BatchGetProjects",
    "codeconnections:GetConnection",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineExecution",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
    "ec2:DescribeAddresses",
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:DescribeRepositories",
    "ecr:ListTagsForResource",
    "ecs:DescribeClusters",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "iam:GetAccountSummary",
    "iam:GetRole",
    "iam:ListPolicies",
    "kms:DescribeKey",
    "lambda:GetAccountSettings",
    "lambda:GetFunctionConfiguration",
    "logs:DescribeLogGroups",
    "logs:GetLogEvents",
    "logs:ListTagsForResource",
    "s3:GetBucketTagging",
    "secretsmanager:DescribeSecret",
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
CALLS = (*CLOUDFORMATION, *DATA, *LOOKING)
