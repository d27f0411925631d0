"""The reasons for granted actions that a rehearsal does not use. The first matching row of the table counts."""

from __future__ import annotations

from fnmatch import fnmatchcase

# https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html
STORE = "AWS lists it for the key of an artifact store; S3 asks for GenerateDataKey to write and Decrypt to read"
FAILURE = "for what fails, which a run that succeeds does not do"

REASONS = (
    ("*-function", "UseTheKey", "kms:*", "for the function's variables and dead letters, not encrypted here"),
    ("*", "*", "kms:DescribeKey", STORE),
    ("*", "*", "kms:Encrypt", STORE),
    ("*", "*", "kms:ReEncrypt*", STORE),
    ("*-smoke-test", "UseTheKey", "kms:GenerateDataKey", "a smoke test hands nothing on, so it writes nothing"),
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/security-iam.html
    ("*", "*ItsStore", "*", "CodePipeline's own use of its artifact store, which AWS lists and no rehearsal can see"),
    ("*", "*", "s3:GetObjectVersion", "for artifacts named by version; here they are named by key"),
    ("*-image", "ReadTheReleasedSource", "s3:GetObject", "the source is taken by version, which is the other action"),
    ("*", "FindTheArtifacts", "s3:GetBucketVersioning", "AWS lists it with the others of an artifact store"),
    ("*", "RunTheProject", "codebuild:StopBuild", "for a run that somebody stops"),
    ("*", "FindTheFunction", "lambda:ListFunctions", "AWS lists it for Lambda actions"),
    ("*", "SendDeadLetters", "sqs:SendMessage", FAILURE),
    ("*", "AnswerThePipeline", "codepipeline:PutJobFailureResult", FAILURE),
    ("*", "CompareEvidence", "s3:GetObject", "for an action that is repeated and finds its evidence there"),
    ("*-image", "PushTheImage", "ecr:BatchGetImage", "for layers that are there already; the stand-in shares none"),
    ("*-image", "PushTheImage", "ecr:GetDownloadUrlForLayer", "for layers that are there already"),
    ("*-image-scan", "ReadTheScan", "ecr:DescribeImages", "nothing asks for it: it can go"),
    (
        "*-image-scan",
        "ScanItAgain",
        "ecr:StartImageScan",
        "for an image without a scan, or whose scan is older than a day",
    ),
    ("*", "FollowTheDeployment", "cloudformation:*", "AWS lists it for CloudFormation actions"),
    ("*", "TagTheStack", "cloudformation:UntagResource", "for a tag that the configuration no longer has"),
    ("*", "TagTheStack", "cloudformation:TagResource", "AWS asks for it if an action passes tags"),
    (
        "*",
        "ReadValues",
        "ssm:GetParameter*",
        "CloudFormation reads the values of a template as its caller or as the stack's role",
    ),
    ("*", "CheckValues", "ec2:*", "CloudFormation looks up subnets and security groups in a template's parameters"),
    ("*", "*Source", "s3:*Tagging", "for sources that carry tags"),
    (
        "*",
        "ReportTestResults",
        "codebuild:CreateReportGroup",
        "AWS asks for it if a build specification names a report group",
    ),
)


def reason_for(role: str, statement: str, action: str) -> str:
    """Return the reason of the first row that matches role, Sid and action, or an empty string if none matches."""
    for *patterns, reason in REASONS:
        if all(map(fnmatchcase, (role, statement, action), patterns)):
            return reason
    return ""
