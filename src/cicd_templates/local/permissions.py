"""What the local AWS's IAM decides about roles, kept in a file; and what it would not ask, asked.

It does not ask KMS on behalf of who reads or writes something encrypted, does not know for which resource a service
assumes a role, and takes the resource of a few calls for unknown. All three are asked here as AWS does. Works with
AUTH=true alone. Runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

CALLS_FILE = "calls.jsonl"
ALLOWED, DENIED = "allowed", "denied"
# The key that an action needs of its caller, beside itself:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
KEY_ACTIONS = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
}

# Condition keys of a put whose values are headers, which the engine does not know:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
PUT_KEYS = ("if-none-match", "x-amz-server-side-encryption-aws-kms-key-id")

KeyOf = Callable[[str, str], str]


class Calls:
    """The decisions so far, a line each; only appended to, so that any process can read on from where it was."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CALLS_FILE

    def add(self, principal: str, action: str, resource: str, decision: str, statement: str) -> None:
        """Keep a decision; `statement` is the Sid that allowed it."""
        row = [principal, action, resource, decision, statement]
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[list[str]]:
        """Principal, action, resource, decision and statement of each, oldest first."""
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


def register(
    app: ModuleType, evaluator: ModuleType, actions: ModuleType, roles: Any, key_of: KeyOf, calls: Calls
) -> None:
    """Listen to the engine's `iam_evaluator` and `iam_actions`.

    `roles` is its store of roles; `key_of` finds the key behind action and resource.
    """
    pin = app.pin_request_origin
    # It speaks HTTP on the loopback address, which a bucket that wants TLS would refuse for that alone.
    app.pin_request_origin = lambda address, _secure: pin(address, True)  # type: ignore[attr-defined]
    evaluate, enforce, trusted = evaluator.evaluate, evaluator.enforce, evaluator.evaluate_trust_policy
    resource_of, object_context = actions.extract_resource_arn, actions._s3_object_context
    value_of = evaluator._resolve_condition_key
    latest = threading.local()

    def evaluated(context: Any, *policies: Any) -> Any:
        result = evaluate(context, *policies)
        statement = result.matched_sid if result.decision == "Allow" else ""
        # The caller's own policies come first, those of the resource after them.
        latest.statements = [*getattr(latest, "statements", ()), statement]
        # IAM's simulator asks about a role itself, a request about a session of it.
        if ":role/" in context.principal_arn:
            decision = ALLOWED if result.decision == "Allow" else DENIED
            calls.add(context.principal_arn, context.action, context.resource_arn, decision, statement)
        return result

    def asked(key: str, action: str, service: str, region: str, resource: str, context: Any) -> Any:
        latest.statements = []
        refusal = enforce(key, action, service, region, resource_arn=resource, service_context=context)
        caller = (evaluator.resolve_caller_identity(key) or {}).get("userArn", "")
        if ":assumed-role/" in caller:
            statement = "" if refusal else next(iter(latest.statements), "")
            calls.add(caller, action, resource, DENIED if refusal else ALLOWED, statement)
        return refusal

    def enforced(
        access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        refusal = asked(access_key_id, iam_action, service, region, resource_arn, service_context)
        if refusal is None and iam_action in KEY_ACTIONS and (key := key_of(iam_action, resource_arn)):
            through = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            for action in KEY_ACTIONS[iam_action]:
                refusal = refusal or asked(access_key_id, action, "kms", region, key, through)
        if refusal is None and (role := getattr(latest, "passed", "")):
            latest.passed = ""
            to = {"iam:PassedToService": f"{service}.amazonaws.com"}
            refusal = asked(access_key_id, "iam:PassRole", "iam", region, role, to)
        return refusal

    def trusts(document: Any, caller: str, context: Any = None) -> bool:
        parsed = json.loads(document) if isinstance(document, str) else document
        on_behalf = str(context.service_context.get("sts:externalid") or "") if context else ""
        # The engine lets an account's root act for a service. For which one, its caller says by this identifier.
        if caller.endswith(":root") and on_behalf.startswith("arn:"):
            service, account = on_behalf.split(":")[2], on_behalf.split(":")[4]
            if f"{service}.amazonaws.com" not in _services(parsed):
                return False
            context.service_context |= {"aws:sourcearn": on_behalf, "aws:sourceaccount": account}
        return bool(trusted(parsed, caller, context))

    def resource(service: str, *request: Any) -> str:
        # What is decided next is this request, in this thread.
        latest.passed = actions._query_param(request[4], "RoleARN") if service == "cloudformation" else ""
        return _resource(service, *request) or str(resource_of(service, *request))

    def condition_key(key: str, context: Any) -> Any:
        # The ARN of the role, not that of its session:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
        if key.lower() != "aws:principalarn":
            return value_of(key, context)
        caller = context.principal_arn
        if caller.endswith(":root"):
            # A bucket of another account takes every caller for the root of its own.
            caller = evaluator.caller_arn()
        if ":assumed-role/" not in caller:
            return caller
        return roles.get_scoped(caller.split(":")[4], None, caller.split("/")[1], {}).get("Arn", caller)

    def context_of_object(action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
        more = {f"s3:{name}": headers[name] for name in PUT_KEYS if action == "s3:PutObject" and name in headers}
        return {**object_context(action, query, path, headers), **more}

    evaluator.evaluate, evaluator.enforce = evaluated, enforced  # type: ignore[attr-defined] # looked up at each call
    evaluator._resolve_condition_key = condition_key  # type: ignore[attr-defined]
    evaluator.evaluate_trust_policy = trusts  # type: ignore[attr-defined]
    actions.extract_resource_arn = resource  # type: ignore[attr-defined]
    actions._s3_object_context = context_of_object  # type: ignore[attr-defined]


def _services(document: Any) -> Iterator[str]:
    for statement in document["Statement"]:
        named = statement["Principal"].get("Service", ())
        yield from (named,) if isinstance(named, str) else named


def _resource(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, region: str, account: str
) -> str:
    """The resource of calls that name it otherwise than the engine expects; empty for every other.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
    """
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if service == "codebuild" and operation in ("BatchGetBuilds", "StopBuild"):
        asked = json.loads(body)
        build = asked["ids"][0] if "ids" in asked else asked["id"]
        return f"arn:aws:codebuild:{region}:{account}:project/{build.rpartition('/')[2].partition(':')[0]}"
    if service == "logs" and operation in ("CreateLogStream", "PutLogEvents"):
        asked = json.loads(body)
        group, stream = asked["logGroupName"], asked["logStreamName"]
        return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
    if service == "codepipeline" and operation == "StartPipelineExecution":
        return f"arn:aws:codepipeline:{region}:{account}:{json.loads(body)['name']}"
    return ""


class Keys:
    """The customers' keys behind what is encrypted, as the templates say it: the engine forgets most of them."""

    def __init__(self, table: dict[str, Any], secrets: ModuleType) -> None:
        """Listen to the engine's `table` of handlers, and look into its secrets."""
        self._keys: dict[str, str] = {}
        self._secrets = secrets._secrets
        for resource_type in ("AWS::S3::Bucket", "AWS::SNS::Topic"):
            handlers = table[resource_type]
            # Properties come second where a resource is created, third where it is updated.
            heard = {name: self._heard(handlers[name], place) for name, place in (("create", 1), ("update", 2))}
            table[resource_type] = {**handlers, **heard}

    def _heard(self, handler: Callable[..., Any], place: int) -> Callable[..., Any]:
        def handle(*arguments: Any, **options: Any) -> Any:
            answer = handler(*arguments, **options)
            self._keys[answer[0]] = _key(arguments[place])
            return answer

        return handle

    def behind(self, action: str, resource: str) -> str:
        """The ARN of the key that `action` on `resource` needs; empty where none is a customer's."""
        service = action.partition(":")[0]
        if service == "secretsmanager":
            key = next((each.get("KmsKeyId") for each in self._secrets.values() if each["ARN"] == resource), None)
        else:
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            key = self._keys.get(bucket if service == "s3" else resource)
        return str(key) if key and key.startswith("arn:") else ""


def _key(properties: dict[str, Any]) -> str:
    """The key in a bucket's or a topic's properties, empty without one."""
    for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
        return str(rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID", ""))
    return str(properties.get("KmsMasterKeyId", ""))
