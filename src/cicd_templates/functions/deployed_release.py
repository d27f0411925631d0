"""Examines the deployment of a release to an environment, and writes the statement about this deployment.

The statement contains only facts that the function itself reads from AWS:

- the signed release, from the evidence bucket
- the change sets, templates and resources, from CloudFormation
- the running service, from ECS, and the states of its alarms, from CloudWatch
- the approvers, from CodePipeline

The user parameters:

- `statements`: the folder with the signed statements about the release
- `stacks` and `layers`: the stacks that the stage deployed and their layers, in the same order, separated by commas
- `image`: the image of the release
- `role`: the role that the function assumes to read what was deployed
- `reviewed`: the digest of the review record that a person approved; missing if the stage needs no approval
- `region`, `environment` and `execution`

The environment variables. In lists, commas separate the items:

- `EVIDENCE_BUCKET`: the bucket with the statements
- `DEPLOYMENTS`: the key prefix of the statements about deployments
- `ENVIRONMENTS`: a list of the environments
- `STAGES`: a list with the stage that deploys to each environment
- `CHANGE_SETS`: a list with the name of the change sets in each environment
- `HEALTH_STACKS`: a list with the stack in each environment that has the service's alarms
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cicd_templates.functions.alarm_states import alarm_states
from cicd_templates.functions.approval_records import read_record
from cicd_templates.functions.evidence_format import (
    DEPLOYMENT,
    DEPLOYMENT_TYPE,
    RELEASE,
    TEMPLATES_ARCHIVE,
    moment,
    name_of_deployment,
)
from cicd_templates.functions.release_statements import statement_payload
from cicd_templates.functions.reviewed_change_sets import UNCHANGED, canonical, images_in
from cicd_templates.functions.role_clients import client_in_role
from cicd_templates.functions.signed_images import SignedImage, read_signed_image, template_files
from cicd_templates.template.returned_text import is_text_of

# The actions of a stage that execute the service's change set and that ask for the approval.
EXECUTE_ACTION, APPROVE_ACTION = "Execute", "Approve"
# The layer of a migration, the ending of the stage in which it runs alone, and the beginning of the name of the action
# that runs it. The name ends with the name of the environment's stage.
MIGRATION_LAYER, MIGRATION_STAGE, MIGRATE_ACTION = "migration", "-Migration", "Migrate"
# The user parameters that every job has, and the one that a job after an approval has.
DEPLOYED = frozenset({"statements", "stacks", "layers", "role", "region", "environment", "execution", "image"})
REVIEWED = frozenset({"reviewed"})
# AWS does not document how soon ListActionExecutions shows that an action has ended.
MOST_LISTINGS, LISTING_SECONDS = 5, 3


@dataclass(frozen=True)
class DeploymentStatement:
    """A statement about a deployment: its S3 key and its payload.

    `problem` has the names of the alarms whose states could not be read, each with the reason. It is empty if all
    states could be read.
    """

    key: str
    payload: bytes
    problem: str


def deployment_statement(s3: Any, pipeline: Any, parameters: dict[str, str], signer: str) -> DeploymentStatement:
    """Return the statement about a deployment. Raises an error if anything differs from the signed release."""
    signed = read_signed_image(parameters["statements"])
    environment, approved = parameters["environment"], "reviewed" in parameters
    stage, migration = _of_environment("STAGES", environment), parameters["layers"] == MIGRATION_LAYER
    first, last = EXECUTE_ACTION, EXECUTE_ACTION
    if migration:
        stage, first, last = stage + MIGRATION_STAGE, EXECUTE_ACTION + MIGRATION_LAYER.title(), MIGRATE_ACTION + stage
    names = list(dict.fromkeys([first, last, *([APPROVE_ACTION] if approved else [])]))
    executions = _succeeded(pipeline, parameters["execution"], stage, names)
    began, ended = executions[first]["startTime"], executions[last]["lastUpdateTime"]
    stacks = _stacks(parameters, signed)
    earlier = _earlier(s3, signed.execution)
    kind = [environment, "migration-" if migration else None]
    number = 1 + sum([match[1], match[2]] == kind for match in filter(None, map(DEPLOYMENT.fullmatch, earlier)))
    name = name_of_deployment(environment, number, migration=migration)
    alarms = _alarms(parameters, _of_environment("HEALTH_STACKS", environment), began)
    predicate = {
        "file": name,
        "service": os.environ["SERVICE"],
        "environment": environment,
        "execution": parameters["execution"],
        "release": signed.execution,
        "templates": {
            "name": TEMPLATES_ARCHIVE,
            "uri": signed.templates,
            "digest": {"sha256": signed.templates_sha256},
        },
        "stacks": stacks,
        "began": moment(began),
        "ended": moment(ended),
        "services": _services(parameters, stacks),
        "alarms": alarms,
        **({"approval": _approval(parameters, stacks, executions[APPROVE_ACTION])} if approved else {}),
        "earlier": [{"name": each, "digest": {"sha256": digest}} for each, digest in earlier.items()],
        "attester": {"id": signer},
        "signedOn": moment(datetime.now(UTC)),
    }
    repository, _, digest = signed.image.partition("@sha256:")
    subject = [
        {"name": repository, "digest": {"sha256": digest}},
        {"name": RELEASE, "digest": {"sha256": _digest(s3, f"{parameters['statements']}/{RELEASE}")}},
    ]
    key = f"{os.environ['DEPLOYMENTS']}/{signed.execution}/{name.partition('/')[2]}"
    unread = ", ".join(f"{alarm['name']} ({alarm['unread']})" for alarm in alarms if "unread" in alarm)
    problem = f"The statement lacks the states of alarms that could not be read: {unread}" if unread else ""
    return DeploymentStatement(key, statement_payload(subject, DEPLOYMENT_TYPE, predicate), problem)


def _of_environment(variable: str, environment: str) -> str:
    """Return the item for `environment` from a list. `variable` is the environment variable that has the list.

    Raises `ValueError` if the list has no such item.
    """
    return os.environ[variable].split(",")[os.environ["ENVIRONMENTS"].split(",").index(environment)]


def _succeeded(pipeline: Any, execution: str, stage: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the newest execution of each action in `names`. Raises `ValueError` if an action has not succeeded."""
    statuses: dict[str, str] = {}
    for attempt in range(MOST_LISTINGS):
        if attempt:
            time.sleep(LISTING_SECONDS)
        pages = pipeline.get_paginator("list_action_executions").paginate(
            pipelineName=os.environ["PIPELINE"], filter={"pipelineExecutionId": execution}
        )
        listed = [each for page in pages for each in page["actionExecutionDetails"] if each["stageName"] == stage]
        newest = {each["actionName"]: each for each in sorted(listed, key=lambda each: each["startTime"])}
        statuses = {name: newest[name]["status"] if name in newest else "missing" for name in names}
        if set(statuses.values()) == {"Succeeded"}:
            return {name: newest[name] for name in names}
    raise ValueError(f"the actions of {stage} have not succeeded: {statuses}")


