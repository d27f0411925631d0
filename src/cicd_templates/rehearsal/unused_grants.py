"""Lists known reasons why a rehearsal does not use some of the granted actions."""

from __future__ import annotations

from fnmatch import fnmatchcase

# https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html
STORE = "AWS documents this permission for the key of an artifact store, but S3 needs only GenerateDataKey and Decrypt"
FAILURE = "used only after a failure, and the rehearsed run succeeded"
RETRIED = "used only if an action is retried and its first attempt has stored evidence"
SCHEDULED = (
    "a rehearsal measures access to logs only for functions that a pipeline action starts, but an EventBridge rule"
    " starts this function"
)
UNSIGNED = "used only for an unsigned image that an exception in unsigned_images permits, but this image was signed"
EXEC = "used only in a session of ECS Exec"
# What each action of a kind of access in `uses` is for. The application chooses its calls, and these are not the ones
# that it made in this run. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/api-permissions-reference.html
CALLS = {
    "dynamodb:BatchGetItem": "reads up to 100 items by their keys in one call",
    "dynamodb:BatchWriteItem": "puts or deletes up to 25 items in one call",
    "dynamodb:ConditionCheckItem": "checks a condition on an item, as part of a transaction",
    "dynamodb:DeleteItem": "deletes an item",
    "dynamodb:DescribeTable": "reads the key schema of the table, as some SDKs do when they start",
    "dynamodb:GetItem": "reads a single item by its key, also as part of a transaction",
    "dynamodb:PutItem": "stores a whole item",
    "dynamodb:Query": "reads the items of a partition key",
    "dynamodb:Scan": "reads all items",
    "dynamodb:UpdateItem": "changes attributes of an item",
    "sqs:ChangeMessageVisibility": "gives a task more time to process a message, or returns the message to the queue",
    "sqs:DeleteMessage": "deletes a message that is done",
    "sqs:GetQueueAttributes": "reads the settings of a queue and the number of its messages",
    "sqs:ReceiveMessage": "receives messages",
    "sqs:SendMessage": "sends single messages or batches of messages",
}
TABLE_KEY = (
    "DynamoDB uses the key on behalf of the task; the local AWS never checks this permission, because AWS does not"
    " document which requests need it"
)

