"""An account in which a release was signed and deployed: stacks, a service with alarms, and an approval.

A test changes the answers of AWS before the signer looks at the deployment. The requests are validated by botocore's
models, as in AWS.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.functions import sign
from cicd_templates.functions.approval_records import record_key
from cicd_templates.functions.reviewed_change_sets import canonical, digest_of
from tests.fakes.signing_account import DIGEST, EXECUTION, PARAMETERS, REPOSITORY, SERVICE, SigningAccount, archive

FOLDER = f"{SERVICE}/{EXECUTION}/signed"
SIGNED = f"{REPOSITORY}@{DIGEST}"
SIGNER = "arn:aws:lambda:eu-central-1:111122223333:function:shop-tools-basket-signer"
CHANGE_SET = "basket-release"
LAYERS = ("service", "migration")
TEMPLATES = {layer: f"Resources:\n  {layer}: {{Type: 'AWS::SNS::Topic'}}\n" for layer in LAYERS}
CLUSTER = "shop-staging-cluster"
SERVICE_ARN = f"arn:aws:ecs:eu-central-1:222222222222:service/{CLUSTER}/shop-staging-basket"
REVISION = "arn:aws:ecs:eu-central-1:222222222222:task-definition/shop-staging-basket:7"
APPROVER = "arn:aws:sts::111122223333:assumed-role/Approvers/ada"


def minute(number: int) -> datetime:
    return datetime(2026, 11, 24, 12, number, tzinfo=UTC)


def stack_arn(layer: str) -> str:
    return f"arn:aws:cloudformation:eu-central-1:222222222222:stack/{stack_name(layer)}/1"


def stack_name(layer: str) -> str:
    return f"shop-staging-{layer}-basket"


def change_set_arn(layer: str) -> str:
    return f"arn:aws:cloudformation:eu-central-1:222222222222:changeSet/{CHANGE_SET}/{layer}"


def detail(action: str, begin: int, end: int, **more: Any) -> dict[str, Any]:
    """Return an execution of an action in the stage `Staging`, between two minutes."""
    return {
        "pipelineExecutionId": EXECUTION,
        "stageName": "Staging",
        "actionName": action,
        "startTime": minute(begin),
        "lastUpdateTime": minute(end),
        "status": "Succeeded",
        **more,
    }


class DeployedAccount(SigningAccount):
    """The account. Its attributes are the answers of AWS."""

    def __init__(self) -> None:
        super().__init__()
        files = {f"staging__{layer}-basket_dot_yaml": text for layer, text in TEMPLATES.items()}
        self.objects["templates", "templates.zip"][1] = ("t-1", archive(**files))
        self.executions = [
            detail("Approve", 1, 9, updatedBy=APPROVER),
            detail("Execute", 10, 20),
            detail("Execute", 10, 20) | {"stageName": "Production", "status": "Failed"},
        ]
        # How often ListActionExecutions has been called, and the executions that only its last answer has.
        self.late: list[dict[str, Any]] = []
        self.change_sets: dict[str, dict[str, Any]] = {
            stack_name(layer): {
                "ChangeSetId": change_set_arn(layer),
                "StackId": stack_arn(layer),
                "Status": "CREATE_COMPLETE",
                "ExecutionStatus": "EXECUTE_COMPLETE",
                "Parameters": [{"ParameterKey": "ImageUri", "ParameterValue": SIGNED}],
            }
            for layer in LAYERS
        }
        self.templates: dict[str, Any] = {stack_arn(layer): text for layer, text in TEMPLATES.items()}
        self.resources = {
            stack_arn("service"): {
                "Service": ("AWS::ECS::Service", SERVICE_ARN),
                "TaskDefinition": ("AWS::ECS::TaskDefinition", REVISION),
            },
            stack_arn("migration"): {"TaskDefinition": ("AWS::ECS::TaskDefinition", f"{REVISION}0")},
            stack_name("health"): {
                "SlowAlarm": ("AWS::CloudWatch::Alarm", "slow"),
                "ErrorsAlarm": ("AWS::CloudWatch::Alarm", "errors"),
                "UnwellAlarm": ("AWS::CloudWatch::CompositeAlarm", "unwell"),
            },
        }
        self.service: dict[str, Any] = {
            "serviceArn": SERVICE_ARN,
            "taskDefinition": REVISION,
            "desiredCount": 2,
            "runningCount": 2,
        }
        self.alarms = {"errors": "OK", "slow": "OK"}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.assumed: list[str] = []
        # When the change set was executed, after which the states of alarms count.
        self.began = minute(10)

    def sign_release(self) -> None:
        assert self.invoke(PARAMETERS)[0] == "success"

    def invoke(self, parameters: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Invoke the signer, and return its only answer."""
        configuration = {"configuration": {"UserParameters": json.dumps(parameters)}}
        job = {"id": "11111111-2222-3333-4444-555555555555", "data": {"actionConfiguration": configuration}}
        sign.handler({"CodePipeline.job": job}, SimpleNamespace(invoked_function_arn=SIGNER))
        (only,) = self.answers
        self.answers.clear()
        return only

    def attest(self, *layers: str, **more: str) -> tuple[str, dict[str, Any]]:
        """Let the signer look at the deployment of the stacks of `layers`."""
        layers = layers or ("service",)
        parameters = {
            "statements": FOLDER,
            "image": SIGNED,
            "stacks": ",".join(map(stack_name, layers)),
            "layers": ",".join(layers),
            "role": "arn:aws:iam::222222222222:role/shop-staging-review-basket",
            "region": "eu-central-1",
            "environment": "staging",
            "execution": EXECUTION,
        }
        return self.invoke(parameters | more)

    def approve(self, *layers: str) -> str:
        """Store the record of an approval of these layers' change sets, and return its digest."""
        page = {"page.html": "<!doctype html>", "page.json": "{}"}
        record = {
            "environment": "staging",
            "execution": EXECUTION,
            "changeSets": [{"stack": stack_name(layer), "changeSetArn": change_set_arn(layer)} for layer in layers],
            "page": {name: digest_text(text) for name, text in page.items()},
        }
        digest = digest_of(record)
        for name, text in {**page, "change-sets.json": canonical(record)}.items():
            self.put("evidence", record_key("staging", EXECUTION, digest, name), text.encode(), "a-1")
        return digest

    def _AssumeRole(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:  # noqa: N802, N803
        self.assumed.append(f"{RoleArn.rpartition('/')[2]} as {RoleSessionName}")
        return super()._AssumeRole(RoleArn, RoleSessionName)

    def _ListActionExecutions(self, pipelineName: str, filter: dict[str, str]) -> dict[str, Any]:  # noqa: A002, N802, N803
        answer = super()._ListActionExecutions(pipelineName, filter)
        listed = [*answer["actionExecutionDetails"], *self.executions]
        self.executions += self.late
        return {"actionExecutionDetails": listed}

    def _DescribeChangeSet(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:  # noqa: N802, N803
        assert ChangeSetName == CHANGE_SET
        return self.change_sets[StackName]

    def _GetTemplate(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N802, N803
        assert TemplateStage == "Original"
        return {"TemplateBody": self.templates[StackName]}

    def _DescribeStackResources(self, StackName: str) -> dict[str, Any]:  # noqa: N802, N803
        if StackName not in self.resources:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "no"}}, "DescribeStackResources")
        return {
            "StackResources": [
                {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
                for name, (kind, physical) in self.resources[StackName].items()
            ]
        }

    def _DescribeServices(self, cluster: str, services: list[str]) -> dict[str, Any]:  # noqa: N802
        assert (cluster, services) == (CLUSTER, [SERVICE_ARN])
        return {"services": [self.service], "failures": []}

    def _DescribeAlarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        (name,) = AlarmNames
        if name in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")
        found = [{"AlarmName": name, "StateValue": self.alarms[name]}] if name in self.alarms else []
        return {"MetricAlarms": found}

    def _DescribeAlarmHistory(self, **asked: Any) -> dict[str, Any]:  # noqa: N802
        assert (asked["HistoryItemType"], asked["ScanBy"]) == ("StateUpdate", "TimestampAscending")
        assert asked["StartDate"] == self.began < asked["EndDate"]
        items = self.history.get(asked["AlarmName"], [])
        begin = int(asked.get("NextToken", 0))
        # One item a page, so that a reader of one page is noticed.
        more = {"NextToken": str(begin + 1)} if items[begin + 1 :] else {}
        return {"AlarmHistoryItems": items[begin : begin + 1], **more}


def digest_text(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def state_update(number: int, state: str, data: str = "") -> dict[str, Any]:
    """Return an item of an alarm's history. `data` replaces its data."""
    return {
        "Timestamp": minute(number),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated to {state}",
        "HistoryData": data or json.dumps({"version": "1.0", "newState": {"stateValue": state}}),
    }
