"""A fake account in which migrations run, with ECS, S3 and CodePipeline. botocore's models check each request."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from botocore.response import StreamingBody

from cicd_templates.functions import migrate
from tests.unit.functions.test_functions import CREDENTIALS, Aws, job
from tests.unit.functions.test_hooks import DIGEST, REPOSITORY, Clock, scan

HOUR = 3600
# ECS describes a stopped task, and keeps the token of its request, for an hour after its end.
FORGOTTEN = HOUR
TOKEN_LIFE = 24 * HOUR
RUN = "33333333-2222-3333-4444-555555555555"
OTHER_RUN = "44444444-2222-3333-4444-555555555555"
CLUSTER = "orders-staging-cluster"
FAMILY = "orders-staging-shop-migration"
IMAGE = f"{REPOSITORY}@{DIGEST}"
ASKED = {
    "stage": "Staging",
    "environment": "staging",
    "role": "arn:aws:iam::222222222222:role/orders-staging-migration-shop",
    "region": "eu-central-1",
    "cluster": CLUSTER,
    "log": "/orders/staging/migration/shop",
    "image": IMAGE,
    "definition": f"arn:aws:ecs:eu-central-1:222222222222:task-definition/{FAMILY}:7",
    "subnets": "subnet-1,subnet-2",
    "group": "sg-1",
}
VARIABLES = {
    "PIPELINE": "shop-orders-tools",
    "SERVICE": "shop",
    "SUBJECT": "migration",
    "RECORDS": "migrations",
    "LIMIT_MINUTES": "360",
    "EVIDENCE_BUCKET": "evidence",
    "REPOSITORY": REPOSITORY,
    "SEVERITIES": "CRITICAL,HIGH",
}


class Account(Aws):
    """ECS, S3 and CodePipeline with state. `now` is the time; `errors` has the codes of the next errors."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.jobs = itertools.count(1)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, tuple[dict[str, Any], str, float]] = {}
        self.objects: dict[str, bytes] = {}
        self.errors: dict[str, list[str]] = {}
        self.image = IMAGE
        self.containers = ["shop"]
        for operation, behaviour in {
            "RunTask": self._run,
            "DescribeTasks": self._describe,
            "ListTasks": self._list,
            "PutObject": self._store,
            "ListObjectsV2": self._list_objects,
            "GetObject": lambda asked: {"Body": _stream(self.objects[asked["Key"]])},
            "DescribeTaskDefinition": lambda asked: {
                "taskDefinition": {
                    "containerDefinitions": [{"name": name, "image": self.image} for name in self.containers]
                }
            },
            "AssumeRole": lambda asked: {"Credentials": CREDENTIALS},
            "GetLogEvents": lambda asked: {"events": []},
            "DescribeImageScanFindings": lambda asked: scan("COMPLETE"),
        }.items():
            self.answer(operation, self._behaving(operation, behaviour))
        self.in_stage()

    def in_stage(
        self,
        run: str = RUN,
        *,
        status: str = "InProgress",
        kind: str | None = "STANDARD",
        of_stage: str | None = "STANDARD",
    ) -> None:
        """Put a run into the stage `Staging`."""
        latest = {"pipelineExecutionId": run, "status": status, **({"type": of_stage} if of_stage else {})}
        stages = [
            {"stageName": "Build", "latestExecution": {"pipelineExecutionId": OTHER_RUN, "status": "InProgress"}},
            {"stageName": "Production"},
            {"stageName": "Staging", "latestExecution": latest},
        ]
        state = {"pipelineName": VARIABLES["PIPELINE"], "stageStates": stages}
        execution = {"pipelineExecution": {"pipelineExecutionId": run, **({"executionType": kind} if kind else {})}}
        self.answers["GetPipelineState"] = [self._behaving("GetPipelineState", lambda asked: state)]
        self.answers["GetPipelineExecution"] = [execution]

    def invoke(self, token: str = "", *, parameters: dict[str, str] = ASKED, number: int | None = None) -> Any:
        """Invoke the function with a job of its own, and return its answer: a token, variables or a failure."""
        event = job(parameters)
        event["CodePipeline.job"]["id"] = (
            f"{next(self.jobs) if number is None else number:08d}-0000-0000-0000-000000000000"
        )
        if token:
            event["CodePipeline.job"]["data"]["continuationToken"] = token
        before = len(self.calls)
        migrate.handler(event, Clock(60))
        ((operation, answer),) = [call for call in self.calls[before:] if call[0].startswith("PutJob")]
        assert answer["jobId"] == event["CodePipeline.job"]["id"]
        if operation == "PutJobFailureResult":
            assert answer["failureDetails"]["type"] == "JobFailed"
            return ("failed", answer["failureDetails"]["message"])
        if "continuationToken" in answer:
            assert "outputVariables" not in answer
            return ("waits", answer["continuationToken"])
        (outcome,) = answer["outputVariables"].values()
        return ("done", outcome)

    def waits(self, token: str = "", **more: Any) -> str:
        """Invoke the function, which must answer with a token."""
        kind, answer = self.invoke(token, **more)
        assert kind == "waits", answer
        return str(answer)

    def fails(self, token: str = "", **more: Any) -> str:
        """Invoke the function, which must answer with a failure."""
        kind, answer = self.invoke(token, **more)
        assert kind == "failed", answer
        return str(answer)

    def started(self) -> list[str]:
        """Return the tasks that the function has started, in their order."""
        return list(self.tasks)

    def end(
        self,
        arn: str,
        *codes: int | None,
        reason: str = "",
        code: str = "EssentialContainerExited",
        sidecars: Mapping[str, int | None] = MappingProxyType({}),
    ) -> None:
        """Stop a task. `codes` are the exit codes of its own containers; `sidecars` has those that AWS has added."""
        exits = [*sidecars.items(), *zip(self.containers, codes, strict=False)]
        containers = [{"name": name, **({} if value is None else {"exitCode": value})} for name, value in exits]
        ended = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": reason, "stopCode": code}
        self.tasks[arn] |= {**ended, "containers": containers, "ended": self.now}

    def add_task(self, family: str = FAMILY, revision: str = "7", **more: str) -> str:
        """Start a task by hand."""
        arn = f"arn:aws:ecs:eu-central-1:222222222222:task/{CLUSTER}/{len(self.tasks):032x}"
        status = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", **more}
        definition = f"{ASKED['definition'].rpartition('/')[0]}/{family}:{revision}"
        containers = [{"name": name} for name in self.containers]
        self.tasks[arn] = {"taskArn": arn, "taskDefinitionArn": definition, "family": family, **status}
        self.tasks[arn]["containers"] = containers
        return arn

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """Return the requests for an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def _behaving(self, operation: str, behaviour: Any) -> Any:
        return lambda asked: self.errors[operation].pop(0) if self.errors.get(operation) else behaviour(asked)

    def _forgotten(self, arn: str) -> bool:
        ended = self.tasks[arn].get("ended")
        return ended is not None and self.now - ended > FORGOTTEN

    def _run(self, asked: dict[str, Any]) -> Any:
        token = asked["clientToken"]
        if token in self.tokens:
            before, arn, at = self.tokens[token]
            if self.now - at < TOKEN_LIFE and not self._forgotten(arn):
                return _shown(self.tasks[arn]) if before == asked else ("ConflictException", {"resourceIds": [arn]})
        family, _, revision = asked["taskDefinition"].rpartition("/")[2].rpartition(":")
        arn = self.add_task(family, revision, lastStatus="PROVISIONING")
        self.tokens[token] = (asked, arn, self.now)
        return _shown(self.tasks[arn])

    def _describe(self, asked: dict[str, Any]) -> Any:
        known = [arn for arn in asked["tasks"] if arn in self.tasks and not self._forgotten(arn)]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in known]
        return {**_shown(*(self.tasks[arn] for arn in known)), "failures": missing}

    def _list(self, asked: dict[str, Any]) -> Any:
        wanted = [
            arn
            for arn, task in self.tasks.items()
            if (task["family"], task["desiredStatus"]) == (asked["family"], asked["desiredStatus"])
        ]
        return {"taskArns": [arn for arn in wanted if not self._forgotten(arn)]}

    def _store(self, asked: dict[str, Any]) -> Any:
        assert (asked["IfNoneMatch"], asked["ChecksumAlgorithm"]) == ("*", "SHA256")
        if asked["Key"] in self.objects:
            return "PreconditionFailed"
        self.objects[asked["Key"]] = asked["Body"]
        return {}

    def _list_objects(self, asked: dict[str, Any]) -> Any:
        keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]))[: asked["MaxKeys"]]
        return {"Contents": [{"Key": key} for key in keys]} if keys else {}

    def entries(self) -> list[tuple[str, Any]]:
        """Return the evidence, oldest attempt first."""
        return [
            (key.rpartition("/")[2].removesuffix(".json"), json.loads(self.objects[key]))
            for key in sorted(self.objects, key=lambda key: (-int(key.split("/")[-2]), key.endswith("ended.json")))
        ]


def _shown(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"tasks": [{key: value for key, value in task.items() if key not in ("family", "ended")} for task in tasks]}


def _stream(body: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(body), len(body))
