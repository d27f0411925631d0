"""Creates Lambda functions, each with its own role and log group.

The code is inline, so that a reviewer can read it in the template.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from awacs import codepipeline, xray
from troposphere import AWSHelperFn, Sub, awslambda, encode_to_dict, iam, logs

from cicd_templates.blocks.inlined_modules import joined_text, read_module, read_source, with_needed_modules
from cicd_templates.blocks.keys import may_encrypt
from cicd_templates.blocks.log_groups import log_group, may_write
from cicd_templates.blocks.queues import may_send
from cicd_templates.blocks.removal_policies import because, exempt_from_check
from cicd_templates.blocks.roles import service_role
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES_KEY, log_group_name, physical_name
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.limits import require_length
from cicd_templates.layer.outputs import BucketName, KeyArn, QueueArn

PYTHON_RUNTIME = "python3.15"
MEMORY_MB = 256
# Apart from retries, a pipeline invokes a function once at a time. More simultaneous invocations would mean a loop.
CONCURRENCY = 2
# Lambda measures the variables of a function as JSON:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
VARIABLES_LENGTH = 4096
# The value of a reference is unknown before the deployment: the name of a bucket, or an ARN that contains a name.
REFERENCE_LENGTH = 128
CACHED_DIGESTS = 32


class Code(NamedTuple):
    """The source text of a Lambda function. `origin` is the path of the file of this repository that contains the
    text.
    """

    origin: str
    text: str


def inline_function(
    logical_id: str,
    env: Environment,
    code: Code,
    *grants: Grant,
    name: tuple[str, ...],
    key: KeyArn,
    dead_letters: QueueArn,
    timeout_seconds: int,
    variables: Mapping[str, AWSHelperFn | str],
    memory_mb: int = MEMORY_MB,
    network: awslambda.VPCConfig | None = None,
) -> tuple[logs.LogGroup, iam.Role, awslambda.Function]:
    """Return a log group, a role with `grants`, and the function that runs `code`, in the order of their creation.

    Lambda retries a failed asynchronous invocation twice and then drops it. The queue `dead_letters` receives the
    dropped invocations: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    _require_short_variables(physical_name(env, "AWS::Lambda::Function", *name), variables)
    group = log_group(f"{logical_id}LogGroup", env, log_group_name(env, "function", *name), key)
    role = service_role(
        f"{logical_id}Role",
        env,
        "lambda",
        may_write("WriteTheLog", group),
        may_send("SendDeadLetters", dead_letters),
        may_encrypt("UseTheKey", key),
        _may_send_traces("SendTraces"),
        *grants,
        name=[*name, "function"],
    )
    function = awslambda.Function(
        logical_id,
        FunctionName=physical_name(env, "AWS::Lambda::Function", *name),
        Runtime=PYTHON_RUNTIME,
        Architectures=["arm64"],
        Handler="index.handler",
        Role=role.get_att("Arn"),
        Timeout=timeout_seconds,
        MemorySize=memory_mb,
        KmsKeyArn=key,
        LoggingConfig=awslambda.LoggingConfig(LogGroup=group.ref()),
        DeadLetterConfig=awslambda.DeadLetterConfig(TargetArn=dead_letters),
        TracingConfig=awslambda.TracingConfig(Mode="Active"),
        Environment=awslambda.Environment(Variables=dict(variables)),
        Code=awslambda.Code(ZipFile=code.text),
    )
    because(function, f"Its code is {code.origin}, sha256 {_digest(code.text)}.")
    if env.pipeline.reserve_concurrency:
        function.ReservedConcurrentExecutions = CONCURRENCY
    else:
        exempt_from_check(
            function, "CKV_AWS_115", "Reserved concurrency is off: a new account has no concurrency to reserve."
        )
    if network is None:
        exempt_from_check(function, "CKV_AWS_117", "The function calls only AWS APIs, so it needs no VPC.")
    else:
        function.VpcConfig = network
    return group, role, function


# Many services have the same function, whose code can have 100,000 characters.
@lru_cache(CACHED_DIGESTS)
def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _require_short_variables(function: str, variables: Mapping[str, AWSHelperFn | str]) -> None:
    """Raise `ConfigurationError` if a function has longer environment variables than Lambda accepts."""
    values = {
        name: value if isinstance(value, str) else _with_long_references(value) for name, value in variables.items()
    }
    require_length(
        json.dumps(values, separators=(",", ":")),
        VARIABLES_LENGTH,
        f"the JSON of the environment variables of the Lambda function {function}",
        "shorten the name of the project, the service, a check or an environment, or remove exceptions for unsigned"
        " images",
    )


def _with_long_references(value: AWSHelperFn) -> str:
    """Return the text of `value`, with a long placeholder instead of each reference.

    The result is about as long as the text that CloudFormation will insert. Pseudo parameters are not replaced.
    """
    text = str(encode_to_dict(value).get("Fn::Sub", "${Reference}"))
    return re.sub(r"\$\{(?!AWS::)[^}]*\}", "x" * REFERENCE_LENGTH, text)


def _may_send_traces(sid: str) -> Grant:
    """Let Lambda send traces of a function to X-Ray. Lambda uses the function's role for this."""
    return allow(
        sid,
        [xray.PutTelemetryRecords, xray.PutTraceSegments],
        on="*",
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        because="xray supports no resource-level permissions for sending traces.",
    )


def may_answer_jobs(sid: str) -> Grant:
    """Let a function report the result of its job to CodePipeline."""
    return allow(
        sid,
        [codepipeline.PutJobFailureResult, codepipeline.PutJobSuccessResult],
        on="*",
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
        because="codepipeline:PutJob...Result support no resource-level permissions; only the invoked function knows"
        " its job's id.",
    )


def templates_variables(env: Environment, bucket: BucketName) -> dict[str, AWSHelperFn | str]:
    """Return the environment variables that tell a Lambda function where the reviewed templates are.

    If the configuration accepts an older version of the templates, an additional variable names this older version.
    """
    variables: dict[str, AWSHelperFn | str] = {"TEMPLATES_BUCKET": bucket, "TEMPLATES_KEY": TEMPLATES_KEY}
    if env.pipeline.older_templates:
        variables["OLDER_TEMPLATES"] = env.pipeline.older_templates
    return variables


def registry_variables(env: Environment, service: Service) -> dict[str, AWSHelperFn | str]:
    """Return the environment variables that a function needs to verify the image of a release."""
    tools = env.tools
    repository = physical_name(tools, "AWS::ECR::Repository", service.name)
    return {
        "REPOSITORY": Sub(f"{tools.account}.dkr.ecr.{tools.region}.${{AWS::URLSuffix}}/{repository}"),
        "SEVERITIES": ",".join(service.settings.build.scan_severities),
    }


@cache
def source(module: str) -> Code:
    """Return the text of `functions/<module>.py`, which becomes the inline code of a Lambda function.

    If the module imports other modules of this package, all of them are joined into one text. The text begins with the
    module's docstring.
    """
    path = f"functions/{module}"
    paths = with_needed_modules(path)
    origin = f"src/cicd_templates/{path}.py"
    if paths == [path]:
        return Code(origin, read_source(path))
    docstring = read_module(path).docstring
    text = joined_text([read_module(needed) for needed in paths])
    return Code(f"joined from {origin}", f'"""{docstring}"""\n\n{text}')
