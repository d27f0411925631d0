"""The attempts of a principal.

Each attempt is a sentence and a real call; calls that the local AWS lacks are simulated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

REGION = "eu-central-1"
NAME = "shipping-tools-parcel-dispatcher"
# CodePipeline shortens a pipeline's name to 20 characters and an artifact's name to 10.
RUN = "parcel-dispatcher-sh"
# Another service whose name begins with the same characters.
ANOTHER_RUN = "parcel-ledgers-parce"
SERVICE = "parcel-dispatcher"
SOURCE = f"{SERVICE}/source.zip"
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
# Errors after IAM has allowed the call: the resource does not exist, or its state does not permit the operation.
PASSED = frozenset(
    {
        "ImageNotFoundException",
        "InvalidSequenceTokenException",
        "LayersNotFoundException",
        "PreconditionFailed",
        "ResourceNotFoundException",
        "ScanNotFoundException",
        "ValidationError",
    }
)


@dataclass(frozen=True)
class Place:
    """The accounts and the keys of each environment in which attempts are made."""

    accounts: dict[str, str]
    keys: dict[str, str]

    def bucket(self, name: str, environment: str = "tools") -> str:
        return f"shipping-{environment}-{name}-{self.accounts[environment]}-{REGION}"

    def arn(self, service: str, resource: str, environment: str = "tools") -> str:
        region = "" if service == "iam" else REGION
        return f"arn:aws:{service}:{region}:{self.accounts[environment]}:{resource}"


Call = Callable[[Any, Place], Any]


def allowed(call: Call, client: Callable[[str], Any], place: Place) -> bool:
    """Return whether IAM allows the call. Raises every error that is neither a denial nor an expected answer."""
    try:
        call(client, place)
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            return False
        if error.response["Error"]["Code"] not in PASSED:
            raise
    return True


def s3(operation: str, bucket: str, environment: str = "tools", **arguments: Any) -> Call:
    return lambda client, place: getattr(client("s3"), operation)(Bucket=place.bucket(bucket, environment), **arguments)


def call(service: str, operation: str, **arguments: Any) -> Call:
    def made(client: Any, place: Place) -> Any:
        given = {key: value(place) if callable(value) else value for key, value in arguments.items()}
        return getattr(client(service), operation)(**given)

    return made


def key(operation: str, environment: str, **arguments: Any) -> Call:
    return call("kms", operation, KeyId=lambda place: place.keys[environment], **arguments)


def assume(role: str, environment: str = "tools") -> Call:
    return call(
        "sts",
        "assume_role",
        RoleArn=lambda place: place.arn("iam", f"role/shipping-{environment}-{role}", environment),
        RoleSessionName="tries",
    )


def put(bucket: str, name: str, **more: Any) -> Call:
    return s3("put_object", bucket, Key=name, Body=b"x", **more)


def get(bucket: str, name: str) -> Call:
    return s3("get_object", bucket, Key=name)


def publish(topic: str) -> Call:
    return call("sns", "publish", TopicArn=lambda place: place.arn("sns", f"shipping-tools-{topic}"), Message="x")


def secret(operation: str, name: str, **more: Any) -> Call:
    return call("secretsmanager", operation, SecretId=name, **more)


def image(operation: str, **more: Any) -> Call:
    return call("ecr", operation, registryId=lambda place: place.accounts["tools"], repositoryName=NAME, **more)


ADMIN = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})

ATTEMPTS: dict[str, Call] = {
    # sources, templates, artifacts
    "read the released source": get("source", SOURCE),
    "release a source": put("source", SOURCE),
    "put another thing beside the source": put("source", "another/source.zip"),
    "delete the source": s3("delete_object", "source", Key=SOURCE),
    "read the reviewed templates": get("templates", "templates.zip"),
    "replace the reviewed templates": put("templates", "templates.zip"),
    "read the source of its run": get("artifacts", f"{RUN}/App/there"),
    "read the templates of its run": get("artifacts", f"{RUN}/Templates/there"),
    "read Snyk's report": get("artifacts", f"{RUN}/SnykReport/there"),
    "read another service's source": get("artifacts", f"{ANOTHER_RUN}/App/there"),
    "read another service's report": get("artifacts", f"{ANOTHER_RUN}/SnykReport/there"),
    "hand on another service's report": put("artifacts", f"{ANOTHER_RUN}/BanditRepo/new"),
    "put another service's source into a run": put("artifacts", f"{ANOTHER_RUN}/App/new"),
    "hand on Bandit's report": put("artifacts", f"{RUN}/BanditRepo/new"),
    "hand on Snyk's report": put("artifacts", f"{RUN}/SnykReport/new"),
    "put another source into a run": put("artifacts", f"{RUN}/App/new"),
    "put other templates into a run": put("artifacts", f"{RUN}/Templates/new"),
    "delete an artifact": s3("delete_object", "artifacts", Key=f"{RUN}/App/there"),
    "hand on a report under another algorithm": put("artifacts", f"{RUN}/BanditRepo/a", ServerSideEncryption="AES256"),
    "list the artifacts": s3("list_objects_v2", "artifacts"),
    "read Bandit's cache": get("cache", "parcel-dispatcher/bandit/pip"),
    "fill Bandit's cache": put("cache", "parcel-dispatcher/bandit/new"),
    "fill the unit tests' cache": put("cache", "parcel-dispatcher/unit-tests/new"),
    "fill the bill of materials' cache": put("cache", "parcel-dispatcher/sbom/new"),
    "fill another service's cache": put("cache", "another/new"),
    "change the artifacts' policy": s3("put_bucket_policy", "artifacts", Policy="{}"),
    # evidence
    "read the evidence": get("evidence", "parcel-dispatcher/1/verdict.json"),
    "list the evidence": s3("list_objects_v2", "evidence", Prefix="parcel-dispatcher/"),
    "list the evidence of another service": s3("list_objects_v2", "evidence", Prefix="another/"),
    "put any evidence": put("evidence", "parcel-dispatcher/1/new.json", IfNoneMatch="*"),
    "put a verdict": put("evidence", "parcel-dispatcher/1/verdict-2.json", IfNoneMatch="*"),
    "remember a release": put("evidence", "parcel-dispatcher/passed/1-1.json", IfNoneMatch="*"),
    "put statements": put("evidence", "parcel-dispatcher/1/signed/release.dsse.json", IfNoneMatch="*"),
    "put the packages of an image": put("evidence", "parcel-dispatcher/1/image-packages.cdx.json", IfNoneMatch="*"),
    "put a bill of materials": put("evidence", "parcel-dispatcher/1/sbom.cdx.json", IfNoneMatch="*"),
    "put the scan of an image": put("evidence", "parcel-dispatcher/1/image-scan.json", IfNoneMatch="*"),
    "list the scan of an image as a release": put(
        "evidence", "parcel-dispatcher/passed/0/image-scan.json", IfNoneMatch="*"
    ),
    "put evidence of another service": put("evidence", "another/new.json", IfNoneMatch="*"),
    "put evidence where some may be already": put("evidence", "parcel-dispatcher/1/verdict.json"),
    "delete evidence": s3("delete_object", "evidence", Key="parcel-dispatcher/1/verdict.json"),
    "record what is approved": put("evidence", "_approvals/parcel-dispatcher/new.json", IfNoneMatch="*"),
    "replace what was approved": put("evidence", "_approvals/parcel-dispatcher/change-sets.json"),
    "state what was deployed": put("evidence", "_deployments/parcel-dispatcher/1/staging/1.dsse.json", IfNoneMatch="*"),
    "read what was approved": get("evidence", "_approvals/parcel-dispatcher/change-sets.json"),
    # keys and secrets
    "encrypt with the tools key": key("encrypt", "tools", Plaintext=b"x"),
    "encrypt with staging's key": key("encrypt", "staging", Plaintext=b"x"),
    "encrypt with production's key": key("encrypt", "production", Plaintext=b"x"),
    "disable the tools key": key("disable_key", "tools"),
    "schedule the deletion of the tools key": key("schedule_key_deletion", "tools"),
    "sign": key("sign", "signing", Message=b"x" * 32, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"),
    "read the public key": key("get_public_key", "signing"),
    "let somebody sign": key("create_grant", "signing", GranteePrincipal="*", Operations=["Sign"]),
    "change who may sign": key("put_key_policy", "signing", Policy="{}"),
    "read the Snyk token": secret("get_secret_value", f"{NAME}-snyk-token"),
    "read the Safety key": secret("get_secret_value", f"{NAME}-safety-api-key"),
    "change the Snyk token": secret("put_secret_value", f"{NAME}-snyk-token", SecretString="x"),
    # logs
    "delete a log group": call("logs", "delete_log_group", logGroupName="/shipping/tools/build/none"),
    # images
    "log in to the registry": call("ecr", "get_authorization_token"),
    "push a layer": image("initiate_layer_upload"),
    "pull an image": image("batch_get_image", imageIds=[{"imageTag": "none"}]),
    "delete an image": image("batch_delete_image", imageIds=[{"imageTag": "none"}]),
    "let tags move": image("put_image_tag_mutability", imageTagMutability="MUTABLE"),
    # builds and functions
    "start Bandit's build": call("codebuild", "start_build", projectName=f"{NAME}-bandit"),
    "start the image build": call("codebuild", "start_build", projectName=f"{NAME}-image"),
    "change the image build": call("codebuild", "update_project", name=f"{NAME}-image", timeoutInMinutes=60),
    "call the gate": call("lambda", "invoke", FunctionName=f"{NAME}-scan-gate", InvocationType="DryRun"),
    "call the signer": call("lambda", "invoke", FunctionName=f"{NAME}-signer", InvocationType="DryRun"),
    "call the approval check": call(
        "lambda", "invoke", FunctionName=f"{NAME}-approval-check", InvocationType="DryRun"
    ),
    "change the gate's code": call("lambda", "update_function_code", FunctionName=f"{NAME}-scan-gate", ZipFile=b"x"),
    "list functions": call("lambda", "list_functions"),
    # people
    "ask the approvers": publish("approvers-production"),
    "tell operations": publish("operations"),
    "send a dead letter": call(
        "sqs",
        "send_message",
        QueueUrl=lambda place: f"https://sqs.{REGION}.amazonaws.com/{place.accounts['tools']}/shipping-tools-dead-letters",
        MessageBody="x",
    ),
    # roles
    "act as the source action": assume("action-source-parcel-dispatcher-app"),
    "act as the gate's action": assume("parcel-dispatcher-action-gate"),
    "act as staging's delivery": assume("delivery-parcel-dispatcher", "staging"),
    "act as production's delivery": assume("delivery-parcel-dispatcher", "production"),
    "act as production's reviewer": assume("review-parcel-dispatcher", "production"),
    "act as CloudFormation in production": assume("delivery-execution-parcel-dispatcher", "production"),
    "make a role an administrator": call(
        "iam", "put_role_policy", RoleName=f"{NAME}-bandit", PolicyName="admin", PolicyDocument=ADMIN
    ),
    "make a user": call("iam", "create_user", UserName="mallory"),
    # values and stacks
    "find where to release": call("ssm", "get_parameter", Name="/shipping/tools/storage/SourceBucketName"),
    "read another published value": call("ssm", "get_parameter", Name="/shipping/tools/keys/KeyArn"),
    "change a published value": call(
        "ssm", "put_parameter", Name="/shipping/tools/keys/KeyArn", Value="x", Type="String", Overwrite=True
    ),
    "make a change set of the tools": call(
        "cloudformation", "create_change_set", StackName=f"{NAME}-none", ChangeSetName="none", TemplateBody="{}"
    ),
    "delete the pipeline's stack": call("cloudformation", "delete_stack", StackName=f"{NAME}-none"),
}  # fmt: skip

PIPELINE = f"arn:aws:codepipeline:{REGION}:{{tools}}:{SERVICE}-shipping-tools"
LOGS = f"arn:aws:logs:{REGION}:{{tools}}:log-group:/shipping/tools/build/parcel-dispatcher"
# The local AWS has no CodePipeline, and checks writing to a log stream on the group instead of the stream. So its
# policy simulator answers these attempts from the identity's policies alone.
SIMULATED = {
    "write Bandit's log": ("logs:PutLogEvents", f"{LOGS}/bandit:log-stream:a"),
    "write Snyk's log": ("logs:PutLogEvents", f"{LOGS}/snyk:log-stream:a"),
    "write the image build's log": ("logs:PutLogEvents", f"{LOGS}/image:log-stream:a"),
    "look at runs": ("codepipeline:GetPipelineState", PIPELINE),
    "start a run": ("codepipeline:StartPipelineExecution", PIPELINE),
    "stop a run": ("codepipeline:StopPipelineExecution", PIPELINE),
    "retry a stage": ("codepipeline:RetryStageExecution", f"{PIPELINE}/Gate"),
    "roll a stage back": ("codepipeline:RollbackStage", f"{PIPELINE}/Production"),
    "roll back a stage that nobody reviews": ("codepipeline:RollbackStage", f"{PIPELINE}/Staging"),
    "hold a stage": ("codepipeline:DisableStageTransition", f"{PIPELINE}/Production"),
    "approve production": ("codepipeline:PutApprovalResult", f"{PIPELINE}/Production/Approve"),
    "approve another action": ("codepipeline:PutApprovalResult", f"{PIPELINE}/Staging/Approve"),
    "override a lock": ("codepipeline:OverrideStageCondition", f"{PIPELINE}/Build"),
    "change the pipeline": ("codepipeline:UpdatePipeline", PIPELINE),
    "delete the pipeline": ("codepipeline:DeletePipeline", PIPELINE),
}