def _stacks(parameters: dict[str, str], signed: SignedImage) -> list[dict[str, Any]]:
    """Return the image and the template that each stack runs.

    Raises `ValueError` if an image or a template is not signed, or if the change set of a stack was not executed.
    """
    files = template_files(parameters["environment"], parameters["layers"].split(","))
    templates = signed.read_templates(*files)
    cloudformation = _client("cloudformation", parameters)
    name = _of_environment("CHANGE_SETS", parameters["environment"])
    found = []
    for stack, file, template in zip(parameters["stacks"].split(","), files, templates, strict=True):
        change_set = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        arn, stack_arn = change_set["ChangeSetId"], change_set["StackId"]
        executed = change_set["ExecutionStatus"] == "EXECUTE_COMPLETE"
        if not executed and not change_set.get("StatusReason", "").startswith(UNCHANGED):
            raise ValueError(f"{stack}: the change set {arn} has the execution status {change_set['ExecutionStatus']}")
        images = images_in(change_set)
        if images != [signed.image]:
            raise ValueError(
                f"{stack}: it deploys {', '.join(images) or 'no image'}, but the signed image is {signed.image}"
            )
        resources = cloudformation.describe_stack_resources(StackName=stack_arn)["StackResources"]
        entry = {
            "stack": stack_arn,
            "changeSet": arn,
            "executed": executed,
            "taskDefinitions": _physical_ids(resources, "AWS::ECS::TaskDefinition"),
            "services": _physical_ids(resources, "AWS::ECS::Service"),
        }
        if executed:
            # A change set without changes deploys no template: comments of the stack's template may differ.
            body = cloudformation.get_template(StackName=stack_arn, TemplateStage="Original")["TemplateBody"]
            if not is_text_of(template, body if isinstance(body, str) else canonical(body)):
                raise ValueError(f"{stack}: the template differs from the file {file} of the signed templates")
            sha256 = hashlib.sha256(template.encode()).hexdigest()
            entry["template"] = {"name": file, "digest": {"sha256": sha256}}
        found.append(entry)
    return found


