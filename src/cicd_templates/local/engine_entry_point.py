"""Start the engine of the local AWS with the features that this package adds.

`engine_process` runs this file in the engine's interpreter.
"""

import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import caller_identity  # type: ignore[import-not-found]
import codepipeline  # type: ignore[import-not-found]
import computed_alarms  # type: ignore[import-not-found]
import condition_keys  # type: ignore[import-not-found]
import create_only  # type: ignore[import-not-found]
import data_api  # type: ignore[import-not-found]
import database_clusters  # type: ignore[import-not-found]
import deployment_hooks  # type: ignore[import-not-found]
import ecs_deployments  # type: ignore[import-not-found]
import ecs_tasks  # type: ignore[import-not-found]
import encryption  # type: ignore[import-not-found]
import event_targets  # type: ignore[import-not-found]
import iam_decisions  # type: ignore[import-not-found]
import image_registry  # type: ignore[import-not-found]
import key_policies  # type: ignore[import-not-found]
import listener_rules  # type: ignore[import-not-found]
import object_lock  # type: ignore[import-not-found]
import recorded_answers  # type: ignore[import-not-found]
import recorded_types  # type: ignore[import-not-found]
import request_guard  # type: ignore[import-not-found]
import request_resources  # type: ignore[import-not-found] # top-level modules here
import schedules  # type: ignore[import-not-found]
import secret_references  # type: ignore[import-not-found]
import secret_values  # type: ignore[import-not-found]
import shared_resources  # type: ignore[import-not-found]
import template_refusals  # type: ignore[import-not-found]
import yaml
import yaml_loader  # type: ignore[import-not-found]
from botocore import session
from ministack import app  # type: ignore[import-not-found] # installed in the engine's environment only
from ministack.core import iam_actions, iam_evaluator, responses, router, sigv4  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    alb,
    cloudformation,
    cloudwatch_logs,
    ecr,
    ecs,
    eventbridge,
    iam,
    kms,
    rds,
    rds_data,
    s3,
    scheduler,
    secretsmanager,
)
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    changesets,
    drift,
    handlers,
    provisioners,
    stacks,
)
from ministack.services.cloudformation import engine as templates
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # type: ignore[import-not-found]

folder = Path(os.environ["TMPDIR"])
# For the content type of its answers, the engine makes a session for each service. A session takes longer than a model.
get_session: Callable[..., session.Session] = functools.cache(session.get_session)
session.get_session = get_session
templates.CfnLoader = yaml_loader.read_with_c(templates.CfnLoader, yaml.CSafeLoader)
computed_alarms.register(provisioners)
recorded_types.register(_RESOURCE_HANDLERS, folder, responses.get_account_id, responses.get_region)
secret_values.register(secretsmanager, _RESOURCE_HANDLERS, responses.error_response_json)
secret_references.secrets_by_arn(_RESOURCE_HANDLERS, drift._DRIFT_READERS)
recorded_answers.refuse_existing_log_groups(_RESOURCE_HANDLERS, cloudwatch_logs._log_groups)
listener_rules.refuse_in_templates(_RESOURCE_HANDLERS, alb._rules)
listener_rules.refuse_in_calls(alb._ACTION_MAP, alb)
modules = {"engine": templates, "changesets": changesets, "handlers": handlers, "stacks": stacks}
password_secrets = database_clusters.register(_RESOURCE_HANDLERS, responses.get_account_id, responses.get_region)
recorded_answers.register(cloudformation, modules, template_refusals.template_refusal)
schedules.register(_RESOURCE_HANDLERS, scheduler, iam._roles)
create_only.register(stacks, provisioners, Path(os.environ["SCHEMAS"]), responses.get_region)
key_policies.register(kms, _RESOURCE_HANDLERS, responses.get_account_id, responses.error_response_json)
object_lock.register(s3, _RESOURCE_HANDLERS)
keys = encryption.ResourceKeys(_RESOURCE_HANDLERS, secretsmanager, kms)
record = recorded_types.Record(folder)
event_targets.register(eventbridge, cloudwatch_logs, record.start)
event_targets.name_versions(s3, eventbridge)
codepipeline.register(
    app,
    router,
    iam_actions,
    codepipeline.JobResults(folder),
    codepipeline.ActionExecutions(folder),
    codepipeline.PipelineExecutions(
        folder,
        responses.get_account_id,
        lambda account: {
            entry["id"] for entry in record.entries(account) if entry["type"] == "AWS::CodePipeline::Pipeline"
        },
        record.starts,
    ),
)
ecs_tasks.name_settings_as_ecs_does(provisioners)
ecs_tasks.register(ecs, ecs_tasks.Tasks(folder))
ecs_deployments.register(ecs)
image_registry.register(app)
seen = request_resources.Requests(
    iam_actions,
    lambda definition: ecs_tasks.passed_roles(ecs, definition),
    lambda change_set: str(cloudformation._change_sets.get(change_set, {}).get("StackId", "")),
    lambda stack: {
        tag["Key"]: tag["Value"]
        for found in (cloudformation._stacks.get(stack, {}),)
        if found.get("StackStatus") != "DELETE_COMPLETE"
        for tag in found.get("Tags", ())
    },
    shared_resources.key_of_alias(kms, responses.request_scope),
)
seen.listen()
condition_keys.register(iam_evaluator, iam_actions)
if os.environ.get("COUNT_AS_TLS"):
    caller_identity.secure(app)
caller_identity.services(iam_evaluator)
caller_identity.principals(iam_evaluator, iam._roles)
caller_identity.roles_with_paths(iam_evaluator)
calls = iam_decisions.Calls(folder)
iam_decisions.Decisions(iam_evaluator, calls, keys.key_of, encryption.KEY_ACTIONS, seen.passed).listen()
if os.environ["AUTH"] == "true":
    # Without IAM, nobody would ask the policies of the other account.
    requests = shared_resources.Requests(
        responses.request_scope,
        lambda: (responses.get_account_id(), responses.get_region()),
        iam_evaluator.caller_arn,
        responses.error_response_json,
    )
    shared_resources.register(app, kms, ecr, requests)
data_api.register(
    rds_data,
    data_api.DataApi(
        data_api.Servers(folder),
        password_secrets,
        rds._resolve_cluster,
        data_api.denials(iam_evaluator.enforce, router.extract_access_key_id, responses.get_region),
        responses.json_response,
        responses.error_response_json,
    ),
)
# The engine reads this variable as well. With the secret, it signs what it does on behalf of an account.
secret = os.environ["AWS_SECRET_ACCESS_KEY"]
if os.environ.get("COUNT_AS_TLS"):
    # Only with IAM and TLS can a hook use what the policies of other accounts allow it to use.
    endpoint = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    invoke = deployment_hooks.invoke_as_ecs(endpoint, secret)
    calls_of_hooks = deployment_hooks.HookCalls(folder)
    deployment_hooks.register(ecs, stacks, deployment_hooks.Deployments(ecs, calls_of_hooks, invoke))
secret_of = request_guard.secret_of_key(secret, iam_evaluator, responses._account_from_sts_session)
app.app = request_guard.RequestGuard(app.app, int(os.environ["GATEWAY_PORT"]), secret, sigv4, secret_of)
# If the process that started this one was killed meanwhile, nobody would stop the engine or remove its folder.
if not sys.stdin.readline():
    shutil.rmtree(folder)
    sys.exit()
# Functions inherit the standard input.
os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
sys.argv = ["ministack"]
app.main()