REASONS = (
    ("*-migration-task", "*", "*", "a migration gets all permissions of its service, even those that it does not need"),
    *(("*-task", "*", action, f"{purpose}; this run did not do that") for action, purpose in CALLS.items()),
    ("*-task", "EncryptTheSession", "kms:Decrypt", EXEC),
    ("*-task", "EncryptFor*", "kms:*", "SQS uses the key when a task sends a message, but this run sent none"),
    ("*-task", "DecryptFrom*", "kms:*", "SQS uses the key when a task receives a message, but this run received none"),
    ("*-task", "*", "kms:*", TABLE_KEY),
    (
        "*-function",
        "UseTheKey",
        "kms:*",
        "for the encryption of the function's variables and dead letters, which the local AWS does not encrypt",
    ),
    ("*", "*", "kms:DescribeKey", STORE),
    ("*", "*", "kms:Encrypt", STORE),
    ("*", "*", "kms:ReEncrypt*", STORE),
    ("*-smoke-test", "UseTheKey", "kms:GenerateDataKey", "a smoke test has no output artifacts to encrypt"),
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/security-iam.html
    (
        "*",
        "*ItsStore",
        "*",
        "CodePipeline itself uses this permission for the artifact store, but a rehearsal does not record that",
    ),
    ("*", "*", "s3:GetObjectVersion", "reads an artifact by its version, but a rehearsal reads artifacts by key"),
    ("*", "FindTheArtifacts", "s3:GetBucketVersioning", "AWS documents this permission for artifact stores"),
    ("*", "RunTheProject", "codebuild:StopBuild", "used only if somebody stops a run"),
    ("*", "FindTheFunction", "lambda:ListFunctions", "AWS documents this permission for Lambda actions of a pipeline"),
    ("*", "SendDeadLetters", "sqs:SendMessage", FAILURE),
    ("*", "SendTraces", "xray:*", "for X-Ray, which the local AWS does not have"),
    ("*", "AnswerThePipeline", "codepipeline:PutJobFailureResult", FAILURE),
    (
        "*-approval-check-function",
        "TellReleasesFromRollbacks",
        "codepipeline:GetPipelineExecution",
        "used only to roll back a stage, and no rehearsal rolls back a stage",
    ),
    ("*-approval-check-function", "ReadTheNewestTemplates", "s3:GetObject", UNSIGNED),
    ("*-approval-check-function", "RecordUnsignedImages", "s3:PutObject", UNSIGNED),
    ("*-approval-check-function", "TellSecurityOfUnsignedImages", "sns:Publish", UNSIGNED),
    ("*", "CompareEvidence", "s3:GetObject", RETRIED),
    ("*", "CompareDecisions", "s3:GetObject", RETRIED),
    (
        "*-image",
        "PushTheImage",
        "ecr:BatchGetImage",
        "lets docker reuse layers in the repository, but a rehearsal replaces docker with a program that reuses none",
    ),
    (
        "*-image",
        "PushTheImage",
        "ecr:GetDownloadUrlForLayer",
        "lets docker reuse layers in the repository, but a rehearsal never reuses layers",
    ),
    ("*-image-scan", "ReadTheScan", "ecr:DescribeImages", "no command uses the action; it can be removed"),
    (
        "*-image-scan",
        "ScanItAgain",
        "ecr:StartImageScan",
        "used only if the image was not scanned, or was last scanned more than a day ago",
    ),
    (
        "*",
        "FollowTheDeployment",
        "cloudformation:*",
        "AWS documents this permission for CloudFormation actions of a pipeline",
    ),
    (
        "*",
        "TagTheStack",
        "cloudformation:UntagResource",
        "used if a tag of the stack is removed from the configuration",
    ),
    ("*", "TagTheStack", "cloudformation:TagResource", "needed if an action passes tags"),
    (
        "*",
        "ReadValues",
        "ssm:GetParameter*",
        "CloudFormation reads SSM parameters with the permissions of its caller or of the stack's role",
    ),
    ("*", "CheckValues", "ec2:*", "CloudFormation checks the subnets and security groups in a template's parameters"),
    ("*", "ReadItsLog", "logs:GetLogEvents", FAILURE),
    ("*-execution", "WriteTheLog", "logs:PutLogEvents", "used if the task prints something"),
    ("*-stuck-function", "WriteTheLog", "logs:*", SCHEDULED),
    ("*-measure-function", "WriteTheLog", "logs:*", SCHEDULED),
    ("*-execution", "*", "ecr:*", "needed to pull the image of a task, but a rehearsal starts no container"),
    ("*-execution", "DecryptThem", "kms:Decrypt", "decrypts parameters, which the local AWS does not encrypt"),
    ("*-task", "OpenTheChannel", "ssmmessages:*", EXEC),
    ("*-task", "RecordTheSession", "logs:*", EXEC),
    ("*-task", "FindTheRecord", "logs:*", EXEC),
    (
        "*-task",
        "ConnectTo*",
        "rds-db:connect",
        "lets a task connect to a database, but no task connected; the notes of the run say why",
    ),
    ("*", "*Source", "s3:*Tagging", "used if the source object has tags"),
    (
        "*",
        "ReportTestResults",
        "codebuild:CreateReportGroup",
        "needed if a build specification names a report group",
    ),
)


def reason_for(role: str, statement: str, action: str) -> str:
    """Return why a rehearsal does not use the `action` of a statement, or an empty string if no reason is known.

    A row of `REASONS` has patterns for the role, the Sid and the action. The first row whose patterns match is used.
    """
    for *patterns, reason in REASONS:
        if all(map(fnmatchcase, (role, statement, action), patterns)):
            return reason
    return ""