def _physical_ids(resources: list[dict[str, Any]], resource_type: str) -> list[str]:
    return [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == resource_type]


def _services(parameters: dict[str, str], stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each ECS service of `stacks`, with the task definition revision that it runs. A job has no ECS service.

    Raises `ValueError` if a service runs a task definition that is not in the service's stack.
    """
    found = []
    for stack in stacks:
        for arn in stack["services"]:
            cluster = arn.split("/")[-2]
            (service,) = _client("ecs", parameters).describe_services(cluster=cluster, services=[arn])["services"]
            if service["taskDefinition"] not in stack["taskDefinitions"]:
                raise ValueError(f"{arn} runs {service['taskDefinition']}, which is not in {stack['stack']}")
            counts = {name: service[name] for name in ("desiredCount", "runningCount")}
            found.append({"service": arn, "taskDefinition": service["taskDefinition"], **counts})
    return found


def _alarms(parameters: dict[str, str], stack: str, began: datetime) -> list[dict[str, Any]]:
    """Return the states that the alarms of a stack had from `began` until now."""
    from botocore.exceptions import ClientError

    try:
        answer = _client("cloudformation", parameters).describe_stack_resources(StackName=stack)
    except ClientError as error:
        return [{"name": stack, "unread": error.response["Error"]["Code"]}]
    names = _physical_ids(answer["StackResources"], "AWS::CloudWatch::Alarm")
    return alarm_states(_client("cloudwatch", parameters), names, began, datetime.now(UTC))


def _approval(parameters: dict[str, str], stacks: list[dict[str, Any]], approval: dict[str, Any]) -> dict[str, Any]:
    """Return who approved which change sets. Raises `ValueError` if a stack has a change set that was not approved."""
    record = read_record(parameters["environment"], parameters["execution"], parameters["reviewed"])
    approved = {entry["changeSetArn"] for entry in record["changeSets"]}
    if others := [stack["changeSet"] for stack in stacks if stack["changeSet"] not in approved]:
        raise ValueError(f"the change sets {others} were not approved")
    return {
        "record": parameters["reviewed"],
        "page": record["page"],
        # `updatedBy` is the ARN of the user who last changed the execution of the action: the approver. The model of
        # CodePipeline's API does not require this member.
        "approvedBy": approval.get("updatedBy", ""),
        "approvedOn": moment(approval["lastUpdateTime"]),
    }


def _earlier(s3: Any, release: str) -> dict[str, str]:
    """Return the SHA-256 of every earlier statement about a deployment of the release, keyed by file name."""
    prefix = f"{os.environ['DEPLOYMENTS']}/{release}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=os.environ["EVIDENCE_BUCKET"], Prefix=prefix)
    keys = sorted(each["Key"] for page in pages for each in page.get("Contents", ()))
    return {f"deployments/{key.removeprefix(prefix)}": _digest(s3, key) for key in keys}


def _digest(s3: Any, key: str) -> str:
    content = s3.get_object(Bucket=os.environ["EVIDENCE_BUCKET"], Key=key)["Body"].read()
    return hashlib.sha256(content).hexdigest()


def _client(service: str, parameters: dict[str, str]) -> Any:
    return client_in_role(service, parameters["role"], parameters["region"], "signer")
